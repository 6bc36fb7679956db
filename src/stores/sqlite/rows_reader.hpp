#pragma once
#include <memory>
#include <string>
#include <utility>

#include "stores/sqlite/row_store.hpp"

namespace bonafide::stores {

/// One connection to the rows.
struct Rows::Reader {
  std::unique_ptr<Connection> db;
  std::string columns;  ///< ", a, b"
  size_t count = 0;
  std::string scratch;

  [[nodiscard]] std::string select() const {
    return "select id, revision, row_hash, event" + columns + " from events";
  }

  /// The row the statement stands on, select() being its first columns. Errors: damaged.
  Result<StoredRow> read(const Statement& at);
};

/// A reader for the time of one call.
class Rows::Lease {
 public:
  static constexpr size_t most_idle = 8;

  static Result<Lease> take(Rows& rows) {
    {
      const std::lock_guard lock(rows.mutex_);
      if (!rows.idle_.empty()) {
        Lease lease(rows, std::move(rows.idle_.back()));
        rows.idle_.pop_back();
        return lease;
      }
    }
    BONAFIDE_ASSIGN(auto reader, rows.make_reader());
    return Lease(rows, std::move(reader));
  }
  Lease(Lease&&) = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (!reader_) return;
    const std::lock_guard lock(rows_->mutex_);
    if (rows_->idle_.size() < most_idle) rows_->idle_.push_back(std::move(reader_));
  }
  Reader& operator*() { return *reader_; }
  Reader* operator->() { return reader_.get(); }

 private:
  Lease(Rows& rows, std::unique_ptr<Reader> reader) : rows_(&rows), reader_(std::move(reader)) {}
  Rows* rows_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace bonafide::stores
