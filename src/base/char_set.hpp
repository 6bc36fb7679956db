#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace bonafide {

/// A set of bytes, made in the compiler. The library's find_first_of() searches its set anew for each byte of
/// the text; this looks each byte up in a table.
class CharSet {
 public:
  constexpr explicit CharSet(std::string_view members) {
    for (const char c : members) has_[static_cast<uint8_t>(c)] = true;
  }
  /// The same with all bytes from `first` to `last`.
  [[nodiscard]] constexpr CharSet with_range(char first, char last) const {
    CharSet wider = *this;
    for (size_t byte = static_cast<uint8_t>(first); byte <= static_cast<uint8_t>(last); ++byte)
      wider.has_[byte] = true;
    return wider;
  }
  [[nodiscard]] constexpr bool has(char c) const { return has_[static_cast<uint8_t>(c)]; }
  /// Place of the first member at or after `from`, which is at most text.size(); text.size() if there is
  /// none.
  [[nodiscard]] constexpr size_t find_in(std::string_view text, size_t from = 0) const {
    while (from < text.size() && !has(text[from])) ++from;
    return from;
  }

 private:
  std::array<bool, 256> has_{};
};

}  // namespace bonafide
