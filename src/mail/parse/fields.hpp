#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "mail/facts.hpp"
#include "mail/parse/charset.hpp"
#include "mail/parse/header.hpp"

namespace bonafide::mail {

/// The header fields facts are read from; `other` are all others.
enum class Field : uint8_t {
  other,
  authentication_results,
  arc_authentication_results,
  auto_submitted,
  cc,
  date,
  delivered_to,
  dkim_signature,
  envelope_to,
  from,
  in_reply_to,
  list_id,
  list_unsubscribe,
  message_id,
  precedence,
  received,
  references,
  reply_to,
  return_path,
  sender,
  subject,
  to,
  user_agent,
  x_mailer,
  x_original_to,
};

/// By lower-case name.
Field field_of(std::string_view lower_name);

/// Was a field of this lower-case name written by servers on the way, or by Bonafide, and not by the author's
/// side?
bool is_trace(std::string_view lower_name);

/// Reads the fields of the author's side into Facts, one after the other in their order, then finish(). What
/// is not of them is passed over.
class FieldReader {
 public:
  /// `buffer` is scratch memory of the caller, kept from message to message.
  FieldReader(Charsets& charsets, std::string& buffer, Facts& facts)
      : charsets_(charsets), buffer_(buffer), facts_(facts) {}

  void take(Field field, std::string_view value);
  /// What can be said only when all fields have been seen: missing ones, bounds.
  void finish();

 private:
  bool first(Field field);
  void addresses(std::vector<Address>& list, size_t index, std::string_view name, std::string_view value);
  std::string text(std::string_view name, std::string_view value, size_t max_bytes);
  void date(std::string_view value);
  void message_id(std::string_view value);
  void references(std::string_view value);

  Charsets& charsets_;
  std::string& buffer_;
  Facts& facts_;
  std::array<uint32_t, 32> counts_{};
  std::array<size_t, 4> totals_{};  // of from, reply_to, to, cc
  size_t references_ = 0, signatures_ = 0;
};

/// The first message id in `value`, without its brackets; `rest` is moved behind it. Without brackets the
/// first word; "" if there is none.
std::string take_message_id(std::string_view& rest);

}  // namespace bonafide::mail
