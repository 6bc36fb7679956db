#include "mail/parse/content.hpp"

#include <algorithm>
#include <vector>

#include "base/char_set.hpp"
#include "base/text.hpp"
#include "mail/parse/encoded_word.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t max_value_bytes = size_t{8} << 10;
constexpr size_t max_parameters = 64;
constexpr size_t max_name_bytes = 255;
constexpr size_t max_type_bytes = 100;
constexpr size_t max_boundary_bytes = 250;  // RFC 2046 5.1.1 allows 70
constexpr size_t max_charset_bytes = 40;
constexpr int max_sections = 50;

struct Parameter {
  std::string name;       // lower case, without section and star
  std::string value;      // quotes removed
  int section = -1;       // RFC 2231 continuation; -1: none
  bool extended = false;  // percent-encoded, the first one with its charset before
};

bool is_token_char(char c) {
  static constexpr CharSet specials("()<>@,;:\\\"/[]?=");
  return c > ' ' && c < 127 && !specials.has(c);
}

// "name*1*" → name, section 1, extended.
void split_name(std::string_view name, Parameter& parameter) {
  if (!name.empty() && name.back() == '*') {
    parameter.extended = true;
    name.remove_suffix(1);
  }
  if (const size_t star = name.find('*'); star != std::string_view::npos) {
    const auto section = parse_int(name.substr(star + 1));
    if (section.ok() && *section >= 0 && *section < max_sections)
      parameter.section = static_cast<int>(*section);
    name = name.substr(0, star);
  }
  parameter.name = ascii_lower(name);
}

// A "(comment)" at the start of `rest` is cut off.
void skip_comment(std::string_view& rest) {
  rest = trim(rest);
  if (rest.empty() || rest[0] != '(') return;
  int depth = 0;
  size_t at = 0;
  for (; at < rest.size(); ++at) {
    if (rest[at] == '\\') {
      ++at;
    } else if (rest[at] == '(') {
      ++depth;
    } else if (rest[at] == ')' && --depth == 0) {
      break;
    }
  }
  rest = trim(rest.substr(std::min(at + 1, rest.size())));
}

std::string take_value(std::string_view& rest, bool& sound) {
  std::string value;
  if (!rest.empty() && rest[0] == '"') {
    size_t at = 1;
    for (; at < rest.size() && rest[at] != '"'; ++at) {
      // Other backslashes are meant as they stand: "C:\TEMP\a.txt".
      if (rest[at] == '\\' && at + 1 < rest.size() && (rest[at + 1] == '"' || rest[at + 1] == '\\')) ++at;
      value += rest[at];
    }
    if (at >= rest.size()) sound = false;
    rest.remove_prefix(std::min(at + 1, rest.size()));
    return value;
  }
  // Blanks inside an unquoted name are against the rules and common: all up to the ";" is taken.
  const auto end = std::min(rest.find(';'), rest.size());
  value = trim(rest.substr(0, end));
  rest.remove_prefix(end);
  return value;
}

constexpr CharSet ends_parameter_name("=;");

