#include "base/sealed_text.hpp"

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bonafide {
namespace {

constexpr std::string_view word = "crc32c ";

std::string crc_line(ByteView text) {
  std::string crc;
  append_be32(crc, crc32c(text));
  return std::string(word) + to_hex(crc) + "\n";
}

}  // namespace

std::string sealed(std::string text) {
  text += crc_line(text);
  return text;
}

std::optional<ByteView> unsealed(ByteView file) {
  const size_t at = file.rfind(word);
  if (at == std::string_view::npos) return std::nullopt;
  const ByteView text = file.substr(0, at);
  return file.substr(at) == crc_line(text) ? std::optional(text) : std::nullopt;
}

}  // namespace bonafide
