#include "mail/parse/authentication_results.hpp"

#include <algorithm>

#include "base/char_set.hpp"
#include "base/text.hpp"
#include "mail/domain.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t max_value_bytes = size_t{16} << 10;
constexpr size_t max_methods = 50;
constexpr size_t max_word_bytes = 255;
constexpr CharSet blanks(" \t");

// `text` without comments (RFC 5322 3.2.2), quoted strings left as they are.
std::string without_comments(std::string_view text) {
  static constexpr CharSet marks("\\\"()");
  std::string out;
  out.reserve(text.size());
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t mark = marks.find_in(text, i);
    if (depth == 0) out += text.substr(i, mark - i);
    if (mark == text.size()) break;
    i = mark;
    const char c = text[i];
    if (c == '\\' && (quoted || depth > 0)) {
      if (depth == 0) out += text.substr(i, 2);
      ++i;
      continue;
    }
    if (c == '"' && depth == 0) quoted = !quoted;
    if (!quoted && c == '(') ++depth;
    if (depth == 0) out += c;
    if (!quoted && c == ')' && depth > 0) {
      --depth;
      out += ' ';
    }
  }
  return out;
}

// Cuts the next piece up to `separator` outside quotes off `rest`.
std::string_view next_piece(std::string_view& rest, char separator) {
  bool quoted = false;
  size_t at = 0;
  for (; at < rest.size(); ++at) {
    if (quoted && rest[at] == '\\') {
      ++at;
      continue;
    }
    if (rest[at] == '"') quoted = !quoted;
    if (!quoted && rest[at] == separator) break;
  }
  const auto piece = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return trim(piece);
}

struct Pair {
  std::string name, value;
};

// The next "name=value" of `rest`; blanks around "=" are allowed, the value may be quoted. False: there is no
// more.
bool next_pair(std::string_view& rest, Pair& pair) {
  rest = trim(rest);
  const size_t sign = rest.find('=');
  if (sign == std::string_view::npos) return false;
  auto name = trim(rest.substr(0, sign));
  // A word without a value before it is passed over.
  size_t word = name.size();
  while (word > 0 && !blanks.has(name[word - 1])) --word;
  name.remove_prefix(word);
  pair.name = ascii_lower(name.substr(0, max_word_bytes));
  rest = trim(rest.substr(sign + 1));
  pair.value.clear();
  if (!rest.empty() && rest[0] == '"') {
    size_t at = 1;
    for (; at < rest.size() && rest[at] != '"'; ++at) {
      if (rest[at] == '\\' && at + 1 < rest.size()) ++at;
      pair.value += rest[at];
    }
    rest.remove_prefix(std::min(at + 1, rest.size()));
  } else {
    const size_t end = blanks.find_in(rest);
    pair.value = rest.substr(0, end);
    rest.remove_prefix(end);
  }
  return true;
}

// The domain of a property's value: "user@example.org", "@example.org" or "example.org".
std::string domain_of(std::string_view value) {
  if (!value.empty() && value.front() == '<') value.remove_prefix(1);
  if (!value.empty() && value.back() == '>') value.remove_suffix(1);
  const size_t sign = value.rfind('@');
  return to_ascii_domain(sign == std::string_view::npos ? value : value.substr(sign + 1));
}

// How much a property says whom the result is about; 0: nothing.
int rank_of(std::string_view method, std::string_view property) {
  if (method == "dkim" || method == "arc") return property == "header.d" ? 3 : property == "header.i" ? 2 : 0;
  if (method == "spf")
    return property == "smtp.mailfrom" || property == "smtp.mail" ? 3 : property == "smtp.helo" ? 2 : 0;
  if (method == "dmarc") return property == "header.from" ? 3 : 0;
  return property.starts_with("smtp.") || property.starts_with("header.") || property.starts_with("policy.")
             ? 1
             : 0;
}

AuthMethod read_method(std::string_view piece) {
  AuthMethod method;
  const size_t sign = piece.find('=');
  if (sign == std::string_view::npos) return method;
  const auto name = piece.substr(0, sign);  // a version may follow: "dkim/1"
  method.method = ascii_lower(clean_text(trim(name.substr(0, name.find('/'))), max_word_bytes));
  Pair pair;
  next_pair(piece, pair);
  method.result = ascii_lower(clean_text(pair.value, max_word_bytes));
  int best = 0;
  while (next_pair(piece, pair)) {
    if (pair.name == "header.s") method.selector = clean_text(pair.value, max_word_bytes);
    const int rank = rank_of(method.method, pair.name);
    if (rank <= best) continue;
    if (auto domain = domain_of(pair.value); !domain.empty()) {
      method.domain = std::move(domain);
      best = rank;
    }
  }
  return method;
}

}  // namespace

AuthResults parse_auth_results(std::string_view value) {
  const std::string text = without_comments(value.substr(0, max_value_bytes));
  std::string_view rest = text;
  AuthResults results;
  auto id = next_piece(rest, ';');
  if (starts_ignoring_case(id, "i=")) id = next_piece(rest, ';');
  id = id.substr(0, blanks.find_in(id));                       // a version may follow
  if (id.find('=') != std::string_view::npos) return results;  // no id, as Microsoft writes it
  if (id.size() >= 2 && id.front() == '"') id = id.substr(1, id.size() - 2);
  results.authserv_id = ascii_lower(clean_text(id, max_word_bytes));
  while (!rest.empty() && results.methods.size() < max_methods) {
    auto method = read_method(next_piece(rest, ';'));
    if (!method.method.empty() && !method.result.empty()) results.methods.push_back(std::move(method));
  }
  return results;
}

SignatureClaim parse_signature(std::string_view value) {
  SignatureClaim claim;
  std::string_view rest = value.substr(0, max_value_bytes);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(';'), rest.size());
    const auto tag = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t sign = tag.find('=');
    if (sign == std::string_view::npos) continue;
    const auto name = trim(tag.substr(0, sign));
    const auto content = trim(tag.substr(sign + 1)).substr(0, max_word_bytes);
    if (name == "d" && claim.domain.empty()) claim.domain = to_ascii_domain(content);
    if (name == "s" && claim.selector.empty()) claim.selector = clean_text(content, max_word_bytes);
    if (name == "a" && claim.algorithm.empty())
      claim.algorithm = ascii_lower(clean_text(content, max_word_bytes));
  }
  return claim;
}

}  // namespace bonafide::mail