// The parameters after the first ";".
std::vector<Parameter> read_parameters(std::string_view rest, bool& sound) {
  std::vector<Parameter> parameters;
  while (!rest.empty() && parameters.size() < max_parameters) {
    skip_comment(rest);
    if (!rest.empty() && rest[0] == ';') {
      rest.remove_prefix(1);
      continue;
    }
    const size_t end = ends_parameter_name.find_in(rest);
    if (end == rest.size()) {
      sound = sound && rest.empty();
      break;
    }
    if (rest[end] == ';') {
      sound = false;
      rest.remove_prefix(end + 1);
      continue;
    }
    Parameter parameter;
    split_name(trim(rest.substr(0, end)), parameter);
    rest = trim(rest.substr(end + 1));
    parameter.value = take_value(rest, sound);
    parameters.push_back(std::move(parameter));
    // A missing ";" after a quoted value is forgiven.
  }
  return parameters;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      if (const auto byte = from_hex(text.substr(i + 1, 2)); byte.ok()) {
        out += *byte;
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

// A parameter put together from its sections (RFC 2231 3 and 4), undecoded words and all.
class Parameters {
 public:
  explicit Parameters(std::vector<Parameter> parameters) : parameters_(std::move(parameters)) {}

  [[nodiscard]] std::string plain(std::string_view name) const {
    for (const auto& parameter : parameters_) {
      if (parameter.name == name && parameter.section <= 0) return parameter.value;
    }
    return "";
  }

  // As text: charset and percent signs resolved, encoded words too.
  [[nodiscard]] std::string text(std::string_view name, Charsets& charsets, bool& sound) const {
    std::string charset, bytes;
    bool any_section = false, extended = false;
    for (int section = 0; section < max_sections; ++section) {
      const auto* piece = find(name, section);
      if (piece == nullptr) break;
      any_section = true;
      append(*piece, section == 0, charset, extended, bytes);
    }
    if (!any_section) {
      const auto* whole = find_extended(name);
      if (whole == nullptr) whole = find(name, -1);
      if (whole == nullptr) return "";
      append(*whole, true, charset, extended, bytes);
    }
    std::string out;
    if (extended) {
      sound = charsets.append_utf8(charset, bytes, out) && sound;
    } else {
      sound = append_decoded_words(bytes, charsets, out) && sound;
    }
    return clean_text(trim(out), max_name_bytes);
  }

 private:
  [[nodiscard]] const Parameter* find(std::string_view name, int section) const {
    for (const auto& parameter : parameters_) {
      if (parameter.name == name && parameter.section == section) return &parameter;
    }
    return nullptr;
  }
  [[nodiscard]] const Parameter* find_extended(std::string_view name) const {
    for (const auto& parameter : parameters_) {
      if (parameter.name == name && parameter.section < 0 && parameter.extended) return &parameter;
    }
    return nullptr;
  }

  static void append(const Parameter& piece, bool first, std::string& charset, bool& extended,
                     std::string& bytes) {
    std::string_view value = piece.value;
    if (!piece.extended) {
      bytes += value;
      return;
    }
    const size_t language = first ? value.find('\'') : std::string_view::npos;
    const size_t text = language == std::string_view::npos ? language : value.find('\'', language + 1);
    if (text != std::string_view::npos) {
      charset = value.substr(0, language);
      value.remove_prefix(text + 1);
    }
    extended = true;
    bytes += percent_decoded(value);
  }

  std::vector<Parameter> parameters_;
};

// "text/plain" from the beginning of the value, "" if it is not that.
std::string read_type(std::string_view value) {
  static constexpr CharSet ends_type(";(");
  const auto text = trim(value.substr(0, ends_type.find_in(value)));
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos || text.size() > max_type_bytes) return "";
  const auto major = trim(text.substr(0, slash));
  auto minor = trim(text.substr(slash + 1));
  minor = minor.substr(0, std::min(minor.find(' '), minor.find('\t')));
  const auto is_token = [](std::string_view word) {
    return !word.empty() && std::all_of(word.begin(), word.end(), is_token_char);
  };
  return is_token(major) && is_token(minor) ? ascii_lower(major) + "/" + ascii_lower(minor) : "";
}

std::string_view after_mark(std::string_view value) {
  const size_t mark = value.find(';');
  return mark == std::string_view::npos ? std::string_view() : value.substr(mark + 1);
}

void read_type_field(std::string_view value, Charsets& charsets, Content& content) {
  auto type = read_type(value);
  if (type.empty()) {
    content.sound = false;
  } else {
    content.type = std::move(type);
  }
  const Parameters parameters(read_parameters(after_mark(value), content.sound));
  content.boundary = parameters.plain("boundary").substr(0, max_boundary_bytes);
  while (!content.boundary.empty() && is_space(content.boundary.back())) content.boundary.pop_back();
  content.charset = ascii_lower(clean_text(trim(parameters.plain("charset")), max_charset_bytes));
  if (content.name.empty()) content.name = parameters.text("name", charsets, content.sound);
}

void read_disposition_field(std::string_view value, Charsets& charsets, Content& content) {
  const auto kind = trim(value.substr(0, value.find_first_of(";( ")));
  if (equals_ignoring_case(kind, "inline")) {
    content.disposition = "inline";
  } else if (!kind.empty() && kind.find('=') == std::string_view::npos) {
    content.disposition = "attachment";  // RFC 2183 2.8: unknown kinds are attachments
  }
  const Parameters parameters(read_parameters(after_mark(value), content.sound));
  if (auto name = parameters.text("filename", charsets, content.sound); !name.empty())
    content.name = std::move(name);
}

}  // namespace

Content read_content(const HeaderBlock& headers, std::string_view default_type, Charsets& charsets) {
  Content content;
  content.type = default_type;
  bool type_seen = false, encoding_seen = false, disposition_seen = false;
  std::string buffer;
  for (const auto& field : headers.fields()) {
    if (ascii_lower(field.name[0]) != 'c' || !starts_ignoring_case(field.name, "Content-")) continue;
    const auto name = field.name.substr(8);
    const auto first = [&](bool& seen) {
      content.sound = content.sound && !seen;
      return !std::exchange(seen, true);
    };
    if (equals_ignoring_case(name, "Type")) {
      if (first(type_seen)) read_type_field(unfold(field.value, buffer, max_value_bytes), charsets, content);
    } else if (equals_ignoring_case(name, "Transfer-Encoding")) {
      if (first(encoding_seen))
        content.encoding = TransferDecoder::encoding_of(unfold(field.value, buffer, max_value_bytes));
    } else if (equals_ignoring_case(name, "Disposition")) {
      if (first(disposition_seen)) {
        read_disposition_field(unfold(field.value, buffer, max_value_bytes), charsets, content);
      }
    }
  }
  return content;
}

}  // namespace bonafide::mail
