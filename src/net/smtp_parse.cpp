#include "net/smtp_parse.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"

namespace bonafide::net {
namespace {

constexpr size_t max_attribute_bytes = 255;  // XFORWARD: of one value

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return upper(c); });
  return result;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

bool is_domain_char(char c) {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || static_cast<uint8_t>(c) >= 0x80;
}

// A name, or an address literal in brackets.
bool is_domain(std::string_view text) {
  if (text.empty() || text.size() > 255) return false;
  if (text.front() != '[') return std::ranges::all_of(text, is_domain_char) && text.front() != '.';
  return text.size() > 2 && text.back() == ']' && text.find_first_of("<> \"[]", 1) == text.size() - 1;
}

// Where the path that begins behind "<" ends: the ">" outside of quotes. npos = it does not end, or holds
// what must not be there.
size_t end_of_path(std::string_view text) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '>') {
      return i;
    } else if (c == '<' || c == ' ') {
      return std::string_view::npos;
    }
  }
  return std::string_view::npos;
}

// local@domain, or a local name alone.
bool is_mailbox(std::string_view text) {
  bool quoted = false;
  size_t at = std::string_view::npos;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '@' && !quoted) {
      at = i;
    }
  }
  if (at == std::string_view::npos) return !text.empty();
  return at > 0 && is_domain(text.substr(at + 1));
}

// "@relay,@relay:" before an address means nothing any more (RFC 5321 appendix C).
std::string_view without_route(std::string_view path) {
  if (!path.starts_with('@')) return path;
  const size_t colon = path.find(':');
  return colon == std::string_view::npos ? path : path.substr(colon + 1);
}

bool is_parameter_name(std::string_view name) {
  return !name.empty() && name.front() != '-' &&
         std::ranges::all_of(name, [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; });
}

SmtpReply bad_syntax(std::string text) { return {501, "5.5.4", std::move(text)}; }

// Adds "NAME=value NAME" to `parameters`. False: not well formed, or one comes twice.
bool parse_parameters(std::string_view text, std::vector<std::pair<std::string, std::string>>& parameters) {
  for (const std::string_view part : split(text, ' ')) {
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    std::string name = upper(part.substr(0, equals));
    if (!is_parameter_name(name)) return false;
    if (equals != std::string_view::npos && equals + 1 == part.size()) return false;
    if (std::ranges::find(parameters, name, &std::pair<std::string, std::string>::first) != parameters.end())
      return false;
    parameters.emplace_back(std::move(name),
                            equals == std::string_view::npos ? "" : std::string(part.substr(equals + 1)));
  }
  return true;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// RFC 3461 section 4. Nothing: not well formed, or control characters in it.
std::optional<std::string> from_xtext(std::string_view text) {
  std::string value;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+') {
      if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0)
        return std::nullopt;
      c = static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    }
    if (static_cast<uint8_t>(c) <= 0x20 || static_cast<uint8_t>(c) >= 0x7F) return std::nullopt;
    value += c;
  }
  return value;
}

struct Attribute {
  std::string_view name;
  std::string SmtpForwarded::*member;
};
constexpr std::array<Attribute, 6> text_attributes = {{{"NAME", &SmtpForwarded::name},
                                                       {"PORT", &SmtpForwarded::port},
                                                       {"PROTO", &SmtpForwarded::protocol},
                                                       {"HELO", &SmtpForwarded::helo},
                                                       {"IDENT", &SmtpForwarded::ident},
                                                       {"SOURCE", &SmtpForwarded::source}}};

}  // namespace

SmtpCommand parse_command(std::string_view line) {
  const size_t space = line.find(' ');
  SmtpCommand command;
  command.verb = upper(line.substr(0, space));
  if (space != std::string_view::npos) command.arguments = trim(line.substr(space));
  return command;
}

std::variant<SmtpPath, SmtpReply> parse_path(std::string_view arguments, std::string_view keyword,
                                             size_t max_bytes, std::string_view wrong_address) {
  const std::string form = std::string(keyword) + ":<address>";
  if (!starts_ignoring_case(arguments, keyword) || arguments.substr(keyword.size(), 1) != ":")
    return bad_syntax("the argument must begin with " + form);
  arguments = trim(arguments.substr(keyword.size() + 1));
  const SmtpReply wrong{501, std::string(wrong_address), "the address must stand as " + form};
  if (!arguments.starts_with('<')) return wrong;
  arguments.remove_prefix(1);
  const size_t end = end_of_path(arguments);
  if (end == std::string_view::npos) return wrong;
  const std::string_view address = without_route(arguments.substr(0, end));
  if (!address.empty() && !is_mailbox(address)) return wrong;
  if (address.size() > max_bytes)
    return SmtpReply{501, std::string(wrong_address),
                     "the address is longer than " + std::to_string(max_bytes) + " bytes"};
  if (!is_utf8(address)) return wrong;
  SmtpPath path;
  path.address = address;
  path.ascii = is_ascii(address);
  const std::string_view rest = arguments.substr(end + 1);
  if (!rest.empty() && rest.front() != ' ') return wrong;
  if (!parse_parameters(rest, path.parameters)) return bad_syntax("the parameters are not well formed");
  return path;
}

