#include "examples/sensors/sensors.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "env/sim/clock.hpp"
#include "env/sim/files.hpp"
#include "examples/sensors/table_sink.hpp"
#include "flow/config.hpp"
#include "flow/memory_state.hpp"
#include "flow/parked.hpp"
#include "streams/journal/journal.hpp"
#include "streams/memory/memory_log.hpp"

namespace sensors {
namespace {

using bonafide::Duration;
using bonafide::flow::Inlet;
using bonafide::flow::Progress;
using bonafide::streams::MemoryLog;
using bonafide::streams::journal::Journal;

/// The example on a simulated machine, over either log; can lose its power.
class World {
 public:
  World(bool on_journal, uint64_t seed) : on_journal_(on_journal), files(seed), random(seed) { start(); }
  ~World() { workers.clear(); }

  void start() {
    if (on_journal_) {
      bonafide::streams::journal::Settings settings;
      settings.folder = "data/journal";
      settings.segment_bytes = 16 << 10;
      settings.min_free_bytes = 0;
      auto opened = Journal::open(settings, {files, clock, random, logger, metrics});
      ASSERT_TRUE(opened.ok()) << opened.error().message;
      journal = opened->get();
      log = std::move(*opened);
    } else if (!log) {
      log = std::make_unique<MemoryLog>();
    }
    state.lose();  // rebuilt from what the log has
    const auto components = registry(files, ".");
    config = bonafide::flow::Config::presets(components.sections());
    auto built = bonafide::flow::build(
        default_topology(), components, {input_topic},
        [this](const std::string&) {
          return bonafide::flow::WorkerParts{*log, clock, logger, metrics, wake};
        },
        [this](const std::string& name) -> const bonafide::flow::Settings& { return config.section(name); },
        &state);
    ASSERT_TRUE(built.ok()) << built.error().message;
    workers = std::move(*built);
  }
  void crash() {
    workers.clear();
    if (on_journal_) {
      log.reset();
      files.crash();
    }
    start();
  }

  void put(const std::string& line) {
    log->inlet().append({entry(line, clock.now())}, [this, line](const Result<Inlet::Landed>& landed) {
      if (landed.ok()) acked.push_back(line);
    });
  }
  bool step_one(size_t which) {
    bonafide::flow::Stepper& stepper =
        which < workers.size() ? static_cast<bonafide::flow::Stepper&>(*workers[which]) : journal->flusher();
    const auto stepped = stepper.step();
    EXPECT_TRUE(stepped.ok()) << stepped.error().message;
    return stepped.ok() && *stepped == Progress::worked;
  }
  [[nodiscard]] size_t steppers() const { return workers.size() + (on_journal_ ? 1 : 0); }
  void settle() {
    for (int quiet = 0; quiet < 20;) {
      bool worked = false;
      for (size_t i = 0; i < steppers(); ++i) worked |= step_one(i);
      quiet = worked ? 0 : quiet + 1;
      clock.advance(Duration::millis(100));
    }
  }
  std::map<std::string, StationRow> table() {
    const auto text = files.read_file("stations.csv");
    return text.ok() ? read_table(*text).value() : std::map<std::string, StationRow>();
  }
  std::vector<std::string> all(const std::string& topic) {
    std::vector<std::string> out;
    const auto shards = log->shards(topic);
    for (const auto& shard : *shards) {
      auto reader = log->reader(shard.id, {});
      for (;;) {
        const auto some = (*reader)->read(100, 1 << 20);
        EXPECT_TRUE(some.ok()) << some.error().message;
        if (!some.ok() || some->empty()) break;
        for (const auto& delivery : *some) out.emplace_back(delivery.record.value.view());
      }
    }
    return out;
  }

 private:
  bool on_journal_;

