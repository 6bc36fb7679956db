#include "mail/redact.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bonafide::mail {

std::string redact(std::string_view text) {
  const auto is_local = [](char c) {
    return is_alpha(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view(".!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
  };
  std::string redacted;
  const auto cut_local = [&] {
    size_t start = redacted.size();
    if (redacted.ends_with('"')) {  // "ann of sales"@acme.example
      const size_t quote = redacted.rfind('"', redacted.size() - 2);
      if (redacted.size() >= 2 && quote != std::string::npos) start = quote + 1;
    } else {
      while (start > 0 && is_local(redacted[start - 1])) --start;
    }
    if (start >= redacted.size()) return;
    const auto letter = static_cast<unsigned char>(redacted[start]);
    const size_t kept = letter < 0x80 ? 1 : letter < 0xe0 ? 2 : letter < 0xf0 ? 3 : 4;
    redacted.replace(start + std::min(kept, redacted.size() - start), std::string::npos, "…");
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '@' || text.substr(i, 3) == "%40") cut_local();  // %40: in links
    redacted += text[i];
  }
  return redacted;
}

}  // namespace bonafide::mail
