#pragma once
#include "mail/event.hpp"

// What asks for a new revision of a message. Both carry the stored event it is made of, as it stands in its
// row (framed, with its schema id): the step that makes the revision needs no store, and what retention
// removes meanwhile does no harm.
namespace bonafide::mail {

/// From which step on a stored message goes through the pipeline again.
enum class Again : uint8_t { enrich, score };

}  // namespace bonafide::mail

template <>
struct bonafide::avro::EnumSymbols<bonafide::mail::Again> {
  static constexpr std::string_view name = "Again";
  static constexpr std::array<std::string_view, 2> symbols = {"enrich", "score"};
  static constexpr std::string_view default_symbol = "score";
};

namespace bonafide::mail {

/// mail.feedback: somebody has said what a message is.
struct Feedback {
  static constexpr std::string_view avro_name = "Feedback";
  static constexpr std::string_view topic = "mail.feedback";
  EventId id;
  std::string tenant;
  std::string order_key;  ///< of the message: the record key
  Judgement judgement = Judgement::none;
  Time judged_at;
  avro::Bytes row;  ///< the newest revision

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("id", self.id);
    visit("tenant", self.tenant);
    visit("order_key", self.order_key);
    visit("judgement", self.judgement);
    visit("judged_at", self.judged_at);
    visit("row", self.row);
  }
};

/// mail.reprocess: a stored message is to be enriched or scored again.
struct Reprocess {
  static constexpr std::string_view avro_name = "Reprocess";
  static constexpr std::string_view topic = "mail.reprocess";
  EventId id;
  std::string tenant;
  std::string order_key;
  int32_t run = 0;  ///< each run takes a message once
  Again from = Again::score;
  Time asked_at;
  avro::Bytes row;  ///< the revision that was scored first

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("id", self.id);
    visit("tenant", self.tenant);
    visit("order_key", self.order_key);
    visit("run", self.run);
    visit("from", self.from);
    visit("asked_at", self.asked_at);
    visit("row", self.row);
  }
};

/// The revision with which a verdict falls, by the door or a retry; not one that was looked at again.
inline bool has_new_verdict(const Scored& scored) {
  return scored.made_by == MadeBy::door || scored.made_by == MadeBy::retry;
}

}  // namespace bonafide::mail
