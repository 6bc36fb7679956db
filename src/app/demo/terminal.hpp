#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "mail/event.hpp"

namespace bonafide::app::demo {

/// What a stream can show.
struct Terminal {
  bool is_terminal = false;  ///< lines can be drawn again
  bool colour = false;       ///< a terminal, and NO_COLOR is not set (no-color.org)
  int columns = 100;

  /// Of a file descriptor, e.g. 1.
  static Terminal of(int descriptor);
};

/// Columns a text takes: wide characters two, combining marks none.
int display_width(std::string_view utf8);
/// `text` in exactly `columns`: cut with "…" or filled with blanks. Without control characters, so that
/// nothing in a message can drive the terminal.
std::string fit(std::string_view text, int columns);
/// An address in at most `columns`: first the local part is cut, then the front of the domain, never its end,
/// which is what tells where a message is from.
std::string fit_address(std::string_view address, int columns);

struct VerdictView {
  Time at;           ///< event time, shown in UTC
  std::string from;  ///< address
  std::string to;    ///< first recipient
  int more_recipients = 0;
  mail::Verdict verdict = mail::Verdict::suspicious;
  double trust = 0;    ///< 0 to 100
  std::string reason;  ///< the main one
  Duration latency;
  std::optional<bool> attack;  ///< the simulator's label, shown by a mark where the verdict is wrong
};
/// Time, verdict, trust, sender → recipient, latency, reason: one line without its end.
std::string verdict_line(const VerdictView& view, const Terminal& terminal);

/// Progress of long work as text to be printed: on a terminal one line that is drawn again, elsewhere a line
/// now and then. Times are handed in (a steady clock).
class ProgressBar {
 public:
  ProgressBar(const Terminal& terminal, std::string what, Time now);
  /// `done` of `total` in any unit, `count` things so far. What to print now, often nothing.
  std::string update(int64_t done, int64_t total, int64_t count, Time now);
  /// The last line, with a newline.
  std::string finish(int64_t count, Time now);

 private:
  [[nodiscard]] std::string line(int64_t done, int64_t total, int64_t count, Time now) const;

  Terminal terminal_;
  std::string what_;
  Time start_, last_;
};

}  // namespace bonafide::app::demo
