#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

#include "net/body_pipe.hpp"

namespace bonafide::app {

/// Streamed bodies that functions produce, each on a thread of its own, a little ahead of whoever reads. When
/// the reader goes away, or this does, put() returns false and the function ends; whatever it uses must live
/// as long as this.
class BodyProducers {
 public:
  using Put = std::function<bool(std::string_view piece)>;
  using Producer = std::function<Status(const Put& put)>;

  BodyProducers() = default;
  /// Waits for the functions to end.
  ~BodyProducers();
  BodyProducers(const BodyProducers&) = delete;
  BodyProducers& operator=(const BodyProducers&) = delete;

  struct Limits {
    size_t bytes = size_t{1} << 20;  ///< that wait for the reader
    /// A reader who takes nothing for so long is given up: put() returns false, and the body breaks off.
    /// Zero: it is waited for.
    Duration patience = {};
    std::function<void()> gave_up = {};
  };
  std::shared_ptr<net::BodySource> start(Producer producer) { return start(std::move(producer), {}); }
  std::shared_ptr<net::BodySource> start(Producer producer, const Limits& limits);

 private:
  struct Running {
    std::shared_ptr<net::BodyPipe> pipe;
    std::shared_ptr<std::atomic<bool>> ended;
    std::thread thread;
  };
  std::mutex mutex_;
  std::list<Running> running_;
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
