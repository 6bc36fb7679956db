#pragma once
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "mail/facts.hpp"
#include "mail/parse/charset.hpp"
#include "mail/parse/excerpt.hpp"
#include "mail/parse/links.hpp"
#include "mail/parse/walker.hpp"

namespace bonafide::mail {

/// Appends a phrase to Facts::malformed unless it is there already.
void add_malformed(Facts& facts, std::string_view phrase);

/// Notes that something was longer than its bound; `all` are its bytes, where it is bytes.
void add_cut(Facts& facts, std::string_view what, size_t total, size_t kept, ByteView all = {});

/// Reads the body of a message into Facts: parts, structure, links, excerpt. Keeps its buffers from message
/// to message.
class BodyReader {
 public:
  /// `headers` are those of the message, scanned; `body` what comes after them.
  void read(const HeaderBlock& headers, ByteView body, Charsets& charsets, Facts& facts);

 private:
  class Visitor;
  MimeWalker walker_;
  std::string decoded_, text_;
  Excerpt excerpt_{Limits{}.excerpt_bytes};
  Sha256 hash_;
};

}  // namespace bonafide::mail
