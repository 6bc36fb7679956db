#pragma once
#include "mail/event.hpp"

namespace bonafide::mail {

/// What became of a row.
enum class Operation : uint8_t { put, remove };

}  // namespace bonafide::mail

template <>
struct bonafide::avro::EnumSymbols<bonafide::mail::Operation> {
  static constexpr std::string_view name = "Operation";
  static constexpr std::array<std::string_view, 2> symbols = {"put", "remove"};
  static constexpr std::string_view default_symbol = "put";
};

namespace bonafide::mail {

/// mail.changes: a row of the primary store was written, or removed. Holds what a search store needs of it,
/// clean as the row is. Keyed by id; of one id the newest revision counts.
struct Change {
  static constexpr std::string_view avro_name = "Change";
  static constexpr std::string_view topic = "mail.changes";
  static constexpr size_t text_bytes = 512;  ///< of `text`
  static constexpr size_t most_names = 50;   ///< of each list

  EventId id;
  int32_t revision = 0;
  Operation operation = Operation::put;
  std::string tenant;
  Time received_at, accepted_at;
  Direction direction = Direction::inbound;
  std::string from_address, from_name, from_domain, mail_from;
  std::vector<std::string> recipients;
  std::string subject;
  Verdict verdict = Verdict::suspicious;
  double trust = 0;
  Attack attack = Attack::none;
  std::string reason;                     ///< the strongest, in words
  std::string text;                       ///< the beginning of what a reader sees
  bool has_attachment = false;            ///< a part that is no text of the message itself
  std::vector<std::string> file_names;    ///< of the parts that have one
  std::vector<std::string> link_domains;  ///< hosts of the links, each once
  Judgement judgement = Judgement::none;  ///< what somebody said of it

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("id", self.id);
    visit("revision", self.revision);
    visit("operation", self.operation);
    visit("tenant", self.tenant);
    visit("received_at", self.received_at);
    visit("accepted_at", self.accepted_at);
    visit("direction", self.direction);
    visit("from_address", self.from_address);
    visit("from_name", self.from_name);
    visit("from_domain", self.from_domain);
    visit("mail_from", self.mail_from);
    visit("recipients", self.recipients);
    visit("subject", self.subject);
    visit("verdict", self.verdict);
    visit("trust", self.trust);
    visit("attack", self.attack);
    visit("reason", self.reason);
    visit("text", self.text);
    visit("has_attachment", self.has_attachment);
    visit("file_names", self.file_names);
    visit("link_domains", self.link_domains);
    visit("judgement", self.judgement, "\"none\"");
  }
};

}  // namespace bonafide::mail
