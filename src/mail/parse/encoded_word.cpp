#include "mail/parse/encoded_word.hpp"

#include "base/text.hpp"
#include "mail/parse/transfer.hpp"

namespace bonafide::mail {
namespace {

// Longer than any standard allows (75), so that a search for the end of a word that has none stays short.
constexpr size_t max_charset_bytes = 64;
constexpr size_t max_word_bytes = 1024;

struct Word {
  std::string_view charset, text;
  char encoding = 0;  // 'b' or 'q'
  size_t size = 0;    // of the whole word; 0: there is none
};

// The encoded word at the start of `text`, which begins with "=?".
Word word_at(std::string_view text) {
  Word word;
  const size_t charset_end = text.substr(0, 2 + max_charset_bytes).find('?', 2);
  if (charset_end == std::string_view::npos || charset_end == 2 || charset_end + 2 >= text.size() ||
      text[charset_end + 2] != '?') {
    return word;
  }
  word.charset = text.substr(2, charset_end - 2);
  if (word.charset.find_first_of(" \t\"()<>@,;:[]=") != std::string_view::npos) return word;
  // RFC 2231: a language may follow the charset.
  word.charset = word.charset.substr(0, word.charset.find('*'));
  word.encoding = ascii_lower(text[charset_end + 1]);
  if (word.encoding != 'b' && word.encoding != 'q') return word;
  const size_t begin = charset_end + 3;
  const size_t end = text.substr(0, begin + max_word_bytes).find("?=", begin);
  if (end == std::string_view::npos) return word;
  word.text = text.substr(begin, end - begin);
  word.size = end + 2;
  return word;
}

bool append_content(const Word& word, std::string& bytes) {
  TransferDecoder decoder(word.encoding == 'b' ? TransferDecoder::Encoding::base64
                                               : TransferDecoder::Encoding::quoted_printable);
  const size_t before = bytes.size();
  if (word.encoding == 'b') {
    decoder.decode(word.text, true, bytes);
    // Missing padding is common and harms nothing.
    return true;
  }
  // An underscore is a blank; one that is meant is written =5F.
  std::string spaced(word.text);
  for (char& c : spaced) {
    if (c == '_') c = ' ';
  }
  decoder.decode(spaced, true, bytes);
  return !decoder.broken() || bytes.size() == before;
}

bool is_blank_text(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

bool append_decoded_words(std::string_view text, Charsets& charsets, std::string& out) {
  bool sound = true;
  std::string bytes;         // of words that follow each other in one charset
  std::string_view charset;  // theirs; empty: none are pending
  const auto flush = [&] {
    if (!charset.empty()) sound = charsets.append_utf8(charset, bytes, out) && sound;
    bytes.clear();
    charset = {};
  };
  size_t done = 0;
  bool after_word = false;
  for (size_t at = text.find("=?"); at != std::string_view::npos; at = text.find("=?", at)) {
    const Word word = word_at(text.substr(at));
    if (word.size == 0) {
      at += 2;
      continue;
    }
    const std::string_view gap = text.substr(done, at - done);
    if (!after_word || !is_blank_text(gap)) {
      flush();
      sound = charsets.append_utf8("", gap, out) && sound;
    }
    // Characters may be cut in two between words, but those of a charset with states begin each word anew.
    if (!equals_ignoring_case(word.charset, charset) || !Charsets::keeps_ascii(charset)) flush();
    charset = word.charset;
    sound = append_content(word, bytes) && sound;
    after_word = true;
    at += word.size;
    done = at;
  }
  flush();
  return charsets.append_utf8("", text.substr(done), out) && sound;
}

}  // namespace bonafide::mail
