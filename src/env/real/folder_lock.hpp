#pragma once
#include <memory>
#include <string>

#include "base/result.hpp"

namespace bonafide::env {

/// Holds a folder for this process by flock(2) on FOLDER/lock; given back on destruction and by any death of
/// the process.
class FolderLock {
 public:
  /// Errors: conflict (names the process that holds it); not_found, invalid (the folder cannot be used).
  static Result<std::unique_ptr<FolderLock>> take(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace bonafide::env
