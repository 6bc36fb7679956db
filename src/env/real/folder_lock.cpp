#include "env/real/folder_lock.hpp"

#include <array>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/text.hpp"
#include "env/real/errno.hpp"

namespace bonafide::env {
namespace {

std::string holder(int fd) {
  std::array<char, 32> text{};
  const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
  const auto pid = trim(std::string_view(text.data(), got > 0 ? static_cast<size_t>(got) : 0));
  return pid.empty() ? "another process" : "process " + std::string(pid);
}

}  // namespace

Result<std::unique_ptr<FolderLock>> FolderLock::take(const std::string& folder) {
  const std::string path = folder + "/lock";
  const int fd = uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); });
  if (fd < 0) return errno_error("cannot open " + path);
  auto lock = std::unique_ptr<FolderLock>(new FolderLock(fd));
  if (uninterrupted([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) != 0) {
    if (errno != EWOULDBLOCK) return errno_error("cannot lock " + path);
    return {Cause::conflict, folder + " is in use by " + holder(fd) + "; stop it, or ask it instead"};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) < 0)
    return errno_error("cannot write " + path);
  return lock;
}

FolderLock::~FolderLock() { ::close(fd_); }

}  // namespace bonafide::env