 public:
  bonafide::env::sim::SimFiles files;
  bonafide::env::sim::ManualClock clock;
  bonafide::env::SeededRandom random;
  bonafide::env::NoLogger logger;
  bonafide::env::Metrics metrics;
  bonafide::env::NoWake wake;
  bonafide::flow::MemoryState state;
  bonafide::flow::Config config;
  std::unique_ptr<bonafide::flow::Log> log;
  Journal* journal = nullptr;
  std::vector<std::unique_ptr<bonafide::flow::Worker>> workers;
  std::vector<std::string> acked;
};

std::string line(const std::string& station, int i, double celsius) {
  const Time at = Time::from_seconds(1'767'225'600 + i * 600);
  return station + "," + bonafide::format_rfc3339(at) + "," + bonafide::to_decimal(celsius);
}

class Sensors : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Logs, Sensors, testing::Values(false, true),
                         [](const auto& log) { return std::string(log.param ? "journal" : "memory"); });

TEST_P(Sensors, AReadingFarFromAStationsHabitsIsOdd) {
  World world(GetParam(), 1);
  for (int i = 0; i < 60; ++i) world.put(line("oslo", i, -2 + i % 3));
  world.put(line("oslo", 60, 35));
  world.put(line("rome", 61, 35));
  world.settle();
  const auto judged = world.all("judged");
  ASSERT_EQ(judged.size(), 62U);
  EXPECT_THAT(judged[0], testing::EndsWith(",new"));
  EXPECT_THAT(judged[59], testing::EndsWith(",usual"));
  EXPECT_THAT(judged[60], testing::EndsWith(",odd"));
  EXPECT_THAT(judged[61], testing::EndsWith(",new")) << "35 degrees are odd in oslo, not in rome";
  const auto table = world.table();
  EXPECT_EQ(table.at("oslo"), (StationRow{61, 1, -2, 35}));
  EXPECT_EQ(table.at("rome"), (StationRow{1, 0, 35, 35}));
}

TEST_P(Sensors, ALineThatCannotBeReadIsParkedAndTheNextGoesOn) {
  World world(GetParam(), 2);
  for (const char* bad : {"", "oslo", "oslo,yesterday,3", "oslo,2026-01-01T00:00:00Z,hot"}) world.put(bad);
  world.put(line("oslo", 1, 3));
  world.settle();
  EXPECT_EQ(world.all("judged").size(), 1U);
  ASSERT_EQ(world.all("parked").size(), 4U);
  const auto parked = bonafide::flow::ParkedRecord::decode(world.all("parked").back());
  ASSERT_TRUE(parked.ok());
  EXPECT_EQ(parked->step, "judge");
  EXPECT_EQ(parked->value.view(), "oslo,2026-01-01T00:00:00Z,hot");
}

// Crashes at random moments: what was acked is judged once, with the history that came before it, and counted
// once.
TEST_P(Sensors, EveryReadingCountsOnceWhateverHappens) {
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(GetParam(), seed);
    bonafide::env::SeededRandom random(seed * 7919);
    std::set<std::string> put;
    int next = 0;
    for (int i = 0; i < 600; ++i) {
      const auto dice = random.below(40);
      if (dice < 12) {
        const std::string station = "station-" + std::to_string(random.below(3));
        const auto reading = line(station, next++, static_cast<double>(random.below(60)) - 20);
        put.insert(reading);
        world.put(reading);
      } else if (dice == 12 && random.below(3) == 0) {
        world.crash();
      } else {
        world.step_one(random.below(world.steppers()));
        world.clock.advance(Duration::millis(static_cast<int64_t>(random.below(30))));
      }
      if (testing::Test::HasFatalFailure()) return;
    }
    world.settle();

    std::map<std::string, StationRow> expected;
    std::map<std::string, std::map<std::string, int64_t>> bands;
    std::multiset<std::string> judged;
    for (const auto& text : world.all("judged")) {
      const auto one = parse_judged(text).value();
      judged.insert(text.substr(0, text.rfind(',')));
      auto& seen = bands[one.reading.station];
      int64_t total = 0;
      for (const auto& [band, n] : seen) total += n;
      const auto band = observation(one.reading).increments[0].field;
      const double share = total == 0 ? 0 : static_cast<double>(seen[band]) / static_cast<double>(total);
      EXPECT_EQ(one.verdict, total < 20 ? "new" : share < 0.02 ? "odd" : "usual") << text;
      ++seen[band];
      auto [row, fresh] = expected.try_emplace(one.reading.station,
                                               StationRow{0, 0, one.reading.celsius, one.reading.celsius});
      ++row->second.readings;
      row->second.odd += one.verdict == "odd" ? 1 : 0;
      row->second.coldest = std::min(row->second.coldest, one.reading.celsius);
      row->second.hottest = std::max(row->second.hottest, one.reading.celsius);
    }
    for (const auto& reading : world.acked) EXPECT_EQ(judged.count(reading), 1U) << reading;
    for (const auto& reading : judged) EXPECT_TRUE(put.contains(reading)) << "nobody put " << reading;
    EXPECT_EQ(world.table(), expected);
    EXPECT_GT(world.acked.size(), 50U);
  }
}

TEST(SensorsTable, IsReadBackAndDamageIsNamed) {
  bonafide::env::sim::SimFiles files;
  ASSERT_TRUE(files.write_file("t.csv", "station,readings\nnonsense\n").ok());
  const auto opened = TableSink::open(files, "t.csv", Duration::seconds(1));
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().cause, bonafide::Cause::damaged);
  EXPECT_THAT(opened.error().message, testing::StartsWith("t.csv: "));
}

}  // namespace
}  // namespace sensors
