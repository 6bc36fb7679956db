#include "mail/parse/received.hpp"

#include <algorithm>
#include <array>

#include "base/char_set.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"
#include "mail/parse/addresses.hpp"
#include "mail/parse/date.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t max_line_bytes = 4096;
constexpr size_t max_name_bytes = 255;
constexpr size_t max_protocol_bytes = 32;
constexpr int max_comment_depth = 20;

// A word outside comments, or a comment without its brackets.
struct Token {
  std::string_view text;
  bool comment = false;
};

class Tokens {
 public:
  explicit Tokens(std::string_view line) : rest_(line) {}

  bool next(Token& token) {
    while (!rest_.empty() && is_space(rest_[0])) rest_.remove_prefix(1);
    if (rest_.empty()) return false;
    token.comment = rest_[0] == '(';
    size_t end = 0;
    if (token.comment) {
      int depth = 0;
      while (end < rest_.size()) {
        if (rest_[end] == '(' && ++depth > max_comment_depth) break;
        if (rest_[end] == ')' && --depth == 0) break;
        ++end;
      }
      token.text = rest_.substr(1, end - 1);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
    } else {
      end = word_ends.find_in(rest_);
      token.text = rest_.substr(0, end);
      rest_.remove_prefix(end);
    }
    return true;
  }

 private:
  static constexpr CharSet word_ends{" \t\n\v\f\r("};
  std::string_view rest_;
};

enum class Clause { none, from, by, via, with, id, for_ };

Clause clause_of(std::string_view word) {
  struct Keyword {
    std::string_view word;
    Clause clause;
  };
  static constexpr std::array<Keyword, 6> keywords = {{{"from", Clause::from},
                                                       {"by", Clause::by},
                                                       {"via", Clause::via},
                                                       {"with", Clause::with},
                                                       {"id", Clause::id},
                                                       {"for", Clause::for_}}};
  for (const auto& keyword : keywords) {
    if (word.size() == keyword.word.size() && equals_ignoring_case(word, keyword.word)) return keyword.clause;
  }
  return Clause::none;
}

// Canonical text of an address as it may stand in a Received line: in brackets, with "IPv6:" before or a port
// after it.
std::string ip_of(std::string_view text) {
  while (!text.empty() && (text.back() == ',' || text.back() == ';')) text.remove_suffix(1);
  if (text.empty() || !(text[0] == '[' || is_digit(text[0]) || text[0] == ':' || ascii_lower(text[0]) <= 'i'))
    return "";
  if (text[0] == '[') {
    const size_t end = text.find(']');
    text = text.substr(1, end == std::string_view::npos ? end : end - 1);
  } else if (const size_t colon = text.find(':'); colon != std::string_view::npos && text.find('.') < colon &&
                                                  text.find(':', colon + 1) == std::string_view::npos) {
    text = text.substr(0, colon);
  }
  const auto address = IpAddress::parse(text);
  return address.ok() ? address->text() : "";
}

std::string host_name(std::string_view text) {
  while (!text.empty() && (text.back() == '.' || text.back() == ',' || text.back() == ';'))
    text.remove_suffix(1);
  std::string name = clean_text(text, max_name_bytes);
  for (char& c : name) c = ascii_lower(c);
  return name;
}

// Where the date begins: after the last ";" outside comments; npos if there is none.
size_t date_mark(std::string_view line) {
  static constexpr CharSet marks("();");
  int depth = 0;
  size_t mark = std::string_view::npos;
  for (size_t i = marks.find_in(line); i < line.size(); i = marks.find_in(line, i + 1)) {
    if (line[i] == '(') ++depth;
    if (line[i] == ')' && depth > 0) --depth;
    if (line[i] == ';' && depth == 0) mark = i;
  }
  return mark == std::string_view::npos ? line.rfind(';') : mark;
}

// "helo=x" (Exim), "HELO x" or "EHLO x" (qmail, Yahoo): the name after it, "" if there is none.
std::string_view named_helo(std::string_view comment) {
  for (size_t at = 0; at < comment.size(); ++at) {
    const bool begins_word = at == 0 || is_space(comment[at - 1]) || comment[at - 1] == '(';
    if (!begins_word) continue;
    const auto rest = comment.substr(at);
    if (rest.size() < 6 || (rest[4] != '=' && rest[4] != ' ')) continue;
    if (!starts_ignoring_case(rest, "helo") && !starts_ignoring_case(rest, "ehlo")) continue;
    return rest.substr(5, rest.substr(5).find_first_of(" \t)"));
  }
  return {};
}

