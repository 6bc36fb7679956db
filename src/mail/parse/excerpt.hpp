#pragma once
#include <string>
#include <string_view>

namespace bonafide::mail {

/// The beginning of a message's text as a reader sees it: blanks run together, at most one empty line between
/// lines, nothing that has no width. Bounded in bytes; cut between characters.
class Excerpt {
 public:
  explicit Excerpt(size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Begins anew, in the memory there is.
  void clear() {
    text_.clear();
    pending_ = none;
    full_ = false;
  }

  /// Text whose line ends are blanks, as in HTML. UTF-8.
  void flow(std::string_view text);
  /// Text whose line ends end lines. UTF-8.
  void lines(std::string_view text);
  void line_break() { pending_ = pending_ < newline ? newline : empty_line; }
  void blank() {
    if (pending_ == none) pending_ = space;
  }

  [[nodiscard]] bool full() const { return full_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  /// A mark to go back to, and the way back: gives what came since.
  [[nodiscard]] size_t mark() const { return text_.size(); }
  std::string take_since(size_t mark);
  /// Appends what take_since() gave.
  void put_back(std::string_view text);

 private:
  enum Pending { none, space, newline, empty_line };
  void put(std::string_view visible);

  size_t max_bytes_;
  std::string text_;
  Pending pending_ = none;  // blanks and line ends before the next visible character
  bool full_ = false;
};

}  // namespace bonafide::mail
