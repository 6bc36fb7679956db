#include "streams/journal/segment.hpp"

#include <algorithm>

namespace bonafide::streams::journal {
namespace {
constexpr uint64_t index_distance = uint64_t{256} << 10;
}  // namespace

void Segment::note(const RecordEntry& record, uint64_t lsn) {
  ++records;
  first_timestamp = std::min(first_timestamp, record.timestamp);
  last_timestamp = std::max(last_timestamp, record.timestamp);
  ShardIndex& index = shards[record.shard];
  if (index.points.empty()) {
    index.shard = record.shard;
    index.first = record.offset;
  }
  index.next = record.offset + 1;
  if (index.points.empty() || lsn - index.points.back().lsn >= index_distance) {
    index.points.push_back({record.offset, lsn});
  }
}

Footer Segment::footer(uint64_t journal_id) const {
  Footer out{journal_id,     base, end, records,     frames,  first_timestamp,
             last_timestamp, hash, {},  definitions, progress};
  for (const auto& [shard, index] : shards) out.shards.push_back(index);
  return out;
}

void Segment::take(const Footer& footer) {
  end = footer.end;
  records = footer.records;
  frames = footer.frames;
  hash = footer.hash;
  first_timestamp = footer.first_timestamp;
  last_timestamp = footer.last_timestamp;
  definitions = footer.definitions;
  progress = footer.progress;
  for (const auto& index : footer.shards) shards[index.shard] = index;
}

Result<std::shared_ptr<env::File>> Segment::open(env::Files& files) {
  const std::lock_guard lock(file_mutex_);
  if (auto file = file_.lock()) return file;
  BONAFIDE_ASSIGN(std::shared_ptr<env::File> file, files.open(path, env::Open::read));
  file_ = file;
  return file;
}

}  // namespace bonafide::streams::journal
