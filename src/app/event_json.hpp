#pragma once
#include <optional>
#include <string>
#include <vector>

#include "mail/event.hpp"
#include "mail/verdict.hpp"

namespace bonafide::app {

/// A stored message as it is exported, and as the API begins its answer about one.
struct ExportRow {
  static constexpr std::string_view avro_name = "Row";
  std::string id;
  int32_t revision = 0;
  std::string tenant;
  mail::Direction direction = mail::Direction::inbound;
  std::string message_id;
  Time received_at, accepted_at;
  std::string from;  ///< address in lower case, "" if there is none
  std::vector<std::string> recipients;
  std::string subject;
  mail::ShownVerdict verdict = mail::ShownVerdict::suspicious;
  double trust = 0;
  mail::Attack attack = mail::Attack::none;
  std::vector<mail::Reason> reasons;
  std::string failure;
  mail::MadeBy made_by = mail::MadeBy::door;
  mail::Judgement judgement = mail::Judgement::none;
  std::optional<Time> judged_at;

  static ExportRow of(const mail::Scored& scored);

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("id", self.id);
    visit("revision", self.revision);
    visit("tenant", self.tenant);
    visit("direction", self.direction);
    visit("message_id", self.message_id);
    visit("received_at", self.received_at);
    visit("accepted_at", self.accepted_at);
    visit("from", self.from);
    visit("recipients", self.recipients);
    visit("subject", self.subject);
    visit("verdict", self.verdict);
    visit("trust", self.trust);
    visit("attack", self.attack);
    visit("reasons", self.reasons);
    visit("failure", self.failure);
    visit("made_by", self.made_by);
    visit("judgement", self.judgement);
    visit("judged_at", self.judged_at);
  }
};

/// Everything about one message as a JSON object: the row, then evidence, hop times, model, code and schema
/// ids, and the whole event.
std::string full_json(const mail::Scored& scored, std::optional<int32_t> schema_id);

}  // namespace bonafide::app
