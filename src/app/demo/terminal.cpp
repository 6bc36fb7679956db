#include "app/demo/terminal.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.hpp"

namespace bonafide::app::demo {
namespace {

struct Range {
  char32_t low, high;
};
// Of East_Asian_Width W and F (Unicode annex 11), as blocks.
constexpr std::array<Range, 9> wide{{{0x1100, 0x115F},
                                     {0x2E80, 0xA4CF},
                                     {0xAC00, 0xD7A3},
                                     {0xF900, 0xFAFF},
                                     {0xFE30, 0xFE6F},
                                     {0xFF00, 0xFF60},
                                     {0xFFE0, 0xFFE6},
                                     {0x1F300, 0x1FAFF},
                                     {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 4> without_width{
    {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};

template <class Ranges>
bool in(const Ranges& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& range) { return c >= range.low && c <= range.high; });
}

/// Takes the first character off valid UTF-8.
char32_t take(std::string_view& text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t c = size == 1 ? lead : lead & (0xFF >> (size + 1));
  for (size_t i = 1; i < size && i < text.size(); ++i) c = (c << 6) | (static_cast<uint8_t>(text[i]) & 0x3F);
  text.remove_prefix(std::min(size, text.size()));
  return c;
}

int width_of(char32_t c) { return in(without_width, c) ? 0 : in(wide, c) ? 2 : 1; }

/// The longest beginning of clean text that takes at most `columns`.
std::string_view beginning(std::string_view text, int columns) {
  std::string_view rest = text;
  int used = 0;
  while (!rest.empty()) {
    std::string_view after = rest;
    used += width_of(take(after));
    if (used > columns) break;
    rest = after;
  }
  return text.substr(0, text.size() - rest.size());
}

std::string cut(std::string_view text, int columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns < 1) return "";
  return std::string(beginning(text, columns - 1)) + "…";
}

std::string filled(std::string text, int columns) {
  const int width = display_width(text);
  if (width < columns) text.append(static_cast<size_t>(columns - width), ' ');
  return text;
}

/// Bidirectional overrides and isolates can show an address backwards.
std::string shown(std::string_view text) {
  const std::string clean = clean_text(text, 4096);
  std::string out;
  std::string_view rest = clean;
  while (!rest.empty()) {
    const std::string_view before = rest;
    const char32_t c = take(rest);
    const bool turns =
        (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F;
    if (!turns) out += before.substr(0, before.size() - rest.size());
  }
  return out;
}

std::string latency_text(Duration latency) {
  std::array<char, 24> text{};
  const double value = latency.in_seconds() * 1000;
  if (value < 10'000) {
    std::snprintf(text.data(), text.size(), value < 100 ? "%.1f ms" : "%.0f ms", value);
  } else {
    std::snprintf(text.data(), text.size(), "%.0f s", value / 1000);
  }
  return text.data();
}

std::string duration_text(int64_t seconds) {
  std::array<char, 32> text{};
  if (seconds >= 3600) {
    std::snprintf(text.data(), text.size(), "%lld h %02lld min", static_cast<long long>(seconds / 3600),
                  static_cast<long long>(seconds / 60 % 60));
  } else if (seconds >= 60) {
    std::snprintf(text.data(), text.size(), "%lld min %02lld s", static_cast<long long>(seconds / 60),
                  static_cast<long long>(seconds % 60));
  } else {
    std::snprintf(text.data(), text.size(), "%lld s", static_cast<long long>(seconds));
  }
  return text.data();
}

std::string_view colour_of(mail::Verdict verdict) {
  switch (verdict) {
    case mail::Verdict::trusted:
      return "\x1b[32m";
    case mail::Verdict::suspicious:
      return "\x1b[33m";
    case mail::Verdict::untrusted:
      return "\x1b[1;31m";
  }
  return "";
}

constexpr std::string_view plain = "\x1b[0m";
constexpr std::string_view dim = "\x1b[2m";

}  // namespace

Terminal Terminal::of(int descriptor) {
  Terminal terminal;
  terminal.is_terminal = isatty(descriptor) == 1;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term != nullptr && std::string_view(term) == "dumb";
  terminal.is_terminal = terminal.is_terminal && !dumb;
  terminal.colour = terminal.is_terminal && (no_color == nullptr || *no_color == '\0');
  if (!terminal.is_terminal) terminal.columns = 160;  // a file: nobody's screen is narrow
  winsize size{};
  if (terminal.is_terminal && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    terminal.columns = size.ws_col;
  return terminal;
}

int display_width(std::string_view utf8) {
  int width = 0;
  while (!utf8.empty()) width += width_of(take(utf8));
  return width;
}

std::string fit(std::string_view text, int columns) { return filled(cut(shown(text), columns), columns); }

std::string fit_address(std::string_view address, int columns) {
  std::string clean = shown(address);
  if (display_width(clean) <= columns) return clean;
  const size_t at = clean.rfind('@');
  if (at == std::string::npos) return cut(clean, columns);
  const std::string_view domain = std::string_view(clean).substr(at);
  const int left = columns - display_width(domain);
  if (left >= 2) return cut(std::string_view(clean).substr(0, at), left) + std::string(domain);
  // Not even the domain has room beside a letter of the local part: keep its end.
  std::string_view end = domain.substr(1);
  while (!end.empty() && display_width(end) > columns - 1) take(end);
  return "…" + std::string(end);
}

std::string verdict_line(const VerdictView& view, const Terminal& terminal) {
  const int columns = std::max(terminal.columns, 60);
  const bool narrow = columns < 110;                                        // no room for the recipient
  const int fixed = 8 + 2 + 10 + 1 + 3 + 2 + (narrow ? 0 : 3) + 2 + 8 + 2;  // all but addresses and reason
  const int addresses = std::min((columns - fixed) * 3 / 5, narrow ? 40 : 64);
  const int from_columns = narrow ? addresses : addresses * 3 / 5;
  const int to_columns = addresses - from_columns;
  const Civil civil = to_civil(view.at);
  std::array<char, 16> time{};
  std::snprintf(time.data(), time.size(), "%02d:%02d:%02d", civil.hour, civil.minute, civil.second);
  std::array<char, 8> trust{};
  std::snprintf(trust.data(), trust.size(), "%3d",
                std::clamp(static_cast<int>(std::lround(view.trust)), 0, 100));
  std::string to;
  if (!narrow) {
    const std::string more = view.more_recipients > 0 ? " +" + std::to_string(view.more_recipients) : "";
    to = " > " + filled(fit_address(view.to, to_columns - display_width(more)) + more, to_columns);
  }
  const bool missed = view.attack.value_or(false) && view.verdict == mail::Verdict::trusted;
  const bool wrong = view.attack.has_value() && !*view.attack && view.verdict == mail::Verdict::untrusted;
  const std::string mark = missed ? "(missed) " : wrong ? "(false alarm) " : "";

  const auto coloured = [&](std::string_view code, const std::string& text) {
    return terminal.colour ? std::string(code) + text + std::string(plain) : text;
  };
  std::string latency = latency_text(view.latency);
  latency.insert(0, static_cast<size_t>(std::max(0, 8 - display_width(latency))), ' ');
  const int reason_columns = std::max(columns - fixed - addresses, 0);
  return coloured(dim, time.data()) + "  " +
         coloured(colour_of(view.verdict), fit(avro::symbol_of(view.verdict), 10)) + " " + trust.data() +
         "  " + filled(fit_address(view.from, from_columns), from_columns) + to + "  " +
         coloured(dim, latency) + "  " + cut(mark + shown(view.reason), reason_columns);
}

ProgressBar::ProgressBar(const Terminal& terminal, std::string what, Time now)
    : terminal_(terminal), what_(std::move(what)), start_(now), last_(now) {}

std::string ProgressBar::line(int64_t done, int64_t total, int64_t count, Time now) const {
  const double seconds = (now - start_).in_seconds();
  const double share =
      total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0) : 1.0;
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), " %3d %%  %lld messages, %.0f/s", static_cast<int>(share * 100),
                static_cast<long long>(count), seconds > 0 ? static_cast<double>(count) / seconds : 0.0);
  std::string numbers = text.data();
  if (share > 0 && share < 1 && seconds >= 1) {
    numbers += ", " + duration_text(std::llround(seconds / share * (1 - share))) + " left";
  }
  if (!terminal_.is_terminal) return what_ + numbers;
  const int room = terminal_.columns - 1 - display_width(what_) - display_width(numbers) - 3;
  if (room < 8) return cut(what_ + numbers, terminal_.columns - 1);
  const int bar = std::min(room, 40);
  const int full = static_cast<int>(share * bar);
  std::string drawn;
  for (int i = 0; i < bar; ++i) drawn += i < full ? "█" : "░";
  return what_ + " " + drawn + " " + numbers;
}

std::string ProgressBar::update(int64_t done, int64_t total, int64_t count, Time now) {
  const Duration pause = terminal_.is_terminal ? Duration::millis(100) : Duration::seconds(5);
  if (now - last_ < pause) return "";
  last_ = now;
  const std::string text = line(done, total, count, now);
  return terminal_.is_terminal ? "\r\x1b[K" + text : text + "\n";
}

std::string ProgressBar::finish(int64_t count, Time now) {
  const double seconds = (now - start_).in_seconds();
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), ": %lld messages in %.1f s, %.0f/s", static_cast<long long>(count),
                seconds, seconds > 0 ? static_cast<double>(count) / seconds : 0.0);
  return (terminal_.is_terminal ? "\r\x1b[K" : "") + what_ + text.data() + "\n";
}

}  // namespace bonafide::app::demo
