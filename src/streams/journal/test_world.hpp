#pragma once
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "env/sim/clock.hpp"
#include "env/sim/files.hpp"
#include "streams/journal/journal.hpp"

namespace bonafide::streams::journal {

/// A journal on a simulated disk, stepped by hand.
class World {
 public:
  explicit World(uint64_t seed = 1, uint64_t segment_bytes = 64 << 10) : files(seed), random(seed) {
    settings.folder = "data/journal";
    settings.segment_bytes = segment_bytes;
    settings.min_free_bytes = 0;
  }

  Status open() {
    journal.reset();
    auto opened = Journal::open(settings, {files, clock, random, logger, metrics});
    if (!opened.ok()) return opened.error();
    journal = std::move(*opened);
    return Ok{};
  }
  void must_open() {
    const Status opened = open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
  }
  /// Lets time pass until the flusher has nothing to do.
  Status settle() {
    for (int quiet = 0; quiet < 3;) {
      auto stepped = journal->flusher().step();
      if (!stepped.ok()) return stepped.error();
      if (*stepped == flow::Progress::worked) {
        quiet = 0;
      } else {
        clock.advance(Duration::millis(15));
        ++quiet;
      }
    }
    return Ok{};
  }

  static flow::Entry entry(const std::string& topic, const std::string& key, const std::string& value,
                           flow::Lane lane = flow::Lane::live) {
    flow::Entry out{topic, lane, {}};
    out.record.key = SharedBytes(key);
    out.record.value = SharedBytes(value);
    out.record.timestamp = Time::from_seconds(1'767'225'600);
    return out;
  }
  /// Appends without waiting; `acked` grows by the values once synced.
  void append(std::vector<flow::Entry> entries, std::vector<std::string>* acked = nullptr) {
    std::vector<std::string> values;
    values.reserve(entries.size());
    for (const auto& e : entries) values.emplace_back(e.record.value.view());
    journal->inlet().append(std::move(entries), [values, acked](const Result<flow::Inlet::Landed>& landed) {
      if (landed.ok() && acked != nullptr) acked->insert(acked->end(), values.begin(), values.end());
    });
  }
  void put(const std::string& topic, const std::string& value) {
    append({entry(topic, "key", value)});
    const Status settled = settle();
    ASSERT_TRUE(settled.ok()) << settled.error().message;
  }
  /// All values of a topic's live shard 0, errors included as "!message".
  std::vector<std::string> values(const std::string& topic) {
    std::vector<std::string> out;
    auto reader = journal->reader({topic, flow::Lane::live, 0}, {});
    if (!reader.ok()) return out;
    for (;;) {
      auto some = (*reader)->read(7, 1 << 20);
      if (!some.ok()) {
        out.push_back("!" + some.error().message);
        continue;
      }
      if (some->empty()) return out;
      for (const auto& delivery : *some) out.emplace_back(delivery.record.value.view());
    }
  }

  env::sim::SimFiles files;
  env::sim::ManualClock clock;
  env::SeededRandom random;
  env::NoLogger logger;
  env::Metrics metrics;
  Settings settings;
  std::unique_ptr<Journal> journal;
};

}  // namespace bonafide::streams::journal
