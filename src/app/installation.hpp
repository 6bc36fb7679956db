#pragma once
#include <memory>
#include <string>

#include "app/data_folder.hpp"
#include "app/pipeline.hpp"
#include "app/verbs.hpp"
#include "env/real/clock.hpp"
#include "env/real/files.hpp"
#include "env/real/folder_lock.hpp"
#include "env/real/random.hpp"

namespace bonafide::app {

/// This process's real world, and the data folder it works in, locked.
class Installation {
 public:
  explicit Installation(const Common& common);

  env::RealFiles files;
  env::RealClock clock;
  env::RealRandom random;
  env::Metrics metrics;
  std::unique_ptr<env::Logger> logger;

  /// Opens or makes the folder and takes its lock. Errors: conflict (another process works in it: names it).
  Result<DataFolder> open(const std::string& path);
  /// As open(), but makes nothing. Errors also: not_found.
  Result<DataFolder> find(const std::string& path);
  Outside outside() { return {files, clock, random, *logger, metrics}; }

 private:
  std::unique_ptr<env::FolderLock> lock_;
};

}  // namespace bonafide::app
