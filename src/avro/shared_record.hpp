#pragma once
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.hpp"

namespace bonafide::avro {

/// A large record inside events, which are copied from step to step while it stays as it is: copies share it
/// until one of them is changed. In Avro and JSON the same as T.
///
/// It may keep its binary encoding beside it, so that each further event around it appends these bytes
/// instead of encoding anew. What is shared is not changed any more and can be read from any thread.
template <class T>
class SharedRecord {
 public:
  using value_type = T;

  SharedRecord() = default;
  SharedRecord(T value) : box_(std::make_shared<Box>(std::move(value))) {}  // NOLINT(*explicit*)

  const T& operator*() const { return box_ ? box_->value : nothing(); }
  const T* operator->() const { return &**this; }

  /// For changing it; what others share keeps its value. Valid until this object is copied.
  T& edit() {
    if (!box_) {
      box_ = std::make_shared<Box>();
    } else if (box_.use_count() > 1) {
      box_ = std::make_shared<Box>(box_->value);
    }
    box_->encoding.clear();
    return box_->value;
  }

  /// The encoding by the schema schema_of<T>(), where it was kept; else empty.
  [[nodiscard]] ByteView encoding() const { return box_ ? ByteView(box_->encoding) : ByteView(); }
  /// Encodes it now and keeps that (bind.hpp). Before the first copy.
  void keep_encoding();

 private:
  struct Box {
    Box() = default;
    explicit Box(T v) : value(std::move(v)) {}
    T value;
    std::string encoding;
  };
  static const T& nothing() {
    static const T empty{};
    return empty;
  }

  std::shared_ptr<Box> box_;
};

}  // namespace bonafide::avro
