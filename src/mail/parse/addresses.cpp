#include "mail/parse/addresses.hpp"

#include <algorithm>

#include "base/char_set.hpp"
#include "base/text.hpp"
#include "mail/domain.hpp"
#include "mail/parse/encoded_word.hpp"
#include "mail/parse/header.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t max_local_bytes = 256;
constexpr size_t max_name_bytes = 512;
constexpr size_t max_tokens = 1000;  // of one mailbox
constexpr size_t usual_tokens = 8;
constexpr size_t max_encoded_bytes = 512;
constexpr int max_comment_depth = 50;

constexpr CharSet ends_atom("()<>[]:;,\" \t\n\v\f\r");

// Appends `text` without the backslashes that quote a character.
void append_unquoted(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
}

// The end of the quoted string that begins at `at` (past its closing quote), npos if it is never closed.
size_t quoted_end(std::string_view text, size_t at) {
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// The end of the comment that begins at `at`, npos if it is never closed.
size_t comment_end(std::string_view text, size_t at) {
  int depth = 0;
  for (size_t i = at; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '(') {
      if (++depth > max_comment_depth) return std::string_view::npos;
    } else if (text[i] == ')' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// "local@domain" in its parts: quotes, comments and blanks around dots and the "@" dropped, a route before
// ":" too.
Address split_address(std::string_view spec) {
  spec = trim(spec);
  if (!spec.empty() && spec.front() == '@') {
    if (const size_t colon = spec.find(':'); colon != std::string_view::npos) spec.remove_prefix(colon + 1);
  }
  // As good as all addresses: nothing in them that has to be looked at.
  static constexpr CharSet odd("\"( \t\n\v\f\r");
  if (const size_t sign = spec.find('@'); spec.size() <= max_local_bytes &&
                                          odd.find_in(spec) == spec.size() &&
                                          sign != std::string_view::npos && sign == spec.rfind('@')) {
    return {"", clean_text(spec.substr(0, sign), max_local_bytes), to_ascii_domain(spec.substr(sign + 1))};
  }
  std::string local, domain;
  std::string* to = &local;
  for (size_t i = 0; i < spec.size();) {
    const char c = spec[i];
    if (c == '"' && to == &local) {
      const size_t end = quoted_end(spec, i);
      const size_t stop = end == std::string_view::npos ? spec.size() : end - 1;
      append_unquoted(spec.substr(i + 1, stop - i - 1), local);
      i = end == std::string_view::npos ? spec.size() : end;
    } else if (const size_t end = c == '(' ? comment_end(spec, i) : std::string_view::npos;
               end != std::string_view::npos) {
      i = end;
    } else if (c == '@') {
      // With several, the last one counts, as the servers on the way read it.
      if (to == &domain) local += "@" + domain;
      domain.clear();
      to = &domain;
      ++i;
    } else {
      if (!is_space(c)) *to += c;
      ++i;
    }
    if (to->size() > 4 * max_local_bytes) break;
  }
  Address address;
  address.local = clean_text(local, max_local_bytes);
  address.domain = to == &domain ? to_ascii_domain(domain) : "";
  return address;
}

// Reads one list; see append_addresses().
class Reader {
 public:
  Reader(std::string_view text, Charsets& charsets, size_t max, std::vector<Address>& out)
      : text_(text), charsets_(charsets), max_(max), out_(out) {
    tokens_.reserve(usual_tokens);
  }

  AddressList read() {
    while (at_ < text_.size()) step();
    finish();
    return found_;
  }

 private:
  // A word, quoted string or literal outside brackets.
  struct Token {
    std::string_view raw;
    bool gap = false;  // a blank stood before it
    [[nodiscard]] bool quoted() const { return raw.front() == '"'; }
    // Do dots and "@" bind it to what stands before or after, even over blanks?
    [[nodiscard]] bool binds_left() const { return raw.front() == '.' || raw.front() == '@'; }
    [[nodiscard]] bool binds_right() const { return raw.back() == '.' || raw.back() == '@'; }
    [[nodiscard]] bool separates() const { return raw == ","; }
  };

  void step() {
    const char c = text_[at_];
    switch (c) {
      case '"':
        return take_token(closed_quote(at_));
      case '(':
        return comment();
      case '<':
        return angle();
      case ',':
      case ';':
        return separator(c);
      case ':':
        return colon();
      case '[':
        return take_token(std::min(text_.find(']', at_), text_.size() - 1) + 1);
      case '>':
      case ')':
      case ']':
        found_.sound = false;
        ++at_;
        return;
      default:
        if (!is_space(c)) return take_token(atom_end());
        ++at_;
        gap_ = true;
    }
  }

  // Past the quote that closes the one at `at`. Once one is found that is never closed, all later ones are
  // noise too: the rest is not searched again.
  size_t closed_quote(size_t at) {
    const size_t end = open_quote_ ? std::string_view::npos : quoted_end(text_, at);
    if (end == std::string_view::npos) open_quote_ = true;
    return end;
  }
  size_t closed_comment(size_t at) {
    const size_t end = open_comment_ ? std::string_view::npos : comment_end(text_, at);
    if (end == std::string_view::npos) open_comment_ = true;
    return end;
  }

  void take_token(size_t end) {
    if (end == std::string_view::npos) {  // never closed: passed over
      found_.sound = false;
      ++at_;
      return;
    }
    if (tokens_.size() < max_tokens) tokens_.push_back({text_.substr(at_, end - at_), gap_});
    gap_ = false;
    at_ = end;
  }

  void comment() {
    const size_t end = closed_comment(at_);
    if (end == std::string_view::npos) {
      found_.sound = false;
      ++at_;
      return;
    }
    comment_ = text_.substr(at_ + 1, end - at_ - 2);
    at_ = end;
  }

  void angle() {
    if (has_angle_) {  // a second address without a comma between
      found_.sound = false;
      finish();
    }
    while (at_ < text_.size() && text_[at_] == '<') ++at_;
    const bool route = at_ < text_.size() && text_[at_] == '@';  // which alone may hold commas
    size_t end = at_;
    while (end < text_.size() && text_[end] != '>' && text_[end] != '<' && (route || text_[end] != ',')) {
      size_t next = std::string_view::npos;
      if (text_[end] == '"') next = closed_quote(end);
      if (text_[end] == '(') next = closed_comment(end);
      end = next == std::string_view::npos ? end + 1 : next;
    }
    if (end >= text_.size() || text_[end] != '>') {
      // Not closed: the address ends where the next one begins.
      found_.sound = false;
      end = std::min(text_.find_first_of(",;<", at_), text_.size());
    }
    address_ = split_address(text_.substr(at_, end - at_));
    has_angle_ = true;
    at_ = end;
    while (at_ < text_.size() && text_[at_] == '>') ++at_;
    gap_ = true;
  }

  void separator(char c) {
    // "Last, First <address>": a comma that should have been in quotes belongs to the name.
    if (c == ',' && !has_angle_ && !tokens_.empty() && !address_before()) {
      found_.sound = false;
      gap_ = false;
      return take_token(at_ + 1);
    }
    finish();
    if (c == ';') in_group_ = false;
    ++at_;
  }

  [[nodiscard]] bool address_before() const {
    return std::any_of(tokens_.begin(), tokens_.end(), [](const Token& token) {
      return !token.quoted() && token.raw.find('@') != std::string_view::npos;
    });
  }

  // The words before were the name of a group, unless they are an address themselves.
  void colon() {
    if (has_angle_ || in_group_ || address_before()) {
      found_.sound = false;
      return take_token(at_ + 1);
    }
    ++at_;
    clear();
    in_group_ = true;
  }

  [[nodiscard]] size_t atom_end() const {
    size_t end = at_;
    while (end < text_.size() && !ends_atom.has(text_[end])) {
      end = std::max(end + 1, text_[end] == '=' ? encoded_end(end) : 0);
    }
    return end;
  }

  // The end of the encoded word at `at`, which may hold anything but blanks; 0 if there is none.
  [[nodiscard]] size_t encoded_end(size_t at) const {
    if (text_.substr(at, 2) != "=?") return 0;
    size_t end = at;
    for (int marks = 0; end < text_.size() && end < at + max_encoded_bytes && !is_space(text_[end]); ++end) {
      if (text_[end] == '?' && ++marks == 4) break;
    }
    return text_.substr(std::min(end, text_.size()), 2) == "?=" ? end + 2 : 0;
  }

  // The mailbox is over: takes its parts together.
  void finish() {
    if (has_angle_ || !tokens_.empty()) {
      ++found_.total;
      if (out_.size() < max_) out_.push_back(take());
    }
    clear();
  }

  Address take() {
    // Without brackets the address is the word with the "@", and what dots and "@" bind to it; the others are
    // the name.
    size_t from = 0, to = 0;
    if (!has_angle_) {
      find_address(from, to);
      std::string spec;
      for (size_t i = from; i < to; ++i) spec += tokens_[i].raw;
      address_ = split_address(spec);
    }
    std::string shown;
    for (size_t i = 0; i < tokens_.size() && shown.size() < 4 * max_name_bytes; ++i) {
      if (i >= from && i < to) continue;
      const Token& token = tokens_[i];
      if (token.gap && !shown.empty()) shown += ' ';
      if (token.quoted()) {
        append_unquoted(token.raw.substr(1, token.raw.size() - 2), shown);
      } else {
        shown += token.raw;
      }
    }
    if (shown.empty()) append_unquoted(comment_.substr(0, 4 * max_name_bytes), shown);
    std::string unfolded, name;
    found_.sound =
        append_decoded_words(unfold(shown, unfolded, shown.size()), charsets_, name) && found_.sound;
    address_.display_name = clean_text(trim(name), max_name_bytes);
    if (!address_.usable()) found_.sound = false;
    return std::move(address_);
  }

  void find_address(size_t& from, size_t& to) {
    size_t at = tokens_.size();
    while (at > 0 && (tokens_[at - 1].quoted() || tokens_[at - 1].raw.find('@') == std::string_view::npos))
      --at;
    if (at == 0) {
      found_.sound = false;
      return;
    }
    from = at - 1;
    to = at;
    const auto joined = [&](size_t i) {  // token i to the one before it
      if (tokens_[i].separates() || tokens_[i - 1].separates()) return false;
      return !tokens_[i].gap || tokens_[i].binds_left() || tokens_[i - 1].binds_right();
    };
    while (from > 0 && joined(from)) --from;
    while (to < tokens_.size() && joined(to)) ++to;
    if (to - from < tokens_.size()) found_.sound = false;
  }

  void clear() {
    tokens_.clear();
    comment_ = {};
    address_ = {};
    has_angle_ = gap_ = false;
  }

  std::string_view text_;
  Charsets& charsets_;
  size_t max_;
  std::vector<Address>& out_;
  AddressList found_;
  size_t at_ = 0;
  bool in_group_ = false;
  bool open_quote_ = false, open_comment_ = false;

  // Of the mailbox under way.
  std::vector<Token> tokens_;
  std::string_view comment_;  // the last one
  Address address_;           // from the brackets
  bool has_angle_ = false;
  bool gap_ = false;  // blanks since the last token
};

}  // namespace

AddressList append_addresses(std::string_view value, Charsets& charsets, size_t max,
                             std::vector<Address>& out) {
  return Reader(value, charsets, max, out).read();
}

Address parse_path(std::string_view text) {
  text = trim(text);
  if (!text.empty() && text.front() == '<') text.remove_prefix(1);
  if (const size_t end = text.rfind('>'); end != std::string_view::npos) text = text.substr(0, end);
  return split_address(text.substr(0, 4 * max_local_bytes));
}

}  // namespace bonafide::mail
