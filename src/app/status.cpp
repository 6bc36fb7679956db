#include <algorithm>

#include "app/service.hpp"
#include "base/json.hpp"
#include "flow/worker.hpp"
#include "mail/verdict.hpp"

// GET /v1/status and `bonafide status`: is all well, and if not, what is not.
namespace bonafide::app {
namespace {

constexpr const char* score_group = "bonafide.score";
constexpr const char* import_group = "bonafide.import";
constexpr Duration recently = Duration::seconds(10);

Result<uint64_t> group_backlog(Pipeline& pipeline, const std::string& group) {
  BONAFIDE_ASSIGN(const auto shards, pipeline.journal().backlog(group));
  uint64_t records = 0;
  for (const auto& shard : shards) records += shard.records;
  return records;
}

// Held against what is written, not what is synced: a step's progress moves with its outputs, some
// milliseconds before they are synced and the sinks can see them.
bool rows_are_up_to_date(Pipeline& pipeline) {
  const auto shards = pipeline.journal().shards(std::string(mail::Scored::topic));
  if (!shards.ok()) return false;
  for (const auto& shard : *shards) {
    const auto end = pipeline.journal().written(shard.id);
    if (!end.ok() || pipeline.rows().written(shard.id) < *end) return false;
  }
  return true;
}

/// What a worker still has to do.
struct Waiting {
  uint64_t records = 0;
  std::optional<Time> oldest, oldest_live;  ///< acceptance of the first record
};

Result<Waiting> waiting_of(Pipeline& pipeline, const std::string& group) {
  BONAFIDE_ASSIGN(const auto shards, pipeline.journal().backlog(group));
  Waiting waiting;
  for (const auto& shard : shards) {
    waiting.records += shard.records;
    if (!shard.oldest) continue;
    const auto older = [&](std::optional<Time>& oldest) {
      oldest = oldest ? std::min(*oldest, *shard.oldest) : *shard.oldest;
    };
    older(waiting.oldest);
    if (shard.shard.lane == flow::Lane::live) older(waiting.oldest_live);
  }
  return waiting;
}

std::string seconds_text(Duration duration) { return std::to_string(duration.us / 1'000'000) + " s"; }

}  // namespace

Result<uint64_t> backlog_records(Pipeline& pipeline) {
  BONAFIDE_ASSIGN(uint64_t records, group_backlog(pipeline, score_group));
  // A sink's committed progress says what is durable, which follows within seconds; what counts here is what
  // is written.
  if (!rows_are_up_to_date(pipeline)) {
    BONAFIDE_ASSIGN(const uint64_t importing, group_backlog(pipeline, import_group));
    records += std::max<uint64_t>(importing, 1);
  }
  return records;
}

/// One line for each thing that is not as it should be, with what to do about it where that is known.
Result<std::vector<std::string>> Service::problems() {
  std::vector<std::string> found;
  const api::Health health = ready();  // holds what alive() says
  for (const auto& [what, how] : health.lines) {
    if (!health.ok) found.emplace_back(what).append(": ").append(how);
  }
  for (const auto* worker : pipeline_.processors()) {
    BONAFIDE_ASSIGN(const auto waiting, waiting_of(pipeline_, worker->group()));
    if (!waiting.oldest_live || runner_ == nullptr) continue;
    const Duration age = outside_.clock.now() - *waiting.oldest_live;
    if (age <= settings_.late_after) continue;
    std::string problem = worker->name();
    problem.append(": a live message has waited for ").append(seconds_text(age));
    found.push_back(std::move(problem));
  }
  for (auto& problem : pipeline_.tenant_book().problems()) found.push_back(std::move(problem));
  if (const auto* keeper = pipeline_.reference_keeper()) {
    for (const auto& set : keeper->sets()) {
      if (set.problem.empty()) continue;
      std::string problem = "data set " + set.name;
      problem.append(": ")
          .append(set.problem)
          .append("; version ")
          .append(set.version)
          .append(" stays in use");
      found.push_back(std::move(problem));
    }
  }
  for (const auto* workers : {&pipeline_.processors(), &pipeline_.sinks()}) {
    for (const auto* worker : *workers) {
      const auto& damaged = outside_.metrics.counter("bonafide_damaged_reads_total",
                                                     "Damaged stretches of the log a step had to skip",
                                                     {{"step", worker->name()}});
      if (damaged.value() > 0)
        found.push_back(std::string(worker->name()) +
                        ": damaged places in the journal were skipped; `bonafide verify` names them");
    }
  }
  BONAFIDE_ASSIGN(const uint64_t parked, pipeline_.parked_store().count(stores::ParkedState::parked));
  if (parked > 0) {
    found.push_back(std::to_string(parked) + (parked == 1 ? " message is" : " messages are") +
                    " parked; see `bonafide parked list`");
  }
  return found;
}

namespace {

void write_lag(JsonWriter& json, const Measures::Lag& lag) {
  json.key("lag_seconds").begin_object();
  json.member("p50", lag.p50.in_seconds())
      .member("p90", lag.p90.in_seconds())
      .member("p99", lag.p99.in_seconds())
      .member("count", lag.count)
      .end_object();
}

// Since the process began.
void write_lag(JsonWriter& json, env::Metrics& metrics) {
  const auto& lag =
      metrics.histogram("bonafide_end_to_end_lag_seconds", "from acceptance to the durable verdict");
  write_lag(json, {lag.quantile(0.5), lag.quantile(0.9), lag.quantile(0.99), lag.count()});
}

void write_rates(JsonWriter& json, const Measures::Seen& seen) {
  json.key("messages_per_second").begin_object();
  json.member("in", seen.in)
      .member("scored", seen.scored)
      .member("stored", seen.stored)
      .member("over_seconds", seen.over.in_seconds())
      .end_object();
}

void write_reference(JsonWriter& json, const Pipeline& pipeline) {
  json.key("reference").begin_array();
  const auto* keeper = pipeline.reference_keeper();
  for (const auto& set :
       keeper == nullptr ? std::vector<control::ReferenceKeeper::State>() : keeper->sets()) {
    json.begin_object()
        .member("name", set.name)
        .member("role", trust::to_string(set.role))
        .member("version", set.version)
        .member("entries", set.entries);
    if (set.modified) json.member("modified", *set.modified);
    if (!set.problem.empty()) json.member("problem", set.problem);
    json.end_object();
  }
  json.end_array();
}

// What the last seconds were like; verdicts of the last minute, as there are few attacks.
void write_recent(JsonWriter& json, const Measures::Seen& seen, const Measures::Seen& minute) {
  json.key("recent").begin_object();
  write_rates(json, seen);
  write_lag(json, seen.lag);
  json.key("verdicts").begin_object();
  for (size_t i = 0; i < minute.verdicts.size(); ++i)
    json.member(avro::EnumSymbols<mail::ShownVerdict>::symbols[i], minute.verdicts[i]);
  json.end_object();
  const auto slowest = std::ranges::max_element(seen.hops, {}, [](const Measures::Hop& hop) {
    return hop.lag.count == 0 ? Duration{-1} : hop.lag.p99;
  });
  if (slowest != seen.hops.end() && slowest->lag.count > 0) json.member("slowest", slowest->name);
  json.end_object();
}

// What the step has done since the process began, and of late; parked and waiting are as they stand on the
// disk.
void write_worker(JsonWriter& json, const flow::Worker& worker, const Measures::Hop& hop,
                  const Waiting& waiting, uint64_t parked, Time now) {
  json.begin_object()
      .member("name", worker.name())
      .member("doing", flow::to_string(worker.health().doing()))
      .member("in", hop.in)
      .member("out", hop.out)
      .member("in_per_second", hop.in_per_second)
      .member("out_per_second", hop.out_per_second);
  write_lag(json, hop.lag);
  json.member("parked", parked).member("not_yet_durable", waiting.records);
  if (waiting.oldest) json.member("oldest_seconds", std::max(Duration{}, now - *waiting.oldest).in_seconds());
  json.end_object();
}

}  // namespace

Result<std::string> Service::status_json() {
  BONAFIDE_ASSIGN(const uint64_t backlog, backlog_records(pipeline_));
  BONAFIDE_ASSIGN(const auto found, problems());
  BONAFIDE_ASSIGN(const auto parked, pipeline_.parked_store().count_by_step(stores::ParkedState::parked));
  uint64_t all_parked = 0;
  for (const auto& [step, count] : parked) all_parked += count;
  const auto parked_at = [&](const std::string& step) {
    const auto at = parked.find(step);
    return at == parked.end() ? 0 : at->second;
  };
  JsonWriter json;
  json.begin_object()
      .member("ok", found.empty())
      .member("running", runner_ != nullptr)
      .member("since", started_)
      .member("now", outside_.clock.now())
      .member("backlog_records", backlog)
      .member("parked", all_parked);
  json.key("problems").begin_array();
  for (const auto& problem : found) json.value(problem);
  json.end_array();
  const auto seen = measures_.last(recently), minute = measures_.last(Recent::window);
  write_rates(json, minute);
  write_lag(json, outside_.metrics);
  write_reference(json, pipeline_);
  write_recent(json, seen, minute);
  json.key("workers").begin_array();
  auto hop = seen.hops.begin();
  for (const auto* workers : {&pipeline_.processors(), &pipeline_.sinks()}) {
    for (const auto* worker : *workers) {
      BONAFIDE_ASSIGN(const auto waiting, waiting_of(pipeline_, worker->group()));
      // The worker "score" runs the step "enrich" too.
      const std::string name = worker->name();
      const uint64_t set_aside = parked_at(name) + (name == "score" ? parked_at("enrich") : 0);
      write_worker(json, *worker, *hop++, waiting, set_aside, outside_.clock.now());
    }
  }
  json.end_array();
  if (const auto* rebuild = pipeline_.rebuild(); rebuild != nullptr && rebuild->progress().running) {
    const auto progress = rebuild->progress();
    json.key("reindex").begin_object().member("done", progress.done).member("of", progress.of).end_object();
  }
  return json.end_object().take();
}

}  // namespace bonafide::app
