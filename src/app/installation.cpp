#include "app/installation.hpp"

#include "app/log_output.hpp"

namespace bonafide::app {

Installation::Installation(const Common& common)
    : logger(make_log_output(common.verbose ? env::Level::info : env::Level::warn, common.json)) {}

Result<DataFolder> Installation::open(const std::string& path) {
  BONAFIDE_TRY(files.make_folders(path));
  BONAFIDE_ASSIGN(lock_, env::FolderLock::take(path));
  return DataFolder::open(files, path, random);
}

Result<DataFolder> Installation::find(const std::string& path) {
  BONAFIDE_TRY(DataFolder::find(files, path));
  BONAFIDE_ASSIGN(lock_, env::FolderLock::take(path));
  return DataFolder::find(files, path);
}

}  // namespace bonafide::app
