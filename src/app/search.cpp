#include "app/search.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/json.hpp"
#include "mail/verdict.hpp"
#include "steps/import/clean_row.hpp"
#include "steps/index/query.hpp"
#include "steps/index/time_zone.hpp"

namespace bonafide::app {
namespace {

using stores::SearchFilter;
using stores::SearchGroup;
using stores::SearchGroupBy;
using stores::SearchText;

// A page that finds nothing goes on looking so long before it is given as it is.
constexpr Duration longest_look = Duration::millis(500);
constexpr int64_t quarter_hour_us = int64_t{15} * 60 * 1'000'000;

Result<std::shared_ptr<stores::SearchStore>> store_of(Pipeline& pipeline) {
  if (pipeline.index() != nullptr) return pipeline.index()->current();
  return Error{Cause::unavailable,
               "there is no search index: the topology has no worker with the sink index"};
}

Status narrow(SearchFilter& filter, const std::optional<Time>& from, const std::optional<Time>& to,
              const std::string& tenant) {
  if (from) filter.from = filter.from ? std::max(*filter.from, *from) : *from;
  if (to) filter.to = filter.to ? std::min(*filter.to, *to) : *to;
  if (!tenant.empty()) filter.tenant = tenant;
  return Ok{};
}

Status name_parameter(const char* name, const Status& status) {
  return status.ok() ? status : Status(status.error().in(std::string("parameter \"") + name + "\""));
}

Result<SearchFilter> filter_of(const api::SearchQuery& query) {
  BONAFIDE_ASSIGN(SearchFilter filter, steps::parse_query(query.text));
  if (!query.sender.empty())
    BONAFIDE_TRY(name_parameter("sender", steps::require_text(filter, SearchText::sender, query.sender)));
  if (!query.recipient.empty())
    BONAFIDE_TRY(
        name_parameter("recipient", steps::require_text(filter, SearchText::recipients, query.recipient)));
  if (!query.verdict.empty())
    BONAFIDE_TRY(name_parameter("verdict", steps::require_verdict(filter, query.verdict)));
  if (!query.attack.empty())
    BONAFIDE_TRY(name_parameter("attack", steps::require_attack(filter, query.attack)));
  BONAFIDE_TRY(narrow(filter, query.from, query.to, query.tenant));
  return filter;
}

void write_row(JsonWriter& json, const stores::StoredRow& row, mail::Judgement judgement) {
  using steps::EventColumn;
  const auto text = [&](const char* name, EventColumn which) {
    json.member(name, steps::column(row, which));
  };
  const auto* at = std::get_if<int64_t>(&row.values[static_cast<size_t>(EventColumn::received_at)]);
  const auto* trust = std::get_if<double>(&row.values[static_cast<size_t>(EventColumn::trust)]);
  json.begin_object().member("id", row.id.hex()).member("revision", row.revision);
  json.member("received_at", Time{at == nullptr ? 0 : *at});
  text("tenant", EventColumn::tenant);
  text("direction", EventColumn::direction);
  text("from", EventColumn::from_address);
  text("from_name", EventColumn::from_name);
  json.key("recipients").raw(steps::column(row, EventColumn::recipients));
  text("subject", EventColumn::subject);
  text("verdict", EventColumn::verdict);
  json.member("judgement", avro::symbol_of(judgement));
  json.member("trust", trust == nullptr ? 0.0 : *trust);
  text("attack", EventColumn::attack);
  text("reason", EventColumn::reason);
  json.end_object();
}

}  // namespace

Result<std::string> search_json(Pipeline& pipeline, env::Clock& clock, const api::SearchQuery& query) {
  BONAFIDE_ASSIGN(const auto store, store_of(pipeline));
  BONAFIDE_ASSIGN(const SearchFilter filter, filter_of(query));
  const Time until = clock.steady() + longest_look;
  JsonWriter json;
  json.begin_object().key("messages").begin_array();
  std::string cursor = query.cursor;
  size_t found = 0;
  do {
    BONAFIDE_ASSIGN(const auto page, store->search(filter, cursor, query.limit - found));
    cursor = page.cursor;
    for (const auto& hit : page.hits) {
      const auto row = pipeline.rows().rows().get(hit.id);
      if (!row.ok() && row.error().cause == Cause::not_found) continue;  // retention was quicker
      if (!row.ok()) return row.error();
      mail::Scored event;
      BONAFIDE_TRY(pipeline.codec().decode(row->event, event));
      write_row(json, *row, event.judgement);
      ++found;
    }
  } while (!cursor.empty() && found < query.limit && clock.steady() < until);
  json.end_array();
  if (!cursor.empty()) json.member("next_cursor", cursor);
  return json.end_object().take();
}

// --- counts

namespace {

struct Group {
  std::string key;
  std::array<uint64_t, 4> by_verdict = {};
  [[nodiscard]] uint64_t total() const {
    return by_verdict[0] + by_verdict[1] + by_verdict[2] + by_verdict[3];
  }
  void add(const SearchGroup& other) {
    for (size_t i = 0; i < by_verdict.size(); ++i) by_verdict[i] += other.by_verdict[i];
  }
};

template <class E>
std::string symbol(int64_t number) {
  const auto& symbols = avro::EnumSymbols<E>::symbols;
  return std::string(symbols[std::min(static_cast<size_t>(number), symbols.size() - 1)]);
}

// Every zone's clock has been whole quarter hours from UTC since 1972, so quarter hours make up its hours and
// days.
std::vector<Group> in_zone(const std::vector<SearchGroup>& quarters, const steps::TimeZone& zone, bool days) {
  std::vector<Group> groups;
  for (const auto& quarter : quarters) {
    const Time at{quarter.number * quarter_hour_us};
    std::string key = days ? zone.day(at) : zone.hour(at);
    if (groups.empty() || groups.back().key != key) groups.push_back({std::move(key)});
    groups.back().add(quarter);
  }
  return groups;
}

Result<std::vector<Group>> groups_of(stores::SearchStore& store, const SearchFilter& filter,
                                     const api::StatsQuery& query) {
  const std::string& by = query.group_by;
  if (by == "hour" || by == "day") {
    auto zone = steps::TimeZone::find(query.tz);
    if (!zone.ok()) return zone.error().in("parameter \"tz\"");
    BONAFIDE_ASSIGN(const auto quarters, store.count(filter, SearchGroupBy::quarter_hour));
    return in_zone(quarters, *zone, by == "day");
  }
  const SearchGroupBy which = by == "domain"      ? SearchGroupBy::domain
                              : by == "verdict"   ? SearchGroupBy::verdict
                              : by == "attack"    ? SearchGroupBy::attack
                              : by == "direction" ? SearchGroupBy::direction
                              : by == "judgement" ? SearchGroupBy::judgement
                                                  : SearchGroupBy::tenant;
  BONAFIDE_ASSIGN(const auto counted, store.count(filter, which));
  std::vector<Group> groups;
  for (const auto& one : counted) {
    Group group;
    group.key = which == SearchGroupBy::verdict     ? symbol<mail::ShownVerdict>(one.number)
                : which == SearchGroupBy::attack    ? symbol<mail::Attack>(one.number)
                : which == SearchGroupBy::direction ? symbol<mail::Direction>(one.number)
                : which == SearchGroupBy::judgement ? symbol<mail::Judgement>(one.number)
                                                    : one.text;
    group.add(one);
    groups.push_back(std::move(group));
  }
  // Not in time: the most first.
  std::ranges::sort(groups, [](const Group& a, const Group& b) {
    return a.total() != b.total() ? a.total() > b.total() : a.key < b.key;
  });
  return groups;
}

}  // namespace

Result<std::string> stats_json(Pipeline& pipeline, const api::StatsQuery& query) {
  BONAFIDE_ASSIGN(const auto store, store_of(pipeline));
  BONAFIDE_ASSIGN(SearchFilter filter, steps::parse_query(query.text));
  BONAFIDE_TRY(narrow(filter, query.from, query.to, query.tenant));
  BONAFIDE_ASSIGN(const auto groups, groups_of(*store, filter, query));
  uint64_t total = 0;
  for (const auto& group : groups) total += group.total();
  JsonWriter json;
  json.begin_object().member("group_by", query.group_by);
  if (query.group_by == "hour" || query.group_by == "day") json.member("tz", query.tz);
  json.key("groups").begin_array();
  for (size_t i = 0; i < std::min(groups.size(), query.limit); ++i) {
    json.begin_object().member("key", groups[i].key).member("count", groups[i].total());
    for (size_t v = 0; v < avro::EnumSymbols<mail::ShownVerdict>::symbols.size(); ++v)
      json.member(avro::EnumSymbols<mail::ShownVerdict>::symbols[v], groups[i].by_verdict[v]);
    json.end_object();
  }
  json.end_array().member("total", total);
  if (groups.size() > query.limit) json.member("groups_left_out", groups.size() - query.limit);
  return json.end_object().take();
}

// --- rebuilding

Status produce_reindex(Pipeline& pipeline, bool by_hand, const BodyProducers::Put& put) {
  auto* rebuild = pipeline.rebuild();
  if (rebuild == nullptr)
    return {Cause::unavailable, "there is no search index to be built: see the topology"};
  // One that was begun by itself, as after an upgrade, is as good.
  if (const Status started = rebuild->start(); !started.ok() && !rebuild->progress().running)
    return started.error();
  for (Time said{INT64_MIN};;) {
    if (by_hand) {
      BONAFIDE_ASSIGN(const auto stepped, rebuild->step());
      if (stepped == flow::Progress::idle) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    const auto now = rebuild->progress();
    JsonWriter json;
    if (!now.running) {
      if (!now.failure.empty()) return {Cause::unavailable, "the index was not built anew: " + now.failure};
      json.begin_object()
          .member("rebuilt", true)
          .member("rows", now.done)
          .member("unreadable", now.unreadable);
      put(json.end_object().end_line().take());
      return Ok{};
    }
    const Time at{static_cast<int64_t>(now.done)};
    std::string line;
    if (at != said) {
      json.begin_object().member("progress", now.done).member("of", now.of);
      line = json.end_object().end_line().take();
      said = at;
    }
    if (!put(line)) return Ok{};  // nobody listens any more; the rebuild goes on by itself
  }
}

}  // namespace bonafide::app
