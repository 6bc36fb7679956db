#include "mail/parse/walker.hpp"

#include <cstring>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bonafide::mail {
namespace {

constexpr std::string_view dashes = "--";
constexpr size_t max_mark_bytes = 1000;

}  // namespace

uint32_t MimeWalker::walk(const HeaderBlock& headers, ByteView body, Charsets& charsets,
                          PartVisitor& visitor) {
  bytes_ = body;
  frames_.clear();
  messages_ = parts_ = 0;
  ahead_.reset();
  flaws_ = 0;
  Content content = read_content(headers, "text/plain", charsets);
  if (!content.sound) flaws_ |= part_headers;
  size_t at = 0;
  do {
    while (content.is_attached_message() && enter_message(content, at, visitor)) {
      content = part_content(at, "text/plain", charsets);
    }
    if (content.is_multipart() && enter_multipart(content, at, visitor)) continue;
    Mark mark;
    const bool found = find_mark(at, mark);
    if (found) ahead_ = mark;
    visitor.leaf(content, bytes_.substr(at, (found ? mark.content_end : bytes_.size()) - at));
    if (!found) at = bytes_.size();
  } while (next_part(at, content, charsets, visitor));
  return flaws_;
}

bool MimeWalker::enter_multipart(const Content& content, size_t at, PartVisitor& visitor) {
  if (content.boundary.empty() || frames_.size() >= max_depth) {
    flaws_ |= content.boundary.empty() ? no_boundary : too_deep;
    return false;
  }
  Frame frame{std::string(dashes) + content.boundary, 0, at, 0, content.type == "multipart/digest"};
  frame.hash = hash64(frame.delimiter);
  frames_.push_back(std::move(frame));
  visitor.begin(content);
  return true;
}

bool MimeWalker::enter_message(const Content& content, size_t at, PartVisitor& visitor) {
  if (messages_ > 0 || frames_.size() >= max_depth) return false;
  ++messages_;
  frames_.push_back({"", 0, at, 0, false});
  visitor.begin(content);
  return true;
}

// The first line at or after `at`, which begins a line, that is a boundary of an open multipart.
bool MimeWalker::find_mark(size_t at, Mark& mark) const {
  if (frames_.size() == messages_) return false;
  const size_t begin = at;
  while (at < bytes_.size()) {
    const char* line = bytes_.data() + at;
    const size_t left = bytes_.size() - at;
    const auto* end = static_cast<const char*>(std::memchr(line, '\n', left));
    const size_t length = end == nullptr ? left : static_cast<size_t>(end - line);
    if (length > 2 && line[0] == '-' && line[1] == '-' && length <= max_mark_bytes &&
        is_mark({line, length}, mark)) {
      mark.content_end = at;
      if (mark.content_end > begin) --mark.content_end;
      if (mark.content_end > begin && bytes_[mark.content_end - 1] == '\r') --mark.content_end;
      mark.after = end == nullptr ? bytes_.size() : at + length + 1;
      return true;
    }
    at += length + 1;
  }
  return false;
}

bool MimeWalker::next_mark(size_t at, Mark& mark) {
  if (!ahead_) return find_mark(at, mark);
  mark = *ahead_;
  ahead_.reset();
  return true;
}

bool MimeWalker::is_mark(std::string_view line, Mark& mark) const {
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  const uint64_t opening = hash64(line);
  const bool may_close = line.size() > 4 && line.ends_with(dashes);
  const auto closed = may_close ? line.substr(0, line.size() - 2) : std::string_view();
  const uint64_t closing = may_close ? hash64(closed) : 0;
  for (size_t i = frames_.size(); i-- > 0;) {
    const Frame& frame = frames_[i];
    if (frame.delimiter.empty()) continue;
    const bool opens = frame.hash == opening && frame.delimiter == line;
    if (!opens && !(may_close && frame.hash == closing && frame.delimiter == closed)) continue;
    mark.frame = i;
    mark.closes = !opens;
    return true;
  }
  return false;
}

// Closes frames until `frames` are left.
void MimeWalker::leave(size_t frames, size_t content_end, PartVisitor& visitor) {
  while (frames_.size() > frames) {
    const Frame& frame = frames_.back();
    if (frame.delimiter.empty()) --messages_;
    const auto content =
        bytes_.substr(frame.begin, content_end > frame.begin ? content_end - frame.begin : 0);
    // A multipart whose boundary never came: some programs show it as it stands.
    if (!frame.delimiter.empty() && frame.parts == 0) visitor.leaf(Content{}, content);
    frames_.pop_back();
    visitor.end(content);
  }
}

// Goes on to the next part, closing what ends before it. False: there is no more.
bool MimeWalker::next_part(size_t& at, Content& content, Charsets& charsets, PartVisitor& visitor) {
  const auto count_unclosed = [&](size_t above) {
    for (size_t i = above; i < frames_.size(); ++i) {
      if (!frames_[i].delimiter.empty()) flaws_ |= frames_[i].parts == 0 ? boundary_not_found : not_closed;
    }
  };
  for (Mark mark; next_mark(at, mark);) {
    count_unclosed(mark.frame + 1);
    leave(mark.frame + 1, mark.content_end, visitor);
    at = mark.after;
    if (mark.closes) {
      leave(mark.frame, mark.content_end, visitor);
      continue;
    }
    Frame& frame = frames_.back();
    ++frame.parts;
    if (++parts_ > max_parts) {
      flaws_ |= too_many;
      break;
    }
    content = part_content(at, frame.digest ? "message/rfc822" : "text/plain", charsets);
    return true;
  }
  if ((flaws_ & too_many) == 0) count_unclosed(0);
  leave(0, bytes_.size(), visitor);
  return false;
}

// Reads the headers of a part that begins at `at`, and moves `at` to its content.
Content MimeWalker::part_content(size_t& at, std::string_view default_type, Charsets& charsets) {
  headers_.scan_part(bytes_.substr(at), [this](std::string_view line) {
    Mark mark;
    return line.size() <= max_mark_bytes && is_mark(line, mark);
  });
  Content content = read_content(headers_, default_type, charsets);
  if (!content.sound) flaws_ |= part_headers;
  at += headers_.body_at();
  return content;
}

}  // namespace bonafide::mail
