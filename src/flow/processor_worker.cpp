#include "flow/processor_worker.hpp"

#include <algorithm>

#include "flow/parked.hpp"

namespace bonafide::flow {

namespace {
/// After the deadline a state must have answered; one that has not is given up on after this.
constexpr Duration grace = Duration::seconds(1);
constexpr Duration commit_poll = Duration::millis(1);

std::vector<std::string> inputs_of(const ProcessorPlan& plan) {
  std::vector<std::string> topics;
  topics.reserve(plan.chains.size());
  for (const auto& chain : plan.chains) topics.push_back(chain.from);
  return topics;
}
}  // namespace

ProcessorWorker::ProcessorWorker(ProcessorPlan plan, WorkerParts parts, WorkerOptions options)
    : Worker(plan.name, {plan.group, inputs_of(plan), Visibility::written, nullptr}, parts, options),
      plan_(std::move(plan)),
      not_folded_(
          parts.metrics.counter("bonafide_history_not_folded_total",
                                "Outputs whose observations could not be read when a history was rebuilt",
                                {{"step", plan_.name}})) {
  for (const auto& chain : plan_.chains) {
    auto& metrics = metrics_.emplace_back();
    for (const auto& step : chain.steps) metrics.emplace_back(parts_.metrics, step.name);
  }
}

ProcessorWorker::~ProcessorWorker() = default;

Status ProcessorWorker::joined() { return notice_shards(); }

void ProcessorWorker::left() {
  waiting_.clear();
  batch_.reset();
  mailbox_.reset();
  flights_.clear();
  catching_up_.clear();
  followers_.clear();
}

Time ProcessorWorker::work_due() const {
  const Time now = parts_.clock.steady();
  if (!catching_up_.empty() && !batch_ && flights_.empty()) return now;
  if (!flights_.empty()) return now + commit_poll;
  if (mailbox_) return ask_deadline_ + grace;
  return nothing_to_read_ ? Time{INT64_MAX} : now;
}

Result<Progress> ProcessorWorker::work() {
  BONAFIDE_TRY(notice_shards());
  // What is under way is counted into the state, or lies over it, before outputs of others come in.
  if (!catching_up_.empty() && !batch_ && flights_.empty()) return catch_up();
  // While a question is under way the state must not change: its answers could hold a commit's deltas or not.
  bool worked = false;
  if (!mailbox_) {
    BONAFIDE_ASSIGN(worked, settle_commits());
  }
  BONAFIDE_ASSIGN(const Progress progress, go_on());
  if (progress == Progress::idle && !worked && finished()) health_.idle(parts_.clock.steady());
  return worked ? Progress::worked : progress;
}

/// Lost shards void the batch that holds them; gained ones come with outputs of their former holder.
Status ProcessorWorker::notice_shards() {
  for (const auto& shard : session_->lost()) {
    const auto of_shard = [&](const Delivery& delivery) { return delivery.shard == shard; };
    if (std::ranges::any_of(waiting_, of_shard) ||
        (batch_ && std::ranges::any_of(batch_->deliveries(), of_shard))) {
      return {Cause::fenced, shard.text() + " was lost while its records were being processed"};
    }
  }
  const auto gained = session_->gained();
  return gained.empty() ? Status(Ok{}) : begin_catch_up(gained);
}

namespace {

/// Has each shard of `from` its own in `to`, of the same lane and number? The key is kept, so its outputs are
/// there alone.
bool side_by_side(const std::vector<Shard>& from, const std::vector<Shard>& to) {
  const auto as_made = [](const Shard& shard) { return !shard.ended && shard.parents.empty(); };
  return from.size() == to.size() && std::ranges::all_of(from, as_made) && std::ranges::all_of(to, as_made);
}

}  // namespace

/// The state is brought up to what is written by now before anything is asked of a gained shard. The outputs
/// of its former holder are in the shard beside it; where the topics differ, or shards have ended, they may
/// be in any.
Status ProcessorWorker::begin_catch_up(const std::vector<ShardId>& gained) {
  if (plan_.state == nullptr) return Ok{};
  BONAFIDE_ASSIGN(const auto outputs, parts_.log.shards(plan_.to));
  bool own = true;
  for (const auto& chain : plan_.chains) {
    BONAFIDE_ASSIGN(const auto inputs, parts_.log.shards(chain.from));
    own &= side_by_side(inputs, outputs);
  }
  for (const auto& shard : outputs) {
    const auto beside = [&](const ShardId& input) {
      return input.lane == shard.id.lane && input.number == shard.id.number;
    };
    if (own && std::ranges::none_of(gained, beside)) continue;
    BONAFIDE_ASSIGN(const Position written, parts_.log.written(shard.id));
    catching_up_.push_back({shard.id, written});
  }
  return Ok{};
}

Result<Progress> ProcessorWorker::catch_up() {
  health_.working(Doing::catching_up, name());
  Known none;
  BONAFIDE_ASSIGN(const bool there, follow(catching_up_.front().shard, catching_up_.front().upto, none));
  if (there) catching_up_.pop_front();
  return Progress::worked;
}

/// One stretch of an output shard into the state, not past `upto`; true once all of it is there. The state
/// takes each record of the shard once, whoever wrote it and whoever brings it: so several workers may write
/// into one shard, and may share a state. (What one of them has not settled yet may then, for a moment, be in
/// the state and over its answers: evidence across shards is as read.)
Result<bool> ProcessorWorker::follow(const ShardId& shard, Position upto, Known& known) {
  BONAFIDE_ASSIGN(Follower* const at, follower(shard));
  if (at->applied >= upto) return true;
  if (at->ahead.empty()) {
    BONAFIDE_ASSIGN(auto some, read_on(*at->reader));
    std::ranges::move(some, std::back_inserter(at->ahead));
  }
  std::vector<Delta> deltas;
  size_t taken = 0;
  for (; taken < at->ahead.size() && at->ahead[taken].position <= upto; ++taken) {
    if (const auto own = known.find(at->ahead[taken].position); own != known.end()) {
      std::ranges::move(own->second, std::back_inserter(deltas));
    } else {
      fold(at->ahead[taken], deltas);
    }
  }
  // Nothing more up to there: the rest is damaged, or removed.
  const Position end = taken == 0 ? upto : at->ahead[taken - 1].position;
  const auto applied = plan_.state->apply({shard, at->applied, end}, deltas);
  if (!applied.ok()) {
    known.clear();  // what was taken out of it is derived again
    if (applied.error().cause != Cause::conflict) return applied.error();
    BONAFIDE_ASSIGN(const Position now, plan_.state->applied(shard));
    if (now == at->applied) return applied.error();
    followers_.erase(shard);  // another worker has brought some of it: on from where the state is
    return false;
  }
  at->applied = end;
  at->ahead.erase(at->ahead.begin(), at->ahead.begin() + static_cast<long>(taken));
  return end >= upto;
}

Result<ProcessorWorker::Follower*> ProcessorWorker::follower(const ShardId& shard) {
  if (const auto known = followers_.find(shard); known != followers_.end()) return &known->second;
  Follower fresh;
  BONAFIDE_ASSIGN(fresh.applied, plan_.state->applied(shard));
  BONAFIDE_ASSIGN(fresh.reader, parts_.log.written_reader(shard, fresh.applied));
  return &followers_.emplace(shard, std::move(fresh)).first->second;
}

void ProcessorWorker::fold(const Delivery& delivery, std::vector<Delta>& deltas) {
  auto some = [&]() -> Result<std::vector<Delta>> {
    try {
      return plan_.fold->deltas(delivery.record);
    } catch (const std::exception& e) {
      return {Cause::internal, std::string("exception: ") + e.what()};
    }
  }();
  if (some.ok()) {
    std::ranges::move(*some, std::back_inserter(deltas));
    return;
  }
  not_folded_.add();
  parts_.logger.error("history.not_folded",
                      {{"worker", name_}, {"shard", delivery.shard.text()}, {"error", some.error().message}});
}

/// Commits settle in order; the deltas of each go to the state before the next one's.
Result<bool> ProcessorWorker::settle_commits() {
  bool worked = false;
  while (!flights_.empty()) {
    auto& flight = flights_.front();
    const auto fate = flight.commit->poll();
    if (!fate) {
      if (!batch_) health_.working(Doing::committing, name());
      break;
    }
    if (*fate != Fate::done) {
      return Error{Cause::fenced,
                   *fate == Fate::unknown ? "the fate of a commit is unknown" : "a commit was not done"};
    }
    BONAFIDE_TRY(apply(flight));
    const Time now = parts_.clock.now();
    auto& metrics = metrics_[flight.chain];
    for (size_t i = 0; i < metrics.size(); ++i) {
      metrics[i].processed.add(flight.counts[i].received);
      metrics[i].emitted.add(flight.counts[i].emitted);
      metrics[i].dropped.add(flight.counts[i].dropped);
      metrics[i].parked.add(flight.counts[i].parked);
    }
    for (const Time timestamp : flight.timestamps) metrics.back().lag_out.observe(now - timestamp);
    flights_.pop_front();
    worked = true;
  }
  return worked;
}

/// Each output shard up to where this commit's last output in it landed. Where the state refuses some of it,
/// the call may be repeated.
Status ProcessorWorker::apply(Flight& flight) {
  if (plan_.state == nullptr) return Ok{};
  if (!flight.landed) {
    auto& by_shard = flight.landed.emplace();
    const auto& landed = flight.commit->landed();
    for (size_t i = 0; i < flight.deltas.size() && i < landed.size(); ++i) {
      auto& part = by_shard[landed[i].first];
      part.upto = std::max(part.upto, landed[i].second);
      part.known.emplace(landed[i].second, std::move(flight.deltas[i]));
    }
  }
  for (auto& [shard, part] : *flight.landed) {
    for (;;) {
      BONAFIDE_ASSIGN(const bool there, follow(shard, part.upto, part.known));
      if (there) break;
    }
  }
  return Ok{};
}

Result<Progress> ProcessorWorker::go_on() {
  if (!batch_) {
    if (!takes_more()) waiting_.clear();  // the session ends: who comes next reads them again
    if (!takes_more() || !catching_up_.empty() || flights_.size() >= options_.max_commits)
      return Progress::idle;
    if (waiting_.empty()) {
      BONAFIDE_ASSIGN(waiting_, read());
      if (waiting_.empty()) return Progress::idle;
      BONAFIDE_TRY(notice_shards());  // gained just now: its records wait until its history is there
      if (!catching_up_.empty()) return Progress::worked;
    }
    begin_batch();
  }
  if (!run_batch()) return Progress::idle;
  const size_t records = batch_->deliveries().size();
  commit_batch();
  took(parts_.clock.steady() - batch_began_, records);
  return Progress::worked;
}

size_t ProcessorWorker::chain_of(const ShardId& shard) const {
  const auto found = std::ranges::find(plan_.chains, shard.topic, &Chain::from);
  return static_cast<size_t>(found - plan_.chains.begin());
}

/// Of what waits, all that goes through the first one's chain; the rest is the next batch.
void ProcessorWorker::begin_batch() {
  batch_began_ = parts_.clock.steady();
  chain_ = chain_of(waiting_.front().shard);
  const auto others = std::ranges::stable_partition(
      waiting_, [&](const Delivery& delivery) { return chain_of(delivery.shard) == chain_; });
  std::vector<Delivery> deliveries(std::make_move_iterator(waiting_.begin()),
                                   std::make_move_iterator(others.begin()));
  waiting_.erase(waiting_.begin(), others.begin());
  std::vector<const std::vector<Delta>*> before;
  for (const auto& flight : flights_) {
    for (const auto& deltas : flight.deltas) before.push_back(&deltas);
  }
  const size_t most = parts_.log.traits().max_record_bytes;
  batch_.emplace(plan_.chains[chain_].steps, std::move(deliveries), parts_.clock.now(),
                 Batch::Limits{most - std::min(most, ParkedRecord::overhead_bytes)}, std::move(before));
  batch_->on_step([this](size_t step) { note_lag(step); });
}

void ProcessorWorker::note_lag(size_t step) {
  health_.working(Doing::processing, plan_.chains[chain_].steps[step].name.c_str());
  const Time now = parts_.clock.now();
  const auto& metrics = metrics_[chain_][step];
  metrics.received.add(batch_->deliveries().size());
  for (const auto& delivery : batch_->deliveries()) metrics.lag_in.observe(now - delivery.record.timestamp);
}

bool ProcessorWorker::run_batch() {
  for (;;) {
    if (mailbox_) {
      if (!answers_arrived()) return false;
    }
    const auto* keys = batch_->run();
    if (keys == nullptr) return true;
    if (plan_.state == nullptr) {
      batch_->answer(Answers(keys->size()));
      continue;
    }
    health_.working(Doing::asking, health_.who());
    mailbox_ = std::make_shared<Mailbox>();
    ask_deadline_ = parts_.clock.steady() + options_.ask_deadline;
    plan_.state->ask(*keys, ask_deadline_, [box = mailbox_, wake = &parts_.wake](Answers answers) {
      {
        const std::lock_guard lock(box->mutex);
        box->answers = std::move(answers);
      }
      wake->wake();
    });
  }
}

bool ProcessorWorker::answers_arrived() {
  std::optional<Answers> answers;
  {
    const std::lock_guard lock(mailbox_->mutex);
    answers = std::move(mailbox_->answers);
  }
  if (!answers && parts_.clock.steady() <= ask_deadline_ + grace) return false;
  mailbox_.reset();
  batch_->answer(std::move(answers).value_or(Answers()));
  return true;
}

/// Outputs first, so that they land in the order of their deltas; then the parked records, and the progress.
void ProcessorWorker::commit_batch() {
  health_.working(Doing::committing, name());
  Flight flight;
  flight.chain = chain_;
  auto transaction = session_->begin();
  const auto encoded = std::make_shared<const std::string>(batch_->take_encoded());
  const SharedBytes all(encoded);
  const auto& deliveries = batch_->deliveries();
  auto& outcomes = batch_->outcomes();
  for (size_t i = 0; i < deliveries.size(); ++i) {
    const auto& in = deliveries[i].record;
    for (auto& out : outcomes[i].outputs) {
      Entry entry{plan_.to, deliveries[i].shard.lane, in};
      entry.record.value = all.part(out.at, out.size);
      entry.record.payload = std::move(out.payload);
      transaction->append(std::move(entry));
      flight.deltas.emplace_back();
    }
    // What a record observed goes with the last of its outputs.
    if (!outcomes[i].outputs.empty()) flight.deltas.back() = std::move(outcomes[i].deltas);
    flight.timestamps.push_back(in.timestamp);
  }
  for (size_t i = 0; i < deliveries.size(); ++i) {
    transaction->consumed(deliveries[i].shard, deliveries[i].position);
    if (!outcomes[i].failure) continue;
    const auto& [step, error] = *outcomes[i].failure;
    transaction->append(
        parked_entry(plan_.parked, plan_.chains[chain_].steps[step].name, deliveries[i], error));
  }
  flight.counts = batch_->counts();
  flight.commit = transaction->commit();
  flights_.push_back(std::move(flight));
  batch_.reset();
}

}  // namespace bonafide::flow
