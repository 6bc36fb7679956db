#include "app/produced_body.hpp"

namespace bonafide::app {

std::shared_ptr<ProducedBody> ProducedBody::start(Producer producer) {
  auto body = std::make_shared<ProducedBody>();
  body->thread_ = std::thread([shared = body->shared_, producer = std::move(producer)] {
    end(*shared, producer([&shared](std::string piece) { return put(*shared, std::move(piece)); }));
  });
  return body;
}

ProducedBody::~ProducedBody() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->abandoned = true;
  }
  shared_->changed.notify_all();
  if (thread_.joinable()) thread_.detach();  // ends at its next put(); holds what it uses
}

bool ProducedBody::put(Shared& shared, std::string piece) {
  std::unique_lock lock(shared.mutex);
  shared.changed.wait(lock, [&] { return shared.abandoned || shared.pieces.size() < pieces_ahead; });
  if (shared.abandoned) return false;
  if (!shared.waiting) {
    shared.pieces.push_back(std::move(piece));
    return true;
  }
  const Done done = std::exchange(shared.waiting, nullptr);
  lock.unlock();
  done(Piece{std::move(piece), false});
  return true;
}

void ProducedBody::end(Shared& shared, Status result) {
  std::unique_lock lock(shared.mutex);
  shared.ended = true;
  shared.result = std::move(result);
  if (!shared.waiting) return;
  const Done done = std::exchange(shared.waiting, nullptr);
  const Status& ended = shared.result;
  lock.unlock();
  done(ended.ok() ? Result<Piece>(Piece{"", true}) : Result<Piece>(ended.error()));
}

void ProducedBody::pull(Done done) {
  std::unique_lock lock(shared_->mutex);
  if (!shared_->pieces.empty()) {
    Piece piece{std::move(shared_->pieces.front()), false};
    shared_->pieces.pop_front();
    lock.unlock();
    shared_->changed.notify_all();
    return done(std::move(piece));
  }
  if (!shared_->ended) {
    shared_->waiting = std::move(done);
    return;
  }
  const Status& ended = shared_->result;
  lock.unlock();
  done(ended.ok() ? Result<Piece>(Piece{"", true}) : Result<Piece>(ended.error()));
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
