#pragma once
#include <deque>
#include <map>
#include <mutex>

#include "flow/batch.hpp"
#include "flow/worker.hpp"

namespace bonafide::flow {

/// A chain of steps from one topic to another.
struct ProcessorPlan {
  std::string name;   ///< of the worker: "score"
  std::string group;  ///< "bonafide.score"
  std::string from, to, parked;
  std::vector<NamedProcessor> steps;  ///< fused: no hop and no encoding between them
  State* state = nullptr;             ///< null: a chain without history; its questions stay unknown
  std::unique_ptr<Fold> fold;         ///< of `to`; needed where there is a state
};

/// Reads records, runs them through its steps, and commits outputs, parked records and progress together.
/// History follows the commits: it is brought up to the last committed output before the first question, and
/// what is not applied yet lies over its answers.
class ProcessorWorker final : public Worker {
 public:
  ProcessorWorker(ProcessorPlan plan, WorkerParts parts, WorkerOptions options = {});
  ~ProcessorWorker() override;

 private:
  /// Outputs and progress on their way into the log.
  struct Flight {
    std::unique_ptr<Commit> commit;
    std::vector<std::vector<Delta>> deltas;  ///< of each output, in the order they were appended
    std::vector<StepCounts> counts;
    std::vector<Time> timestamps;  ///< of the records
  };
  /// Where an answer of the state arrives, maybe from another thread, maybe after the worker is gone.
  struct Mailbox {
    std::mutex mutex;
    std::optional<Answers> answers;
  };
  /// How far the state has a shard of the output topic, and what of it comes next.
  struct Follower {
    Position applied;
    std::unique_ptr<Reader> reader;
    std::deque<Delivery> ahead;  ///< read, not applied
  };
  /// A shard of the output topic that is brought into the state up to here before anything is asked.
  struct CatchUp {
    ShardId shard;
    Position upto;
  };
  /// Deltas that need not be derived again, by the place where their output has landed. Taken out when used.
  using Known = std::map<Position, std::vector<Delta>>;

  Status joined() override;
  void left() override;
  Result<Progress> work() override;
  [[nodiscard]] bool finished() const override { return waiting_.empty() && !batch_ && flights_.empty(); }
  [[nodiscard]] Time work_due() const override;

  Status notice_shards();
  Status begin_catch_up(const std::vector<ShardId>& gained);
  Result<Progress> catch_up();
  Result<bool> follow(const ShardId& shard, Position upto, Known& known);
  Result<Follower*> follower(const ShardId& shard);
  void fold(const Delivery& delivery, std::vector<Delta>& deltas);
  Result<bool> settle_commits();
  Status apply(Flight& flight);
  Result<Progress> go_on();
  void begin_batch(std::vector<Delivery> deliveries);
  /// True once the batch has run to its end; false while an answer is awaited.
  bool run_batch();
  bool answers_arrived();
  void commit_batch();
  void note_lag(size_t step);

  ProcessorPlan plan_;
  env::Counter& not_folded_;
  std::vector<StepMetrics> metrics_;
  std::deque<CatchUp> catching_up_;
  std::map<ShardId, Follower> followers_;  ///< of the output topic
  std::vector<Delivery> waiting_;          ///< read, not begun
  std::optional<Batch> batch_;
  std::shared_ptr<Mailbox> mailbox_;  ///< of the question under way
  std::vector<std::string> asking_;   ///< its keys
  Time ask_deadline_, batch_began_;
  std::deque<Flight> flights_;
};

}  // namespace bonafide::flow
