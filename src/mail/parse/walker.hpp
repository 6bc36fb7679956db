#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "mail/parse/charset.hpp"
#include "mail/parse/content.hpp"
#include "mail/parse/header.hpp"

namespace bonafide::mail {

/// Is told of the parts of a message in the order in which they stand.
class PartVisitor {
 public:
  virtual ~PartVisitor() = default;
  /// A multipart or an attached message begins: what follows up to end() is inside of it.
  virtual void begin(const Content& content) = 0;
  /// `bytes` are all that it held, headers of its parts included.
  virtual void end(ByteView bytes) = 0;
  /// A part with nothing inside; `bytes` as they stand, undecoded.
  virtual void leaf(const Content& content, ByteView bytes) = 0;
};

/// Finds the parts of a MIME message (RFC 2046) without copying: one look at each line for the boundaries
/// that are open. Attached messages (message/rfc822) are looked into, those attached to them are not. Bounded
/// in depth and number.
class MimeWalker {
 public:
  enum Flaw : uint32_t {
    no_boundary = 1,         ///< a multipart that does not say what separates its parts
    boundary_not_found = 2,  ///< … and it never occurs
    not_closed = 4,          ///< the last boundary of a multipart is missing
    too_deep = 8,            ///< more than max_depth multiparts inside each other
    too_many = 16,           ///< more than max_parts parts: the rest was not looked at
    part_headers =
        32  ///< headers of a part, or Content-* of the message, that cannot be read as they should be
  };
  static constexpr size_t max_depth = 64;
  static constexpr size_t max_parts = 20'000;

  /// Walks a message whose headers are scanned already. Returns its flaws.
  uint32_t walk(const HeaderBlock& headers, ByteView body, Charsets& charsets, PartVisitor& visitor);

 private:
  struct Frame {
    std::string delimiter;  // "--boundary"; "" for an attached message
    uint64_t hash = 0;      // of the delimiter
    size_t begin = 0;       // of its content
    size_t parts = 0;
    bool digest = false;  // parts that do not say are messages
  };
  // A line that separates parts.
  struct Mark {
    size_t frame = 0;  // whose
    bool closes = false;
    size_t content_end = 0;  // of what stood before, without the line end that belongs to the mark
    size_t after = 0;        // the line after it
  };

  bool enter_multipart(const Content& content, size_t at, PartVisitor& visitor);
  bool enter_message(const Content& content, size_t at, PartVisitor& visitor);
  bool find_mark(size_t at, Mark& mark) const;
  bool next_mark(size_t at, Mark& mark);
  bool is_mark(std::string_view line, Mark& mark) const;
  void leave(size_t frames, size_t content_end, PartVisitor& visitor);
  bool next_part(size_t& at, Content& content, Charsets& charsets, PartVisitor& visitor);
  Content part_content(size_t& at, std::string_view default_type, Charsets& charsets);

  ByteView bytes_;
  HeaderBlock headers_;
  std::vector<Frame> frames_;
  size_t messages_ = 0;  // attached ones that are open
  size_t parts_ = 0;
  std::optional<Mark> ahead_;  // found already, not yet acted on
  uint32_t flaws_ = 0;
};

}  // namespace bonafide::mail
