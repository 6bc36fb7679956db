#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "mail/parse/html.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t max_reference_bytes = 12;

struct Entity {
  std::string_view name;
  uint32_t code;
};

// The character references mail uses: HTML 4 Latin-1, and the marks and spaces of text. Sorted in the
// compiler.
constexpr auto entities = [] {
  auto table = std::to_array<Entity>(
      {{"AElig", 0xC6},    {"Aacute", 0xC1},   {"Acirc", 0xC2},   {"Agrave", 0xC0},  {"Aring", 0xC5},
       {"Atilde", 0xC3},   {"Auml", 0xC4},     {"Ccedil", 0xC7},  {"ETH", 0xD0},     {"Eacute", 0xC9},
       {"Ecirc", 0xCA},    {"Egrave", 0xC8},   {"Euml", 0xCB},    {"Iacute", 0xCD},  {"Icirc", 0xCE},
       {"Igrave", 0xCC},   {"Iuml", 0xCF},     {"Ntilde", 0xD1},  {"OElig", 0x152},  {"Oacute", 0xD3},
       {"Ocirc", 0xD4},    {"Ograve", 0xD2},   {"Oslash", 0xD8},  {"Otilde", 0xD5},  {"Ouml", 0xD6},
       {"Scaron", 0x160},  {"THORN", 0xDE},    {"Uacute", 0xDA},  {"Ucirc", 0xDB},   {"Ugrave", 0xD9},
       {"Uuml", 0xDC},     {"Yacute", 0xDD},   {"Yuml", 0x178},   {"aacute", 0xE1},  {"acirc", 0xE2},
       {"acute", 0xB4},    {"aelig", 0xE6},    {"agrave", 0xE0},  {"amp", '&'},      {"apos", '\''},
       {"aring", 0xE5},    {"atilde", 0xE3},   {"auml", 0xE4},    {"bdquo", 0x201E}, {"brvbar", 0xA6},
       {"bull", 0x2022},   {"ccedil", 0xE7},   {"cedil", 0xB8},   {"cent", 0xA2},    {"check", 0x2713},
       {"colon", ':'},     {"comma", ','},     {"copy", 0xA9},    {"curren", 0xA4},  {"dagger", 0x2020},
       {"deg", 0xB0},      {"divide", 0xF7},   {"eacute", 0xE9},  {"ecirc", 0xEA},   {"egrave", 0xE8},
       {"emsp", 0x2003},   {"ensp", 0x2002},   {"eth", 0xF0},     {"euml", 0xEB},    {"euro", 0x20AC},
       {"frac12", 0xBD},   {"frac14", 0xBC},   {"frac34", 0xBE},  {"gt", '>'},       {"hearts", 0x2665},
       {"hellip", 0x2026}, {"iacute", 0xED},   {"icirc", 0xEE},   {"iexcl", 0xA1},   {"igrave", 0xEC},
       {"iquest", 0xBF},   {"iuml", 0xEF},     {"laquo", 0xAB},   {"larr", 0x2190},  {"ldquo", 0x201C},
       {"lsaquo", 0x2039}, {"lsquo", 0x2018},  {"lt", '<'},       {"macr", 0xAF},    {"mdash", 0x2014},
       {"micro", 0xB5},    {"middot", 0xB7},   {"nbsp", 0xA0},    {"ndash", 0x2013}, {"not", 0xAC},
       {"ntilde", 0xF1},   {"num", '#'},       {"oacute", 0xF3},  {"ocirc", 0xF4},   {"oelig", 0x153},
       {"ograve", 0xF2},   {"ordf", 0xAA},     {"ordm", 0xBA},    {"oslash", 0xF8},  {"otilde", 0xF5},
       {"ouml", 0xF6},     {"para", 0xB6},     {"period", '.'},   {"plusmn", 0xB1},  {"pound", 0xA3},
       {"quot", '"'},      {"raquo", 0xBB},    {"rarr", 0x2192},  {"rdquo", 0x201D}, {"reg", 0xAE},
       {"rsaquo", 0x203A}, {"rsquo", 0x2019},  {"sbquo", 0x201A}, {"scaron", 0x161}, {"sect", 0xA7},
       {"shy", 0xAD},      {"sol", '/'},       {"sup1", 0xB9},    {"sup2", 0xB2},    {"sup3", 0xB3},
       {"szlig", 0xDF},    {"thinsp", 0x2009}, {"thorn", 0xFE},   {"times", 0xD7},   {"trade", 0x2122},
       {"uacute", 0xFA},   {"ucirc", 0xFB},    {"ugrave", 0xF9},  {"uml", 0xA8},     {"uuml", 0xFC},
       {"yacute", 0xFD},   {"yen", 0xA5},      {"yuml", 0xFF},    {"zwj", 0x200D},   {"zwnj", 0x200C}});
  std::sort(table.begin(), table.end(), [](const Entity& a, const Entity& b) { return a.name < b.name; });
  return table;
}();

void append_code_point(uint32_t code, std::string& out) {
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = 0xFFFD;
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    if (code < 0x10000) {
      out += static_cast<char>(0xE0 | code >> 12);
    } else {
      out += static_cast<char>(0xF0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    }
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// Code point of "#65" or "#x41" at the start of `text`, and how many bytes it took; 0: none.
size_t numeric_reference(std::string_view text, uint32_t& code) {
  size_t at = 1;
  const bool hex = text.size() > 1 && ascii_lower(text[1]) == 'x';
  if (hex) ++at;
  const size_t first = at;
  code = 0;
  for (; at < text.size() && at < first + 8; ++at) {
    const char c = ascii_lower(text[at]);
    if (is_digit(c)) {
      code = code * (hex ? 16 : 10) + static_cast<uint32_t>(c - '0');
    } else if (hex && c >= 'a' && c <= 'f') {
      code = code * 16 + static_cast<uint32_t>(c - 'a' + 10);
    } else {
      break;
    }
  }
  if (at == first) return 0;
  return at < text.size() && text[at] == ';' ? at + 1 : at;
}

size_t named_reference(std::string_view text, uint32_t& code) {
  size_t length = 0;
  while (length < text.size() && length < max_reference_bytes &&
         (is_alpha(text[length]) || is_digit(text[length])))
    ++length;
  const auto name = text.substr(0, length);
  const auto found =
      std::lower_bound(entities.begin(), entities.end(), name,
                       [](const Entity& entity, std::string_view wanted) { return entity.name < wanted; });
  if (found == entities.end() || found->name != name) return 0;
  code = found->code;
  return length < text.size() && text[length] == ';' ? length + 1 : length;
}

}  // namespace

void append_unescaped(std::string_view text, std::string& out) {
  for (size_t mark = text.find('&'); mark != std::string_view::npos; mark = text.find('&')) {
    out += text.substr(0, mark);
    text.remove_prefix(mark + 1);
    uint32_t code = 0;
    const size_t taken =
        !text.empty() && text[0] == '#' ? numeric_reference(text, code) : named_reference(text, code);
    if (taken == 0) {
      out += '&';
    } else {
      append_code_point(code, out);
    }
    text.remove_prefix(taken);
  }
  out += text;
}

}  // namespace bonafide::mail
