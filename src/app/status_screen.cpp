#include "app/status_screen.hpp"

#include <array>
#include <cstdio>

#include <boost/json.hpp>

#include "app/demo/terminal.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

namespace bonafide::app {
namespace {

namespace json = boost::json;

constexpr const char* bold_green = "\x1b[1;32m";
constexpr const char* bold_red = "\x1b[1;31m";
constexpr const char* yellow = "\x1b[33m";
constexpr const char* bold = "\x1b[1m";
constexpr const char* plain = "\x1b[0m";

template <class... Args>
std::string format(const char* pattern, Args... args) {
  std::array<char, 512> buffer{};
  std::snprintf(buffer.data(), buffer.size(), pattern, args...);
  return buffer.data();
}

std::string milliseconds(double seconds) {
  const double value = seconds * 1000;
  return value < 9.95   ? format("%.1f ms", value)
         : value < 9999 ? format("%.0f ms", value)
                        : format("%.0f s", seconds);
}

std::string age(double seconds) {
  if (seconds < 99.5) return format(seconds < 9.95 ? "%.1f s" : "%.0f s", seconds);
  if (seconds < 5940) return format("%.0f min", seconds / 60);
  return seconds < 172'800 ? format("%.0f h", seconds / 3600) : format("%.0f d", seconds / 86'400);
}

double number(const json::object& object, json::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr || !value->is_number() ? 0 : value->to_number<double>();
}
std::string text(const json::object& object, json::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr || !value->is_string() ? "" : std::string(value->as_string());
}
uint64_t count(const json::object& object, json::string_view key) {
  return static_cast<uint64_t>(number(object, key));
}

/// A line that may be painted: cut first, so that colour takes no room.
class Page {
 public:
  Page(const Screen& screen, bool cut) : screen_(screen), cut_(cut) {}
  void line(std::string text, const char* colour = "") {
    if (cut_) {
      text = demo::fit(text, screen_.columns);
      text.erase(text.find_last_not_of(' ') + 1);
    } else {
      text = clean_text(text, text.size());
    }
    if (screen_.colour && *colour != '\0') text = colour + text + plain;
    lines_.push_back(std::move(text));
  }
  [[nodiscard]] size_t room() const {
    return static_cast<size_t>(std::max(screen_.rows, 1)) -
           std::min<size_t>(lines_.size(), static_cast<size_t>(screen_.rows));
  }
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  const Screen screen_;
  const bool cut_;
  std::vector<std::string> lines_;
};

/// "All is well", or what is not.
void add_headline(Page& page, const json::object& status) {
  const std::string where = status.at("running").as_bool() ? "" : " (no service is running)";
  if (status.at("ok").as_bool()) return page.line("All is well" + where, bold_green);
  const auto& problems = status.at("problems").as_array();
  std::string first = "NOT all is well" + where;
  if (!problems.empty()) first += ": " + std::string(problems.front().as_string());
  page.line(first, bold_red);
  for (size_t i = 1; i < problems.size(); ++i)
    page.line("  also: " + std::string(problems[i].as_string()), bold_red);
}

std::string lag_words(const json::object& of) {
  const auto& lag = of.at("lag_seconds").as_object();
  if (number(lag, "count") == 0) return "nothing was scored";
  std::string words = "p50 " + milliseconds(number(lag, "p50"));
  words += ", p90 " + milliseconds(number(lag, "p90"));
  return words + ", p99 " + milliseconds(number(lag, "p99"));
}

std::string rate_words(const json::object& of) {
  const auto& rates = of.at("messages_per_second").as_object();
  if (number(rates, "over_seconds") == 0) return "nothing is known yet";
  return format("%.1f in, %.1f scored, %.1f stored, over the last %.0f s", number(rates, "in"),
                number(rates, "scored"), number(rates, "stored"), number(rates, "over_seconds"));
}

std::string verdict_words(const json::object& recent) {
  const auto& verdicts = recent.at("verdicts").as_object();
  double all = 0;
  for (const auto& verdict : verdicts) all += verdict.value().to_number<double>();
  std::string words = format("%.0f", all);
  for (const auto& verdict : verdicts) {
    if (all == 0) break;
    words += (words.find(':') == std::string::npos ? ": " : ", ") + std::string(verdict.key()) +
             format(" %.1f%%", 100 * verdict.value().to_number<double>() / all);
  }
  return words;
}

std::string slowest_words(const json::object& status) {
  const std::string name = text(status.at("recent").as_object(), "slowest");
  for (const auto& worker : status.at("workers").as_array()) {
    const auto& object = worker.as_object();
    if (!name.empty() && text(object, "name") == name)
      return name + ", done p99 " + milliseconds(number(object.at("lag_seconds").as_object(), "p99")) +
             " after acceptance";
  }
  return "none";
}

std::string backlog_words(const json::object& status) {
  const uint64_t backlog = count(status, "backlog_records"), parked = count(status, "parked");
  return format("%llu message%s", static_cast<unsigned long long>(backlog), backlog == 1 ? "" : "s") +
         format(", %llu parked", static_cast<unsigned long long>(parked));
}

void add_reindex(Page& page, const json::object& status) {
  const auto* reindex = status.if_contains("reindex");
  if (reindex == nullptr) return;
  const auto& progress = reindex->as_object();
  page.line(format("search      is being built anew: %.0f of %.0f messages", number(progress, "done"),
                   number(progress, "of")));
}

double uptime(const json::object& status) {
  const auto since = parse_rfc3339(text(status, "since")), now = parse_rfc3339(text(status, "now"));
  return since.ok() && now.ok() ? (*now - *since).in_seconds() : 0;
}

void add_status(Page& page, const json::object& status) {
  const auto& recent = status.at("recent").as_object();
  add_headline(page, status);
  page.line("");
  if (status.at("running").as_bool()) {
    page.line("running     for " + age(uptime(status)) + ", since " + text(status, "since").substr(0, 19) +
              "Z");
    page.line("a second    " + rate_words(status));
    page.line("a minute    " + verdict_words(recent));
    page.line("latency     " + lag_words(recent) + " (last 10 s); " + lag_words(status) +
              " (since the start)");
    page.line("slowest     " + slowest_words(status));
  }
  page.line("backlog     " + backlog_words(status));
  add_reindex(page, status);
  page.line("");
  page.line(format("%-10s %11s %11s %8s %7s %9s %8s  %s", "step", "in", "out", "p99", "parked", "under way",
                   "oldest", "doing"),
            bold);
  for (const auto& value : status.at("workers").as_array()) {
    const auto& worker = value.as_object();
    const auto& lag = worker.at("lag_seconds").as_object();
    const auto* oldest = worker.if_contains("oldest_seconds");
    page.line(format("%-10s %11llu %11llu %8s %7llu %9llu %8s  %s", text(worker, "name").c_str(),
                     static_cast<unsigned long long>(count(worker, "in")),
                     static_cast<unsigned long long>(count(worker, "out")),
                     number(lag, "count") == 0 ? "-" : milliseconds(number(lag, "p99")).c_str(),
                     static_cast<unsigned long long>(count(worker, "parked")),
                     static_cast<unsigned long long>(count(worker, "not_yet_durable")),
                     oldest == nullptr ? "-" : age(oldest->to_number<double>()).c_str(),
                     text(worker, "doing").c_str()));
  }
}

void add_top(Page& page, const json::object& status, const Screen& screen, const std::string& where) {
  const auto& recent = status.at("recent").as_object();
  const std::string now = text(status, "now").substr(0, 19) + "Z";
  page.line("bonafide top   " + now + "   up " + age(uptime(status)) + "   " + where, bold);
  add_headline(page, status);
  page.line("");
  page.line("a second    " + rate_words(recent));
  page.line("a minute    " + verdict_words(recent));
  page.line("latency     " + lag_words(recent));
  page.line("slowest     " + slowest_words(status));
  page.line("backlog     " + backlog_words(status));
  add_reindex(page, status);
  page.line("");
  const bool wide = screen.columns >= 100;
  page.line(format("%-9s %8s %8s %8s %8s %8s %9s %7s %6s%s", "step", "in/s", "out/s", "p50", "p90", "p99",
                   "under way", "oldest", "parked", wide ? "  doing" : ""),
            bold);
  for (const auto& value : status.at("workers").as_array()) {
    if (page.room() <= 1) break;  // the last line stays free: the cursor is there
    const auto& worker = value.as_object();
    const auto& lag = worker.at("lag_seconds").as_object();
    const auto lag_of = [&](const char* which) {
      return number(lag, "count") == 0 ? std::string("-") : milliseconds(number(lag, which));
    };
    const auto* oldest = worker.if_contains("oldest_seconds");
    std::string line = format("%-9s %8.1f %8.1f %8s %8s %8s %9llu %7s %6llu", text(worker, "name").c_str(),
                              number(worker, "in_per_second"), number(worker, "out_per_second"),
                              lag_of("p50").c_str(), lag_of("p90").c_str(), lag_of("p99").c_str(),
                              static_cast<unsigned long long>(count(worker, "not_yet_durable")),
                              oldest == nullptr ? "-" : age(oldest->to_number<double>()).c_str(),
                              static_cast<unsigned long long>(count(worker, "parked")));
    if (wide) line += "  " + text(worker, "doing");
    page.line(line, count(worker, "parked") > 0                       ? bold_red
                    : text(worker, "name") == text(recent, "slowest") ? yellow
                                                                      : "");
  }
}

template <class Fill>
Result<StatusView> view_of(const std::string& answer, Page page, Fill&& fill) {
  // Whoever answers may be another version: what is missing is an error, no crash.
  try {
    const json::value value = json::parse(answer);
    const auto& status = value.as_object();
    fill(page, status);
    return StatusView{status.at("ok").as_bool(), page.take()};
  } catch (const std::exception& error) {
    return Error{Cause::internal, std::string("the service's status is not understood: ") + error.what()};
  }
}

}  // namespace

Result<StatusView> status_view(const std::string& answer, const Screen& screen) {
  return view_of(answer, Page(screen, false),
                 [](Page& page, const json::object& status) { add_status(page, status); });
}

Result<StatusView> top_view(const std::string& answer, const Screen& screen, const std::string& where) {
  auto view = view_of(answer, Page(screen, true),
                      [&](Page& page, const json::object& status) { add_top(page, status, screen, where); });
  const auto most = static_cast<size_t>(std::max(screen.rows - 1, 1));
  if (view.ok() && view->lines.size() > most) view->lines.resize(most);
  return view;
}

}  // namespace bonafide::app
