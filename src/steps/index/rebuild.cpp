#include "steps/index/rebuild.hpp"

#include <deque>

#include "steps/index/document.hpp"

namespace bonafide::steps {
namespace {

constexpr size_t rows_a_step = 200;

}  // namespace

Status IndexRebuild::start() {
  if (running_.exchange(true)) return {Cause::conflict, "the index is being built anew already"};
  {
    const std::lock_guard lock(mutex_);
    progress_ = {};
    progress_.running = true;
  }
  parts_.wake.wake();
  return Ok{};
}

IndexRebuild::Progress IndexRebuild::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

Time IndexRebuild::due() const { return running_ ? due_ : Time{INT64_MAX}; }

Result<flow::Progress> IndexRebuild::step() {
  const Time began = parts_.clock.steady();
  if (!running_ || began < due_) return flow::Progress::idle;
  const Status done = work();
  const bool over = !done.ok() || last_page_;
  if (over) end(done);
  const Time now = parts_.clock.steady();
  due_ = over ? Time{INT64_MIN} : now + (now - began);
  return flow::Progress::worked;
}

Status IndexRebuild::work() {
  if (!begun_) {
    BONAFIDE_TRY(parts_.index.begin_rebuild());
    begun_ = true;
    BONAFIDE_ASSIGN(const uint64_t count, parts_.rows.count({}));
    const std::lock_guard lock(mutex_);
    progress_.of = count;
  }
  BONAFIDE_TRY(page());
  return last_page_ ? parts_.index.finish_rebuild() : Status(Ok{});
}

Status IndexRebuild::page() {
  stores::Rows::Query query;
  query.limit = rows_a_step;
  query.cursor = cursor_;
  BONAFIDE_ASSIGN(const auto page, parts_.rows.page(query));
  std::deque<mail::Change> changes;
  std::deque<Document> documents;
  std::vector<stores::SearchDoc> docs;
  uint64_t unreadable = page.damaged.size();
  for (const auto& row : page.rows) {
    auto change = parts_.change_of(row);
    if (!change.ok()) {
      ++unreadable;
      continue;
    }
    changes.push_back(std::move(*change));
    docs.push_back(documents.emplace_back().of(changes.back()));
  }
  BONAFIDE_TRY(parts_.index.feed(docs));
  cursor_ = page.cursor;
  last_page_ = cursor_.empty();
  const std::lock_guard lock(mutex_);
  progress_.done += page.rows.size() + page.damaged.size();
  progress_.unreadable += unreadable;
  return Ok{};
}

void IndexRebuild::end(const Status& status) {
  if (!status.ok()) parts_.index.abandon_rebuild();
  begun_ = last_page_ = false;
  cursor_.clear();
  {
    const std::lock_guard lock(mutex_);
    progress_.running = false;
    progress_.failure = status.ok() ? "" : status.error().message;
    if (status.ok()) {
      parts_.logger.info("index.rebuilt", {{"rows", progress_.done}, {"unreadable", progress_.unreadable}});
    } else {
      parts_.logger.error("index.rebuild_failed", {{"error", progress_.failure}});
    }
  }
  running_ = false;
}

}  // namespace bonafide::steps
