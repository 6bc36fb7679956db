#include "control/retention/keeper.hpp"

#include <algorithm>

namespace bonafide::control {
namespace {

constexpr Duration least_pause = Duration::millis(1);

}  // namespace

RetentionKeeper::RetentionKeeper(Parts parts, const RetentionSettings& settings)
    : parts_(std::move(parts)),
      settings_(settings),
      failures_(parts_.metrics.counter("bonafide_retention_failures_total",
                                       "Passes of retention that broke off, and are made again.")) {
  for (const auto& store : parts_.stores) {
    const env::Labels labels = {{"step", store.name}};
    seen_.push_back({parts_.metrics.counter("bonafide_retention_removed_total",
                                            "What retention has removed: rows, files, items.", labels),
                     parts_.metrics.gauge("bonafide_retention_horizon_seconds",
                                          "What was accepted before is not kept (Unix time).", labels)});
  }
  removed_.resize(parts_.stores.size());
}

Result<std::unique_ptr<RetentionKeeper>> RetentionKeeper::open(Parts parts,
                                                               const RetentionSettings& settings) {
  std::unique_ptr<RetentionKeeper> keeper(new RetentionKeeper(std::move(parts), settings));
  auto horizons = read_horizons(keeper->parts_.files, keeper->parts_.path);
  if (horizons.ok()) {
    keeper->horizons_ = *horizons;
  } else if (horizons.error().cause == Cause::damaged) {
    // Age alone gives them again, unless something is kept for longer now than it was.
    keeper->damage_ = horizons.error().message;
    keeper->parts_.log.error("retention.damaged", {{"error", horizons.error().message}});
  } else if (horizons.error().cause != Cause::not_found) {
    return horizons.error();
  }
  keeper->due_ = keeper->parts_.clock.steady();
  keeper->show();
  return keeper;
}

Result<flow::Progress> RetentionKeeper::step() {
  const Time began = parts_.clock.steady();
  if (began < due_) return flow::Progress::idle;
  const Status done = phase_ == Phase::wait ? look() : phase_ == Phase::measure ? measure() : remove_some();
  const Time now = parts_.clock.steady();
  if (!done.ok()) {
    failures_.add();
    parts_.log.warn("retention.failed", {{"error", done.error().message}});
    phase_ = Phase::wait;
    next_pass_ = now + settings_.every;
  }
  const Duration took = now - began;
  due_ = phase_ == Phase::wait ? next_pass_ : now + std::max(least_pause, Duration{2 * took.us});
  return flow::Progress::worked;
}

Status RetentionKeeper::look() {
  next_pass_ = parts_.clock.steady() + settings_.every;
  to_measure_.clear();
  phase_ = Phase::measure;
  if (settings_.archive_bytes == 0) return Ok{};
  BONAFIDE_ASSIGN(to_measure_, parts_.archive_days());
  const int64_t today = parts_.clock.now().day();
  std::erase_if(measured_, [&](const auto& one) {
    return one.first >= today - 1 ||
           std::find(to_measure_.begin(), to_measure_.end(), one.first) == to_measure_.end();
  });
  std::erase_if(to_measure_, [&](int64_t day) { return measured_.count(day) > 0; });
  return Ok{};
}

// One day in each step; after the last, the decision.
Status RetentionKeeper::measure() {
  if (!to_measure_.empty()) {
    BONAFIDE_ASSIGN(measured_[to_measure_.back()], parts_.archive_bytes(to_measure_.back()));
    to_measure_.pop_back();
    return Ok{};
  }
  RetentionView view{
      parts_.clock.now(), horizons(), {INT64_MAX}, {measured_.begin(), measured_.end()}, {}, {}};
  BONAFIDE_ASSIGN(view.under_way, parts_.under_way());
  for (const auto& store : parts_.stores) {
    if (!store.fit) continue;
    Time& fit = store.horizon == &Horizons::raw ? view.raw_fit : view.rows_fit;
    BONAFIDE_ASSIGN(fit, store.fit());
  }
  BONAFIDE_TRY(move(decide(settings_, view)));
  phase_ = Phase::remove;
  store_ = 0;
  std::fill(removed_.begin(), removed_.end(), 0);
  return Ok{};
}

Status RetentionKeeper::move(const Horizons& next) {
  if (next == horizons() && damage().empty()) return Ok{};
  BONAFIDE_TRY(write_horizons(parts_.files, parts_.path, next));
  {
    const std::lock_guard lock(mutex_);
    horizons_ = next;
    damage_.clear();
  }
  show();
  parts_.log.info("retention.horizon", {{"rows", format_rfc3339(next.rows)},
                                        {"archive", format_rfc3339(next.archive)},
                                        {"raw", format_rfc3339(next.raw)},
                                        {"door", format_rfc3339(next.door)}});
  return Ok{};
}

Status RetentionKeeper::remove_some() {
  if (store_ < parts_.stores.size()) {
    const auto& store = parts_.stores[store_];
    BONAFIDE_ASSIGN(const uint64_t gone, store.remove(horizons().*store.horizon, store.most));
    seen_[store_].removed.add(gone);
    removed_[store_] += gone;
    if (gone < store.most) ++store_;
  }
  if (store_ == parts_.stores.size()) end_pass();
  return Ok{};
}

void RetentionKeeper::end_pass() {
  phase_ = Phase::wait;
  for (size_t i = 0; i < removed_.size(); ++i) {
    if (removed_[i] == 0) continue;
    parts_.log.info("retention.removed", {{"step", parts_.stores[i].name}, {"count", removed_[i]}});
  }
}

void RetentionKeeper::show() {
  const Horizons now = horizons();
  for (size_t i = 0; i < seen_.size(); ++i)
    seen_[i].horizon.set(static_cast<double>((now.*parts_.stores[i].horizon).seconds()));
}

Horizons RetentionKeeper::horizons() const {
  const std::lock_guard lock(mutex_);
  return horizons_;
}

std::string RetentionKeeper::damage() const {
  const std::lock_guard lock(mutex_);
  return damage_;
}

}  // namespace bonafide::control
