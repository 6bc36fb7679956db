#include "trust/lookalike.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <unicode/uidna.h>
#include <unicode/uspoof.h>

#include "base/text.hpp"
#include "mail/domain.hpp"

namespace bonafide::trust {
namespace {

constexpr size_t max_label_bytes = 63;
constexpr size_t short_label = 4;  // up to here an edit or an equal label under another suffix may be chance
constexpr size_t min_token = 3;
constexpr size_t max_look_keys = 9;
constexpr size_t two_edits_from = 11;  // labels of this length may be two edits apart
constexpr size_t typo_from = 8;        // shorter labels are a letter apart by chance

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The UTF-8 form of an A-label; the label itself if it is none.
std::string unicode_label(std::string_view label) {
  static const std::unique_ptr<UIDNA, decltype(&uidna_close)> idna = [] {
    UErrorCode error = U_ZERO_ERROR;
    return std::unique_ptr<UIDNA, decltype(&uidna_close)>(
        uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_UNICODE, &error), &uidna_close);
  }();
  std::array<char, 4 * max_label_bytes> out{};
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  UErrorCode error = U_ZERO_ERROR;
  const int32_t length =
      uidna_labelToUnicodeUTF8(idna.get(), label.data(), static_cast<int32_t>(label.size()), out.data(),
                               static_cast<int32_t>(out.size()), &info, &error);
  return U_FAILURE(error) ? std::string(label) : std::string(out.data(), static_cast<size_t>(length));
}

std::string skeleton(const std::string& text) {
  static const std::unique_ptr<USpoofChecker, decltype(&uspoof_close)> checker = [] {
    UErrorCode error = U_ZERO_ERROR;
    return std::unique_ptr<USpoofChecker, decltype(&uspoof_close)>(uspoof_open(&error), &uspoof_close);
  }();
  std::string out(4 * text.size() + 16, '\0');
  UErrorCode error = U_ZERO_ERROR;
  const int32_t length =
      uspoof_getSkeletonUTF8(checker.get(), 0, text.data(), static_cast<int32_t>(text.size()), out.data(),
                             static_cast<int32_t>(out.size()), &error);
  if (U_FAILURE(error)) return text;
  out.resize(static_cast<size_t>(length));
  return out;
}

// One character for all that look like it, after lower-casing.
constexpr char fold(char c) {
  switch (c) {
    case '0':
      return 'o';
    case '1':
    case 'i':
    case '|':
    case '!':
      return 'l';
    case '3':
      return 'e';
    case '4':
      return 'a';
    case '5':
    case '$':
      return 's';
    case '8':
      return 'b';
    case '9':
      return 'g';
    default:
      return c;
  }
}

// Pairs that look like one letter.
char fold_pair(char a, char b) {
  if (a == 'r' && b == 'n') return 'm';
  if (a == 'v' && b == 'v') return 'w';
  if (a == 'c' && b == 'l') return 'd';
  return '\0';
}

std::string fold_ascii(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const char next = fold(ascii_lower(c));
    const char pair = out.empty() ? '\0' : fold_pair(out.back(), next);
    if (pair != '\0') {
      out.back() = pair;
    } else {
      out += next;
    }
  }
  return out;
}

// Words put before or behind a name to make a new one.
constexpr auto added_words = std::to_array<std::string_view>(
    {"account",  "accounts", "admin",   "app",      "billing",       "cloud",   "company",  "connect",
     "corp",     "customer", "docs",    "email",    "finance",       "global",  "gmbh",     "group",
     "help",     "helpdesk", "inc",     "info",     "international", "intl",    "invoice",  "invoices",
     "llc",      "login",    "ltd",     "mail",     "mailer",        "news",    "notice",   "office",
     "online",   "pay",      "payment", "payments", "portal",        "secure",  "security", "service",
     "services", "shop",     "signin",  "store",    "support",       "systems", "team",     "tech",
     "update",   "usa",      "verify",  "web",      "the",           "get"});

