#include "flow/sink_worker.hpp"

#include <algorithm>
#include <exception>

#include "flow/parked.hpp"

namespace bonafide::flow {

namespace {
constexpr Duration commit_poll = Duration::millis(1);
}

SinkWorker::SinkWorker(SinkPlan plan, WorkerParts parts, WorkerOptions options)
    : Worker(plan.name, {plan.group, {plan.from}, Visibility::synced, nullptr}, parts, options),
      plan_(std::move(plan)),
      metrics_(parts.metrics, plan_.name) {}

SinkWorker::~SinkWorker() = default;

Status SinkWorker::joined() { return Ok{}; }

void SinkWorker::left() {
  to_take_up_.clear();
  read_upto_.clear();
  committed_.clear();
  pieces_.clear();
  parking_.reset();
  progress_.reset();
  parked_.reset();
}

bool SinkWorker::finished() const { return pieces_.empty() && !parking_ && !progress_ && drained_; }

Time SinkWorker::work_due() const {
  const Time now = parts_.clock.steady();
  if (parking_ || progress_) return now + commit_poll;
  if (!pieces_.empty() || stopping()) return now;
  const Time read = nothing_to_read_ ? Time{INT64_MAX} : std::max(now, read_due_);
  return std::min({read, plan_.sink->settle_due(), may_have_moved_ ? progress_due_ : Time{INT64_MAX}});
}

Result<Progress> SinkWorker::work() {
  BONAFIDE_TRY(drop_lost());
  BONAFIDE_TRY(take_up_gained());
  if (!takes_more() && !parking_) pieces_.clear();  // not applied: they come again
  Progress done = Progress::idle;
  if (!pieces_.empty()) {
    BONAFIDE_ASSIGN(done, apply_next());
  } else if (takes_more() && !stopping() && parts_.clock.steady() < read_due_) {
    nothing_to_read_ = false;  // whatever woke us: look when the time has come
  } else if (takes_more()) {
    BONAFIDE_TRY(read_pieces());
    if (!pieces_.empty()) read_due_ = parts_.clock.steady() + options_.pace;
    done = pieces_.empty() ? Progress::idle : Progress::worked;
  }
  const bool drain = stopping() && pieces_.empty() && done == Progress::idle;
  const Time now = parts_.clock.steady();
  may_have_moved_ |= done == Progress::worked || now >= plan_.sink->settle_due();
  BONAFIDE_TRY(plan_.sink->settle(now, drain));
  BONAFIDE_TRY(commit_progress(drain));
  if (done == Progress::idle && pieces_.empty()) health_.idle(parts_.clock.steady());
  return done;
}

Status SinkWorker::drop_lost() {
  for (const auto& shard : session_->lost()) {
    if (parking_ && pieces_.front().stretch.shard == shard) {
      return {Cause::fenced, shard.text() + " was lost while one of its records was being parked"};
    }
    read_upto_.erase(shard);
    committed_.erase(shard);
    std::erase(to_take_up_, shard);
    std::erase_if(pieces_, [&](const Piece& piece) { return piece.stretch.shard == shard; });
  }
  return Ok{};
}

/// The sink's own progress decides where a gained shard goes on, not the group's, which lags behind it. What
/// the sink still holds in memory from an earlier session is made durable first, so that nothing is applied
/// over it.
Status SinkWorker::take_up_gained() {
  std::ranges::move(session_->gained(), std::back_inserter(to_take_up_));
  if (to_take_up_.empty()) return Ok{};
  parked_.reset();  // the former holder may have parked some
  BONAFIDE_TRY(plan_.sink->settle(parts_.clock.steady(), true));
  while (!to_take_up_.empty()) {
    const ShardId shard = to_take_up_.back();
    BONAFIDE_ASSIGN(const Position applied, plan_.sink->applied(shard));
    BONAFIDE_TRY(session_->seek(shard, applied));
    read_upto_[shard] = applied;
    committed_[shard] = session_->committed(shard);
    to_take_up_.pop_back();
  }
  return Ok{};
}

Status SinkWorker::read_pieces() {
  BONAFIDE_ASSIGN(auto deliveries, read());
  BONAFIDE_TRY(
      drop_lost());  // also what was lost and came back since the last look: it is to be taken up anew
  const Time now = parts_.clock.now();
  std::map<ShardId, Piece> by_shard;  // live lanes come before backfill
  for (auto& delivery : deliveries) {
    if (!read_upto_.contains(delivery.shard))
      continue;  // gained just now: taken up, and read again, by the next step
    metrics_.received.add();
    metrics_.lag_in.observe(now - delivery.record.timestamp);
    auto& piece = by_shard[delivery.shard];
    piece.deliveries.push_back(std::move(delivery));
  }
  for (auto& [shard, piece] : by_shard) {
    Position& upto = read_upto_[shard];
    piece.stretch = {shard, upto, piece.deliveries.back().position};
    upto = piece.stretch.upto;
    pieces_.push_back(std::move(piece));
  }
  return Ok{};
}

Result<Progress> SinkWorker::apply_next() {
  health_.working(Doing::applying, name());
  if (parking_) {
    BONAFIDE_ASSIGN(const bool done, park_settled());
    if (!done) return Progress::idle;
  }
  const Time began = parts_.clock.steady();
  Piece& piece = pieces_.front();
  size_t poison = SIZE_MAX;
  const auto applied = call_sink(piece, &poison);
  if (!applied.ok()) {
    if (applied.error().cause != Cause::invalid) return applied.error();
    BONAFIDE_TRY(refused(applied.error(), poison));
    return Progress::worked;
  }
  if (*applied == Applied::already) {
    metrics_.duplicate.add(piece.deliveries.size());
  } else {
    const Time now = parts_.clock.now();
    metrics_.processed.add(piece.deliveries.size());
    for (const auto& delivery : piece.deliveries) metrics_.lag_out.observe(now - delivery.record.timestamp);
  }
  took(parts_.clock.steady() - began, piece.deliveries.size());
  pieces_.pop_front();
  return Progress::worked;
}

/// An exception that escapes a sink refuses the piece without naming a record.
Result<Applied> SinkWorker::call_sink(const Piece& piece, size_t* poison) {
  try {
    return plan_.sink->apply(piece.deliveries, piece.stretch, poison);
  } catch (const std::exception& e) {
    *poison = SIZE_MAX;
    return {Cause::invalid, std::string("exception: ") + e.what()};
  } catch (...) {
    *poison = SIZE_MAX;
    return {Cause::invalid, "an exception of unknown type"};
  }
}

/// The record that is at fault is parked; if none is named, the piece is taken one by one until one is.
Status SinkWorker::refused(const Error& error, size_t poison) {
  Piece& piece = pieces_.front();
  auto& deliveries = piece.deliveries;
  if (deliveries.empty())
    return {Cause::internal, "the sink refuses a stretch without records: " + error.message};
  if (deliveries.size() == 1) poison = 0;
  if (poison >= deliveries.size()) {
    std::deque<Piece> singles;
    Position after = piece.stretch.after;
    for (auto& delivery : deliveries) {
      const Position upto = &delivery == &deliveries.back() ? piece.stretch.upto : delivery.position;
      Piece single{{piece.stretch.shard, after, upto}, {}};
      single.deliveries.push_back(std::move(delivery));
      singles.push_back(std::move(single));
      after = upto;
    }
    pieces_.pop_front();
    std::ranges::move(pieces_, std::back_inserter(singles));
    pieces_.swap(singles);
    return Ok{};
  }
  BONAFIDE_TRY(know_parked());
  const Delivery& delivery = deliveries[poison];
  if (const auto known = parked_->find({delivery.shard, delivery.position}); known != parked_->end()) {
    parking_ = Parking{poison, nullptr, known->second};
    return Ok{};
  }
  auto transaction = session_->begin();
  transaction->append(parked_entry(plan_.parked, plan_.name, delivery, error));
  // No progress, but bound to the shard: if that is lost by now, the park is fenced, and the next holder's to
  // make.
  const auto under_way = progress_ ? progress_upto_.find(delivery.shard) : progress_upto_.end();
  transaction->consumed(delivery.shard,
                        under_way == progress_upto_.end() ? committed_[delivery.shard] : under_way->second);
  parking_ = Parking{poison, transaction->commit(), {}};
  metrics_.parked.add();
  return Ok{};
}

Result<bool> SinkWorker::park_settled() {
  auto& deliveries = pieces_.front().deliveries;
  const auto poison = deliveries.begin() + static_cast<long>(parking_->index);
  if (parking_->commit) {
    const auto fate = parking_->commit->poll();
    if (!fate) return false;
    if (*fate != Fate::done) return Error{Cause::fenced, "parking a record was not done"};
    parking_->place = parking_->commit->landed().front();
    parking_->commit.reset();
    if (parked_) parked_->emplace(Place{poison->shard, poison->position}, parking_->place);
  }
  BONAFIDE_ASSIGN(const Position synced, parts_.log.synced(parking_->place.first));
  if (synced < parking_->place.second) return false;
  deliveries.erase(poison);
  parking_.reset();
  return true;
}

/// A record may have been parked before a crash, and come again because the sink's progress lies before it.
Status SinkWorker::know_parked() {
  if (parked_) return Ok{};
  std::map<Place, Place> known;
  BONAFIDE_ASSIGN(const auto shards, parts_.log.shards(plan_.parked));
  for (const auto& shard : shards) {
    BONAFIDE_ASSIGN(const auto reader, parts_.log.written_reader(shard.id, {}));
    for (;;) {
      BONAFIDE_ASSIGN(const auto deliveries, read_on(*reader));
      if (deliveries.empty()) break;
      for (const auto& delivery : deliveries) {
        const auto parked = ParkedRecord::decode(delivery.record.value.view());
        if (!parked.ok() || parked->step != plan_.name) continue;
        known.emplace(Place{parked->shard, parked->position}, Place{delivery.shard, delivery.position});
      }
    }
  }
  parked_ = std::move(known);
  return Ok{};
}

/// Lazily: the sink's own progress is what counts; the group's lets the log forget, and shows the backlog.
Status SinkWorker::commit_progress(bool drain) {
  if (progress_) {
    const auto fate = progress_->poll();
    if (!fate) return Ok{};
    progress_.reset();
    if (*fate != Fate::done) return {Cause::fenced, "a commit of progress was not done"};
    for (const auto& [shard, upto] : progress_upto_) committed_[shard] = upto;
  }
  const Time now = parts_.clock.steady();
  if (now < progress_due_ && !drain) return Ok{};
  progress_due_ = now + options_.progress_every;
  may_have_moved_ = false;
  progress_upto_.clear();
  for (const auto& [shard, committed] : committed_) {
    BONAFIDE_ASSIGN(const Position applied, plan_.sink->applied(shard));
    if (applied > committed) progress_upto_[shard] = applied;
  }
  drained_ = drain && progress_upto_.empty();
  if (progress_upto_.empty()) return Ok{};
  auto transaction = session_->begin();
  for (const auto& [shard, upto] : progress_upto_) transaction->consumed(shard, upto);
  progress_ = transaction->commit();
  return Ok{};
}

}  // namespace bonafide::flow
