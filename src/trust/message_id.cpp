#include "base/text.hpp"
#include "mail/domain.hpp"
#include "trust/traits.hpp"

// Message-IDs are made by the sending program: what stays the same from message to message is their shape.
namespace bonafide::trust {
namespace {

constexpr size_t max_segments = 6;
constexpr size_t random_text_bytes = 36;

bool is_hex(char c) { return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f'); }

// One run between separators: digits (with their number where it is long enough to be a time stamp), hex,
// letters or a mixture.
std::string segment_class(std::string_view segment) {
  size_t digits = 0, letters = 0, hex = 0;
  for (const char c : segment) {
    digits += is_digit(c) ? 1 : 0;
    letters += is_alpha(c) ? 1 : 0;
    hex += is_hex(c) ? 1 : 0;
  }
  const size_t length = segment.size();
  const bool long_enough = length >= 8;
  if (length == 0) return "";
  if (digits == length) return long_enough ? "d" + std::to_string(length) : "d";
  if (hex == length && (digits > 0 || long_enough)) return long_enough ? "x" + std::to_string(length) : "x";
  if (letters == length) return long_enough ? "a+" : "a";
  return long_enough ? "m+" : "m";
}

// Long runs of mixed letters and digits are random: their punctuation is, too.
bool is_random_text(std::string_view local) {
  bool upper = false, lower = false, digit = false;
  for (const char c : local) {
    upper = upper || (c >= 'A' && c <= 'Z');
    lower = lower || (c >= 'a' && c <= 'z');
    digit = digit || is_digit(c);
  }
  return upper && lower && digit && local.size() >= random_text_bytes &&
         local.find('.') == std::string_view::npos;
}

std::string local_shape(std::string_view local) {
  if (is_random_text(local)) return "random";
  std::string shape;
  size_t segments = 0, start = 0;
  for (size_t i = 0; i <= local.size(); ++i) {
    if (i < local.size() && (is_digit(local[i]) || is_alpha(local[i]))) continue;
    shape += segment_class(local.substr(start, i - start));
    if (i == local.size()) break;
    if (++segments >= max_segments) return shape + "+";
    shape += static_cast<unsigned char>(local[i]) < 0x80 ? local[i] : '?';
    start = i + 1;
  }
  return shape;
}

}  // namespace

std::string message_id_shape(std::string_view message_id, std::string_view from_domain,
                             std::string_view helo_organisation) {
  if (message_id.empty()) return "none";
  const size_t at = message_id.rfind('@');
  if (at == std::string_view::npos) return local_shape(message_id.substr(0, 200)) + "@-";
  const std::string shape = local_shape(message_id.substr(0, at).substr(0, 200));
  const std::string domain = mail::to_ascii_domain(message_id.substr(at + 1));
  if (!domain.empty() && domain == from_domain) return shape + "@from";
  const std::string organisation = host_organisation(message_id.substr(at + 1));
  if (!from_domain.empty() && organisation == mail::organisational_domain(from_domain))
    return shape + "@=from";
  if (organisation == helo_organisation && organisation != "bare" && organisation != "[ip]")
    return shape + "@helo";
  return shape + "@" + organisation;
}

}  // namespace bonafide::trust
