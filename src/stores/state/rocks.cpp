#include "stores/state/rocks.hpp"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

namespace bonafide::stores {
namespace {

rocksdb::Slice slice(ByteView bytes) { return {bytes.data(), bytes.size()}; }
ByteView view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

Error error_of(const rocksdb::Status& status, const std::string& folder) {
  const std::string text = folder + ": " + status.ToString();
  if (status.IsCorruption()) {
    return {Cause::damaged,
            text +
                "; the state store is damaged: stop, delete this folder and start again, it will be "
                "rebuilt from the streams"};
  }
  if (status.IsNoSpace()) return {Cause::exhausted, text + "; free some disk space"};
  if (status.IsInvalidArgument() || status.IsNotSupported()) {
    return {Cause::damaged,
            text +
                "; written by another version or damaged: delete this folder and start again, it "
                "will be rebuilt from the streams"};
  }
  if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
    return {Cause::conflict,
            text + "; another process (or another part of this one) has it open: stop that one first"};
  }
  return {Cause::unavailable, text};
}

constexpr uint64_t room_to_open = uint64_t{8} << 20;

/// On the disk of a folder; as much as can be where that cannot be asked, as before the folder is made.
/// RocksDB itself counts for root what the file system keeps back from root, too.
uint64_t free_room(const std::string& folder) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  return error ? UINT64_MAX : space.available;
}

Status checked(const rocksdb::Status& status, const std::string& folder) {
  if (status.ok()) return Ok{};
  return error_of(status, folder);
}

class ExpiryFilter final : public rocksdb::CompactionFilter {
 public:
  explicit ExpiryFilter(std::function<bool(ByteView, ByteView)> expired) : expired_(std::move(expired)) {}
  [[nodiscard]] const char* Name() const override { return "bonafide.expiry"; }
  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*,
              bool*) const override {
    return expired_(view(key), view(value));
  }

 private:
  std::function<bool(ByteView, ByteView)> expired_;
};

/// How far the disk has come, and the first thing that went wrong in the background since last asked.
class Watcher final : public rocksdb::EventListener {
 public:
  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo& info) override {
    const std::lock_guard lock(mutex_);
    on_disk_ = std::max(on_disk_, info.largest_seqno);
    ended_.notify_all();
  }
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    const std::lock_guard lock(mutex_);
    failure_ = *status;
    ended_.notify_all();
  }
  // Left to itself RocksDB would wait until a whole write buffer (1 GiB) is free on the disk, and refuse our
  // own Resume() as long.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* automatic) override {
    *automatic = false;
  }
  void on_disk(rocksdb::SequenceNumber upto) {
    const std::lock_guard lock(mutex_);
    on_disk_ = upto;
  }
  std::pair<bool, rocksdb::Status> poll(rocksdb::SequenceNumber upto) {
    const std::lock_guard lock(mutex_);
    return {on_disk_ >= upto, failure_};
  }
  rocksdb::Status wait(rocksdb::SequenceNumber upto) {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return on_disk_ >= upto || !failure_.ok(); });
    return failure_;
  }
  bool failed() {
    const std::lock_guard lock(mutex_);
    return !failure_.ok();
  }
  void forget_failure() {
    const std::lock_guard lock(mutex_);
    failure_ = rocksdb::Status::OK();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  rocksdb::SequenceNumber on_disk_ = 0;
  rocksdb::Status failure_;
};

rocksdb::BlockBasedTableOptions table_options(size_t block_cache_bytes) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(block_cache_bytes);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  table.block_size = 8 << 10;
  return table;
}

rocksdb::Options options_of(const Rocks::Settings& settings) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.paranoid_checks = true;
  options.atomic_flush = true;
  options.avoid_flush_during_shutdown = true;  // what was not flushed is not complete
  options.write_buffer_size = size_t{1}
                              << 30;  // never filled: flushing is asked for, at complete states only
  options.arena_block_size = 1 << 20;
  options.max_write_buffer_number = 4;
  options.max_bgerror_resume_count = 0;  // after a failed write nothing is tried again behind our back
  options.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression, rocksdb::kZSTD};
  options.compression_opts.level = 1;
  options.num_levels = 4;
  options.target_file_size_base = 32 << 20;
  options.max_bytes_for_level_base = 128 << 20;
  options.max_background_jobs = 2;
  options.max_open_files = 64;
  options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1 << 20;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(settings.block_cache_bytes)));
  return options;
}

}  // namespace

struct Rocks::Inside {
  std::string folder;
  rocksdb::Options options;
  std::unique_ptr<ExpiryFilter> filter;
  std::shared_ptr<Watcher> watcher = std::make_shared<Watcher>();
  rocksdb::SequenceNumber flushing_upto = 0;
  std::unique_ptr<rocksdb::DB> db;  // last, so that it goes first

  Status verify_file(const rocksdb::LiveFileMetaData& file, const OnDamage& on_damage);
};

