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

/// Records by key under a state: nothing reaches the disk but by flush(), so that the disk always holds
/// exactly what had been written at one call of flush(). Safe from several threads.
class Tables {
 public:
  struct Settings {
    std::string folder;
    size_t block_cache_bytes = 8 << 20;
    /// May this record be dropped? Asked for records that are rewritten anyway, maybe on another thread.
    std::function<bool(ByteView key, ByteView value)> expired;
  };
  using Put = std::pair<std::string, std::string>;
  /// Errors: conflict (somebody else has it open), damaged, exhausted, unavailable; each says what to do.
  using Open = std::function<Result<std::unique_ptr<Tables>>(const Settings&)>;

  virtual ~Tables() = default;

  /// One answer for each key, nothing where there is no such record. Errors: damaged, unavailable.
  virtual Result<std::vector<std::optional<std::string>>> get(const std::vector<std::string>& keys) = 0;
  /// After a failed flush: brings what was written before it to the disk. Else without effect. Must stand
  /// before the first write of a new complete state.
  virtual Status recover() = 0;
  /// To memory only. All of `puts` or none.
  virtual Status write(const std::vector<Put>& puts) = 0;
  /// Begins to bring everything written so far to the disk, synced. One at a time.
  virtual Status begin_flush() = 0;
  /// Has the last begin_flush() ended? Errors: why it failed.
  virtual Result<bool> flushed() = 0;
  /// Waits for it.
  virtual Status wait_flushed() = 0;
  /// All records whose key begins with `prefix`, in byte order.
  virtual Status scan(const std::string& prefix,
                      const std::function<Status(ByteView key, ByteView value)>& each) = 0;
  /// Room on its disk; as much as can be where that cannot be asked.
  [[nodiscard]] virtual uint64_t free_bytes() const = 0;
  /// Bytes of all files of the store.
  [[nodiscard]] virtual uint64_t disk_bytes() const = 0;
  /// Reads every byte of every live file and compares it with the checksum taken when it was written.
  virtual Status verify(const OnDamage& on_damage) = 0;
};

}  // namespace bonafide::stores
