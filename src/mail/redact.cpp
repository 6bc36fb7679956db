#include "mail/redact.hpp"

#include "base/text.hpp"

namespace bonafide::mail {

std::string redact(std::string_view text) {
  const auto is_local = [](char c) {
    return is_alpha(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view(".!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
  };
  std::string redacted;
  for (const char c : text) {
    if (c == '@') {
      size_t start = redacted.size();
      while (start > 0 && is_local(redacted[start - 1])) --start;
      if (start < redacted.size()) redacted.replace(start + 1, std::string::npos, "…");
    }
    redacted += c;
  }
  return redacted;
}

}  // namespace bonafide::mail
