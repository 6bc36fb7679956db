#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "env/files.hpp"
#include "env/log.hpp"
#include "stores/sqlite/search_store.hpp"

namespace bonafide::steps {

/// The index that is asked, and beside it the one that is being built anew. Both take what changes; when the
/// new one has all rows, it takes the place of the other between two questions. The file `current` in the
/// folder names the one that counts; what else lies there is left over and removed at open(). Safe from
/// several threads.
class SearchIndex {
 public:
  struct Settings {
    std::string folder;
    size_t text_bytes = 128;
    size_t cache_bytes = 32 << 20;
    Duration log_age = Duration::seconds(10);
  };
  /// Errors: those of SearchStore::open and of the files.
  static Result<std::unique_ptr<SearchIndex>> open(Settings settings, env::Files& files, env::Logger& log);

  /// To be asked: good as long as it is held.
  [[nodiscard]] std::shared_ptr<stores::SearchStore> current() const;
  /// Must it be built anew to know all rows? (Its file was not there, or it was told so.)
  Result<bool> incomplete() const;
  Status set_complete(bool complete) { return current()->set_complete(complete); }

  // For the sink:
  Result<stores::SearchStore::Applied> apply(std::span<const stores::SearchDoc> docs,
                                             const flow::Stretch& stretch);
  [[nodiscard]] flow::Position written(const flow::ShardId& shard) const { return current()->written(shard); }
  flow::Position durable(const flow::ShardId& shard);
  Status settle(Time steady, bool drain);
  [[nodiscard]] Time settle_due() const { return current()->settle_due(); }

  /// For retention.
  Result<uint64_t> remove_before(const EventId& before, size_t most);

  // For a rebuild, by one thread: begin, feed all rows, finish. Errors: conflict (none is under way, or one
  // is); those of the store.
  Status begin_rebuild();
  Status feed(std::span<const stores::SearchDoc> docs);
  Status finish_rebuild();
  void abandon_rebuild();

 private:
  SearchIndex(Settings settings, env::Files& files, env::Logger& log)
      : settings_(std::move(settings)), files_(files), log_(log) {}
  Status choose();
  [[nodiscard]] std::string path_of(int64_t number) const;
  void remove_files(const std::string& path);
  Result<std::shared_ptr<stores::SearchStore>> open_store(int64_t number);
  std::shared_ptr<stores::SearchStore> building() const;

  const Settings settings_;
  env::Files& files_;
  env::Logger& log_;
  std::mutex writing_;           ///< whoever changes both, or swaps them
  mutable std::mutex pointers_;  ///< for a moment only
  std::shared_ptr<stores::SearchStore> current_, building_;
  int64_t number_ = 1;              ///< of the current file
  std::set<flow::ShardId> shards_;  ///< of the topic, as the sink has named them
  /// Replaced, and still being asked; their files go at the next settle() after the last question.
  std::vector<std::pair<std::weak_ptr<stores::SearchStore>, std::string>> retired_;
};

}  // namespace bonafide::steps
