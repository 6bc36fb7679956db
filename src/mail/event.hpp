#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "avro/shared_record.hpp"
#include "flow/record.hpp"
#include "mail/facts.hpp"

// The events on the streams mail.received, mail.enriched and mail.scored. Their schemas stand in schemas/,
// one file a version; a test holds these structs against the newest.
namespace bonafide::mail {

enum class Kind : uint8_t { message, heartbeat };
enum class Direction : uint8_t { inbound, outbound, internal };
enum class Verdict : uint8_t { trusted, suspicious, untrusted };
enum class Attack : uint8_t {
  none,
  domain_spoof,
  lookalike_domain,
  display_name_impostor,
  reply_to_diversion,
  account_takeover_like,
  known_bad_sender,
  unknown,
};
/// What somebody said of a message.
enum class Judgement : uint8_t { none, good, bad };
/// What made a revision.
enum class MadeBy : uint8_t { door, retry, feedback, reprocess };

}  // namespace bonafide::mail

namespace bonafide::avro {
template <>
struct EnumSymbols<mail::Kind> {
  static constexpr std::string_view name = "Kind";
  static constexpr std::array<std::string_view, 2> symbols = {"message", "heartbeat"};
  static constexpr std::string_view default_symbol = "message";
};
template <>
struct EnumSymbols<mail::Direction> {
  static constexpr std::string_view name = "Direction";
  static constexpr std::array<std::string_view, 3> symbols = {"inbound", "outbound", "internal"};
  static constexpr std::string_view default_symbol = "inbound";
};
template <>
struct EnumSymbols<mail::Verdict> {
  static constexpr std::string_view name = "Verdict";
  static constexpr std::array<std::string_view, 3> symbols = {"trusted", "suspicious", "untrusted"};
  static constexpr std::string_view default_symbol = "suspicious";
};
template <>
struct EnumSymbols<mail::Attack> {
  static constexpr std::string_view name = "Attack";
  static constexpr std::array<std::string_view, 8> symbols = {"none",
                                                              "domain_spoof",
                                                              "lookalike_domain",
                                                              "display_name_impostor",
                                                              "reply_to_diversion",
                                                              "account_takeover_like",
                                                              "known_bad_sender",
                                                              "unknown"};
  static constexpr std::string_view default_symbol = "unknown";
};
template <>
struct EnumSymbols<mail::Judgement> {
  static constexpr std::string_view name = "Judgement";
  static constexpr std::array<std::string_view, 3> symbols = {"none", "good", "bad"};
  static constexpr std::string_view default_symbol = "none";
};
template <>
struct EnumSymbols<mail::MadeBy> {
  static constexpr std::string_view name = "MadeBy";
  static constexpr std::array<std::string_view, 4> symbols = {"door", "retry", "feedback", "reprocess"};
  static constexpr std::string_view default_symbol = "door";
};
}  // namespace bonafide::avro

namespace bonafide::mail {

/// When an event went into a hop and out of it (wall clock).
struct HopTime {
  static constexpr std::string_view avro_name = "HopTime";
  std::string hop;
  Time in_at, out_at;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("hop", self.hop);
    visit("in_at", self.in_at);
    visit("out_at", self.out_at);
  }
};

/// mail.received: one message for one tenant, as the front door took it.
struct Received {
  static constexpr std::string_view avro_name = "Received";
  static constexpr std::string_view topic = "mail.received";
  EventId id;
  Kind kind = Kind::message;
  std::string tenant;
  Direction direction = Direction::inbound;
  avro::Bytes message_key;  ///< SHA-256(tenant, MAIL FROM, bytes): a message teaches once per key
  avro::Bytes dedupe_key;   ///< SHA-256(message_key, sorted lower-cased recipients)
  std::string order_key;    ///< tenant + organisational domain of From: the record key
  Time received_at;         ///< event time
  Time accepted_at;         ///< wall clock at the door
  Time deadline_at;         ///< after it the door has answered by policy
  std::string door;         ///< "http", "files", "replay" …
  Envelope envelope;
  avro::SharedRecord<Facts> facts;  ///< large, and the same in all three events
  std::vector<HopTime> hops;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("id", self.id);
    visit("kind", self.kind);
    visit("tenant", self.tenant);
    visit("direction", self.direction);
    visit("message_key", self.message_key);
    visit("dedupe_key", self.dedupe_key);
    visit("order_key", self.order_key);
    visit("received_at", self.received_at);
    visit("accepted_at", self.accepted_at);
    visit("deadline_at", self.deadline_at);
    visit("door", self.door);
    visit("envelope", self.envelope);
    visit("facts", self.facts);
    visit("hops", self.hops);
  }
};

