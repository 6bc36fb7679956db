#include "net/body_pipe.hpp"

#include <optional>
#include <utility>

namespace bonafide::net {

struct BodyPipe::Shared {
  explicit Shared(size_t bytes) : max_bytes(bytes) {}

  /// Answers a pull that waits, if there is something to answer; the lock is let go meanwhile.
  void serve(std::unique_lock<std::mutex>& lock) {
    if (!waiting || (text.empty() && !finished && !failed)) return;
    const BodySource::Done done = std::exchange(waiting, {});
    Result<BodySource::Piece> answer = BodySource::Piece{};
    if (text.empty() && failed) {
      answer = *failed;
    } else {
      answer = BodySource::Piece{std::exchange(text, {}), finished};
    }
    room.notify_all();
    lock.unlock();
    done(std::move(answer));
    lock.lock();
  }

  const size_t max_bytes;
  std::mutex mutex;
  std::condition_variable room;
  std::string text;
  BodySource::Done waiting;
  std::optional<Error> failed;
  bool finished = false;
  bool abandoned = false;
};

class BodyPipe::Reader final : public BodySource {
 public:
  explicit Reader(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~Reader() override {
    const std::lock_guard lock(shared_->mutex);
    shared_->abandoned = true;
    shared_->waiting = {};
    shared_->text.clear();
    shared_->room.notify_all();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void pull(Done done) override {
    std::unique_lock lock(shared_->mutex);
    shared_->waiting = std::move(done);
    shared_->serve(lock);
  }

 private:
  const std::shared_ptr<Shared> shared_;
};

BodyPipe::BodyPipe(size_t max_bytes) : shared_(std::make_shared<Shared>(max_bytes)) {}

BodyPipe::~BodyPipe() { fail({Cause::internal, "the text was not finished"}); }

std::shared_ptr<BodySource> BodyPipe::reader() { return std::make_shared<Reader>(shared_); }

bool BodyPipe::write(std::string_view bytes) {
  std::unique_lock lock(shared_->mutex);
  shared_->room.wait(lock,
                     [this] { return shared_->abandoned || shared_->text.size() < shared_->max_bytes; });
  if (shared_->abandoned) return false;
  shared_->text += bytes;
  shared_->serve(lock);
  return true;
}

bool BodyPipe::full() const {
  const std::lock_guard lock(shared_->mutex);
  return !shared_->abandoned && shared_->text.size() >= shared_->max_bytes;
}

void BodyPipe::abandon() {
  const std::lock_guard lock(shared_->mutex);
  shared_->abandoned = true;
  shared_->room.notify_all();
}

bool BodyPipe::abandoned() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->abandoned;
}

void BodyPipe::finish() {
  std::unique_lock lock(shared_->mutex);
  shared_->finished = true;
  shared_->serve(lock);
}

void BodyPipe::fail(Error error) {
  std::unique_lock lock(shared_->mutex);
  if (shared_->finished || shared_->failed) return;
  shared_->failed = std::move(error);
  shared_->serve(lock);
}

}  // namespace bonafide::net
