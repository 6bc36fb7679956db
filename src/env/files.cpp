#include "env/files.hpp"

#include <algorithm>

namespace bonafide::env {

Status File::write_zeros(uint64_t offset, uint64_t count) {
  constexpr uint64_t most = uint64_t{64} << 10;
  const std::string zeros(std::min(count, most), '\0');
  for (uint64_t done = 0; done < count; done += std::min(count - done, most))
    BONAFIDE_TRY(write_at(offset + done, ByteView(zeros).substr(0, count - done)));
  return Ok{};
}

Result<std::string> Files::read_file(const std::string& path) {
  BONAFIDE_ASSIGN(const auto file, open(path, Open::read));
  BONAFIDE_ASSIGN(const uint64_t size, file->size());
  return file->read_at(0, size);
}

Status Files::write_file(const std::string& path, ByteView bytes) {
  const std::string aside = path + ".new";
  if (const auto left_over = exists(aside); left_over.ok() && *left_over) BONAFIDE_TRY(remove(aside));
  {
    BONAFIDE_ASSIGN(const auto file, open(aside, Open::create_new));
    BONAFIDE_TRY(file->write_at(0, bytes));
    BONAFIDE_TRY(file->sync_all());
  }
  BONAFIDE_TRY(rename(aside, path));
  const size_t slash = path.rfind('/');
  return sync_folder(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

}  // namespace bonafide::env
