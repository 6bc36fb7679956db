#include "sim/world.hpp"

#include "app/data_folder.hpp"
#include "flow/health.hpp"
#include "flow/worker.hpp"
#include "sim/tables.hpp"

namespace bonafide::sim {
namespace {

constexpr const char* folder = "data";
constexpr int most_rounds = 20'000;

}  // namespace

World::World(uint64_t seed, Mutation mutation, bool print)
    : random(seed * 4 + 1),
      disk(seed * 4 + 2),
      trace(clock, print),
      meddler(clock, mutation),
      mutation_(mutation),
      inner_random_(seed * 4 + 3),
      keep_raw_(seed % 3 == 0) {}

World::~World() { end(false); }

app::PipelineSettings World::settings() {
  app::PipelineSettings settings;
  settings.tenants = {{.name = "acme", .domains = {"acme.example"}},
                      {.name = "globex", .domains = {"globex.example"}}};
  settings.reference = std::make_shared<const trust::ReferenceData>();
  settings.model = std::shared_ptr<const trust::Model>(&trust::Model::built_in(), [](const trust::Model*) {});
  if (mutation_ == Mutation::dedupe_off) settings.collector.dedupe_for = Duration{};
  settings.history_checkpoint_every = Duration::millis(200);
  settings.collector.keep_raw = keep_raw_;
  // Now and then somebody changes the number of partitions between two starts.
  if (random.below(3) == 0) partitions_ = 1 + static_cast<uint32_t>(random.below(3));
  settings.journal.shards = partitions_;
  settings.journal.segment_bytes = 256 << 10;
  settings.journal.memory_bytes = 64 << 10;
  settings.journal.min_free_bytes = 1 << 20;
  settings.journal.min_free_share = 0;
  settings.worker.max_records = 16;
  settings.open_tables = [this](const stores::Tables::Settings& tables) {
    return SimTables::open(disk, tables, mutation_ == Mutation::loose_history ? "p" : "");
  };
  settings.around_log = [this](flow::Log& log) { return meddler.around(log); };
  settings.around_history = [this](flow::State& state) { return meddler.around(state); };
  return settings;
}

Status World::start() {
  ++life_;
  starting_ = true;
  metrics_ = std::make_unique<env::Metrics>();
  vfs_.use(disk, clock, inner_random_);
  const auto open = [&]() -> Status {
    BONAFIDE_ASSIGN(const auto data, app::DataFolder::open(disk, folder, inner_random_));
    BONAFIDE_ASSIGN(pipeline_,
                    app::Pipeline::open(data, settings(), {disk, clock, inner_random_, trace, *metrics_}));
    return Ok{};
  };
  Status opened = open();
  starting_ = false;
  trace.line("start", opened.ok() ? "up" : opened.error().message);
  return opened;
}

void World::end(bool power) {
  // Nothing that its parts do as they are taken apart reaches the disk: a dead process does nothing.
  disk.power_off_after(0);
  pipeline_.reset();
  power ? disk.crash() : disk.kill();
}

void World::kill() {
  trace.line("kill -9");
  end(false);
}

void World::cut_power() {
  trace.line("power cut");
  end(true);
}

Result<bool> World::step() {
  const auto& jobs = pipeline_->jobs();
  const auto& job = jobs[random.below(jobs.size())];
  const auto stepped = job.stepper->step();
  if (!stepped.ok()) return stepped.error().in(job.stepper->name());
  const bool worked = *stepped == flow::Progress::worked;
  if (worked) trace.line("step", job.stepper->name());
  return worked;
}

void World::pass(Duration time) {
  clock.advance(time);
  meddler.give_answers();
}

const char* World::doing() const {
  if (starting_) return "starting";
  if (!up()) return "down";
  flow::Doing doing = flow::Doing::idle;
  for (const auto* worker : pipeline_->processors()) doing = worker->health().doing();
  return flow::to_string(doing);
}

Status World::run_until(const std::function<std::string()>& left) {
  for (int round = 0; round < most_rounds; ++round) {
    BONAFIDE_ASSIGN(const bool worked, pipeline_->step_jobs());
    pass(worked ? Duration::millis(1) : Duration::millis(50));
    if (!worked && left().empty()) return Ok{};
  }
  return {Cause::internal, "it never comes to rest: " + left()};
}

// The order of app::Runner::stop().
Status World::stop() {
  trace.line("stop");
  const auto wait = [&](const std::function<bool()>& done, const char* what) {
    return run_until([&] { return done() ? std::string() : std::string(what); });
  };
  const auto stop_workers = [&](const std::vector<flow::Worker*>& workers, const char* what) -> Status {
    for (auto* worker : workers) worker->stop(flow::Stop::when_read);
    const auto has_stopped = [](const flow::Worker* worker) { return worker->stopped(); };
    return wait([&] { return std::ranges::all_of(workers, has_stopped); }, what);
  };
  const auto all = [&]() -> Status {
    pipeline_->reprocessor().hold();
    BONAFIDE_TRY(stop_workers(pipeline_->processors(), "a step has not stopped"));
    BONAFIDE_TRY(
        wait([&] { return pipeline_->outputs_are_synced().value_or(false); }, "outputs are not synced"));
    std::vector<flow::Worker*> first, behind_capture;
    for (auto* sink : pipeline_->sinks())
      (pipeline_->is_behind_capture(*sink) ? behind_capture : first).push_back(sink);
    BONAFIDE_TRY(stop_workers(first, "a sink has not stopped"));
    BONAFIDE_TRY(wait([&] { return pipeline_->capture()->caught_up(); }, "changes are not captured"));
    BONAFIDE_TRY(stop_workers(behind_capture, "the index has not stopped"));
    BONAFIDE_TRY(pipeline_->close());
    return pipeline_->journal().close();
  };
  Status stopped = all();
  if (stopped.ok()) end(false);
  return stopped;
}

}  // namespace bonafide::sim
