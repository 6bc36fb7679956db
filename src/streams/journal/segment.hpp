#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "env/files.hpp"
#include "streams/journal/format.hpp"

namespace bonafide::streams::journal {

/// One segment as the journal knows it. The newest one grows under the journal's lock; of a sealed one only
/// the file handle changes, under a lock of its own.
struct Segment {
  Segment(std::string folder, uint64_t first_lsn)
      : base(first_lsn),
        end(first_lsn + segment_header_bytes),
        path(std::move(folder) + "/" + segment_name(first_lsn)) {}

  uint64_t base;  ///< lsn of the file's first byte
  uint64_t end;   ///< lsn behind the last frame
  std::string path;
  bool sealed = false;      ///< the footer is on the disk
  uint64_t file_bytes = 0;  ///< once sealed

  // What becomes the footer.
  uint64_t records = 0, frames = 0, hash = 0;
  Time first_timestamp{INT64_MAX}, last_timestamp{INT64_MIN};
  std::map<ShardKey, ShardIndex> shards;
  std::vector<Definition> definitions;
  std::vector<ProgressEntry> progress;

  /// Takes a record into the index.
  void note(const RecordEntry& record, uint64_t lsn);
  [[nodiscard]] Footer footer(uint64_t journal_id) const;
  void take(const Footer& footer);
  /// Opened on first use; a reader that holds it can go on reading after the segment was unlinked.
  Result<std::shared_ptr<env::File>> open(env::Files& files);

 private:
  std::mutex file_mutex_;
  std::weak_ptr<env::File> file_;
};

}  // namespace bonafide::streams::journal
