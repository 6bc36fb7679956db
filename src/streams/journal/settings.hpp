#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "base/time.hpp"
#include "env/clock.hpp"
#include "env/files.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"
#include "env/random.hpp"

namespace bonafide::streams::journal {

struct Settings {
  std::string folder;
  /// Of each topic and lane. Another number than a topic has: its shards end, and new ones follow them. 0: as
  /// they are, one for a new topic. `topic_shards` goes before `shards`.
  uint32_t shards = 0;
  std::map<std::string, uint32_t> topic_shards;
  uint64_t segment_bytes = uint64_t{64} << 20;
  size_t max_record_bytes = size_t{16} << 20;

  /// Recent frames kept in memory, so that readers who keep up never touch the disk.
  size_t memory_bytes = size_t{64} << 20;
  /// Of each shard, how many of the latest records keep their decoded payload.
  size_t memory_payloads = 512;

  /// A frame nobody waits for is synced at the latest after this.
  Duration idle_sync = Duration::millis(10);

  // When the inlet says "later".
  size_t max_unsynced_bytes = size_t{32} << 20;
  uint64_t max_behind_bytes = uint64_t{4}
                              << 30;  ///< of the journal, between a group's progress and the end of its shard
  uint64_t max_behind_records = 1'000'000;                   ///< live records a group has not committed
  std::map<std::string, uint64_t> group_max_behind_records;  ///< goes before max_behind_records
  uint64_t min_free_bytes = uint64_t{1} << 30;
  double min_free_share = 0.05;

  // Retention: whole segments, never past a registered group or a hold.
  Duration max_age = Duration::days(7);
  uint64_t max_bytes = uint64_t{16} << 30;

  /// Looks, and changes nothing on the disk: for `verify` and `export` without a service.
  bool read_only = false;
};

/// What the journal uses of the world. All of it outlives the journal.
struct Outside {
  env::Files& files;
  env::Clock& clock;
  env::Random& random;
  env::Logger& logger;
  env::Metrics& metrics;
};

}  // namespace bonafide::streams::journal
