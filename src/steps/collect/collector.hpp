#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/current.hpp"
#include "base/result.hpp"
#include "env/clock.hpp"
#include "env/metrics.hpp"
#include "flow/log.hpp"
#include "flow/state.hpp"
#include "mail/codec.hpp"
#include "mail/event.hpp"
#include "mail/parse/parse.hpp"
#include "steps/collect/tenants.hpp"
#include "trust/reference.hpp"

namespace bonafide::steps {

/// A message as a front door got it.
struct Submission {
  ByteView raw;             ///< as received, after dot-unstuffing; need only live until submit() returns
  std::string door;         ///< "http", "files", "replay" …
  std::string tenant;       ///< "": found from the recipients
  mail::Envelope envelope;  ///< of the SMTP session, where the caller knows it
  bool session_known =
      false;  ///< the envelope is the session's; else client, HELO and sender are taken from the edge
  std::optional<Time> received_at;  ///< from trusted callers only
  mail::Edge edge;                  ///< which of the headers are believed
  flow::Lane lane = flow::Lane::live;
};

/// What the door answers once the event survives a power cut.
struct Receipt {
  EventId id;  ///< of the first event; the same for a repeat
  bool duplicate = false;
  std::vector<EventId> ids;          ///< one a tenant
  std::vector<std::string> tenants;  ///< whose each of `ids` is
};

/// The one place where mail comes in: bytes → facts → ids → durable event → "accepted" (invariants 1 and 3).
/// All front doors share it. Safe from any thread; each caller brings a parser of its own.
class Collector {
 public:
  struct Settings {
    Duration deadline = Duration::seconds(2);  ///< from acceptance to verdict
    Duration dedupe_for = Duration::days(7);
    size_t max_message_bytes = size_t{50} * 1024 * 1024;
    bool keep_raw = false;  ///< the bytes go to mail.raw in the same synced append (raw.hpp)
    Duration clock_skew = Duration::minutes(5);  ///< received_at may be so much after acceptance
    bool event_time_is_wall_time = false;  ///< replay: acceptance is the event time, no wall clock is asked
  };
  struct Parts {
    env::Clock& clock;
    flow::Log& log;
    flow::State& dedupe;  ///< dedupe key → first id; kept by DedupeSink
    const mail::EventCodec& codec;
    const Current<Tenants>& tenants;  ///< one value of it for all of a message
    env::Metrics& metrics;
    std::string installation_key;
    const Current<trust::ReferenceData>& reference;  ///< who is a free mail provider
  };
  using Done = std::function<void(Result<Receipt>)>;

  Collector(Settings settings, Parts parts);

  /// May a message of so many bytes be taken now?
  flow::Inlet::Admission admit(size_t bytes) { return parts_.log.inlet().admit(bytes); }
  /// Takes a message. `done` is called once, maybe on another thread, maybe before this returns. Errors:
  /// invalid (too large, no such tenant); exhausted, unavailable (as admit() says; nothing was taken);
  /// internal.
  void submit(mail::Parser& parser, const Submission& submission, Done done);
  /// Sends a heartbeat across the whole pipeline.
  void heartbeat();
  /// The fold over mail.received has taken these in: they need no longer be kept in memory.
  void settled(const std::vector<std::string>& dedupe_keys);
  [[nodiscard]] const Settings& settings() const { return settings_; }

  /// Key in the dedupe state, and the field that carries the id.
  static std::string dedupe_state_key(ByteView dedupe_key) { return "d" + std::string(dedupe_key); }
  static flow::Delta dedupe_delta(const mail::Received& received);

 private:
  struct InFlight {
    EventId id;
    bool synced = false;
    std::vector<Done> waiting;  ///< repeats that came before the first was synced
  };

  std::vector<mail::Received> make_events(mail::Parser& parser, const Submission& submission,
                                          const Tenants& tenants, Time now);
  std::optional<EventId> first_id(const std::string& dedupe_key);
  flow::Entry entry_of(std::shared_ptr<const mail::EventPayload<mail::Received>> payload, flow::Lane lane);
  void synced(const std::vector<std::string>& keys, const Receipt& receipt,
              const Result<flow::Inlet::Landed>& landed, const Done& done);

  Settings settings_;
  Parts parts_;
  std::mutex
      order_;  // the dedupe decision and the append are one step; taken before mutex_, not held by callbacks
  std::mutex mutex_;  // guards in_flight_
  std::unordered_map<std::string, InFlight> in_flight_;
  env::Counter& received_;
  env::Counter& duplicates_;
  env::Counter& refused_;
  env::Counter& emitted_;
  env::Counter& ignored_;
};

}  // namespace bonafide::steps