std::variant<SmtpForwarded, SmtpReply> parse_forwarded(std::string_view arguments, SmtpForwarded known) {
  std::vector<std::pair<std::string, std::string>> given;
  if (!parse_parameters(arguments, given) || given.empty())
    return bad_syntax("the form is: XFORWARD attribute=value ...");
  for (const auto& [name, xtext] : given) {
    const auto value = from_xtext(xtext);
    if (!value || value->empty() || value->size() > max_attribute_bytes)
      return bad_syntax("the value of " + name + " is not well formed");
    const bool unknown =
        equals_ignoring_case(*value, "[UNAVAILABLE]") || equals_ignoring_case(*value, "[TEMPUNAVAIL]");
    if (name == "ADDR") {
      const auto address = IpAddress::parse(*value);
      if (!unknown && !address.ok()) return bad_syntax("ADDR is no IP address");
      known.address = unknown ? std::nullopt : std::optional(*address);
      continue;
    }
    const auto* const attribute = std::ranges::find(text_attributes, name, &Attribute::name);
    if (attribute == text_attributes.end()) return bad_syntax("there is no attribute " + name);
    known.*attribute->member = unknown ? "" : *value;
  }
  return known;
}

std::string_view forwarded_attributes() { return "NAME ADDR PORT PROTO HELO IDENT SOURCE"; }

// ---- the message

void SmtpLines::drop() {
  dropped_ = true;
  std::string().swap(text_);
}

void SmtpLines::keep(ByteView bytes) {
  if (dropped_) return;
  if (bytes.size() > max_bytes_ - text_.size()) {
    too_large_ = true;
    return drop();
  }
  text_ += bytes;
}

void SmtpLines::add(ByteView bytes) {
  if (bytes.empty()) return;
  total_ += bytes.size();
  keep(bytes);
  // A CR must stand before every LF, and an LF behind every CR.
  size_t i = 0;
  if (last_was_cr_) {
    if (bytes.front() != '\n') bare_ = true;
    i = bytes.front() == '\n' ? 1 : 0;
    last_was_cr_ = false;
  }
  while (!bare_ && i < bytes.size()) {
    const size_t cr = std::min(bytes.find('\r', i), bytes.size());
    if (std::memchr(bytes.data() + i, '\n', cr - i) != nullptr) bare_ = true;
    if (cr + 1 == bytes.size()) last_was_cr_ = true;
    if (cr + 1 < bytes.size() && bytes[cr + 1] != '\n') bare_ = true;
    i = cr + 2;
  }
  if (bare_) drop();
}

void SmtpLines::finish() {
  if (last_was_cr_) bare_ = true;
  if (bare_) drop();
}

size_t SmtpDots::read(ByteView bytes, SmtpLines& lines) {
  size_t i = 0, from = 0;  // [from, i) is the message's and not handed on yet
  const auto hand_on = [&] {
    lines.add(bytes.substr(from, i - from));
    from = i;
  };
  while (i < bytes.size() && at_ != At::end) {
    const char c = bytes[i];
    switch (at_) {
      case At::line_start:
        if (c != '.') {
          at_ = At::text;
          continue;
        }
        hand_on();
        at_ = At::dot;
        break;
      case At::dot:  // the dot itself is dropped, whatever follows
        from = i;
        at_ = c == '\r' ? At::dot_cr : At::text;
        if (at_ == At::text) continue;
        break;
      case At::dot_cr:
        if (c == '\n') {
          at_ = At::end;
          break;
        }
        // The CR was the message's: it stands in these bytes or came with earlier ones.
        lines.add("\r");
        from = i;
        at_ = At::text;
        continue;
      case At::text: {
        i = std::min(bytes.find('\r', i), bytes.size());
        if (i == bytes.size()) continue;
        at_ = At::text_cr;
        break;
      }
      case At::text_cr:
        at_ = c == '\n' ? At::line_start : At::text;
        if (at_ == At::text) continue;
        break;
      case At::end:
        break;
    }
    ++i;
  }
  if (at_ == At::text || at_ == At::text_cr || at_ == At::line_start) hand_on();
  return i;
}

}  // namespace bonafide::net
