#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "stores/damage.hpp"

namespace bonafide::stores {

/// RocksDB as the state store uses it: no write-ahead log, and nothing reaches the disk but by flush(), so
/// that the disk always holds exactly what had been written at one call of flush(). Safe from several
/// threads.
class Rocks {
 public:
  struct Settings {
    std::string folder;
    size_t block_cache_bytes = 8 << 20;
    /// May this record be dropped? Asked for records that are rewritten anyway, on RocksDB's own threads.
    std::function<bool(ByteView key, ByteView value)> expired;
  };
  using Put = std::pair<std::string, std::string>;

  /// Errors: conflict (somebody else has it open), damaged, exhausted, unavailable; each says what to do.
  static Result<std::unique_ptr<Rocks>> open(const Settings& settings);
  ~Rocks();
  Rocks(const Rocks&) = delete;
  Rocks& operator=(const Rocks&) = delete;

  /// One answer for each key, nothing where there is no such record. Errors: damaged, unavailable.
  Result<std::vector<std::optional<std::string>>> get(const std::vector<std::string>& keys);
  /// After a failed flush: brings what was written before it to the disk. Else without effect. Must stand
  /// before the first write of a new complete state.
  Status recover();
  /// To memory only. All of `puts` or none.
  Status write(const std::vector<Put>& puts);
  /// Begins to bring everything written so far to the disk, synced. One at a time.
  Status begin_flush();
  /// Has the last begin_flush() ended? Errors: why it failed.
  Result<bool> flushed();
  /// Waits for it.
  Status wait_flushed();
  /// All records whose key begins with `prefix`, in byte order.
  Status scan(const std::string& prefix, const std::function<Status(ByteView key, ByteView value)>& each);
  /// Room on its disk; as much as can be where that cannot be asked.
  [[nodiscard]] uint64_t free_bytes() const;
  /// Bytes of all files of the store.
  [[nodiscard]] uint64_t disk_bytes() const;
  /// Reads every byte of every live file and compares it with the checksum taken when it was written.
  Status verify(const OnDamage& on_damage);

 private:
  struct Inside;
  explicit Rocks(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace bonafide::stores
