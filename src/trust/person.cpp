#include <algorithm>
#include <array>
#include <vector>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/text.hpp"
#include "mail/domain.hpp"
#include "trust/lookalike.hpp"

namespace bonafide::trust {
namespace {

constexpr size_t max_name_bytes = 200;
constexpr size_t max_tokens = 6;
constexpr size_t max_subject_bytes = 64;
constexpr size_t min_name_bytes = 4;

// Words that stand in names of functions and lists, not of persons.
constexpr auto function_words = std::to_array<std::string_view>({"account",
                                                                 "accounts",
                                                                 "admin",
                                                                 "administrator",
                                                                 "alert",
                                                                 "alerts",
                                                                 "billing",
                                                                 "bot",
                                                                 "care",
                                                                 "center",
                                                                 "client",
                                                                 "contact",
                                                                 "customer",
                                                                 "daemon",
                                                                 "delivery",
                                                                 "department",
                                                                 "desk",
                                                                 "developers",
                                                                 "do",
                                                                 "drive",
                                                                 "email",
                                                                 "finance",
                                                                 "from",
                                                                 "help",
                                                                 "helpdesk",
                                                                 "hr",
                                                                 "info",
                                                                 "invoice",
                                                                 "it",
                                                                 "list",
                                                                 "mail",
                                                                 "mailer",
                                                                 "manager",
                                                                 "marketing",
                                                                 "message",
                                                                 "news",
                                                                 "newsletter",
                                                                 "no",
                                                                 "noreply",
                                                                 "not",
                                                                 "notice",
                                                                 "notification",
                                                                 "notifications",
                                                                 "notify",
                                                                 "office",
                                                                 "online",
                                                                 "order",
                                                                 "orders",
                                                                 "postmaster",
                                                                 "press",
                                                                 "reply",
                                                                 "root",
                                                                 "sales",
                                                                 "security",
                                                                 "server",
                                                                 "service",
                                                                 "services",
                                                                 "shop",
                                                                 "staff",
                                                                 "store",
                                                                 "support",
                                                                 "system",
                                                                 "team",
                                                                 "technical",
                                                                 "the",
                                                                 "update",
                                                                 "updates",
                                                                 "user",
                                                                 "webmaster",
                                                                 "your"});
static_assert(std::is_sorted(function_words.begin(), function_words.end()));

bool is_function_word(std::string_view token) {
  return std::binary_search(function_words.begin(), function_words.end(), token);
}

// Case folded, compatibility forms unified, accents dropped.
std::string plain_letters(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  std::array<UChar, max_name_bytes + 1> wide{};
  int32_t length = 0;
  u_strFromUTF8WithSub(wide.data(), static_cast<int32_t>(wide.size()), &length, text.data(),
                       static_cast<int32_t>(text.size()), 0xFFFD, nullptr, &error);
  std::array<UChar, 8 * max_name_bytes> folded{}, decomposed{};
  length = unorm2_normalize(unorm2_getNFKCCasefoldInstance(&error), wide.data(), length, folded.data(),
                            static_cast<int32_t>(folded.size()), &error);
  length = unorm2_normalize(unorm2_getNFDInstance(&error), folded.data(), length, decomposed.data(),
                            static_cast<int32_t>(decomposed.size()), &error);
  if (U_FAILURE(error)) return ascii_lower(text);
  int32_t kept = 0;
  for (int32_t i = 0; i < length;) {
    UChar32 c = 0;
    const int32_t start = i;
    U16_NEXT(decomposed, i, length, c);
    if (u_charType(c) == U_NON_SPACING_MARK) continue;
    for (int32_t k = start; k < i; ++k)
      folded[static_cast<size_t>(kept++)] = decomposed[static_cast<size_t>(k)];
  }
  std::string out(static_cast<size_t>(3 * kept + 1), '\0');
  int32_t bytes = 0;
  u_strToUTF8(out.data(), static_cast<int32_t>(out.size()), &bytes, folded.data(), kept, &error);
  if (U_FAILURE(error)) return ascii_lower(text);
  out.resize(static_cast<size_t>(bytes));
  return out;
}

// A name without what stands in brackets and without "via somebody".
std::string_view without_tail(std::string_view name) {
  name = cut_utf8(name, max_name_bytes);
  if (const size_t via = name.find(" via "); via != std::string_view::npos && via > 0)
    name = name.substr(0, via);
  if (const size_t bracket = name.find_first_of("(["); bracket != std::string_view::npos && bracket > 0) {
    name = name.substr(0, bracket);
  }
  return name;
}

bool is_name_char(char c) { return is_alpha(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80; }

}  // namespace

std::string person_subject(std::string_view display_name) {
  if (display_name.find('@') != std::string_view::npos) return "";
  display_name = without_tail(display_name);
  const bool ascii = std::all_of(display_name.begin(), display_name.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  const std::string plain = ascii ? ascii_lower(display_name) : plain_letters(display_name);
  std::vector<std::string> tokens;
  bool all_functions = true;
  size_t start = 0;
  for (size_t i = 0; i <= plain.size(); ++i) {
    if (i < plain.size() && is_name_char(plain[i])) continue;
    const std::string_view token = std::string_view(plain).substr(start, i - start);
    start = i + 1;
    // Apostrophes and dots inside a name separate; initials say little.
    if (token.size() < 2 || tokens.size() >= max_tokens) continue;
    all_functions = all_functions && is_function_word(token);
    tokens.push_back(folded_label(token));
  }
  if (tokens.empty() || all_functions) return "";
  std::sort(tokens.begin(), tokens.end());
  const std::string subject = join(tokens, " ");
  return subject.size() < min_name_bytes ? "" : std::string(cut_utf8(subject, max_subject_bytes));
}

std::string address_in_name(std::string_view display_name) {
  const size_t at = display_name.find('@');
  if (at == std::string_view::npos || at == 0) return "";
  size_t end = at + 1;
  while (end < display_name.size() && (is_alpha(display_name[end]) || is_digit(display_name[end]) ||
                                       display_name[end] == '-' || display_name[end] == '.')) {
    ++end;
  }
  const std::string domain = mail::to_ascii_domain(display_name.substr(at + 1, end - at - 1));
  return domain.find('.') == std::string::npos ? "" : domain;
}

}  // namespace bonafide::trust