/// A reference data set that names something of the message.
struct ReferenceHit {
  static constexpr std::string_view avro_name = "ReferenceHit";
  std::string data_set, version;
  std::string role;  ///< what being named means: "blocked", "disposable", "free_mail", "hosting", "popular"
  std::string subject;  ///< what was looked up: "client_ip", "hop_ip", "from_domain", "reply_to_domain"
  std::string value;
  std::string entry;  ///< what named it, e.g. the CIDR range

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("data_set", self.data_set);
    visit("version", self.version);
    visit("role", self.role);
    visit("subject", self.subject);
    visit("value", self.value);
    visit("entry", self.entry);
  }
};

/// Somebody or something that has a history of its own: whom the message may be from in the recipient's eyes,
/// and the machinery it came by.
struct Identity {
  static constexpr std::string_view avro_name = "Identity";
  std::string kind;  ///< "address", "organisation", "person", "relation", "ip", "network", "helo", "dkim"
  std::string
      subject;  ///< e.g. "billing@acme.example"; with kind and tenant the key of its history (trust/keys.hpp)

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("kind", self.kind);
    visit("subject", self.subject);
  }
};

/// One trait of how the message was sent. A message has at most one value of each.
struct Trait {
  static constexpr std::string_view avro_name = "Trait";
  std::string name;   ///< "dkim", "network", "helo", "message_id" … (trust/traits.hpp)
  std::string value;  ///< at most 64 bytes

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("name", self.name);
    visit("value", self.value);
  }
};

/// What follows from the facts and reference data alone, without history.
struct Enrichment {
  static constexpr std::string_view avro_name = "Enrichment";
  std::string from_organisation;  ///< organisational domain of From; the whole address for free mail
  bool free_mail = false;
  bool dkim_aligned = false;  ///< a DKIM pass of the organisational domain of From
  bool spf_aligned = false;
  bool via_list = false;  ///< a mailing list or forwarder in between
  std::vector<Identity> identities;
  std::vector<Trait> traits;
  std::vector<ReferenceHit> references;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("from_organisation", self.from_organisation);
    visit("free_mail", self.free_mail);
    visit("dkim_aligned", self.dkim_aligned);
    visit("spf_aligned", self.spf_aligned);
    visit("via_list", self.via_list);
    visit("identities", self.identities);
    visit("traits", self.traits);
    visit("references", self.references);
  }
};

/// mail.enriched: what was received, and what follows from it.
struct Enriched {
  static constexpr std::string_view avro_name = "Enriched";
  static constexpr std::string_view topic = "mail.enriched";
  Received received;
  Enrichment enrichment;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("received", self.received);
    visit("enrichment", self.enrichment);
  }
};

/// A signed contribution to the trust, in words.
struct Reason {
  static constexpr std::string_view avro_name = "Reason";
  std::string text;
  double weight = 0;  ///< > 0 speaks for the message

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("text", self.text);
    visit("weight", self.weight);
  }
};

/// What one look into a history found. Counts are in thousandths where they are decayed, so that the event
/// says exactly what the score was made of.
struct Reading {
  static constexpr std::string_view avro_name = "Reading";
  std::string field;     ///< a trait by name, or "messages", "aligned", "outbound", "way", "reputation" …
                         ///< (trust/reading.hpp)
  int64_t count = 0;     ///< with the message's value, decayed, thousandths
  int64_t total = 0;     ///< with any value, decayed, thousandths
  int64_t distinct = 0;  ///< different values; for "messages" different days
  std::string usual;     ///< the most frequent value where it is not the message's, else ""
  int64_t usual_count = 0;  ///< decayed, thousandths

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("field", self.field);
    visit("count", self.count);
    visit("total", self.total);
    visit("distinct", self.distinct);
    visit("usual", self.usual);
    visit("usual_count", self.usual_count);
  }
};

