#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

namespace bonafide::flow {

/// One count in one event-time bucket.
struct Bucket {
  int32_t bucket = 0;
  int64_t n = 0;
  friend bool operator==(const Bucket&, const Bucket&) = default;
};

/// A short list of buckets. Most fields of a history have a single one: it stands in the list itself, without
/// memory of its own, which makes histories cheap to copy.
class Buckets {
 public:
  Buckets() = default;
  Buckets(std::initializer_list<Bucket> buckets) : Buckets(buckets.begin(), buckets.size()) {}
  Buckets(const Buckets& other) : Buckets(other.begin(), other.size()) {}
  Buckets(Buckets&& other) noexcept { swap(other); }
  Buckets& operator=(Buckets other) noexcept {
    swap(other);
    return *this;
  }
  ~Buckets() {
    if (capacity_ > 1) delete[] place_.many;
  }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const Bucket* begin() const { return capacity_ > 1 ? place_.many : &place_.one; }
  [[nodiscard]] const Bucket* end() const { return begin() + size_; }
  [[nodiscard]] const Bucket& front() const { return *begin(); }
  [[nodiscard]] const Bucket& back() const { return *(end() - 1); }
  [[nodiscard]] const Bucket& operator[](size_t i) const { return begin()[i]; }
  [[nodiscard]] Bucket& operator[](size_t i) { return data()[i]; }
  /// Bytes it holds elsewhere.
  [[nodiscard]] size_t outside_bytes() const { return capacity_ > 1 ? capacity_ * sizeof(Bucket) : 0; }

  /// Before the bucket at `place`; at the end where that is size().
  void insert(size_t place, Bucket bucket) {
    if (size_ == capacity_) grow();
    Bucket* at = data() + place;
    std::copy_backward(at, data() + size_, data() + size_ + 1);
    *at = bucket;
    ++size_;
  }
  void push_back(Bucket bucket) { insert(size_, bucket); }
  void erase(size_t place) {
    std::copy(data() + place + 1, data() + size_, data() + place);
    --size_;
  }

  friend bool operator==(const Buckets& a, const Buckets& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  Buckets(const Bucket* from, size_t size) : size_(static_cast<uint32_t>(size)) {
    if (size_ > 1) {
      capacity_ = size_;
      place_.many = new Bucket[capacity_];
    }
    std::copy_n(from, size_, data());
  }
  Bucket* data() { return capacity_ > 1 ? place_.many : &place_.one; }
  void swap(Buckets& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(place_, other.place_);
  }
  void grow() {
    const uint32_t capacity = capacity_ == 1 ? 4 : 2 * capacity_;
    auto* more = new Bucket[capacity];
    std::copy_n(begin(), size_, more);
    if (capacity_ > 1) delete[] place_.many;
    place_.many = more;
    capacity_ = capacity;
  }

  uint32_t size_ = 0;
  uint32_t capacity_ = 1;  // above 1 the buckets stand in place_.many
  union Place {
    Bucket one{};
    Bucket* many;
  } place_;
};

}  // namespace bonafide::flow
