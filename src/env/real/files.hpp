#pragma once
#include "env/files.hpp"

namespace bonafide::env {

/// The machine's file system. New folders get mode 0700, new files 0600. Interrupted calls are taken up
/// again.
class RealFiles final : public Files {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Open mode) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  Status make_folders(const std::string& folder) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status sync_folder(const std::string& folder) override;
  Result<Space> space(const std::string& path) override;
};

}  // namespace bonafide::env
