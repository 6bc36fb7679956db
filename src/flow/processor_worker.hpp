#pragma once
#include <deque>
#include <map>
#include <mutex>

#include "flow/batch.hpp"
#include "flow/worker.hpp"

namespace bonafide::flow {

/// The steps that the records of one topic go through.
struct Chain {
  std::string from;
  std::vector<NamedProcessor> steps;  ///< fused: no hop and no encoding between them
};

/// Chains of steps from their topics to one other. Several where the output is also folded into a history: it
/// has one writer, so whatever else has something to add goes through the same worker.
struct ProcessorPlan {
  std::string name;   ///< of the worker: "score"
  std::string group;  ///< "bonafide.score"
  std::vector<Chain> chains;
  std::string to, parked;
  State* state = nullptr;      ///< null: chains without history; their questions stay unknown
  std::unique_ptr<Fold> fold;  ///< of `to`; needed where there is a state
};

/// Reads records, runs them through its steps, and commits outputs, parked records and progress together.
/// Order is kept in a shard; records of different topics overtake each other.
/// History follows the commits: it is brought up to the last committed output before the first question, and
/// what is not applied yet lies over its answers.
class ProcessorWorker final : public Worker {
 public:
  ProcessorWorker(ProcessorPlan plan, WorkerParts parts, WorkerOptions options = {});
  ~ProcessorWorker() override;

 private:
  /// Deltas that need not be derived again, by the place where their output has landed. Taken out when used.
  using Known = std::map<Position, std::vector<Delta>>;
  /// Outputs and progress on their way into the log.
  struct Flight {
    /// What landed in a shard of the output topic.
    struct Part {
      Position upto;
      Known known;
    };
    size_t chain = 0;
    std::unique_ptr<Commit> commit;
    std::vector<std::vector<Delta>> deltas;         ///< of each output, in the order they were appended
    std::optional<std::map<ShardId, Part>> landed;  ///< once it has: the deltas are here
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
  [[nodiscard]] size_t chain_of(const ShardId& shard) const;
  void begin_batch();
  /// True once the batch has run to its end; false while an answer is awaited.
  bool run_batch();
  bool answers_arrived();
  void commit_batch();
  void note_lag(size_t step);

  ProcessorPlan plan_;
  env::Counter& not_folded_;
  std::vector<std::vector<StepMetrics>> metrics_;  ///< by chain and step
  std::deque<CatchUp> catching_up_;
  std::map<ShardId, Follower> followers_;  ///< of the output topic
  std::vector<Delivery> waiting_;          ///< read, not begun
  size_t chain_ = 0;                       ///< of the batch
  std::optional<Batch> batch_;
  std::shared_ptr<Mailbox> mailbox_;  ///< of the question under way
  std::vector<std::string> asking_;   ///< its keys
  Time ask_deadline_, batch_began_;
  std::deque<Flight> flights_;
};

}  // namespace bonafide::flow