// "acmesupport" → "acme": the label without one added word; "" if it has none.
std::string_view without_added_word(std::string_view label) {
  for (const auto word : added_words) {
    if (label.size() < word.size() + short_label) continue;
    if (label.ends_with(word)) return label.substr(0, label.size() - word.size());
    if (label.starts_with(word)) return label.substr(word.size());
  }
  return {};
}

bool is_added_word(std::string_view token) {
  return token.size() < min_token ||
         std::find(added_words.begin(), added_words.end(), token) != added_words.end();
}

std::string without_hyphens(std::string_view label) {
  std::string joined;
  std::copy_if(label.begin(), label.end(), std::back_inserter(joined), [](char c) { return c != '-'; });
  return joined;
}

// The part of a domain before its organisational domain, "" if there is none.
std::string_view sub_part(std::string_view domain, std::string_view organisation) {
  return domain.size() > organisation.size() + 1 ? domain.substr(0, domain.size() - organisation.size() - 1)
                                                 : std::string_view();
}

// Host labels everybody uses are no names.
bool is_host_label(std::string_view label) {
  static constexpr auto names =
      std::to_array<std::string_view>({"com", "net", "org", "www", "smtp", "mta", "mx", "lists", "list"});
  return std::find(names.begin(), names.end(), label) != names.end() || is_added_word(label);
}

std::string piece_key(char side, size_t length, std::string_view piece) {
  return side + std::to_string(length) + ":" + std::string(piece);
}

bool token_matches(std::string_view label, const std::string& wanted) {
  for (const auto token : split(label, '-')) {
    if (folded_label(token) == wanted) return true;
  }
  return false;
}

// Does the part before the organisational domain spell out the organisation, or its name?
Likeness sub_domain_likeness(std::string_view sub, std::string_view organisation, const std::string& wanted) {
  if (sub.empty()) return {};
  const std::string dotted = "." + std::string(sub) + ".";
  if (dotted.find("." + std::string(organisation) + ".") != std::string::npos)
    return {Resemblance::sub_domain, false};
  std::string hyphened(organisation);
  std::replace(hyphened.begin(), hyphened.end(), '.', '-');
  if (dotted.find("." + hyphened + ".") != std::string::npos) return {Resemblance::sub_domain, false};
  for (const auto label : split(sub, '.')) {
    // The name alone may be chance ("kernel.elsewhere.example").
    if (!is_host_label(label) && folded_label(label) == wanted) return {Resemblance::sub_domain, true};
  }
  return {};
}

}  // namespace

std::string folded_label(std::string_view label) {
  label = label.substr(0, max_label_bytes);
  if (is_ascii(label) && !label.starts_with("xn--")) return fold_ascii(label);
  return fold_ascii(skeleton(label.starts_with("xn--") ? unicode_label(label) : std::string(label)));
}

std::string_view registered_label(std::string_view organisation) {
  return organisation.substr(0, organisation.find('.'));
}

std::string_view to_string(Resemblance resemblance) {
  static constexpr std::array<std::string_view, 5> words = {
      "nothing", "looks the same as", "is a letter away from", "adds a word to", "puts in front the name of"};
  return words[static_cast<size_t>(resemblance)];
}