Rocks::Rocks(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Rocks::~Rocks() = default;

Result<std::unique_ptr<Tables>> Rocks::open(const Settings& settings) {
  auto inside = std::make_unique<Inside>();
  inside->folder = settings.folder;
  inside->options = options_of(settings);
  inside->options.listeners.push_back(inside->watcher);
  if (settings.expired) {
    inside->filter = std::make_unique<ExpiryFilter>(settings.expired);
    inside->options.compaction_filter = inside->filter.get();
  }
  // RocksDB writes its bookkeeping anew when it is opened, and ends the process where that fails half way.
  const uint64_t room = free_room(settings.folder);
  if (room < room_to_open) {
    return {Cause::exhausted, settings.folder + ": the disk has only " + std::to_string(room >> 10) +
                                  " KiB free; free some disk space"};
  }
  rocksdb::DB* db = nullptr;
  BONAFIDE_TRY(checked(rocksdb::DB::Open(inside->options, settings.folder, &db), settings.folder));
  inside->db.reset(db);
  inside->watcher->on_disk(db->GetLatestSequenceNumber());
  return std::unique_ptr<Tables>(new Rocks(std::move(inside)));
}

Result<std::vector<std::optional<std::string>>> Rocks::get(const std::vector<std::string>& keys) {
  std::vector<std::optional<std::string>> answers(keys.size());
  std::vector<rocksdb::Slice> slices;
  slices.reserve(keys.size());
  for (const auto& key : keys) slices.emplace_back(key);
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  inside_->db->MultiGet({}, inside_->db->DefaultColumnFamily(), keys.size(), slices.data(), values.data(),
                        statuses.data());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    BONAFIDE_TRY(checked(statuses[i], inside_->folder));
    answers[i] = std::string(view(values[i]));
  }
  return answers;
}

Status Rocks::recover() {
  if (!inside_->watcher->failed()) return Ok{};
  BONAFIDE_TRY(checked(inside_->db->Resume(), inside_->folder));
  inside_->watcher->forget_failure();  // kept until then: a write before that would fail
  return Ok{};
}

Status Rocks::write(const std::vector<Put>& puts) {
  rocksdb::WriteBatch batch;
  for (const auto& [key, value] : puts) {
    BONAFIDE_TRY(checked(batch.Put(slice(key), slice(value)), inside_->folder));
  }
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return checked(inside_->db->Write(options, &batch), inside_->folder);
}

Status Rocks::begin_flush() {
  inside_->flushing_upto = inside_->db->GetLatestSequenceNumber();
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  return checked(inside_->db->Flush(options), inside_->folder);
}

Result<bool> Rocks::flushed() {
  const auto [ended, failure] = inside_->watcher->poll(inside_->flushing_upto);
  if (!ended) BONAFIDE_TRY(checked(failure, inside_->folder));
  return ended;
}

Status Rocks::wait_flushed() {
  const auto failure = inside_->watcher->wait(inside_->flushing_upto);
  if (inside_->watcher->poll(inside_->flushing_upto).first) return Ok{};
  return checked(failure, inside_->folder);
}

Status Rocks::scan(const std::string& prefix, const std::function<Status(ByteView, ByteView)>& each) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(inside_->db->NewIterator(options));
  for (at->Seek(prefix); at->Valid() && at->key().starts_with(prefix); at->Next()) {
    BONAFIDE_TRY(each(view(at->key()), view(at->value())));
  }
  return checked(at->status(), inside_->folder);
}

uint64_t Rocks::free_bytes() const { return free_room(inside_->folder); }

uint64_t Rocks::disk_bytes() const {
  uint64_t bytes = 0;
  inside_->db->GetIntProperty("rocksdb.total-sst-files-size", &bytes);
  return bytes;
}

Status Rocks::Inside::verify_file(const rocksdb::LiveFileMetaData& file, const OnDamage& on_damage) {
  const std::string path = file.db_path + file.name;
  std::unique_ptr<rocksdb::SequentialFile> in;
  auto status = db->GetEnv()->NewSequentialFile(path, &in, rocksdb::EnvOptions());
  if (!status.ok()) {
    on_damage({path, "cannot be opened: " + status.ToString(), {}});
    return Ok{};
  }
  const auto sum =
      options.file_checksum_gen_factory->CreateFileChecksumGenerator({path, file.file_checksum_func_name});
  if (!sum)
    return {Cause::damaged, path + ": has a checksum of an unknown kind, " + file.file_checksum_func_name};
  std::string buffer(256 << 10, '\0');
  uint64_t bytes = 0;
  for (rocksdb::Slice part;; bytes += part.size()) {
    status = in->Read(buffer.size(), &part, buffer.data());
    if (!status.ok() || part.empty()) break;
    sum->Update(part.data(), part.size());
  }
  sum->Finalize();
  if (!status.ok()) {
    on_damage({path, "byte " + std::to_string(bytes) + " cannot be read: " + status.ToString(), {}});
  } else if (bytes != file.size || sum->GetChecksum() != file.file_checksum) {
    on_damage({path, "its bytes are not what was written (checksum of the whole file)", {}});
  }
  return Ok{};
}

Status Rocks::verify(const OnDamage& on_damage) {
  // Compaction must not remove a file while it is being read.
  BONAFIDE_TRY(checked(inside_->db->DisableFileDeletions(), inside_->folder));
  std::vector<rocksdb::LiveFileMetaData> files;
  inside_->db->GetLiveFilesMetaData(&files);
  Status result = Ok{};
  for (const auto& file : files) {
    result = inside_->verify_file(file, on_damage);
    if (!result.ok()) break;
  }
  if (result.ok()) {
    // Reads the manifest, whose every record has a checksum.
    std::vector<std::string> families;
    const auto status = rocksdb::DB::ListColumnFamilies(inside_->options, inside_->folder, &families);
    if (!status.ok()) on_damage({inside_->folder + "/MANIFEST", status.ToString(), {}});
  }
  BONAFIDE_TRY(checked(inside_->db->EnableFileDeletions(/*force=*/false), inside_->folder));
  return result;
}

}  // namespace bonafide::stores