/// One history as it was read at scoring time: enough to repeat the score without the store.
struct Evidence {
  static constexpr std::string_view avro_name = "Evidence";
  std::string kind;  ///< as in Identity, or "population", "lookalike"
  std::string subject;
  bool known = true;  ///< false: the store did not answer in time, and no readings of it took part
  std::vector<Reading> readings;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("kind", self.kind);
    visit("subject", self.subject);
    visit("known", self.known);
    visit("readings", self.readings);
  }
};

struct Score {
  static constexpr std::string_view avro_name = "Score";
  double trust = 0;  ///< 0 to 100
  Verdict verdict = Verdict::suspicious;
  Attack attack = Attack::none;
  std::vector<Reason> reasons;  ///< strongest first
  std::vector<Evidence> evidence;
  std::string lesson;  ///< what the message teaches: "full", "address", "unvouched", "relation", "none"
                       ///< (trust/learn.hpp)
  std::string model;   ///< id of the model
  std::string code;    ///< version of the scoring code

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("trust", self.trust);
    visit("verdict", self.verdict);
    visit("attack", self.attack);
    visit("reasons", self.reasons);
    visit("evidence", self.evidence);
    visit("lesson", self.lesson);
    visit("model", self.model);
    visit("code", self.code);
  }
};

/// What a message taught from, where a reprocess has put something else in its place.
struct Basis {
  static constexpr std::string_view avro_name = "Basis";
  Enrichment enrichment;
  std::vector<Evidence> evidence;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("enrichment", self.enrichment);
    visit("evidence", self.evidence);
  }
};

/// mail.scored: the whole of what is known of a message; what stores keep.
struct Scored {
  static constexpr std::string_view avro_name = "Scored";
  static constexpr std::string_view topic = "mail.scored";
  int32_t revision = 0;  ///< 0 at first; a retry or a reprocess writes the next one under the same id
  Received received;
  Enrichment enrichment;
  Score score;
  std::string failure;  ///< why it could not be scored, "" if it was
  // What the fold needs of a revision above 0 (trust/learn.hpp).
  MadeBy made_by = MadeBy::door;          ///< what made this revision
  Judgement judgement = Judgement::none;  ///< as it stands with this revision
  Time judged_at;                         ///< 0: never
  Judgement judgement_before = Judgement::none;
  Time judged_before_at;
  int32_t run = 0;             ///< of the reprocess that made it
  std::string taught;          ///< the lesson that was taught, where it is not score.lesson; else ""
  std::optional<Basis> basis;  ///< null: enrichment and score.evidence

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("revision", self.revision);
    visit("received", self.received);
    visit("enrichment", self.enrichment);
    visit("score", self.score);
    visit("failure", self.failure);
    visit("made_by", self.made_by, "\"door\"");
    visit("judgement", self.judgement, "\"none\"");
    visit("judged_at", self.judged_at, "0");
    visit("judgement_before", self.judgement_before, "\"none\"");
    visit("judged_before_at", self.judged_before_at, "0");
    visit("run", self.run, "0");
    visit("taught", self.taught, "\"\"");
    visit("basis", self.basis, "null");
  }
};

class EventCodec;

/// An event as it travels inside the process: the decoded struct and how to encode it for a hop (codec.hpp).
template <class Event>
class EventPayload final : public flow::Payload {
 public:
  EventPayload(const EventCodec& codec, Event e) : event(std::move(e)), codec_(codec) {}
  void encode(std::string& out) const override;
  Event event;

 private:
  const EventCodec& codec_;
};

inline constexpr std::string_view heartbeat_tenant = "_bonafide";
inline constexpr std::string_view default_tenant = "default";

}  // namespace bonafide::mail
