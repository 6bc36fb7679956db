#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace bonafide::env {

/// One open file. Calls at different offsets may run on several threads at once.
class File {
 public:
  virtual ~File() = default;
  /// Up to `count` bytes at `offset`; fewer only at the end of the file. Errors: damaged (EIO), internal.
  virtual Result<std::string> read_at(uint64_t offset, size_t count) = 0;
  /// All of `bytes` at `offset`, growing the file where needed. Not durable before sync_data().
  virtual Status write_at(uint64_t offset, ByteView bytes) = 0;
  /// As write_at() with `count` zeros, for much at a time: where the system allows it, they go past its cache
  /// of files, which costs no copy and pushes out nothing that somebody reads.
  virtual Status write_zeros(uint64_t offset, uint64_t count);
  /// The bytes written so far survive a power cut once this returns. After an error the state of the file is
  /// unknown: the caller must stop, never retry (the kernel may have dropped the dirty pages).
  virtual Status sync_data() = 0;
  /// sync_data() and the file's size and times.
  virtual Status sync_all() = 0;
  virtual Status truncate(uint64_t size) = 0;
  virtual Result<uint64_t> size() = 0;
};

enum class Open { read, read_write, create_new };

/// The file system. Paths are absolute or relative to the working directory; "/" separates.
class Files {
 public:
  virtual ~Files() = default;
  /// Errors: not_found; conflict (create_new and it exists); exhausted (disk full); internal.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Open mode) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  /// Names (no path) of the entries of a folder, in byte order.
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;
  /// The folder and its parents, mode 0700 where made.
  virtual Status make_folders(const std::string& folder) = 0;
  /// Atomic: afterwards `to` is the old or the new file. Durable after sync_folder() of the folder.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;
  virtual Status sync_folder(const std::string& folder) = 0;
  /// Free and total bytes of the disk `path` is on.
  struct Space {
    uint64_t free_bytes = 0, total_bytes = 0;
  };
  virtual Result<Space> space(const std::string& path) = 0;

  /// The whole of a small file. Errors as open() and read_at().
  Result<std::string> read_file(const std::string& path);
  /// Writes aside, syncs, renames over `path`, syncs the folder: afterwards the file is whole, old or new.
  Status write_file(const std::string& path, ByteView bytes);
};

}  // namespace bonafide::env
