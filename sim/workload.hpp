#pragma once
#include <string>
#include <vector>

#include "env/random.hpp"
#include "mail/facts.hpp"
#include "mail/parse/parse.hpp"
#include "sim/recorder.hpp"
#include "sim/world.hpp"

namespace bonafide::sim {

/// The mail of a history: new messages of a few senders to two tenants, one or both, some of it late or from
/// a past being loaded; repeats of what was sent before; judgements, a reprocess, heartbeats, and records
/// that are no events.
class Workload {
 public:
  Workload(World& world, Recorder& recorder) : world_(world), recorder_(recorder) {}

  /// One of these, by chance. To be called while the world is up and its door knows what it has taken.
  Status act();
  Status poison();
  /// What the answers of the door told that must not be; "" = nothing.
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  struct Message {
    int number = 0;
    std::string raw;
    mail::Envelope envelope;
  };
  Message make();
  void send(const Message& message, flow::Lane lane, std::optional<Time> received_at);
  Status judge();
  Status reprocess();
  void append(flow::Entry entry);
  EventId any_id();

  World& world_;
  Recorder& recorder_;
  mail::Parser parser_;
  std::vector<Message> sent_;
  std::vector<EventId> ids_;  ///< acknowledged
  int poisons_ = 0;
  std::string wrong_;
};

/// "number to,to": what the recorder keeps of a message for one tenant.
std::string key_of(const std::string& message_id, std::vector<std::string> recipients);

}  // namespace bonafide::sim
