#include "mail/parse/charset.hpp"

#include <algorithm>
#include <array>

#include <unicode/ucnv.h>

#include "base/text.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t max_open = 8;
constexpr size_t max_name_bytes = 40;

enum class Kind { utf8, ascii, windows_1252, other };

Kind kind_of(std::string_view name) {
  if (name.empty()) return Kind::ascii;
  for (const std::string_view known : {"utf-8", "utf8"}) {
    if (equals_ignoring_case(name, known)) return Kind::utf8;
  }
  for (const std::string_view known :
       {"us-ascii", "ascii", "ansi_x3.4-1968", "7bit", "8bit", "unknown-8bit"}) {
    if (equals_ignoring_case(name, known)) return Kind::ascii;
  }
  for (const std::string_view known :
       {"iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "windows-1252", "cp1252"}) {
    if (equals_ignoring_case(name, known)) return Kind::windows_1252;
  }
  return Kind::other;
}

void append_code_point(uint32_t code, std::string& out) {
  if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
  } else {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
  }
  out += static_cast<char>(0x80 | (code & 0x3F));
}

void append_windows_1252(ByteView bytes, std::string& out) {
  static constexpr std::array<uint16_t, 32> high = {
      0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};
  while (!bytes.empty()) {
    size_t plain = 0;
    while (plain < bytes.size() && static_cast<uint8_t>(bytes[plain]) < 0x80) ++plain;
    out += bytes.substr(0, plain);
    if (plain == bytes.size()) break;
    const auto byte = static_cast<uint8_t>(bytes[plain]);
    append_code_point(byte < 0xA0 ? high[byte - 0x80] : byte, out);
    bytes.remove_prefix(plain + 1);
  }
}

void append_unlabelled(ByteView bytes, std::string& out) {
  if (is_utf8(bytes)) {
    out += bytes;
  } else {
    append_windows_1252(bytes, out);
  }
}

// The name by which the converter is opened: lower case, supersets for what is commonly mislabelled.
std::string converter_name(std::string_view charset) {
  std::string name = ascii_lower(charset);
  if (name == "gb2312" || name == "gbk" || name == "gb_2312-80" || name == "x-gbk") return "gb18030";
  if (name == "iso-8859-8-i" || name == "iso-8859-8-e") return "iso-8859-8";
  if (name == "iso-8859-9") return "windows-1254";
  if (name == "ks_c_5601-1987" || name == "euc-kr") return "windows-949";
  return name;
}

// Only names of the alias table are opened: others would be looked for as data files.
bool is_known(const std::string& name) {
  UErrorCode error = U_ZERO_ERROR;
  return !name.empty() && name.size() <= max_name_bytes && name.find(',') == std::string::npos &&
         ucnv_countAliases(name.c_str(), &error) > 0 && U_SUCCESS(error);
}

}  // namespace

Charsets::Charsets() = default;
Charsets::~Charsets() {
  for (const auto& open : open_) ucnv_close(open.converter);
}

UConverter* Charsets::converter(const std::string& name) {
  const auto found =
      std::find_if(open_.begin(), open_.end(), [&](const Open& open) { return open.name == name; });
  if (found != open_.end()) return found->converter;
  if (!is_known(name)) return nullptr;
  UErrorCode error = U_ZERO_ERROR;
  UConverter* made = ucnv_open(name.c_str(), &error);
  if (U_FAILURE(error)) return nullptr;
  if (open_.size() < max_open) {
    open_.push_back({name, made});
  } else {
    auto& old = open_[next_out_++ % max_open];
    ucnv_close(old.converter);
    old = {name, made};
  }
  return made;
}

bool Charsets::append_utf8(std::string_view charset, ByteView bytes, std::string& out) {
  switch (kind_of(charset)) {
    case Kind::utf8:
      if (is_utf8(bytes)) {
        out += bytes;
      } else {
        out += repair_utf8(bytes);
      }
      return true;
    case Kind::ascii:
      append_unlabelled(bytes, out);
      return true;
    case Kind::windows_1252:
      append_windows_1252(bytes, out);
      return true;
    case Kind::other:
      break;
  }
  UConverter* from = converter(converter_name(charset));
  if (from == nullptr) {
    append_unlabelled(bytes, out);
    return false;
  }
  const size_t before = out.size();
  // Three bytes of UTF-8 for one is the most that charsets give, but for a few that say so by an overflow.
  for (size_t room = 3 * bytes.size() + 16;;) {
    out.resize(before + room);
    UErrorCode error = U_ZERO_ERROR;
    const int32_t length =
        ucnv_toAlgorithmic(UCNV_UTF8, from, out.data() + before, static_cast<int32_t>(room), bytes.data(),
                           static_cast<int32_t>(bytes.size()), &error);
    if (error == U_BUFFER_OVERFLOW_ERROR && static_cast<size_t>(length) > room) {
      room = static_cast<size_t>(length);
      continue;
    }
    out.resize(before + (U_FAILURE(error) ? 0 : static_cast<size_t>(length)));
    if (U_FAILURE(error)) append_unlabelled(bytes, out);
    return U_SUCCESS(error);
  }
}

bool Charsets::keeps_ascii(std::string_view charset) {
  for (const std::string_view other :
       {"utf-16", "utf-32", "utf-7", "iso-2022", "hz-gb", "ucs-", "unicode-1-1", "iso-10646"}) {
    if (starts_ignoring_case(charset, other)) return false;
  }
  return !starts_ignoring_case(charset, "ibm") && !starts_ignoring_case(charset, "cp0") &&
         !starts_ignoring_case(charset, "ebcdic");
}

}  // namespace bonafide::mail
