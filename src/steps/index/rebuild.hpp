#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "env/clock.hpp"
#include "env/log.hpp"
#include "env/wake.hpp"
#include "flow/step.hpp"
#include "mail/change.hpp"
#include "steps/index/search_index.hpp"
#include "stores/sqlite/row_store.hpp"

namespace bonafide::steps {

/// Builds the search index anew from the rows, a page in each step and as long a rest after it, while the
/// index that is there is asked and kept up to date.
class IndexRebuild final : public flow::Stepper {
 public:
  struct Parts {
    SearchIndex& index;
    stores::Rows& rows;
    std::function<Result<mail::Change>(const stores::StoredRow&)> change_of;
    env::Clock& clock;
    env::Logger& logger;
    env::Wake& wake;  ///< of this job
  };
  explicit IndexRebuild(Parts parts) : parts_(std::move(parts)) {}

  /// From any thread; steps do the work. Errors: conflict (one is under way).
  Status start();

  struct Progress {
    bool running = false;
    uint64_t done = 0, of = 0;  ///< rows
    uint64_t unreadable = 0;    ///< rows that had to be left out: `verify` names them
    std::string failure;        ///< of the last one; "" = it succeeded
  };
  [[nodiscard]] Progress progress() const;

  [[nodiscard]] const char* name() const override { return "reindex"; }
  /// Never fails: a rebuild that cannot go on is given up, and the index stays as it was.
  Result<flow::Progress> step() override;
  [[nodiscard]] Time due() const override;

 private:
  Status work();
  Status page();
  void end(const Status& status);

  const Parts parts_;
  std::atomic<bool> running_{false};
  mutable std::mutex mutex_;  // guards progress_
  Progress progress_;
  bool begun_ = false;
  std::string cursor_;
  bool last_page_ = false;
  Time due_{INT64_MIN};
};

}  // namespace bonafide::steps
