#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "env/files.hpp"
#include "env/random.hpp"

namespace bonafide::env::sim {

/// A call that can be made to fail.
enum class Call { open, read, write, sync, truncate, rename, remove, sync_folder };

/// Makes calls fail: of those of kind `call` whose path contains `path_part`, `skip` succeed, then `times`
/// fail.
struct Fault {
  Call call = Call::write;
  std::string path_part;
  uint64_t skip = 0;
  uint64_t times = 1;
  Error error = {Cause::internal, "injected fault"};
};

/// A disk in memory that behaves as badly as a real one may:
/// - what was written and not synced is, after crash(), there, gone, or torn at 512-byte sectors, chosen by
/// the seed;
/// - names made, renamed or removed are durable after sync_folder(); of the later ones a part, in order,
/// survives.
///   Folders are durable once made (make_folders() promises it);
/// - after a failed sync the bytes it should have saved can still be read, and are gone after a crash,
/// whatever later
///   syncs say (the kernel has dropped the dirty pages);
/// - a full disk writes what fits, then answers `exhausted`.
/// Files opened before a crash or kill answer `internal` afterwards. Safe from any thread.
class SimFiles final : public Files {
 public:
  static constexpr size_t sector_bytes = 512;

  explicit SimFiles(uint64_t seed = 1);
  ~SimFiles() override;

  Result<std::unique_ptr<File>> open(const std::string& path, Open mode) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  Status make_folders(const std::string& folder) override;
  Status rename(const std::string& from, const std::string& to) override;
  /// A file, or an empty folder.
  Status remove(const std::string& path) override;
  Status sync_folder(const std::string& folder) override;
  Result<Space> space(const std::string& path) override;

  /// The power goes and comes back: only what was durable, and by luck more, is left.
  void crash();
  /// The process dies (kill -9): open files close, all that was written stays.
  void kill();
  /// After `calls` more calls that change the disk, every call fails until crash() or kill(); the last one
  /// may be torn. Sweeping `calls` from 0 to changes() tries every moment at which the power can go.
  void power_off_after(uint64_t calls);
  /// How many calls that change the disk (write, truncate, sync, rename, remove, create, sync_folder) were
  /// begun.
  [[nodiscard]] uint64_t changes() const;
  [[nodiscard]] bool powered_off() const;

  void inject(Fault fault);
  void clear_faults();
  /// The disk's size; by default 1 TiB.
  void set_capacity(uint64_t bytes);
  /// Turns one bit of a file over, on the disk itself. Errors: not_found; invalid (past the end).
  Status flip_bit(const std::string& path, uint64_t byte, unsigned bit);
  /// All files that would be there after a crash in which everything unsynced is lost: for looking, not for
  /// use.
  [[nodiscard]] std::map<std::string, std::string> durable() const;

 private:
  friend class SimFile;
  struct Inode;
  using InodePtr = std::shared_ptr<Inode>;
  /// A name that came (`to`), went (`from`), or moved; not durable yet.
  struct NameChange {
    std::string from, to;
    InodePtr inode;
  };

  // All of these are called with the lock held.
  Status begin(Call call, const std::string& path, bool changes);
  Status write(Inode& inode, const std::string& path, uint64_t offset, ByteView bytes);
  uint64_t used() const;
  void apply(const NameChange& change);
  void lose(Inode& inode);
  void restart();

  mutable std::mutex mutex_;
  SeededRandom random_;
  std::map<std::string, InodePtr> names_, durable_names_;
  std::vector<NameChange> name_changes_;
  std::set<std::string> folders_;
  std::vector<std::weak_ptr<Inode>> inodes_;
  std::vector<Fault> faults_;
  std::optional<uint64_t> power_left_;
  bool off_ = false;
  uint64_t generation_ = 0, changes_ = 0;
  uint64_t capacity_ = uint64_t{1} << 40;
};

}  // namespace bonafide::env::sim
