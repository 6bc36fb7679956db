#include "app/file_stamp.hpp"

#include <cerrno>
#include <cstring>

#include <sys/stat.h>

namespace bonafide::app {

Result<control::FileStamp> file_stamp(const std::string& path) {
  struct ::stat info = {};
  if (::stat(path.c_str(), &info) != 0) {
    const int error = errno;
    const std::string why = error == ENOENT ? "is not there" : std::generic_category().message(error);
    return {error == ENOENT ? Cause::not_found : Cause::internal, path + ": " + why};
  }
  return control::FileStamp{info.st_ino, static_cast<uint64_t>(info.st_size),
                            Time{info.st_mtim.tv_sec * 1'000'000 + info.st_mtim.tv_nsec / 1000}};
}

}  // namespace bonafide::app
