#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>

#include <boost/json.hpp>
#include <unistd.h>

#include "app/access.hpp"
#include "app/demo/terminal.hpp"
#include "app/output.hpp"
#include "app/verbs.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "env/real/clock.hpp"

// bonafide tail STREAM: the records of a stream, one a line.
namespace bonafide::app {
namespace {

namespace json = boost::json;

constexpr int most_tries = 10;  // after the service has gone, one a second

std::string text_of(const json::object& object, json::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return "";
  if (value->is_string()) return std::string(value->as_string());
  if (value->is_double()) return to_decimal(value->as_double());
  return json::serialize(*value);
}

std::string recipients_of(const json::object& record) {
  const auto* list = record.if_contains("recipients");
  if (list == nullptr || list->as_array().empty()) return "-";
  const auto& recipients = list->as_array();
  std::string text(recipients.front().as_string());
  if (recipients.size() > 1) text += " +" + std::to_string(recipients.size() - 1);
  return text;
}

/// Prints records: one line each, cut to the terminal's width.
class TailPrinter {
 public:
  explicit TailPrinter(bool as_json) : as_json_(as_json), terminal_(demo::Terminal::of(STDOUT_FILENO)) {}

  /// The "at" of the last record, to go on from.
  [[nodiscard]] const std::string& at() const { return at_; }
  [[nodiscard]] uint64_t printed() const { return printed_; }

  /// False: nobody reads any more.
  bool line(const std::string& text) {
    if (text.empty()) return true;  // the connection lives
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object()) return true;
    const auto& record = value.as_object();
    if (const std::string at = text_of(record, "at"); !at.empty()) {
      at_ = at;
      ++printed_;
    }
    if (as_json_) {
      std::cout << text << "\n";
    } else {
      print(record);
    }
    return std::cout.flush().good();
  }

 private:
  void print(const json::object& record) {
    for (const char* what : {"gap", "damaged"}) {
      if (record.contains(what)) std::cerr << "bonafide: " << text_of(record, what) << "\n";
      if (record.contains(what)) return;
    }
    const std::string time = text_of(record, "accepted_at");
    if (const std::string day = time.substr(0, 10); day != day_) {
      day_ = day;
      std::cout << "-- " << day << " (UTC)\n";
    }
    std::string line = time.substr(11, 8) + " " + describe(record);
    if (terminal_.is_terminal) {
      line = demo::fit(line, terminal_.columns);
      line.erase(line.find_last_not_of(' ') + 1);
    } else {
      line = clean_text(line, line.size());
    }
    std::cout << coloured(line, text_of(record, "verdict")) << "\n";
  }

  [[nodiscard]] std::string coloured(std::string line, const std::string& verdict) const {
    const size_t at = verdict.empty() ? std::string::npos : line.find(verdict);
    if (!terminal_.colour || at == std::string::npos) return line;
    const char* colour = verdict == "trusted"      ? "\x1b[32m"
                         : verdict == "suspicious" ? "\x1b[33m"
                         : verdict == "untrusted"  ? "\x1b[31m"
                                                   : "\x1b[0m";
    return line.substr(0, at) + colour + verdict + "\x1b[0m" + line.substr(at + verdict.size());
  }

  static std::string describe(const json::object& record) {
    const auto text = [&](const char* key) { return text_of(record, key); };
    if (record.contains("unreadable"))
      return "unreadable, " + text("bytes") + " bytes: " + text("unreadable");
    const std::string id = text("id");
    if (record.contains("step"))
      return (id.empty() ? std::string(32, '-') : id) + " parked by " + text("step") + ": " + text("cause");
    if (record.contains("piece"))
      return id + " piece " + std::to_string(record.at("piece").to_number<int64_t>() + 1) + " of " +
             text("pieces") + ", " + text("bytes") + " bytes, from " + text("mail_from");
    if (id.empty()) return text("event");
    std::string line = id + " ";
    if (text("operation") == "remove") return line + "removed";
    if (record.contains("verdict")) {
      char judged[64];
      std::snprintf(judged, sizeof judged, "%-10s %5.1f  ", text("verdict").c_str(),
                    record.at("trust").to_number<double>());
      line += judged;
    }
    line += text("from") + " > " + recipients_of(record) + "  " + text("subject");
    if (const std::string attack = text("attack"); !attack.empty() && attack != "none")
      line += "  [" + attack + "]";
    if (const std::string revision = text("revision"); !revision.empty() && revision != "0")
      line += "  (revision " + revision + ")";
    return line;
  }

