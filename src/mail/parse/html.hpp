#pragma once
#include <string>
#include <string_view>

#include "mail/parse/excerpt.hpp"
#include "mail/parse/links.hpp"

namespace bonafide::mail {

/// Reads HTML as a mail program shows it: its text into `excerpt` (nothing of scripts, styles and hidden
/// elements), its links (a, area, form) with their shown text into `links`. Takes UTF-8 and any nonsense;
/// time is linear in its length.
void read_html(std::string_view html, Excerpt& excerpt, LinkList& links);

/// Appends `text` with its character references (&amp;, &#65;, &#x41;) resolved.
void append_unescaped(std::string_view text, std::string& out);

/// The charset a <meta> element in the first kilobyte names, "" if none.
std::string html_charset(std::string_view html);

}  // namespace bonafide::mail
