#pragma once
#include <deque>
#include <map>

#include "flow/processor.hpp"
#include "flow/worker.hpp"

namespace bonafide::flow {

/// From a topic into a store.
struct SinkPlan {
  std::string name;   ///< of the worker: "import"
  std::string group;  ///< "bonafide.import"
  std::string from, parked;
  std::unique_ptr<Sink> sink;
};

/// Brings records into a store, each once: it sees only what is synced, goes on from what the sink says it
/// has, and commits that as the group's progress now and then. A record the sink can never take is parked
/// once.
class SinkWorker final : public Worker {
 public:
  SinkWorker(SinkPlan plan, WorkerParts parts, WorkerOptions options = {});
  ~SinkWorker() override;

 private:
  Status joined() override;
  void left() override;
  Result<Progress> work() override;
  [[nodiscard]] bool finished() const override;
  Status ending() override { return plan_.sink->settle(parts_.clock.steady(), true); }
  [[nodiscard]] Time work_due() const override;

  using Place = std::pair<ShardId, Position>;
  /// The part of a batch that is of one shard and goes to the sink in one call.
  struct Piece {
    Stretch stretch;
    std::vector<Delivery> deliveries;
  };

  Status drop_lost();
  Status take_up_gained();
  Status read_pieces();
  Result<Progress> apply_next();
  Result<Applied> call_sink(const Piece& piece, size_t* poison);
  Status refused(const Error& error, size_t poison);
  Result<bool> park_settled();
  Status know_parked();
  Status commit_progress(bool drain);

  SinkPlan plan_;
  StepMetrics metrics_;
  std::vector<ShardId> to_take_up_;  ///< gained, not yet sought
  std::map<ShardId, Position> read_upto_, committed_;
  std::deque<Piece> pieces_;
  /// A record of the first piece on its way into the parked topic. Only when it is synced there may the sink
  /// go past it.
  struct Parking {
    size_t index = 0;
    std::unique_ptr<Commit> commit;  ///< null once it has landed
    Place place;
  };
  std::optional<Parking> parking_;
  std::unique_ptr<Commit> progress_;
  std::map<ShardId, Position> progress_upto_;
  std::optional<std::map<Place, Place>>
      parked_;  ///< what this worker ever parked, and where that landed; once needed
  Time progress_due_{INT64_MIN}, read_due_{INT64_MIN};
  bool may_have_moved_ = false;  ///< the sink's progress, since it was last looked at
  bool drained_ = false;
};

}  // namespace bonafide::flow
