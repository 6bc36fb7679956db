#include "app/pipeline.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "app/file_stamp.hpp"
#include "app/revision_watch.hpp"
#include "mail/revision.hpp"
#include "steps/archive/archive.hpp"
#include "steps/collect/door_list.hpp"
#include "steps/collect/raw.hpp"
#include "steps/import/clean_row.hpp"
#include "steps/import/row_change.hpp"

namespace bonafide::app {
namespace {

constexpr const char* index_consumer = "index";

bool has_index(const flow::Topology& topology) {
  return std::ranges::any_of(topology.workers,
                             [](const flow::WorkerEntry& worker) { return worker.sink == "index"; });
}

// A state's checkpoints, as something to be stepped. On a full disk they wait: until then more is replayed
// after a restart, and once the memory is used up the step that fills it waits, too. `settled` is called
// whenever more of the state may have become durable.
class StateKeeper final : public flow::Stepper {
 public:
  StateKeeper(const char* name, stores::EmbeddedState& state, const Outside& outside,
              std::function<Status()> settled)
      : name_(name),
        state_(state),
        clock_(outside.clock),
        logger_(outside.logger),
        settled_(std::move(settled)) {}
  [[nodiscard]] const char* name() const override { return name_; }
  Result<flow::Progress> step() override {
    if (clock_.steady() < due()) return flow::Progress::idle;
    const Status settled = state_.settle(clock_.steady(), false);
    if (settled.ok()) {
      backoff_.reset();
      BONAFIDE_TRY(settled_());
      return flow::Progress::worked;
    }
    if (settled.error().cause != Cause::exhausted && settled.error().cause != Cause::unavailable)
      return settled.error();
    retry_at_ = clock_.steady() + backoff_.next();
    logger_.warn("state.checkpoint_waits", {{"state", name_}, {"error", settled.error().message}});
    return flow::Progress::idle;
  }
  [[nodiscard]] Time due() const override { return std::max(state_.settle_due(), retry_at_); }

