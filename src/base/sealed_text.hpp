#pragma once
#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace bonafide {

/// A text file that shows when it was damaged: `text`, whole lines, and a last line "crc32c " with the
/// CRC-32C of all before it, as 8 hex digits.
std::string sealed(std::string text);
/// The text in it. Nothing: the last line is missing, or is not that of the text.
std::optional<ByteView> unsealed(ByteView file);

}  // namespace bonafide
