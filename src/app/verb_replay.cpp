#include <atomic>
#include <chrono>
#include <condition_variable>
#include <thread>
#include <unordered_map>

#include "app/configuration.hpp"
#include "app/installation.hpp"
#include "app/output.hpp"
#include "app/replay_set.hpp"
#include "app/runner.hpp"
#include "app/verbs.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "mail/verdict.hpp"

// bonafide replay: a set through the whole pipeline, in its order, at event time, as fast as it goes.
namespace bonafide::app {
namespace {

// The wall clock of a replay: the event time of the latest message. Durations are real.
class ReplayClock final : public env::Clock {
 public:
  explicit ReplayClock(env::Clock& real) : real_(real) {}
  Time now() override { return {now_us_.load()}; }
  Time steady() override { return real_.steady(); }
  void advance(Time to) {
    if (to.us > now_us_.load()) now_us_.store(to.us);
  }

 private:
  env::Clock& real_;
  std::atomic<int64_t> now_us_{0};
};

struct Verdict {
  double trust = 0;
  mail::ShownVerdict verdict = mail::ShownVerdict::suspicious;
};

// What came of each line, filled from several threads.
class Results {
 public:
  explicit Results(size_t lines) : ids_(lines) {}

  void accepted(size_t line, const Result<steps::Receipt>& receipt) {
    const std::lock_guard lock(mutex_);
    if (receipt.ok()) {
      ids_[line] = receipt->id;
    } else if (!error_) {
      error_ = receipt.error();
    }
    ++answered_;
    changed_.notify_all();
  }
  void scored(const mail::Scored& scored) {
    const std::lock_guard lock(mutex_);
    verdicts_[scored.received.id] = {scored.score.trust, mail::shown_verdict(scored)};
    changed_.notify_all();
  }
  /// Waits a little; true once every line has its verdict.
  bool wait_complete() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(50));
    if (error_ || answered_ < ids_.size()) return false;
    for (; complete_ < ids_.size(); ++complete_) {
      if (verdicts_.count(*ids_[complete_]) == 0) return false;
    }
    return true;
  }
  std::optional<Error> error() {
    const std::lock_guard lock(mutex_);
    return error_;
  }
  size_t answered() {
    const std::lock_guard lock(mutex_);
    return answered_;
  }
  const Verdict& verdict(size_t line) { return verdicts_.at(*ids_[line]); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::optional<EventId>> ids_;
  std::unordered_map<EventId, Verdict> verdicts_;
  std::optional<Error> error_;
  size_t answered_ = 0, complete_ = 0;
};

Status feed(const std::string& set, const std::vector<ReplayLine>& lines, Installation& world,
            ReplayClock& clock, Pipeline& pipeline, Results& results, Runner& runner) {
  mail::Parser parser;
  for (size_t i = 0; i < lines.size(); ++i) {
    auto raw = world.files.read_file(set + "/" + lines[i].file);
    if (!raw.ok()) return raw.error();
    clock.advance(lines[i].received_at);
    steps::Submission submission;
    submission.raw = *raw;
    submission.door = "replay";
    submission.envelope = lines[i].envelope;
    submission.session_known = true;
    submission.received_at = lines[i].received_at;
    submission.edge.mode = mail::Edge::Mode::auto_;
    for (;;) {
      const auto admission = pipeline.collector().admit(raw->size());
      if (admission.now) break;
      if (admission.cause == Cause::unavailable) return {Cause::unavailable, admission.reason};
      if (auto failed = runner.failure()) return *failed;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    pipeline.collector().submit(parser, submission, [&results, i](const Result<steps::Receipt>& receipt) {
      results.accepted(i, receipt);
    });
    if (auto failed = results.error()) return failed->in(lines[i].file);
  }
  while (!results.wait_complete()) {
    if (auto failed = runner.failure()) return *failed;
    if (auto failed = results.error()) return *failed;
  }
  return Ok{};
}

Status write_scores(const std::string& path, const std::vector<ReplayLine>& lines, Results& results,
                    env::Files& files) {
  JsonWriter json;
  for (size_t i = 0; i < lines.size(); ++i) {
    const auto& verdict = results.verdict(i);
    json.begin_object()
        .member("file", lines[i].file)
        .member("trust", verdict.trust)
        .member("verdict", avro::symbol_of(verdict.verdict))
        .end_object()
        .end_line();
  }
  return files.write_file(path, json.text());
}

Status run_replay(const Common& common, const ReplayOptions& options) {
  Installation world(common);
  BONAFIDE_ASSIGN(const auto lines, read_manifest(world.files, options.set));
  BONAFIDE_ASSIGN(const auto folder, world.open(common.data));
  ReplayClock clock(world.clock);
  const Outside outside{world.files, clock, world.random, *world.logger, world.metrics};
  BONAFIDE_ASSIGN(auto configuration, load_configuration(world.files, common));
  auto& settings = configuration.pipeline;
  settings.collector.event_time_is_wall_time = true;
  settings.installation_key = "replay";               // ids follow from the messages alone
  settings.journal.max_age = Duration::days(36'500);  // event time runs fast: nothing gets old
  settings.journal.shards = 1;                        // one order of all
  settings.retention = control::RetentionSettings::for_ever();
  settings.reference_sources.clear();  // the data sets stay as they are at the start
  BONAFIDE_ASSIGN(const auto pipeline, Pipeline::open(folder, std::move(settings), outside));
  Results results(lines.size());
  pipeline->verdicts().listen(
      [&](const std::shared_ptr<const steps::ScoredPayload>& scored) { results.scored(scored->event); });
  env::EventWake wake;
  Runner runner(*pipeline, outside, wake);
  const Time began = world.clock.steady();
  runner.start();
  BONAFIDE_TRY(runner.wait_until_ready());
  const Status fed = feed(options.set, lines, world, clock, *pipeline, results, runner);
  const Status stopped = runner.stop(Duration::minutes(10));
  BONAFIDE_TRY(fed);
  BONAFIDE_TRY(stopped);
  const double seconds = (world.clock.steady() - began).in_seconds();
  BONAFIDE_TRY(write_scores(options.scores, lines, results, world.files));
  std::cerr << lines.size() << " messages stored and archived in "
            << to_decimal(std::round(seconds * 100) / 100) << " s, "
            << static_cast<int64_t>(static_cast<double>(lines.size()) / seconds) << " a second\n";
  return Ok{};
}

}  // namespace

int replay(const Common& common, const ReplayOptions& options) {
  const Status done = run_replay(common, options);
  return done.ok() ? exit_ok : complain(done.error());
}

}  // namespace bonafide::app
