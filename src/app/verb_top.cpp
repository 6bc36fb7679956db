#include <cstdlib>
#include <iostream>

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "app/access.hpp"
#include "app/demo/terminal.hpp"
#include "app/output.hpp"
#include "app/status_screen.hpp"
#include "app/verbs.hpp"
#include "base/time.hpp"
#include "env/real/event_wake.hpp"
#include "env/real/signals.hpp"

// bonafide status, and bonafide top: the same once a second.
namespace bonafide::app {
namespace {

constexpr Duration every = Duration::seconds(1);

Screen screen_of_output() {
  const auto terminal = demo::Terminal::of(STDOUT_FILENO);
  Screen screen{80, 24, terminal.colour};
  winsize size{};
  if (terminal.is_terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
      size.ws_col > 0) {
    screen.columns = size.ws_col;
    screen.rows = size.ws_row;
  }
  return screen;
}

/// The terminal while a program has it to itself: another page without a cursor, keys as they are pressed.
class FullScreen {
 public:
  FullScreen() {
    has_keys_ = ::tcgetattr(STDIN_FILENO, &former_) == 0;
    if (has_keys_) {
      termios raw = former_;
      raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
      ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    std::cout << "\x1b[?1049h\x1b[?25l\x1b[2J";
  }
  ~FullScreen() {
    if (has_keys_) ::tcsetattr(STDIN_FILENO, TCSANOW, &former_);
    std::cout << "\x1b[?25h\x1b[?1049l" << std::flush;
  }
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  /// Over the picture before, in one write and without clearing, so that nothing flickers.
  static void draw(const std::vector<std::string>& lines) {
    std::string picture = "\x1b[H";
    for (const auto& line : lines) picture += line + "\x1b[K\r\n";
    std::cout << picture << "\x1b[J" << std::flush;
  }
  /// Waits, or until somebody wants to leave: true.
  [[nodiscard]] bool wait(Duration longest) const {
    pollfd keys{has_keys_ ? STDIN_FILENO : -1, POLLIN, 0};
    const int ready = ::poll(&keys, 1, static_cast<int>(longest.in_millis()));
    if (env::StopSignals::caught()) return true;
    char key = 0;
    if (ready <= 0 || ::read(STDIN_FILENO, &key, 1) != 1) return ready > 0;
    return key == 'q' || key == 'Q' || key == 3;
  }

 private:
  termios former_{};
  bool has_keys_ = false;
};

/// Asks the service, also after it has gone and come back.
class StatusSource {
 public:
  explicit StatusSource(const Common& common) : common_(common) {}
  Result<std::string> ask() {
    if (!access_) {
      auto found = Access::open_running(common_);
      if (!found.ok()) return found.error();
      access_ = std::move(*found);
    }
    auto answer = access_->status();
    if (!answer.ok()) access_.reset();
    return answer;
  }

 private:
  const Common& common_;
  std::unique_ptr<Access> access_;
};

int print_once(const Result<StatusView>& view) {
  if (!view.ok()) return complain(view.error());
  for (const auto& line : view->lines) std::cout << line << "\n";
  return view->ok ? exit_ok : exit_failed;
}

int stream_json(StatusSource& source, std::string answer) {
  env::EventWake wake;
  const env::StopSignals signals(wake);
  for (;;) {
    std::cout << answer << std::endl;
    if (!std::cout.good()) return exit_ok;
    wake.wait(every);
    if (env::StopSignals::caught()) return exit_ok;
    auto next = source.ask();
    if (!next.ok()) return complain(next.error());
    answer = std::move(*next);
  }
}

int show_top(StatusSource& source, const Common& common) {
  env::EventWake wake;
  const env::StopSignals signals(wake);
  const FullScreen full;
  for (;;) {
    const Screen screen = screen_of_output();
    const auto answer = source.ask();
    auto view = answer.ok() ? top_view(*answer, screen, common.data) : Result<StatusView>(answer.error());
    if (!view.ok())
      view = StatusView{false, {demo::fit("NOT all is well: " + view.error().message, screen.columns)}};
    FullScreen::draw(view->lines);
    if (full.wait(every)) return exit_ok;
  }
}

}  // namespace

int status(const Common& common) {
  auto access = Access::open(common);
  if (!access.ok()) return complain(access.error());
  const auto answer = (*access)->status();
  if (!answer.ok()) return complain(answer.error());
  if (!common.json) return print_once(status_view(*answer, screen_of_output()));
  std::cout << *answer << "\n";
  return exit_ok;
}

int top(const Common& common, const TopOptions& options) {
  StatusSource source(common);
  const auto answer = source.ask();
  if (!answer.ok()) {
    if (answer.error().cause != Cause::unavailable) return complain(answer.error());
    return complain(
        {answer.error().cause, answer.error().message + "; `bonafide status` looks into the folder itself"});
  }
  if (common.json) {
    if (!options.once) return stream_json(source, *answer);
    std::cout << *answer << "\n";
    return exit_ok;
  }
  if (options.once || ::isatty(STDOUT_FILENO) == 0)
    return print_once(top_view(*answer, screen_of_output(), common.data));
  return show_top(source, common);
}

}  // namespace bonafide::app
