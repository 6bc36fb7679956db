#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/views.hpp"
#include "avro/registry.hpp"
#include "base/json.hpp"
#include "flow/record.hpp"
#include "mail/codec.hpp"
#include "mail/verdict.hpp"

namespace bonafide::app {

/// The records of one stream as live views show them: decoded, filtered, redacted. Pure but for the registry.
class StreamView {
 public:
  /// Errors: invalid (the filter asks for what the stream does not have, or for a verdict there is not).
  static Result<StreamView> make(const mail::EventCodec& codec, avro::Registry& schemas,
                                 const api::TailQuery& query, const std::string& parked_topic);

  /// Adds what the record says to a JSON object that has been begun. False: the filter leaves it out.
  /// Heartbeats are left out unless their tenant is asked for.
  bool show(const flow::Delivery& delivery, JsonWriter& json) const;

 private:
  enum class Content { received, enriched, scored, change, feedback, reprocess, parked, raw, other };
  /// What filters look at.
  struct Facts {
    std::optional<EventId> id;
    std::string tenant, sender;
    std::optional<mail::ShownVerdict> verdict;
  };
  StreamView(const mail::EventCodec& codec, avro::Registry& schemas, const api::TailQuery& query)
      : codec_(codec), schemas_(schemas), query_(query) {}

  [[nodiscard]] bool wants(const Facts& facts) const;
  [[nodiscard]] std::string shown(std::string_view text) const;
  Result<bool> describe(const flow::Delivery& delivery, JsonWriter& json) const;
  template <class Event>
  Result<bool> describe_event(const flow::Record& record, JsonWriter& json) const;
  Result<bool> describe_change(const flow::Record& record, JsonWriter& json) const;
  template <class Asked>
  Result<bool> describe_asked(const flow::Record& record, JsonWriter& json) const;
  Result<bool> describe_parked(const flow::Delivery& delivery, JsonWriter& json) const;
  Result<bool> describe_raw(const flow::Record& record, JsonWriter& json) const;
  Result<bool> describe_other(const flow::Record& record, JsonWriter& json) const;
  void write_message(JsonWriter& json, const mail::Received& received) const;
  void write_whole(JsonWriter& json, const std::string& event) const;

  const mail::EventCodec& codec_;
  avro::Registry& schemas_;
  api::TailQuery query_;
  Content content_ = Content::other;
  std::vector<mail::ShownVerdict> verdicts_;
};

/// JSON with the local parts of addresses cut to their first letter, and without texts and headers of
/// messages. What is no JSON becomes null.
std::string redact_json(std::string_view json);

}  // namespace bonafide::app
