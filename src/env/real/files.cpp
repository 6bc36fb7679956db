#include "env/real/files.hpp"

#include <algorithm>
#include <cstdio>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "env/real/errno.hpp"

namespace bonafide::env {
namespace {

class RealFile final : public File {
 public:
  RealFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  RealFile(const RealFile&) = delete;
  RealFile& operator=(const RealFile&) = delete;
  ~RealFile() override {
    if (direct_fd_ >= 0) ::close(direct_fd_);
    ::close(fd_);
  }

  Result<std::string> read_at(uint64_t offset, size_t count) override {
    std::string out(count, '\0');
    size_t filled = 0;
    while (filled < count) {
      const ssize_t got = uninterrupted([&] {
        return ::pread(fd_, out.data() + filled, count - filled, static_cast<off_t>(offset + filled));
      });
      if (got < 0) return errno_error("cannot read " + path_ + " at byte " + std::to_string(offset + filled));
      if (got == 0) break;
      filled += static_cast<size_t>(got);
    }
    out.resize(filled);
    return out;
  }

  Status write_at(uint64_t offset, ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = uninterrupted(
          [&] { return ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (put < 0) return cannot_write(offset);
      bytes.remove_prefix(static_cast<size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
    return Ok{};
  }

  // Whole blocks directly, what is left over at both ends as ever.
  Status write_zeros(uint64_t offset, uint64_t count) override {
    const uint64_t end = offset + count;
    const uint64_t from = std::min(end, (offset + block_bytes - 1) / block_bytes * block_bytes);
    const uint64_t upto = std::max(from, end / block_bytes * block_bytes);
    BONAFIDE_TRY(File::write_zeros(offset, from - offset));
    for (uint64_t at = from; at < upto;) {
      const uint64_t piece = std::min<uint64_t>(upto - at, sizeof zero_blocks);
      if (!open_direct()) {
        BONAFIDE_TRY(File::write_zeros(at, piece));
        at += piece;
        continue;
      }
      const ssize_t put =
          uninterrupted([&] { return ::pwrite(direct_fd_, zero_blocks, piece, static_cast<off_t>(at)); });
      if (put < 0 && errno != EINVAL) return cannot_write(at);
      if (put < 0 || put % static_cast<ssize_t>(block_bytes) != 0) {
        never_direct();  // the disk has larger blocks than we know
        continue;
      }
      at += static_cast<uint64_t>(put);
    }
    return File::write_zeros(upto, end - upto);
  }

  Status sync_data() override {
    // Not taken up again even after EINTR: after any failure the kernel may have dropped what was to be
    // written.
    return ::fdatasync(fd_) == 0 ? Status(Ok{}) : errno_error("cannot sync " + path_);
  }
  Status sync_all() override {
    return ::fsync(fd_) == 0 ? Status(Ok{}) : errno_error("cannot sync " + path_);
  }

  Status truncate(uint64_t size) override {
    const int failed = uninterrupted([&] { return ::ftruncate(fd_, static_cast<off_t>(size)); });
    return failed == 0 ? Status(Ok{})
                       : errno_error("cannot cut " + path_ + " to " + std::to_string(size) + " bytes");
  }

  Result<uint64_t> size() override {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return errno_error("cannot ask the size of " + path_);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  static constexpr uint64_t block_bytes = 4096;
  static constexpr int not_tried = -1, not_possible = -2;
  alignas(block_bytes) static constexpr char zero_blocks[256 << 10] = {};

  Error cannot_write(uint64_t offset) const {
    return errno_error("cannot write " + path_ + " at byte " + std::to_string(offset));
  }
  // By its descriptor: it may have another name by now.
  bool open_direct() {
    if (direct_fd_ == not_tried) {
      const std::string self = "/proc/self/fd/" + std::to_string(fd_);
      direct_fd_ = uninterrupted([&] { return ::open(self.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC); });
      if (direct_fd_ < 0) direct_fd_ = not_possible;
    }
    return direct_fd_ >= 0;
  }
  void never_direct() {
    ::close(direct_fd_);
    direct_fd_ = not_possible;
  }

  int fd_;
  int direct_fd_ = not_tried;
  std::string path_;
};

int flags_of(Open mode) {
  switch (mode) {
    case Open::read:
      return O_RDONLY | O_CLOEXEC;
    case Open::read_write:
      return O_RDWR | O_CLOEXEC;
    case Open::create_new:
      return O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
  }
  return O_RDONLY | O_CLOEXEC;
}

}  // namespace

Result<std::unique_ptr<File>> RealFiles::open(const std::string& path, Open mode) {
  const int fd = uninterrupted([&] { return ::open(path.c_str(), flags_of(mode), 0600); });
  if (fd < 0) return errno_error("cannot open " + path);
  return std::unique_ptr<File>(std::make_unique<RealFile>(fd, path));
}

Result<bool> RealFiles::exists(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return errno_error("cannot look for " + path);
}

Result<std::vector<std::string>> RealFiles::list(const std::string& folder) {
  DIR* dir = ::opendir(folder.c_str());
  if (dir == nullptr) return errno_error("cannot list " + folder);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(dir)) {  // one stream a call: safe on several threads
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  const int failed = errno;
  ::closedir(dir);
  if (failed != 0) {
    errno = failed;
    return errno_error("cannot list " + folder);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status RealFiles::make_folders(const std::string& folder) {
  for (size_t end = folder.find('/', 1);; end = folder.find('/', end + 1)) {
    const std::string part = folder.substr(0, end);
    if (::mkdir(part.c_str(), 0700) != 0) {
      const Error error = errno_error("cannot make the folder " + part);
      struct stat info {};
      if (::stat(part.c_str(), &info) != 0) return error;
      if (!S_ISDIR(info.st_mode))
        return {Cause::conflict, "cannot make the folder " + part + ": it is a file"};
    }
    if (end == std::string::npos || end + 1 == folder.size()) return Ok{};
  }
}

Status RealFiles::rename(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str()) == 0 ? Status(Ok{})
                                                 : errno_error("cannot rename " + from + " to " + to);
}

Status RealFiles::remove(const std::string& path) {
  return ::remove(path.c_str()) == 0 ? Status(Ok{}) : errno_error("cannot remove " + path);
}

Status RealFiles::sync_folder(const std::string& folder) {
  BONAFIDE_ASSIGN(const auto file, open(folder, Open::read));
  return file->sync_all();
}

Result<Files::Space> RealFiles::space(const std::string& path) {
  struct statvfs info {};
  if (uninterrupted([&] { return ::statvfs(path.c_str(), &info); }) != 0) {
    return errno_error("cannot ask the free space of " + path);
  }
  return Space{uint64_t{info.f_bavail} * info.f_frsize, uint64_t{info.f_blocks} * info.f_frsize};
}

}  // namespace bonafide::env
