#pragma once
#include <string>
#include <string_view>

// How text is written into a message.
namespace bonafide::app::demo {

bool is_ascii(std::string_view text);
/// RFC 2045 6.7, from text with "\n" line ends, to lines with CRLF.
void append_quoted_printable(std::string& out, std::string_view text);
/// RFC 2045 6.8, lines of 76 with CRLF.
void append_base64_lines(std::string& out, std::string_view text);
/// Each "\n" made CRLF.
void append_with_crlf(std::string& out, std::string_view text);
/// The value of an unstructured header: as it is, or in encoded words (RFC 2047).
void append_header_text(std::string& out, std::string_view text, bool base64);
/// A mailbox of an address header: Name <local@domain>, or the address alone where there is no name.
void append_mailbox(std::string& out, std::string_view name, std::string_view address, bool always_quotes,
                    bool base64);
/// Breaks lines at blanks so that they are at most `width` bytes where that can be; `prefix` begins each.
void append_wrapped(std::string& out, std::string_view paragraph, size_t width, std::string_view prefix);
void append_html_text(std::string& out, std::string_view text);

}  // namespace bonafide::app::demo
