#include "mail/parse/links.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/char_set.hpp"
#include "base/hash.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"
#include "mail/domain.hpp"

namespace bonafide::mail {
namespace {

constexpr Limits limits;
constexpr size_t max_shown_bytes = 256;
constexpr size_t max_all_bytes = 48 * 1024;  // of all links, so that the event keeps its bound
constexpr size_t max_seen = 20'000;

bool is_scheme_char(char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; }

// The scheme of a URL in lower case, without the colon; "" if it has none.
std::string scheme_of(std::string_view url) {
  size_t length = 0;
  while (length < url.size() && is_scheme_char(url[length])) ++length;
  if (length == 0 || length == url.size() || url[length] != ':' || !is_alpha(url[0])) return "";
  return ascii_lower(url.substr(0, length));
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '%' && i + 2 < text.size() ? from_hex(text.substr(i + 1, 2))
                                                            : Result<std::string>(Cause::invalid, "");
    if (byte.ok()) {
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// A number as browsers read it in an address: decimal, 0-octal or 0x-hex.
std::optional<uint64_t> address_number(std::string_view text) {
  unsigned base = 10;
  if (text.size() > 2 && text[0] == '0' && ascii_lower(text[1]) == 'x') {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  uint64_t value = 0;
  if (text.empty() || text.size() > 16) return std::nullopt;
  for (const char c : text) {
    const auto lower = ascii_lower(c);
    const unsigned digit = is_digit(c)                    ? static_cast<unsigned>(c - '0')
                           : lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a' + 10)
                                                          : 99;
    if (digit >= base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

// "3232235777", "0xC0.0xA8.1.1" and so on as a dotted quad; "" if it is none (WHATWG URL, 3.5: the last
// number fills up).
std::string numeric_host(std::string_view host) {
  const auto parts = split(host, '.');
  if (parts.size() > 4) return "";
  uint64_t address = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto number = address_number(parts[i]);
    if (!number) return "";
    const bool last = i + 1 == parts.size();
    const size_t bytes_left = 4 - i;
    const uint64_t most = last ? (uint64_t{1} << (8 * bytes_left)) - 1 : 255;
    if (*number > most) return "";
    address |= last ? *number : *number << (8 * (bytes_left - 1));
  }
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text += std::to_string(address >> shift & 255);
    if (shift > 0) text += '.';
  }
  return text;
}

std::string host_of_authority(std::string_view authority) {
  if (const size_t sign = authority.rfind('@'); sign != std::string_view::npos)
    authority.remove_prefix(sign + 1);
  if (!authority.empty() && authority[0] == '[') {
    const auto address = IpAddress::parse(authority.substr(0, authority.find(']') + 1));
    return address.ok() ? address->text() : "";
  }
  authority = authority.substr(0, authority.find(':'));
  std::string decoded;
  if (authority.find('%') != std::string_view::npos) {
    decoded = percent_decoded(authority);
    authority = decoded;
  }
  if (authority.empty()) return "";
  if (is_digit(authority[0])) {
    if (auto quad = numeric_host(authority); !quad.empty()) return quad;
  }
  return to_ascii_domain(authority);
}

// Without what browsers drop: blanks around, tabs and line ends inside.
std::string cleaned_url(std::string_view url) {
  static constexpr CharSet dropped("\t\r\n");
  url = trim(url).substr(0, 4 * limits.text_bytes);
  if (dropped.find_in(url) == url.size()) return clean_text(url, limits.text_bytes);
  std::string out;
  for (const char c : url) {
    if (!dropped.has(c)) out += c;
  }
  return clean_text(out, limits.text_bytes);
}

bool leads_nowhere(std::string_view url, std::string_view scheme) {
  return url.empty() || url[0] == '#' || scheme == "cid" || scheme == "about" || scheme == "mid";
}

// What cannot stand in a URL in plain text.
constexpr CharSet ends_url = CharSet("<>\"`{}|\\^\x7F").with_range('\0', ' ');
// Punctuation of the sentence around it.
constexpr CharSet after_url(".,;:!?'*_");

// The end of the URL that begins at `at`: without the punctuation of the sentence around it.
size_t url_end(std::string_view text, size_t at) {
  size_t end = ends_url.find_in(text.substr(0, at + 4 * limits.text_bytes), at);
  // Closing brackets belong to the URL as far as it opens them.
  const auto surplus_of = [&](char opening, char closing) {
    const auto url = text.substr(at, end - at);
    return std::count(url.begin(), url.end(), closing) - std::count(url.begin(), url.end(), opening);
  };
  std::optional<ptrdiff_t> round, square;  // counted where they matter
  for (; end > at; --end) {
    const char last = text[end - 1];
    if (last == ')') {
      if (!round) round = surplus_of('(', ')');
      if ((*round)-- <= 0) break;
    } else if (last == ']') {
      if (!square) square = surplus_of('[', ']');
      if ((*square)-- <= 0) break;
    } else if (!after_url.has(last)) {
      break;
    }
  }
  return end;
}

bool begins_word(std::string_view text, size_t at) {
  return at == 0 ||
         !(is_alpha(text[at - 1]) || is_digit(text[at - 1]) || static_cast<uint8_t>(text[at - 1]) >= 0x80);
}

// Where the scheme that ends before "://" at `colon` begins; npos if it is none of those looked for.
size_t scheme_begin(std::string_view text, size_t colon) {
  static constexpr std::array<std::string_view, 3> schemes = {"https", "http", "ftp"};
  for (const auto scheme : schemes) {
    if (colon >= scheme.size() &&
        equals_ignoring_case(text.substr(colon - scheme.size(), scheme.size()), scheme)) {
      return colon - scheme.size();
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::string host_of_url(std::string_view url) {
  const std::string scheme = scheme_of(url);
  if (scheme == "mailto") {
    auto address = url.substr(scheme.size() + 1);
    address = address.substr(0, address.find('?'));
    const size_t sign = address.rfind('@');
    return sign == std::string_view::npos ? "" : to_ascii_domain(address.substr(sign + 1));
  }
  const bool web = scheme == "http" || scheme == "https" || scheme == "ftp";
  const bool relative = scheme.empty() && (url.starts_with("//") || url.starts_with("\\\\"));
  const bool bare = scheme.empty() && starts_ignoring_case(url, "www.");
  if (!web && !relative && !bare) return "";
  if (web) url.remove_prefix(scheme.size() + 1);
  if (!bare) url.remove_prefix(std::min(url.find_first_not_of("/\\"), url.size()));
  static constexpr CharSet after_authority("/\\?#");
  return host_of_authority(url.substr(0, after_authority.find_in(url)));
}

void LinkList::add(std::string_view raw, std::string_view shown) {
  if (seen_.size() < max_seen && !seen_.insert(hash64(shown, hash64(raw))).second) return;
  Link link;
  link.url = cleaned_url(raw);
  const auto scheme = scheme_of(link.url);
  if (leads_nowhere(link.url, scheme)) return;
  link.host = host_of_url(link.url);
  if (link.host.empty() && scheme.empty()) return;  // relative to a page that nobody sees
  link.text = clean_text(trim(shown), max_shown_bytes);
  ++total_;
  const size_t bytes = link.url.size() + link.host.size() + link.text.size() + 8;
  if (out_.size() >= limits.links || bytes_ + bytes > max_all_bytes) return;
  bytes_ += bytes;
  out_.push_back(std::move(link));
}

void find_links(std::string_view text, LinkList& links) {
  size_t done = 0;  // the end of the last link: one inside another is not a second one
  for (size_t colon = text.find("://"); colon != std::string_view::npos;
       colon = text.find("://", colon + 3)) {
    const size_t begin = scheme_begin(text, colon);
    if (begin == std::string_view::npos || begin < done || !begins_word(text, begin)) continue;
    done = url_end(text, begin);
    if (done > colon + 3) links.add(text.substr(begin, done - begin), "");
  }
  for (size_t at = text.find("www."); at != std::string_view::npos; at = text.find("www.", at + 4)) {
    if (!begins_word(text, at) ||
        (at >= 1 && (text[at - 1] == '/' || text[at - 1] == '@' || text[at - 1] == '.')))
      continue;
    const size_t end = url_end(text, at);
    if (end > at + 4) links.add(text.substr(at, end - at), "");
    at = end > at ? end - 1 : at;
  }
}

}  // namespace bonafide::mail
