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
  ~RealFile() override { ::close(fd_); }

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
      if (put < 0) return errno_error("cannot write " + path_ + " at byte " + std::to_string(offset));
      bytes.remove_prefix(static_cast<size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
    return Ok{};
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
  int fd_;
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
