#include "app/produced_body.hpp"

namespace bonafide::app {

BodyProducers::~BodyProducers() {
  for (auto& running : running_) running.pipe->abandon();
  for (auto& running : running_) running.thread.join();
}

namespace {

constexpr Duration look_again = Duration::millis(20);

// Writes once there is room. False: nobody reads any more, or not within the patience.
bool put_in_time(net::BodyPipe& pipe, std::string_view piece, const BodyProducers::Limits& limits) {
  for (Duration waited; limits.patience > Duration{} && pipe.full(); waited = waited + look_again) {
    if (waited >= limits.patience) {
      if (limits.gave_up) limits.gave_up();
      pipe.abandon();
      pipe.fail({Cause::unavailable, "the other side read too slowly"});
      return false;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(look_again.us));
  }
  return pipe.write(piece);
}

}  // namespace

std::shared_ptr<net::BodySource> BodyProducers::start(Producer producer, const Limits& limits) {
  const std::lock_guard lock(mutex_);
  std::erase_if(running_, [](Running& running) {
    if (!running.ended->load()) return false;
    running.thread.join();
    return true;
  });
  auto& running = running_.emplace_back();
  running.pipe = std::make_shared<net::BodyPipe>(limits.bytes);
  running.ended = std::make_shared<std::atomic<bool>>(false);
  auto reader = running.pipe->reader();
  running.thread =
      std::thread([pipe = running.pipe, ended = running.ended, producer = std::move(producer), limits] {
        const auto put = [&](std::string_view piece) { return put_in_time(*pipe, piece, limits); };
        if (const Status done = producer(put); done.ok()) {
          pipe->finish();
        } else {
          pipe->fail(done.error());
        }
        ended->store(true);
      });
  return reader;
}

TaskThread::TaskThread() : thread_([this] { loop(); }) {}

TaskThread::~TaskThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void TaskThread::run(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_all();
}

void TaskThread::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace bonafide::app
