#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "net/http.hpp"

namespace bonafide::app {

/// A streamed body that a function produces on a thread of its own, a few pieces ahead of whoever reads. When
/// the reader goes away, put() returns false and the function ends.
class ProducedBody final : public net::BodySource {
 public:
  using Put = std::function<bool(std::string piece)>;
  using Producer = std::function<Status(const Put& put)>;

  static std::shared_ptr<ProducedBody> start(Producer producer);
  ~ProducedBody() override;
  void pull(Done done) override;

 private:
  static constexpr size_t pieces_ahead = 8;
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> pieces;
    bool ended = false, abandoned = false;
    Status result = Ok{};
    Done waiting;
  };
  static bool put(Shared& shared, std::string piece);
  static void end(Shared& shared, Status result);

  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::thread thread_;
};

/// Runs tasks one after the other on a thread: for look-ups that read a disk, so that the server's thread
/// need not wait.
class TaskThread {
 public:
  TaskThread();
  /// Finishes what was given.
  ~TaskThread();
  void run(std::function<void()> task);

 private:
  void loop();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace bonafide::app
