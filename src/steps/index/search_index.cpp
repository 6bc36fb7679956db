#include "steps/index/search_index.hpp"

#include "base/text.hpp"

namespace bonafide::steps {

using stores::SearchStore;

namespace {

constexpr const char* pointer_name = "current";
constexpr std::string_view file_prefix = "index-", file_suffix = ".db";

// "index-7.db" → 7; 0 for any other name.
int64_t number_of(std::string_view name) {
  if (!name.starts_with(file_prefix) || !name.ends_with(file_suffix)) return 0;
  name.remove_prefix(file_prefix.size());
  name.remove_suffix(file_suffix.size());
  return parse_int(name).value_or(0);
}

}  // namespace

std::string SearchIndex::path_of(int64_t number) const {
  return settings_.folder + "/" + std::string(file_prefix) + std::to_string(number) +
         std::string(file_suffix);
}

void SearchIndex::remove_files(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const auto there = files_.exists(path + suffix);
    if (!there.ok() || !*there) continue;
    if (const Status gone = files_.remove(path + suffix); !gone.ok())
      log_.warn("index.left_over", {{"file", path + suffix}, {"error", gone.error().message}});
  }
}

Result<std::unique_ptr<SearchIndex>> SearchIndex::open(Settings settings, env::Files& files,
                                                       env::Logger& log) {
  std::unique_ptr<SearchIndex> index(new SearchIndex(std::move(settings), files, log));
  BONAFIDE_TRY(files.make_folders(index->settings_.folder));
  BONAFIDE_TRY(index->choose());
  BONAFIDE_ASSIGN(index->current_, index->open_store(index->number_));
  return index;
}

Status SearchIndex::choose() {
  const std::string pointer = settings_.folder + "/" + pointer_name;
  BONAFIDE_ASSIGN(const bool named, files_.exists(pointer));
  if (named) {
    BONAFIDE_ASSIGN(const std::string name, files_.read_file(pointer));
    number_ = number_of(trim(name));
    if (number_ <= 0) {
      return {Cause::damaged, pointer + " names no index: delete the folder " + settings_.folder +
                                  ", and the index is made anew"};
    }
  } else {
    BONAFIDE_TRY(
        files_.write_file(pointer, std::string(file_prefix) + "1" + std::string(file_suffix) + "\n"));
  }
  BONAFIDE_ASSIGN(const auto names, files_.list(settings_.folder));
  for (const auto& name : names) {
    const int64_t number = number_of(name);
    if (number > 0 && number != number_) remove_files(path_of(number));
  }
  return Ok{};
}

Result<std::shared_ptr<SearchStore>> SearchIndex::open_store(int64_t number) {
  stores::SearchStoreSettings store;
  store.path = path_of(number);
  store.text_bytes = settings_.text_bytes;
  store.cache_bytes = settings_.cache_bytes;
  store.log_age = settings_.log_age;
  BONAFIDE_ASSIGN(auto opened, SearchStore::open(store));
  return std::shared_ptr<SearchStore>(std::move(opened));
}

std::shared_ptr<SearchStore> SearchIndex::current() const {
  const std::lock_guard lock(pointers_);
  return current_;
}

std::shared_ptr<SearchStore> SearchIndex::building() const {
  const std::lock_guard lock(pointers_);
  return building_;
}

Result<bool> SearchIndex::incomplete() const {
  BONAFIDE_ASSIGN(const bool complete, current()->complete());
  return !complete;
}

Result<SearchStore::Applied> SearchIndex::apply(std::span<const stores::SearchDoc> docs,
                                                const flow::Stretch& stretch) {
  const std::lock_guard writing(writing_);
  shards_.insert(stretch.shard);
  if (const auto next = building()) {
    // What the one that is asked needs must not wait for the other.
    if (const auto applied = next->apply(docs, &stretch); !applied.ok()) {
      log_.error("index.rebuild_failed", {{"error", applied.error().message}});
      abandon_rebuild();
    }
  }
  return current()->apply(docs, &stretch);
}

flow::Position SearchIndex::durable(const flow::ShardId& shard) {
  const std::lock_guard writing(writing_);
  shards_.insert(shard);
  return current()->durable(shard);
}

Status SearchIndex::settle(Time steady, bool drain) {
  if (const auto next = building(); next != nullptr && !drain) {
    if (const Status settled = next->settle(steady, false); !settled.ok())
      log_.warn("index.rebuild", {{"error", settled.error().message}});
  }
  {
    const std::lock_guard writing(writing_);
    std::erase_if(retired_, [this](const auto& old) {
      if (!old.first.expired()) return false;
      remove_files(old.second);
      return true;
    });
  }
  return current()->settle(steady, drain);
}

Result<uint64_t> SearchIndex::remove_before(const EventId& before, size_t most) {
  const std::lock_guard writing(writing_);
  if (const auto next = building()) {
    for (uint64_t removed = most; removed >= most;) {
      BONAFIDE_ASSIGN(removed, next->remove_before(before, most));
    }
  }
  return current()->remove_before(before, most);
}

// --- rebuild

Status SearchIndex::begin_rebuild() {
  const std::lock_guard writing(writing_);
  if (building()) return {Cause::conflict, "the index is being built anew already"};
  remove_files(path_of(number_ + 1));
  BONAFIDE_ASSIGN(auto next, open_store(number_ + 1));
  // Whatever was captured up to here stands in a row, and will be read from there.
  const auto now = current();
  for (const auto& shard : shards_) {
    const flow::Stretch known{shard, {}, now->written(shard)};
    const auto noted = next->apply({}, &known);
    if (!noted.ok()) return noted.error();
  }
  const std::lock_guard lock(pointers_);
  building_ = std::move(next);
  return Ok{};
}

Status SearchIndex::feed(std::span<const stores::SearchDoc> docs) {
  const auto next = building();
  if (!next) return {Cause::conflict, "the rebuild of the index was given up; see the log"};
  const auto applied = next->apply(docs, nullptr, false);
  if (!applied.ok()) return applied.error();
  return Ok{};
}

Status SearchIndex::finish_rebuild() {
  const std::lock_guard writing(writing_);
  const auto next = building();
  if (!next) return {Cause::conflict, "the rebuild of the index was given up; see the log"};
  BONAFIDE_TRY(next->set_complete(true));
  BONAFIDE_TRY(next->settle(Time{}, true));  // nothing that the old one had made durable is lost by the swap
  BONAFIDE_TRY(files_.write_file(
      settings_.folder + "/" + pointer_name,
      std::string(file_prefix) + std::to_string(number_ + 1) + std::string(file_suffix) + "\n"));
  std::shared_ptr<SearchStore> old;
  {
    const std::lock_guard lock(pointers_);
    old = std::exchange(current_, next);
    building_.reset();
  }
  // Who still reads it keeps what is open; a connection that is not open yet would fail, so each question
  // holds the store it began with, and the files go when the last is done.
  const std::string path = path_of(number_++);
  std::weak_ptr<SearchStore> last = old;
  old.reset();
  if (last.expired()) {
    remove_files(path);
  } else {
    retired_.emplace_back(std::move(last), path);
  }
  return Ok{};
}

void SearchIndex::abandon_rebuild() {
  std::shared_ptr<SearchStore> next;
  {
    const std::lock_guard lock(pointers_);
    next = std::move(building_);
    building_.reset();
  }
  if (!next) return;
  const std::string path = next->path();
  next.reset();
  remove_files(path);
}

}  // namespace bonafide::steps