// Takes the parts of a line one after the other.
class Builder {
 public:
  explicit Builder(ReceivedLine& line) : line_(line) {}

  void take(const Token& token) {
    if (token.comment) {
      if (clause_ == Clause::from) from_comment(token.text);
      // "(qmail 123 invoked from network)" and the like stand alone: nothing to learn.
      return;
    }
    const Clause clause = clause_of(token.text);
    // A host may be called "from" or "id" only where a name is due.
    const bool name_due = words_ == 0 && (clause_ == Clause::from || clause_ == Clause::by);
    if (clause != Clause::none && !name_due) {
      clause_ = clause;
      words_ = 0;
      return;
    }
    word(token.text);
    ++words_;
  }

  void finish() {
    Hop& hop = line_.hop;
    if (hop.ip.empty()) hop.ip = ip_of(hop.helo);
    if (equals_ignoring_case(hop.rdns, "unverified") || equals_ignoring_case(hop.rdns, "unknown"))
      hop.rdns = "unknown";
  }

 private:
  void word(std::string_view text) {
    Hop& hop = line_.hop;
    switch (clause_) {
      case Clause::from:
        if (words_ == 0) {
          hop.helo = host_name(text);
        } else if (hop.ip.empty()) {
          hop.ip = ip_of(text);  // "from host [192.0.2.1] by …"
        }
        break;
      case Clause::by:
        if (words_ == 0) hop.by = host_name(text);
        break;
      case Clause::with:
        if (hop.with.size() < max_protocol_bytes) {
          if (!hop.with.empty()) hop.with += ' ';
          for (const char c : clean_text(text, max_protocol_bytes)) {
            hop.with += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
          }
        }
        break;
      case Clause::for_:
        if (words_ == 0) {
          const auto address = parse_path(text);
          if (address.usable()) line_.for_address = address.local + "@" + address.domain;
        }
        break;
      default:
        break;
    }
  }

  // What the server found out of the client: "rdns [ip]", "[ip] helo=x", "HELO x", "ip".
  void from_comment(std::string_view text) {
    Hop& hop = line_.hop;
    const auto helo = named_helo(text);
    if (!helo.empty()) {
      if (hop.rdns.empty() && ip_of(hop.helo).empty()) hop.rdns = hop.helo;
      if (hop.ip.empty()) hop.ip = ip_of(hop.helo);
      hop.helo = host_name(helo);
    }
    Tokens words(text);
    Token token;
    std::string_view before;
    while (hop.ip.empty() && words.next(token)) {
      if (token.comment) continue;
      const size_t bracket = token.text.find('[');
      const std::string_view address =
          bracket == std::string_view::npos ? token.text : token.text.substr(bracket);
      if (std::string ip = ip_of(address); !ip.empty()) {
        hop.ip = std::move(ip);
        if (bracket != std::string_view::npos && bracket > 0) before = token.text.substr(0, bracket);
        break;
      }
      before = token.text;
    }
    if (hop.rdns.empty() && !before.empty() && helo.empty()) {
      if (const size_t sign = before.rfind('@'); sign != std::string_view::npos)
        before.remove_prefix(sign + 1);
      hop.rdns = host_name(before);
    }
  }

  ReceivedLine& line_;
  Clause clause_ = Clause::none;
  int words_ = 0;  // since the keyword
};

}  // namespace

ReceivedLine parse_received(std::string_view value) {
  value = value.substr(0, max_line_bytes);
  ReceivedLine line;
  const size_t mark = date_mark(value);
  Builder builder(line);
  Tokens tokens(value.substr(0, mark));
  Token token;
  while (tokens.next(token)) builder.take(token);
  builder.finish();
  if (mark != std::string_view::npos) {
    if (const auto date = parse_mail_date(value.substr(mark + 1))) line.hop.at = date->time;
  }
  return line;
}

}  // namespace bonafide::mail
