#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

#include "base/text.hpp"
#include "env/clock.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"
#include "env/random.hpp"
#include "streams/journal/journal.hpp"

// Any bytes as a journal's folder: opening, reading and verifying it ends, with errors where there is damage.
// Input: the first byte says how the rest is cut into files (segments at base 0 and at their length, a
// catalogue).
namespace {

using namespace bonafide;

class MemoryFile final : public env::File {
 public:
  explicit MemoryFile(const std::string& bytes) : bytes_(bytes) {}
  Result<std::string> read_at(uint64_t offset, size_t count) override {
    return offset < bytes_.size() ? bytes_.substr(offset, count) : std::string();
  }
  Status write_at(uint64_t, ByteView) override { std::abort(); }  // open for reading only
  Status sync_data() override { std::abort(); }
  Status sync_all() override { std::abort(); }
  Status truncate(uint64_t) override { std::abort(); }
  Result<uint64_t> size() override { return uint64_t{bytes_.size()}; }

 private:
  const std::string& bytes_;
};

class MemoryFiles final : public env::Files {
 public:
  std::map<std::string, std::string> content;
  Result<std::unique_ptr<env::File>> open(const std::string& path, env::Open mode) override {
    if (mode != env::Open::read) std::abort();
    const auto found = content.find(path);
    if (found == content.end()) return Error{Cause::not_found, path};
    return std::unique_ptr<env::File>(std::make_unique<MemoryFile>(found->second));
  }
  Result<bool> exists(const std::string& path) override { return content.contains(path); }
  Result<std::vector<std::string>> list(const std::string&) override {
    std::vector<std::string> names;
    for (const auto& [path, bytes] : content) names.push_back(path.substr(2));
    return names;
  }
  Status make_folders(const std::string&) override { std::abort(); }
  Status rename(const std::string&, const std::string&) override { std::abort(); }
  Status remove(const std::string&) override { std::abort(); }
  Status sync_folder(const std::string&) override { std::abort(); }
  Result<Space> space(const std::string&) override { return Space{}; }
};

class StoppedClock final : public env::Clock {
 public:
  Time now() override { return {}; }
  Time steady() override { return {}; }
};

std::string segment_path(uint64_t base) {
  char big_endian[8];
  store_be64(big_endian, base);
  return "j/" + to_hex({big_endian, 8}) + ".segment";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  MemoryFiles files;
  const size_t third = bytes.size() / 3;
  switch (data[0] % 3) {
    case 0:
      files.content[segment_path(0)] = bytes;
      break;
    case 1:
      files.content[segment_path(0)] = bytes.substr(0, 2 * third);
      files.content[segment_path(2 * third)] = bytes.substr(2 * third);
      break;
    default:
      files.content[segment_path(0)] = bytes.substr(0, third);
      files.content[segment_path(third)] = bytes.substr(third, third);
      files.content["j/catalogue"] = bytes.substr(2 * third);
  }
  StoppedClock clock;
  env::SeededRandom random(1);
  env::NoLogger logger;
  env::Metrics metrics;
  streams::journal::Settings settings;
  settings.folder = "j";
  settings.read_only = true;
  auto journal = streams::journal::Journal::open(settings, {files, clock, random, logger, metrics});
  if (!journal.ok()) return 0;
  (void)(*journal)->verify();
  for (const auto& topic : {"in", "out", "t"}) {
    const auto shards = (*journal)->shards(topic);
    if (!shards.ok()) continue;
    for (const auto& shard : *shards) {
      auto reader = (*journal)->reader(shard.id, {});
      if (!reader.ok()) continue;
      for (int reads = 0; reads < 10'000; ++reads) {
        const auto some = (*reader)->read(16, 1 << 16);
        if (some.ok() && some->empty()) break;
      }
    }
  }
  return 0;
}