Likeness likeness(std::string_view domain, std::string_view organisation) {
  const std::string own = mail::organisational_domain(domain);
  if (own == organisation || own.empty() || organisation.empty()) return {};
  const std::string_view label = registered_label(own);
  const std::string mine = folded_label(label), theirs = folded_label(registered_label(organisation));
  const bool is_short = theirs.size() <= short_label;
  if (mine == theirs) return {Resemblance::look, is_short};
  if (auto found = sub_domain_likeness(sub_part(domain, own), organisation, theirs);
      found.resemblance != Resemblance::none) {
    return found;
  }
  if (label.find('-') != std::string_view::npos &&
      (token_matches(label, theirs) || folded_label(without_hyphens(label)) == theirs)) {
    return {Resemblance::added_word, theirs.size() < short_label};
  }
  if (folded_label(without_hyphens(registered_label(organisation))) == mine)
    return {Resemblance::look, is_short};
  if (const auto rest = without_added_word(label); !rest.empty() && folded_label(rest) == theirs) {
    return {Resemblance::added_word, is_short};
  }
  if (theirs.size() < 2) return {};
  const size_t limit = theirs.size() >= two_edits_from ? 2 : 1;
  if (edit_distance(mine, theirs, limit) <= limit) return {Resemblance::typo, theirs.size() < typo_from};
  return {};
}

std::vector<IndexKey> look_questions(std::string_view domain) {
  std::vector<IndexKey> keys;
  const std::string organisation = mail::organisational_domain(domain);
  if (organisation.empty() || organisation.front() == '[') return keys;
  const std::string_view label = registered_label(organisation);
  const std::string mine = folded_label(label);
  const auto add_look = [&keys](std::string subject) {
    IndexKey key{Kind::look, std::move(subject)};
    if (keys.size() < max_look_keys && std::find(keys.begin(), keys.end(), key) == keys.end())
      keys.push_back(std::move(key));
  };
  add_look(mine);
  for (const auto part : split(sub_part(domain, organisation), '.')) {
    for (const auto token : split(part, '-')) {
      if (keys.size() < 4 && !token.empty() && !is_host_label(token)) add_look(folded_label(token));
    }
  }
  if (label.find('-') != std::string_view::npos) {
    add_look(folded_label(without_hyphens(label)));
    for (const auto token : split(label, '-')) {
      if (!is_added_word(token)) add_look(folded_label(token));
    }
  }
  if (const auto rest = without_added_word(label); !rest.empty()) add_look(folded_label(rest));
  if (mine.size() >= short_label) {
    for (size_t length = mine.size() - 1; length <= mine.size() + 1; ++length) {
      const size_t head = length / 2, tail = length - head;
      if (length < short_label || tail > mine.size()) continue;
      keys.emplace_back(Kind::near, piece_key('<', length, std::string_view(mine).substr(0, head)));
      keys.emplace_back(Kind::near,
                        piece_key('>', length, std::string_view(mine).substr(mine.size() - tail)));
    }
  }
  return keys;
}

// One edit leaves one of the two halves as it was.
std::vector<IndexKey> look_index(std::string_view organisation) {
  std::vector<IndexKey> keys;
  const std::string name = folded_label(registered_label(organisation));
  if (name.empty() || name.front() == '[') return keys;
  keys.emplace_back(Kind::look, name);
  if (const std::string joined = folded_label(without_hyphens(registered_label(organisation)));
      joined != name) {
    keys.emplace_back(Kind::look, joined);
  }
  if (name.size() < short_label) return keys;
  const size_t head = name.size() / 2;
  keys.emplace_back(Kind::near, piece_key('<', name.size(), std::string_view(name).substr(0, head)));
  keys.emplace_back(Kind::near, piece_key('>', name.size(), std::string_view(name).substr(head)));
  return keys;
}

size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  a = a.substr(0, max_label_bytes);
  b = b.substr(0, max_label_bytes);
  if (a.size() > b.size() + limit || b.size() > a.size() + limit) return limit + 1;
  std::array<std::array<uint8_t, max_label_bytes + 1>, 3> rows{};
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = static_cast<uint8_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& before = rows[(i + 1) % 3];
    row[0] = static_cast<uint8_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      int best = std::min({change, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = std::min(best, before[j - 2] + 1);
      row[j] = static_cast<uint8_t>(best);
    }
  }
  return std::min<size_t>(rows[a.size() % 3][b.size()], limit + 1);
}

}  // namespace bonafide::trust