  const bool as_json_;
  const demo::Terminal terminal_;
  std::string day_, at_;
  uint64_t printed_ = 0;
};

Result<api::TailQuery> query_of(const TailOptions& options) {
  api::TailQuery query;
  query.stream = options.stream;
  query.follow = options.follow;
  query.reveal = options.reveal;
  query.full = options.full;
  query.tenant = options.tenant;
  query.sender = options.sender;
  query.verdicts = options.verdicts;
  if (options.limit > 0) query.limit = static_cast<size_t>(options.limit);
  if (!options.id.empty()) {
    BONAFIDE_ASSIGN(query.id, EventId::parse(options.id));
  }
  const std::string& from = options.from;
  if (from.empty()) {
    if (!options.follow || options.last_given) query.last = static_cast<size_t>(options.last);
  } else if (from == "beginning") {
    query.beginning = true;
  } else if (const auto ago = parse_duration(from); ago.ok()) {
    query.from = env::RealClock().now() - *ago;
  } else if (from != "now") {
    const auto time = parse_rfc3339(from.size() == 10 ? from + "T00:00:00Z" : from);
    if (!time.ok())
      return Error{
          Cause::invalid,
          "--from \"" + from + "\": write beginning, now, 2026-01-31T08:30:00Z, or how long ago, as 15m"};
    query.from = *time;
  }
  return query;
}

}  // namespace

int tail(const Common& common, const TailOptions& options) {
  auto query = query_of(options);
  if (!query.ok()) return complain(query.error());
  auto access = Access::open(common);
  if (!access.ok()) return complain(access.error());
  const bool follow = options.follow && (*access)->running();
  if (options.follow && !follow) std::cerr << "bonafide: no service runs, so nothing new will come\n";
  query->follow = follow;
  TailPrinter printer(common.json);
  for (int failures = 0;;) {
    std::string rest;
    bool read = true;
    const uint64_t before = printer.printed();
    const Status done = (*access)->tail(*query, [&](ByteView bytes) {
      rest += bytes;
      for (size_t end = rest.find('\n'); read && end != std::string::npos; end = rest.find('\n')) {
        read = printer.line(rest.substr(0, end));
        rest.erase(0, end + 1);
      }
      return read;
    });
    if (!read || (done.ok() && !follow)) return exit_ok;
    const uint64_t printed = printer.printed() - before;
    if (query->limit && printed >= *query->limit) return exit_ok;
    if (!done.ok() && (!follow || done.error().cause != Cause::unavailable)) return complain(done.error());
    // The service was stopped, or gave a slow reader up: on from where we were, for a while.
    if (query->limit) *query->limit -= printed;
    if (!printer.at().empty()) {
      query->after = printer.at();
      query->beginning = false;
      query->from.reset();
      query->last.reset();
    }
    if (printed > 0) failures = 0;
    for (bool found = false; !found;) {
      if (failures > 0) std::this_thread::sleep_for(std::chrono::seconds(1));
      auto again = Access::open_running(common);
      found = again.ok();
      if (++failures > most_tries)
        return complain(found ? Error{Cause::unavailable, "the service breaks the stream off"}
                              : again.error());
      if (found) access = std::move(again);
    }
  }
}

}  // namespace bonafide::app
