#pragma once
#include <atomic>
#include <memory>
#include <utility>

namespace bonafide {

/// An immutable value that is replaced as a whole while others use it. Whoever takes it keeps what it took,
/// and sees all of the old value or all of the new one. Safe from any thread.
template <class T>
class Current {
 public:
  explicit Current(std::shared_ptr<const T> value = std::make_shared<const T>()) : value_(std::move(value)) {}
  explicit Current(T value) : Current(std::make_shared<const T>(std::move(value))) {}

  [[nodiscard]] std::shared_ptr<const T> get() const {
    take();
    std::shared_ptr<const T> value = value_;
    give_back();
    return value;
  }
  /// The old value goes outside: whoever takes the new one does not wait for it.
  void set(std::shared_ptr<const T> value) {
    take();
    value_.swap(value);
    give_back();
  }
  void set(T value) { set(std::make_shared<const T>(std::move(value))); }

 private:
  // As std::atomic<std::shared_ptr> does it, for as long as a pointer is copied; that of libstdc++ 12 has a
  // data race (its bug 101761).
  void take() const {
    while (taken_.test_and_set(std::memory_order_acquire)) taken_.wait(true, std::memory_order_relaxed);
  }
  void give_back() const {
    taken_.clear(std::memory_order_release);
    taken_.notify_one();
  }

  std::shared_ptr<const T> value_;
  mutable std::atomic_flag taken_;
};

}  // namespace bonafide
