#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/live_views.hpp"
#include "app/pipeline.hpp"
#include "app/stream_view.hpp"

namespace bonafide::app {

/// A place in all shards of a stream, in a form that fits into a URL and a header.
struct TailCursor {
  std::map<flow::ShardId, flow::Position> at;

  [[nodiscard]] std::string text() const;
  /// Errors: invalid.
  static Result<TailCursor> parse(const std::string& stream, const std::string& text);
};

/// One reading of a stream, from a place on, of what is synced (invariant 12). Has no group: the log does not
/// wait for it.
class Tail {
 public:
  /// Where a stream ends is looked at now, so whatever is written after this is seen. Errors: not_found (no
  /// such stream: names those there are), invalid.
  static Result<std::shared_ptr<Tail>> open(Pipeline& pipeline, env::Clock& clock,
                                            const api::TailQuery& query);
  Status show(const LiveViews::Put& put, const std::function<bool()>& closing);

 private:
  struct Shard {
    flow::ShardId id;
    flow::Position end;  ///< when this was opened
    std::unique_ptr<flow::Reader> reader;
    bool done = false;
  };
  Tail(Pipeline& pipeline, env::Clock& clock, const api::TailQuery& query, StreamView view)
      : pipeline_(pipeline), clock_(clock), query_(query), view_(std::move(view)) {}

  Status begin(const LiveViews::Put& put);
  Status show_last(const LiveViews::Put& put);
  Status add_new_shards();
  Status keep_last(Shard& shard, size_t count, std::vector<flow::Delivery>& kept) const;
  Result<flow::Position> place_of(const Shard& shard, Time time);
  Result<std::vector<flow::Delivery>> read(Shard& shard, const LiveViews::Put& put);
  Result<bool> show_more(Shard& shard, const LiveViews::Put& put);
  Status show_one(const flow::Delivery& delivery, const LiveViews::Put& put);
  bool note(const LiveViews::Put& put, const char* what, const std::string& how) const;
  [[nodiscard]] bool is_over(bool found) const;

  Pipeline& pipeline_;
  env::Clock& clock_;
  const api::TailQuery query_;
  const StreamView view_;
  std::vector<Shard> shards_;
  TailCursor cursor_;
  size_t shown_ = 0;
  bool reader_gone_ = false;
  Time said_;        ///< when something was written last
  Time shards_due_;  ///< when new shards are looked for
};

/// The streams that can be watched: those of the topology and of the front doors.
std::vector<std::string> stream_names(const Pipeline& pipeline);

}  // namespace bonafide::app
