// sensors: judges temperatures as they come. See README.md.
#include <cstdio>
#include <fstream>
#include <iostream>

#include "env/real/clock.hpp"
#include "env/real/event_wake.hpp"
#include "env/real/files.hpp"
#include "env/real/random.hpp"
#include "examples/sensors/sensors.hpp"
#include "flow/config.hpp"
#include "flow/memory_state.hpp"
#include "flow/sink_worker.hpp"
#include "streams/journal/journal.hpp"
#include "streams/memory/memory_log.hpp"

namespace {

using namespace bonafide;

class StderrLogger final : public env::Logger {
 public:
  void write(env::Level level, std::string_view event, std::initializer_list<env::Field> fields) override {
    if (level < env::Level::warn) return;
    std::cerr << event;
    for (const auto& field : fields) std::cerr << " " << field.key << "=" << field.value;
    std::cerr << "\n";
  }
};

struct Arguments {
  std::string config, data, input = "-";
};

Result<Arguments> parse(int count, char** words) {
  Arguments out;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if ((word == "--config" || word == "--data") && i + 1 < count) {
      (word == "--config" ? out.config : out.data) = words[++i];
    } else if (word.starts_with("--")) {
      return {Cause::invalid,
              "usage: sensors [--config FILE] [--data DIR] [FILE]\n  FILE holds lines STATION,TIME,CELSIUS; "
              "standard input by default. Without --data nothing is kept but the table."};
    } else {
      out.input = word;
    }
  }
  return out;
}

/// The world, the log and the workers, stepped on this one thread.
class Program {
 public:
  Status open(const Arguments& arguments) {
    if (!arguments.data.empty()) BONAFIDE_TRY(files_.make_folders(arguments.data));
    const auto registry = sensors::registry(files_, arguments.data.empty() ? "." : arguments.data);
    config_ = flow::Config::presets(registry.sections());
    if (!arguments.config.empty()) {
      const auto environment = [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
      };
      BONAFIDE_ASSIGN(config_,
                      flow::Config::load(arguments.config, registry.sections(), {files_, environment}));
    }
    BONAFIDE_TRY(open_log(arguments.data));
    if (arguments.data.empty()) {  // the table goes with the log, and this one begins anew
      const std::string table = "./" + config_.section("table").text("path");
      BONAFIDE_ASSIGN(const bool there, files_.exists(table));
      if (there) BONAFIDE_TRY(files_.remove(table));
    }
    const auto topology = config_.topology().value_or(sensors::default_topology());
    const auto parts = [this](const std::string&) {
      return flow::WorkerParts{*log_, clock_, logger_, metrics_, wake_};
    };
    const auto settings = [this](const std::string& name) -> const flow::Settings& {
      return config_.section(name);
    };
    BONAFIDE_ASSIGN(workers_,
                    flow::build(topology, registry, {sensors::input_topic}, parts, settings, &state_));
    return Ok{};
  }

  Status feed(std::istream& lines) {
    for (std::string line; std::getline(lines, line);) {
      if (line.empty()) continue;
      while (!log_->inlet().admit(line.size()).now)
        BONAFIDE_TRY(step_all());  // the pipeline first catches up
      log_->inlet().append(
          {sensors::entry(line, clock_.now())},
          [this](const Result<flow::Inlet::Landed>& landed) { ++(landed.ok() ? taken_ : refused_); });
      if (++read_ % 500 == 0) BONAFIDE_TRY(step_all());
    }
    while (taken_ + refused_ < read_) BONAFIDE_TRY(step_all());
    // Processors end before sinks, so that sinks see all there is.
    for (const bool sinks : {false, true}) {
      for (auto& worker : workers_) {
        if ((dynamic_cast<flow::SinkWorker*>(worker.get()) != nullptr) == sinks)
          BONAFIDE_TRY(finish(*worker));
      }
    }
    std::cerr << taken_ << " readings taken, " << refused_ << " refused\n";
    return journal_ ? journal_->close() : Ok{};
  }

 private:
  Status open_log(const std::string& data) {
    if (data.empty()) {
      log_ = std::make_unique<streams::MemoryLog>();
      return Ok{};
    }
    streams::journal::Settings settings;
    settings.folder = data + "/journal";
    settings.segment_bytes = 8 << 20;
    BONAFIDE_ASSIGN(auto journal,
                    streams::journal::Journal::open(settings, {files_, clock_, random_, logger_, metrics_}));
    journal_ = journal.get();
    journal_->set_flusher_wake(&wake_);
    log_ = std::move(journal);
    return Ok{};
  }

  Result<bool> step(flow::Stepper& stepper) {
    BONAFIDE_ASSIGN(const auto progress, stepper.step());
    return progress == flow::Progress::worked;
  }
  /// Everybody once; waits a little when nobody had anything to do.
  Status step_all() {
    bool worked = false;
    if (journal_ != nullptr) {
      BONAFIDE_ASSIGN(worked, step(journal_->flusher()));
    }
    for (auto& worker : workers_) {
      BONAFIDE_ASSIGN(const bool did, step(*worker));
      worked |= did;
    }
    if (!worked) wake_.wait(Duration::millis(2));
    return Ok{};
  }
  Status finish(flow::Worker& worker) {
    // Sinks see what is synced: the last outputs are, within some milliseconds.
    for (const Time until = clock_.steady() + Duration::millis(50); clock_.steady() < until;)
      BONAFIDE_TRY(step_all());
    worker.stop(flow::Stop::when_read);
    while (!worker.stopped()) BONAFIDE_TRY(step_all());
    return Ok{};
  }

  env::RealFiles files_;
  env::RealClock clock_;
  env::RealRandom random_;
  env::Metrics metrics_;
  StderrLogger logger_;
  env::EventWake wake_;
  flow::Config config_;
  flow::MemoryState state_;  // rebuilt from the journal at each start
  std::unique_ptr<flow::Log> log_;
  streams::journal::Journal* journal_ = nullptr;
  std::vector<std::unique_ptr<flow::Worker>> workers_;
  size_t read_ = 0, taken_ = 0, refused_ = 0;
};

Status run(int count, char** words) {
  BONAFIDE_ASSIGN(const auto arguments, parse(count, words));
  Program program;
  BONAFIDE_TRY(program.open(arguments));
  if (arguments.input == "-") return program.feed(std::cin);
  std::ifstream file(arguments.input);
  if (!file) return {Cause::not_found, arguments.input + ": cannot be opened"};
  return program.feed(file);
}

}  // namespace

int main(int count, char** words) {
  const auto done = run(count, words);
  if (done.ok()) return 0;
  std::cerr << "sensors: " << done.error().message << "\n";
  return 1;
}
