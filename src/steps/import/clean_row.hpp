#pragma once
#include <array>
#include <string>
#include <vector>

#include "mail/event.hpp"
#include "stores/sqlite/row_store.hpp"

namespace bonafide::steps {

/// The columns of the primary store beside id, revision and the event itself, in the order of
/// event_columns().
enum class EventColumn : size_t {
  tenant,
  message_id,    ///< without angle brackets
  message_key,   ///< hex
  received_at,   ///< event time, microseconds since 1970
  accepted_at,   ///< wall clock at the door, microseconds since 1970
  direction,     ///< "inbound", "outbound", "internal"
  from_address,  ///< of the first From, domain as lower-case A-labels
  from_name,
  from_domain,
  mail_from,  ///< "" for the null sender
  client_ip,
  recipients,  ///< JSON array of addresses
  subject,
  verdict,
  trust,
  attack,
  reason,   ///< the strongest, in words
  failure,  ///< why it could not be scored, "" if it was
  door,
  flags,  ///< what cleaning changed, words with spaces between, e.g. "subject_cleaned received_at_replaced"
};
constexpr size_t event_column_count = static_cast<size_t>(EventColumn::flags) + 1;

/// What the primary store is opened with.
const std::vector<stores::Column>& event_columns();

/// The value of a column of a stored row; "" where it is null or a number.
inline std::string_view column(const stores::StoredRow& row, EventColumn which) {
  return row.text(static_cast<size_t>(which));
}

/// local@domain with the domain as lower-case A-labels where it can be made so; what else it holds is
/// cleaned.
std::string clean_address(std::string_view raw);

/// One event as a clean row: valid UTF-8 without control characters, lower-case A-label domains, bounded
/// lengths, times that can be. Made once, at import; everything behind it is clean. May be used again for the
/// next event.
class CleanRow {
 public:
  /// The view is good until the next call or the end of `event`. `framed`: the event as it came.
  stores::RowView of(const mail::Scored& event, ByteView framed);

 private:
  void text(EventColumn column, std::string_view raw, size_t max_bytes);
  void address(EventColumn column, std::string_view raw);
  void from(const mail::Facts& facts);
  void recipients(const std::vector<std::string>& addresses);
  void times(const mail::Received& received);
  void flag(std::string_view word);
  std::string& slot(EventColumn column) { return texts_[static_cast<size_t>(column)]; }
  stores::ValueView& value(EventColumn column) { return values_[static_cast<size_t>(column)]; }

  std::array<std::string, event_column_count> texts_;
  std::array<stores::ValueView, event_column_count> values_;
};

}  // namespace bonafide::steps
