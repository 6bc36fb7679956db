#pragma once
#include <string>
#include <string_view>

#include "mail/parse/charset.hpp"

namespace bonafide::mail {

/// Appends an unfolded header text with its encoded words decoded (RFC 2047), as UTF-8. Words that follow
/// each other are joined, characters cut in two between them made whole. Tolerant: words inside quotes, with
/// blanks inside, without blanks around. What only looks like an encoded word stays as it is. Returns false
/// if a word's charset is unknown or its content broken.
bool append_decoded_words(std::string_view text, Charsets& charsets, std::string& out);

}  // namespace bonafide::mail