 private:
  const char* name_;
  stores::EmbeddedState& state_;
  env::Clock& clock_;
  env::Logger& logger_;
  std::function<Status()> settled_;
  flow::Backoff backoff_{Duration::millis(100), Duration::seconds(5)};
  Time retry_at_{INT64_MIN};
};

}  // namespace

Pipeline::~Pipeline() = default;

Result<std::unique_ptr<Pipeline>> Pipeline::open(const DataFolder& folder, PipelineSettings settings,
                                                 Outside outside) {
  if (settings.installation_key.empty()) settings.installation_key = folder.installation_key();
  std::unique_ptr<Pipeline> pipeline(new Pipeline(std::move(settings), outside));
  BONAFIDE_ASSIGN(pipeline->tenant_book_, TenantBook::open(folder.in("tenants"), pipeline->settings_.tenants,
                                                           {outside.files, outside.clock, outside.logger}));
  pipeline->reference_.set(pipeline->settings_.reference);
  BONAFIDE_ASSIGN(pipeline->registry_,
                  avro::EmbeddedRegistry::open(outside.files, folder.in("registry.json")));
  BONAFIDE_ASSIGN(pipeline->codec_, mail::EventCodec::open(*pipeline->registry_));
  BONAFIDE_TRY(pipeline->open_log(folder));
  BONAFIDE_TRY(pipeline->open_stores(folder));
  pipeline->collector_ = std::make_unique<steps::Collector>(
      pipeline->settings_.collector,
      steps::Collector::Parts{outside.clock, pipeline->log(), *pipeline->dedupe_, *pipeline->codec_,
                              pipeline->tenants(), outside.metrics, pipeline->settings_.installation_key,
                              pipeline->reference_});
  BONAFIDE_TRY(pipeline->add_workers());
  BONAFIDE_TRY(pipeline->add_capture());
  BONAFIDE_TRY(pipeline->start_reply_at_end());
  BONAFIDE_TRY(pipeline->add_retention(folder));
  pipeline->add_reference_keeper();
  BONAFIDE_TRY(pipeline->add_reprocessor(folder));
  return pipeline;
}

Status Pipeline::open_log(const DataFolder& folder) {
  auto settings = settings_.journal;
  settings.folder = folder.in("journal");
  auto journal = streams::journal::Journal::open(
      settings, {outside_.files, outside_.clock, outside_.random, outside_.logger, outside_.metrics});
  if (!journal.ok()) return journal.error().in("journal");
  journal_ = std::move(*journal);
  if (settings_.around_log) around_log_ = settings_.around_log(*journal_);
  RelayWake& wake = new_wake();
  journal_->set_flusher_wake(&wake);
  jobs_.push_back({"journal", &journal_->flusher(), &wake});
  BONAFIDE_ASSIGN(const auto shards, journal_->shards(std::string(mail::Received::topic)));
  for (const auto& shard : shards) {
    BONAFIDE_ASSIGN(const auto synced, journal_->synced(shard.id));
    accepted_before_.emplace_back(shard.id, synced);
  }
  return Ok{};
}

Status Pipeline::open_stores(const DataFolder& folder) {
  RelayWake& keeper_wake = new_wake();
  stores::EmbeddedStateSettings history;
  history.folder = folder.in("history");
  history.memory_bytes = settings_.history_memory_bytes;
  history.checkpoint_every = settings_.history_checkpoint_every;
  history.wake = &keeper_wake;
  history.open_tables = settings_.open_tables;
  history.streams_synced = [this](const auto& positions) { return are_synced(positions); };
  BONAFIDE_ASSIGN(history_, stores::EmbeddedState::open(history, outside_.clock));
  if (settings_.around_history) around_history_ = settings_.around_history(*history_);

  stores::EmbeddedStateSettings dedupe;
  dedupe.folder = folder.in("dedupe");
  dedupe.memory_bytes = settings_.dedupe_memory_bytes;
  dedupe.open_tables = settings_.open_tables;
  dedupe.keep_days = static_cast<int32_t>(settings_.collector.dedupe_for.us / Duration::days(1).us) + 1;
  BONAFIDE_ASSIGN(dedupe_,
                  stores::EmbeddedState::open(dedupe, outside_.clock));  // reads what is synced already

  BONAFIDE_TRY(outside_.files.make_folders(folder.in("rows")));
  stores::RowStoreSettings rows;
  rows.path = folder.in("rows/rows.db");
  rows.columns = steps::event_columns();
  rows.log_age = Duration::seconds(2);
  if (has_index(settings_.topology)) rows.consumers = {index_consumer};
  BONAFIDE_ASSIGN(rows_, stores::RowStore::open(rows));

  stores::RowStoreSettings door;
  door.path = folder.in("rows/door.db");
  door.columns = steps::DoorListSink::columns();
  door.cache_bytes = 4 << 20;
  door.log_age = rows.log_age;
  BONAFIDE_ASSIGN(door_list_, stores::RowStore::open(door));

  BONAFIDE_TRY(outside_.files.make_folders(folder.in("raw")));
  stores::RowStoreSettings raw;
  raw.path = folder.in("raw/raw.db");
  raw.columns = steps::RawSink::columns();
  raw.cache_bytes = 4 << 20;
  raw.log_age = rows.log_age;
  BONAFIDE_ASSIGN(raw_, stores::RowStore::open(raw));

  stores::ParkedStoreSettings parked;
  parked.path = folder.in("rows/parked.db");
  parked.log_age = rows.log_age;
  BONAFIDE_ASSIGN(parked_, stores::ParkedStore::open(parked));
  archive_ = std::make_unique<stores::DirectoryBlobs>(outside_.files, folder.in("archive"));
  BONAFIDE_TRY(hold_for_history());
  owned_.push_back(
      std::make_unique<StateKeeper>("history", *history_, outside_, [this] { return hold_for_history(); }));
  jobs_.push_back({"keeper", owned_.back().get(), &keeper_wake});
  return open_index(folder);
}

RelayWake& Pipeline::new_wake() {
  wakes_.push_back(std::make_unique<RelayWake>());
  return *wakes_.back();
}

Status Pipeline::add_workers() {
  component_parts_.codec = codec_.get();
  component_parts_.reference = &reference_;
  component_parts_.directories = &tenant_book_->directories();
  component_parts_.model = settings_.model;
  component_parts_.dedupe = dedupe_.get();
  component_parts_.door_list = door_list_.get();
  component_parts_.rows = rows_.get();
  component_parts_.parked = parked_.get();
  component_parts_.raw = raw_.get();
  component_parts_.collector = collector_.get();
  component_parts_.archive = archive_.get();
  component_parts_.index = index_.get();
  component_parts_.schemas = registry_.get();
  component_parts_.verdicts = &verdicts_;
  component_parts_.random = &outside_.random;
  component_parts_.clock = &outside_.clock;
  component_parts_.logger = &outside_.logger;
  component_parts_.metrics = &outside_.metrics;
  registry_of_components_ = components(&component_parts_);
  for (const auto& section : registry_of_components_.sections()) {
    component_settings_[section.name] =
        settings_.config ? settings_.config->section(section.name) : flow::Settings::presets(section);
  }
  std::map<std::string, RelayWake*> wakes;
  const auto parts_for = [&](const std::string& worker) {
    wakes[worker] = &new_wake();
    return flow::WorkerParts{log(), outside_.clock, outside_.logger, outside_.metrics, *wakes[worker]};
  };
  const auto settings_for = [&](const std::string& component) -> const flow::Settings& {
    return component_settings_[component];
  };
  BONAFIDE_ASSIGN(
      auto workers,
      flow::build(settings_.topology, registry_of_components_, input_topics(), parts_for, settings_for,
                  around_history_ ? around_history_.get() : history_.get(), settings_.worker));
  for (size_t i = 0; i < workers.size(); ++i) {
    const auto& entry = settings_.topology.workers[i];
    (entry.sink.empty() ? processors_ : sinks_).push_back(workers[i].get());
    jobs_.push_back({entry.name, workers[i].get(), wakes[entry.name]});
    owned_.push_back(std::move(workers[i]));
  }
  return Ok{};
}

void Pipeline::add_reference_keeper() {
  if (settings_.reference_sources.empty()) return;
  reference_keeper_ = std::make_unique<control::ReferenceKeeper>(
      control::ReferenceKeeper::Parts{outside_.files, outside_.clock, outside_.logger, outside_.metrics,
                                      file_stamp, reference_},
      settings_.reference_sources, settings_.reference_every);
  jobs_.push_back({"reference", reference_keeper_.get(), nullptr});
}

// --- search

Status Pipeline::open_index(const DataFolder& folder) {
  if (!has_index(settings_.topology)) return Ok{};
  steps::SearchIndex::Settings index;
  index.folder = folder.in("search");
  index.text_bytes = settings_.search_text_bytes;
  BONAFIDE_ASSIGN(index_, steps::SearchIndex::open(index, outside_.files, outside_.logger));
  return Ok{};
}

// On one thread with the index, which has nothing to do while capture has not delivered.
Status Pipeline::add_capture() {
  if (index_ == nullptr) return Ok{};
  RelayWake& wake = new_wake();
  BONAFIDE_ASSIGN(
      auto capture,
      steps::Capture::open({.consumer = index_consumer, .topic = std::string(mail::Change::topic)},
                           {*rows_, log(), outside_.clock, outside_.logger, outside_.metrics, wake}));
  capture_ = capture.get();
  owned_.push_back(std::move(capture));
  rows_->on_changes([&wake] { wake.wake(); });
  jobs_.push_back({"index", capture_, &wake});
  RelayWake& rebuild_wake = new_wake();
  auto rebuild = std::make_unique<steps::IndexRebuild>(steps::IndexRebuild::Parts{
      *index_, rows_->rows(), [this](const stores::StoredRow& row) { return steps::change_of(row, *codec_); },
      outside_.clock, outside_.logger, rebuild_wake});
  rebuild_ = rebuild.get();
  owned_.push_back(std::move(rebuild));
  jobs_.push_back({"reindex", rebuild_, &rebuild_wake});
  return build_index_if_needed();
}

// After an upgrade from a version without search, or when the index was lost, the rows are there and the
// index is not.
Status Pipeline::build_index_if_needed() {
  BONAFIDE_ASSIGN(const bool incomplete, index_->incomplete());
  if (!incomplete && !rows_->is_new(index_consumer)) return Ok{};
  stores::Rows::Query any;
  any.limit = 1;
  BONAFIDE_ASSIGN(const auto first, rows_->rows().page(any));
  const bool empty = first.rows.empty() && first.damaged.empty();
  BONAFIDE_TRY(index_->set_complete(empty));
  return empty ? Status(Ok{}) : rebuild_->start();
}

bool Pipeline::is_behind_capture(const flow::Worker& sink) const {
  return std::ranges::any_of(settings_.topology.workers, [&](const flow::WorkerEntry& entry) {
    return entry.name == sink.name() && entry.from == mail::Change::topic;
  });
}

Status Pipeline::catch_up_index() {
  if (index_ == nullptr) return Ok{};
  std::vector<flow::Stepper*> steppers = {&journal_->flusher(), capture_};
  for (auto* sink : sinks_) {
    if (is_behind_capture(*sink)) steppers.push_back(sink);
  }
  const auto is_there = [&]() -> Result<bool> {
    if (!capture_->caught_up()) return false;
    BONAFIDE_ASSIGN(const auto shards, journal_->shards(std::string(mail::Change::topic)));
    for (const auto& shard : shards) {
      BONAFIDE_ASSIGN(const auto end, journal_->synced(shard.id));
      if (index_->written(shard.id) < end) return false;
    }
    return true;
  };
  for (;;) {
    BONAFIDE_ASSIGN(const bool there, is_there());
    if (there) return Ok{};
    bool worked = false;
    for (auto* stepper : steppers) {
      BONAFIDE_ASSIGN(const auto stepped, stepper->step());
      worked |= stepped == flow::Progress::worked;
    }
    if (!worked) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Whoever waited for a verdict before this process began is gone.
Status Pipeline::start_reply_at_end() {
  if (verdicts_ == nullptr) {
    return {Cause::invalid,
            "the topology has no worker with the sink reply; without it nobody who waits is answered"};
  }
  BONAFIDE_ASSIGN(const auto shards, journal_->shards(std::string(mail::Scored::topic)));
  for (const auto& shard : shards) {
    BONAFIDE_ASSIGN(const auto synced, journal_->synced(shard.id));
    verdicts_->start_at(shard.id, synced);
  }
  return Ok{};
}

// Acceptance of the oldest event that a step has not dealt with, as far as that is durable.
Result<Time> Pipeline::oldest_under_way() {
  Time oldest{INT64_MAX};
  for (const auto& group : journal_->groups()) {
    BONAFIDE_ASSIGN(const auto shards, journal_->backlog(group));
    for (const auto& shard : shards) {
      if (shard.records > 0) oldest = std::min(oldest, shard.oldest.value_or(Time{}));
    }
  }
  return oldest;
}

Status Pipeline::add_retention(const DataFolder& folder) {
  const bool somebody_keeps = std::ranges::any_of(
      settings_.topology.workers, [](const flow::WorkerEntry& worker) { return worker.sink == "raw"; });
  if (settings_.collector.keep_raw && !somebody_keeps)
    return {Cause::invalid, "door.keep_raw is set, and the topology has no worker with the sink raw"};
  using control::Horizons;
  const auto rows_of = [](stores::RowStore& store) {
    return [&store](Time before, size_t most) { return store.remove_before(EventId::lowest(before), most); };
  };
  const auto fit_of = [](stores::RowStore& store, uint64_t bytes) -> std::function<Result<Time>()> {
    if (bytes == 0) return {};
    return [&store, bytes]() -> Result<Time> {
      BONAFIDE_ASSIGN(const auto from, store.rows().fits_from(bytes));
      return from ? from->accepted_at() : Time{};
    };
  };
  const auto archive_before = [this](Time before, size_t most) {
    return steps::Archive(*archive_, *codec_).remove_before(before.day(), most);
  };
  const auto index_before = [this](Time before, size_t most) -> Result<uint64_t> {
    if (index_ == nullptr) return 0;
    return index_->remove_before(EventId::lowest(before), most);
  };
  const auto parked_before = [this](Time before, size_t) { return parked_->remove_settled(before); };
  control::RetentionKeeper::Parts parts{
      outside_.files,
      outside_.clock,
      outside_.logger,
      outside_.metrics,
      folder.in("retention"),
      // A few milliseconds each: rows and pieces of raw messages under the store's lock, archive files with a
      // sync each.
      // The index before the rows: what it finds is there.
      {{"index", &Horizons::rows, index_before, 2000},
       {"import", &Horizons::rows, rows_of(*rows_), 300, fit_of(*rows_, settings_.retention.rows_bytes)},
       {"raw", &Horizons::raw, rows_of(*raw_), 16, fit_of(*raw_, settings_.retention.raw_bytes)},
       {"archive", &Horizons::archive, archive_before, 8},
       {"parked", &Horizons::parked, parked_before, SIZE_MAX},
       {"doorlist", &Horizons::door, rows_of(*door_list_), 500}},
      [this] { return oldest_under_way(); },
      [this] { return steps::Archive(*archive_, *codec_).days(); },
      [this](int64_t day) { return steps::Archive(*archive_, *codec_).bytes_of(day); }};
  BONAFIDE_ASSIGN(retention_, control::RetentionKeeper::open(std::move(parts), settings_.retention));
  jobs_.push_back({"retention", retention_.get(), nullptr});
  return Ok{};
}

Status Pipeline::add_reprocessor(const DataFolder& folder) {
  reprocess_source_ = std::make_unique<ReprocessSource>(ReprocessSource::Parts{
      rows_->rows(), *archive_, *codec_, outside_.clock, [this] { return retention_->horizons().rows; }});
  RelayWake& wake = new_wake();
  control::Reprocessor::Parts parts{
      outside_.files,
      outside_.clock,
      outside_.logger,
      outside_.metrics,
      wake,
      log().inlet(),
      std::string(mail::Reprocess::topic),
      folder.in("reprocess"),
      [this](const control::ReprocessRun& run, size_t most) { return reprocess_source_->read(run, most); },
      [this](const control::ReprocessPlan& plan) { return reprocess_source_->count(plan); },
      [&taken = outside_.metrics.counter("bonafide_events_emitted_total", "records written",
                                         {{"step", "collect"}})] { return taken.value(); },
      [this, watch = RevisionWatch(), of = flow::Inlet::Landed()](const flow::Inlet::Landed& landed) mutable {
        if (landed != of) watch = RevisionWatch(mail::Reprocess::topic, of = landed);
        return watch.came_through(*this);
      }};
  BONAFIDE_ASSIGN(reprocessor_, control::Reprocessor::open(std::move(parts)));
  jobs_.push_back({"reprocess", reprocessor_.get(), &wake});
  return Ok{};
}

Result<bool> Pipeline::step_jobs() {
  bool worked = false;
  for (const auto& job : jobs_) {
    const auto stepped = job.stepper->step();
    if (!stepped.ok()) return stepped.error().in(job.stepper->name());
    worked |= *stepped == flow::Progress::worked;
  }
  return worked;
}

Result<bool> Pipeline::are_synced(const std::map<flow::ShardId, flow::Position>& positions) {
  for (const auto& [shard, position] : positions) {
    BONAFIDE_ASSIGN(const auto synced, journal_->synced(shard));
    if (synced < position) return false;
  }
  return true;
}

Result<bool> Pipeline::outputs_are_synced() {
  std::map<flow::ShardId, flow::Position> written;
  BONAFIDE_ASSIGN(const auto shards, journal_->shards(std::string(mail::Scored::topic)));
  for (const auto& shard : shards) {
    BONAFIDE_ASSIGN(written[shard.id], journal_->written(shard.id));
  }
  return are_synced(written);
}

// After a crash the history is replayed from its last checkpoint: the journal keeps what lies behind that.
Status Pipeline::hold_for_history() {
  streams::journal::Journal::Hold hold{std::string(mail::Scored::topic), {}};
  BONAFIDE_ASSIGN(const auto shards, journal_->shards(hold.topic));
  for (const auto& shard : shards) {
    BONAFIDE_ASSIGN(hold.behind[shard.id], history_->durable(shard.id));
  }
  journal_->hold("history", hold);
  return Ok{};
}

Result<bool> Pipeline::door_memory_is_whole() {
  for (const auto& [shard, end] : accepted_before_) {
    BONAFIDE_ASSIGN(const auto applied, dedupe_->applied(shard));
    if (applied < end) return false;
  }
  return true;
}

const flow::Worker* Pipeline::worker(std::string_view name) const {
  for (const auto* workers : {&processors_, &sinks_}) {
    for (const auto* worker : *workers) {
      if (worker->name() == name) return worker;
    }
  }
  return nullptr;
}

std::optional<std::string> Pipeline::group_reading(std::string_view topic) const {
  for (const auto& worker : settings_.topology.workers) {
    const auto reads = [topic](const flow::Feed& feed) { return feed.from == topic; };
    if (worker.sink.empty() && (worker.from == topic || std::ranges::any_of(worker.also, reads)))
      return settings_.topology.group_prefix + worker.name;
  }
  return std::nullopt;
}

Status Pipeline::close() { return history_->checkpoint(); }

}  // namespace bonafide::app
