#include <algorithm>
#include <cstdio>
#include <iostream>

#include <boost/json.hpp>
#include <unistd.h>

#include "app/access.hpp"
#include "app/output.hpp"
#include "app/verbs.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

// Verbs that ask the search index: search, stats, reindex.
namespace bonafide::app {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, json::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr || !value->is_string() ? "" : std::string(value->as_string());
}

uint64_t count_of(const json::object& object, json::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr || !value->is_number() ? 0 : value->to_number<uint64_t>();
}

Result<json::object> parsed(const std::string& answer) {
  boost::system::error_code error;
  json::value value = json::parse(answer, error);
  if (!error && value.is_object()) return std::move(value.as_object());
  return Error{Cause::internal, "the answer is not JSON: " + error.message()};
}

Status read_time(const std::string& text, std::optional<Time>& out) {
  if (text.empty()) return Ok{};
  auto time = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!time.ok())
    return {Cause::invalid,
            "\"" + text + "\" is no day and no time: write 2026-01-31 or 2026-01-31T08:30:00Z"};
  out = *time;
  return Ok{};
}

void print_found(const json::object& row) {
  const std::string name = text_of(row, "from_name"), address = text_of(row, "from");
  const double trust = row.at("trust").to_number<double>();
  std::string to;
  for (const auto& recipient : row.at("recipients").as_array()) {
    to += (to.empty() ? "" : ", ") + std::string(recipient.as_string());
  }
  std::printf("%s  %-10s %5.1f  %s\n    from %s%s%s%s to %s\n    %s  %s\n",
              text_of(row, "received_at").c_str(), text_of(row, "verdict").c_str(), trust,
              text_of(row, "subject").c_str(), name.c_str(), name.empty() ? "" : " <", address.c_str(),
              name.empty() ? "" : ">", to.c_str(), text_of(row, "id").c_str(),
              (text_of(row, "attack") == "none" ? "" : text_of(row, "attack") + ": " + text_of(row, "reason"))
                  .c_str());
}

// Page after page until so many are found. With --json one object a line.
int print_search(Access& access, api::SearchQuery query, size_t wanted, bool as_json) {
  size_t found = 0;
  for (;;) {
    query.limit = std::min<size_t>(wanted - found, 200);
    const auto answer = access.search(query);
    if (!answer.ok()) return complain(answer.error());
    const auto page = parsed(*answer);
    if (!page.ok()) return complain(page.error());
    for (const auto& row : page->at("messages").as_array()) {
      if (as_json) {
        std::cout << json::serialize(row) << "\n";
      } else {
        print_found(row.as_object());
      }
      ++found;
    }
    query.cursor = text_of(*page, "next_cursor");
    if (query.cursor.empty() || found >= wanted) break;
  }
  std::fflush(stdout);
  std::cout.flush();
  if (found == 0 && !as_json) std::cout << "nothing was found\n";
  if (found >= wanted && !query.cursor.empty() && !as_json)
    std::cerr << "there are more; --limit shows them\n";
  return std::cout.good() ? exit_ok : complain({Cause::exhausted, "not everything could be written"});
}

void print_stats(const json::object& answer) {
  size_t width = 8;
  for (const auto& group : answer.at("groups").as_array())
    width = std::max(width, text_of(group.as_object(), "key").size());
  const auto line = [&](const std::string& key, const std::string& a, const std::string& b,
                        const std::string& c, const std::string& d, const std::string& e) {
    std::printf("%-*s %10s %10s %10s %10s %10s\n", static_cast<int>(width), key.c_str(), a.c_str(), b.c_str(),
                c.c_str(), d.c_str(), e.c_str());
  };
  line(text_of(answer, "group_by"), "count", "trusted", "suspicious", "untrusted", "none");
  for (const auto& value : answer.at("groups").as_array()) {
    const auto& group = value.as_object();
    const auto number = [&](const char* key) { return std::to_string(count_of(group, key)); };
    const std::string key = text_of(group, "key");
    line(key.empty() ? "(none)" : key, number("count"), number("trusted"), number("suspicious"),
         number("untrusted"), number("none"));
  }
  line("total", std::to_string(count_of(answer, "total")), "", "", "", "");
  if (const uint64_t more = count_of(answer, "groups_left_out"); more > 0)
    std::printf("%llu more groups; --limit shows them\n", static_cast<unsigned long long>(more));
}

}  // namespace

int search(const Common& common, const SearchOptions& options) {
  api::SearchQuery query;
  query.text = join(options.words, " ");
  query.tenant = options.tenant;
  for (const Status& read : {read_time(options.from, query.from), read_time(options.to, query.to)}) {
    if (!read.ok()) return complain(read.error());
  }
  auto access = Access::open(common);
  if (!access.ok()) return complain(access.error());
  return print_search(**access, query, static_cast<size_t>(options.limit), common.json);
}

int stats(const Common& common, const StatsOptions& options) {
  api::StatsQuery query;
  query.group_by = options.by;
  query.tz = options.tz;
  query.text = join(options.words, " ");
  query.tenant = options.tenant;
  query.limit = static_cast<size_t>(options.limit);
  for (const Status& read : {read_time(options.from, query.from), read_time(options.to, query.to)}) {
    if (!read.ok()) return complain(read.error());
  }
  auto access = Access::open(common);
  if (!access.ok()) return complain(access.error());
  const auto answer = (*access)->stats(query);
  if (!answer.ok()) return complain(answer.error());
  if (common.json) {
    std::cout << *answer << (answer->ends_with('\n') ? "" : "\n");
    return exit_ok;
  }
  const auto object = parsed(*answer);
  if (!object.ok()) return complain(object.error());
  print_stats(*object);
  return exit_ok;
}

int reindex(const Common& common) {
  auto access = Access::open(common);
  if (!access.ok()) return complain(access.error());
  std::string rest;
  bool rebuilt = false;
  const Status done = (*access)->reindex([&](ByteView bytes) {
    rest += bytes;
    for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      const auto line = parsed(rest.substr(0, end));
      if (common.json) std::cout << rest.substr(0, end) << std::endl;
      rest.erase(0, end + 1);
      if (!line.ok()) continue;
      rebuilt |= line->contains("rebuilt");
      if (common.json) continue;
      if (line->contains("rebuilt")) {
        std::cout << "The search index was built anew: " << count_of(*line, "rows") << " messages";
        if (const uint64_t bad = count_of(*line, "unreadable"); bad > 0)
          std::cout << ", of which " << bad << " could not be read (see `bonafide verify`)";
        std::cout << "\n";
      } else if (::isatty(STDERR_FILENO) != 0) {
        std::cerr << "\r" << count_of(*line, "progress") << " of " << count_of(*line, "of") << "   \r";
      }
    }
    return true;
  });
  if (!done.ok()) return complain(done.error());
  return rebuilt ? exit_ok : complain({Cause::unavailable, "the rebuild broke off"});
}

}  // namespace bonafide::app
