#include "sim/meddler.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "flow/contract/forwarding_log.hpp"

namespace bonafide::sim {

using flow::Answers;
using flow::Commit;
using flow::Delivery;
using flow::Entry;
using flow::Fate;
using flow::Join;
using flow::Position;
using flow::Session;
using flow::ShardId;
using flow::Transaction;
using Landed = flow::Inlet::Landed;

namespace {

/// More members than a group ever needs before one of them holds a certain shard.
constexpr int most_intruders = 64;

/// As another process would join.
Join of_another(Join join) {
  join.wake = nullptr;
  return join;
}

}  // namespace

void Meddler::arm(Fault fault, int times) {
  switch (fault) {
    case Fault::commit_lost:
    case Fault::commit_unanswered:
    case Fault::fenced:
    case Fault::rebalance:
      armed_[fault] = 1;
      break;
    case Fault::slow_answers:
    case Fault::no_answers:
    case Fault::refused_apply:
      if (times > 0) armed_[fault] = times;
      break;
    default:
      break;
  }
}

void Meddler::disarm() { armed_.clear(); }

void Meddler::happens(Fault fault) {
  if (const auto left = armed_.find(fault); --left->second == 0) armed_.erase(left);
  fired(fault);
}

bool Meddler::strikes(Fault fault) {
  if (!armed(fault)) return false;
  happens(fault);
  return true;
}

/// What the parts of one wrapped log share.
struct Meddler::Behind {
  Meddler& meddler;
  flow::Log& log;
  struct Intruder {
    std::string group;
    std::unique_ptr<Session> session;
  };
  std::vector<Intruder> intruders;  ///< whoever fenced a worker, and has not left yet

  [[nodiscard]] bool mutated(Mutation mutation) const { return meddler.mutation_ == mutation; }

  /// Others join until one of `shards` is theirs: newcomers share, each gets a part. With one shard less
  /// than it has read a session can commit nothing of what it has read.
  bool intrude(const Join& join, const std::set<ShardId>& shards) {
    for (int i = 0; i < most_intruders && !shards.empty(); ++i) {
      auto session = log.join(of_another(join));
      if (!session.ok()) break;
      const auto gained = (*session)->gained();
      intruders.push_back({join.group, std::move(*session)});
      for (const auto& shard : gained) {
        if (shards.contains(shard)) return true;
      }
    }
    intruders_leave(join.group);
    return false;
  }
  void intruders_leave(const std::string& group) {
    std::erase_if(intruders, [&](const Intruder& intruder) { return intruder.group == group; });
  }
};

class Meddler::MeddledCommit final : public Commit {
 public:
  /// What a mutation needs to know of the transaction.
  struct Facts {
    std::vector<Entry> entries;           ///< where they are to land though they are fenced
    Landed made_up;                       ///< as many as entries, all before the first record
    std::shared_ptr<bool> session_fenced; /**< an earlier commit of the session was */
  };

  /// `inner` is null where the log has not heard of the commit; `told`: whatever comes of it.
  MeddledCommit(std::shared_ptr<Behind> behind, std::unique_ptr<Commit> inner, std::optional<Fate> told,
                Facts facts)
      : behind_(std::move(behind)), inner_(std::move(inner)), told_(told), facts_(std::move(facts)) {}

  std::optional<Fate> poll() override {
    if (fate_) return fate_;
    if (landing_) return land();
    const bool kept = behind_->mutated(Mutation::kept_session);
    if (told_ && !kept) return fate_ = told_;
    auto fate = inner_ ? inner_->poll() : std::optional(Fate::not_done);
    if (!fate) return fate;
    if (kept && *fate != Fate::done) {
      landed_ = std::move(facts_.made_up);
      return fate_ = Fate::done;
    }
    if (behind_->mutated(Mutation::fencing_off)) {
      if (*fate == Fate::fenced) *facts_.session_fenced = true;
      if (*facts_.session_fenced && (*fate == Fate::fenced || *fate == Fate::not_done)) {
        append_all_the_same();
        return land();
      }
    }
    return fate_ = fate;
  }
  [[nodiscard]] const Landed& landed() const override {
    return landed_ || !inner_ ? own() : inner_->landed();
  }

 private:
  [[nodiscard]] const Landed& own() const {
    static const Landed nowhere;
    return landed_ ? *landed_ : nowhere;
  }
  void append_all_the_same() {
    landing_ = std::make_shared<std::optional<Result<Landed>>>();
    if (facts_.entries.empty()) {
      *landing_ = Landed();
      return;
    }
    behind_->log.inlet().append(std::move(facts_.entries), [landing = landing_](Result<Landed> landed) {
      *landing = std::move(landed);
    });
  }
  /// Where they are is known once they are synced; nobody can be told before.
  std::optional<Fate> land() {
    if (!*landing_) return std::nullopt;
    if (!(*landing_)->ok()) return fate_ = Fate::unknown;
    landed_ = std::move(**landing_).value();
    return fate_ = Fate::done;
  }

  std::shared_ptr<Behind> behind_;
  std::unique_ptr<Commit> inner_;
  std::optional<Fate> told_, fate_;
  Facts facts_;
  std::shared_ptr<std::optional<Result<Landed>>> landing_;
  std::optional<Landed> landed_;  ///< where that is not what the inner commit says
};

/// Takes the first record of each shard that a session takes over from somebody who was not at its beginning.
class Meddler::Resumption {
 public:
  void gained(const ShardId& shard) {
    if (early_.erase(shard) == 0) begin(shard);
  }
  void lost(const ShardId& shard) {
    known_.erase(shard);
    first_.erase(shard);
    early_.erase(shard);
  }
  void sought(const ShardId& shard, Position position) {
    if (known_.insert(shard).second) early_.insert(shard);
    first_[shard] = position;
  }
  void swallow(Session& session, std::vector<Delivery>& deliveries) {
    std::erase_if(deliveries, [&](const Delivery& delivery) {
      if (!known_.contains(delivery.shard)) {  // gained by this very read, and said after it
        early_.insert(delivery.shard);
        begin(delivery.shard);
      }
      const auto first = first_.find(delivery.shard);
      if (first == first_.end()) return false;
      const Position from = first->second ? *first->second : session.committed(delivery.shard);
      first_.erase(first);
      return from > Position{};
    });
  }

 private:
  void begin(const ShardId& shard) {
    known_.insert(shard);
    first_[shard] = std::nullopt;
  }

  std::set<ShardId> known_, early_;                   ///< held; met before the session was told of it
  std::map<ShardId, std::optional<Position>> first_;  ///< its first record comes next, after this; or after
                                                      ///< what is committed
};

class Meddler::MeddledSession final : public Session {
 public:
  MeddledSession(std::shared_ptr<Behind> behind, Join join, std::unique_ptr<Session> inner)
      : behind_(std::move(behind)), join_(std::move(join)), inner_(std::move(inner)) {}

  Result<std::vector<Delivery>> read(flow::Lane lane, size_t max_records, size_t max_bytes) override {
    behind_->intruders_leave(join_.group);
    come_and_go();
    for (;;) {
      auto out = inner_->read(lane, max_records, max_bytes);
      if (!behind_->mutated(Mutation::resume_too_far) || !out.ok() || out->empty()) return out;
      resumption_.swallow(*inner_, *out);
      if (!out->empty()) return out;  // else whoever reads would take it that there is nothing more
    }
  }
  std::vector<ShardId> gained() override {
    auto shards = inner_->gained();
    for (const auto& shard : shards) resumption_.gained(shard);
    return shards;
  }
  std::vector<ShardId> lost() override {
    auto shards = inner_->lost();
    for (const auto& shard : shards) resumption_.lost(shard);
    return shards;
  }
  Position committed(const ShardId& shard) override { return inner_->committed(shard); }
  Status seek(const ShardId& shard, Position position) override {
    BONAFIDE_TRY(inner_->seek(shard, position));
    resumption_.sought(shard, position);
    return Ok{};
  }
  std::unique_ptr<Transaction> begin() override;

  std::unique_ptr<Commit> commit(Transaction& inner, const std::set<ShardId>& consumed,
                                 MeddledCommit::Facts facts) {
    Meddler& meddler = behind_->meddler;
    facts.session_fenced = fenced_;
    const auto made = [&](std::unique_ptr<Commit> commit, std::optional<Fate> told) {
      return std::make_unique<MeddledCommit>(behind_, std::move(commit), told, std::move(facts));
    };
    // What follows a commit that was not done must not be done either; but a kept session goes on.
    if (lost_one_ && !behind_->mutated(Mutation::kept_session)) return made(nullptr, Fate::not_done);
    if (meddler.strikes(Fault::commit_lost)) {
      lost_one_ = true;
      return made(nullptr, Fate::unknown);
    }
    if (meddler.strikes(Fault::commit_unanswered)) return made(inner.commit(), Fate::unknown);
    if (meddler.armed(Fault::fenced) && behind_->intrude(join_, consumed)) meddler.happens(Fault::fenced);
    auto out = made(inner.commit(), std::nullopt);
    if (behind_->mutated(Mutation::fencing_off)) (void)out->poll();  // lands now, as it would have
    return out;
  }

 private:
  void come_and_go() {
    if (!behind_->meddler.armed(Fault::rebalance)) return;
    const auto other = behind_->log.join(of_another(join_));
    if (other.ok()) behind_->meddler.happens(Fault::rebalance);
  }

  std::shared_ptr<Behind> behind_;
  Join join_;
  std::unique_ptr<Session> inner_;
  std::shared_ptr<bool> fenced_ = std::make_shared<bool>(false);
  bool lost_one_ = false;
  Resumption resumption_;
};

class Meddler::MeddledTransaction final : public Transaction {
 public:
  MeddledTransaction(MeddledSession& session, const Behind& behind, std::unique_ptr<Transaction> inner)
      : session_(session),
        keeps_entries_(behind.mutated(Mutation::fencing_off)),
        makes_up_(behind.mutated(Mutation::kept_session)),
        inner_(std::move(inner)) {}
  void append(Entry entry) override {
    if (keeps_entries_) facts_.entries.push_back(entry);
    if (makes_up_) facts_.made_up.emplace_back(ShardId{entry.topic, entry.lane, 0}, Position{});
    inner_->append(std::move(entry));
  }
  void consumed(const ShardId& shard, Position position) override {
    consumed_.insert(shard);
    inner_->consumed(shard, position);
  }
  std::unique_ptr<Commit> commit() override { return session_.commit(*inner_, consumed_, std::move(facts_)); }

 private:
  MeddledSession& session_;
  bool keeps_entries_, makes_up_;
  std::unique_ptr<Transaction> inner_;
  std::set<ShardId> consumed_;
  MeddledCommit::Facts facts_;
};

std::unique_ptr<Transaction> Meddler::MeddledSession::begin() {
  return std::make_unique<MeddledTransaction>(*this, *behind_, inner_->begin());
}

/// Says that everything is synced before it is.
class Meddler::MeddledInlet final : public flow::Inlet {
 public:
  explicit MeddledInlet(flow::Log& log) : log_(log) {}
  Admission admit(size_t bytes) override { return log_.inlet().admit(bytes); }
  void append(std::vector<Entry> entries, std::function<void(Result<Landed>)> when_synced) override {
    std::vector<std::pair<std::string, flow::Lane>> places;
    places.reserve(entries.size());
    for (const auto& entry : entries) places.emplace_back(entry.topic, entry.lane);
    const auto answer = std::make_shared<std::optional<Result<Landed>>>();
    log_.inlet().append(std::move(entries), [answer](Result<Landed> landed) { *answer = std::move(landed); });
    // What is refused at once never comes, and no front door would take it for synced.
    when_synced(*answer ? std::move(**answer) : plausible(places));
  }

 private:
  /// The newest record of the first open shard: about there it is.
  Landed plausible(const std::vector<std::pair<std::string, flow::Lane>>& places) {
    Landed out;
    for (const auto& [topic, lane] : places) {
      std::pair<ShardId, Position> place{{topic, lane, 0}, {}};
      if (const auto shards = log_.shards(topic); shards.ok()) {
        for (const auto& shard : *shards) {
          if (shard.id.lane != lane || shard.ended) continue;
          place.first = shard.id;
          break;
        }
      }
      if (const auto written = log_.written(place.first); written.ok()) place.second = *written;
      out.push_back(std::move(place));
    }
    return out;
  }

  flow::Log& log_;
};

class Meddler::MeddledLog final : public flow::contract::ForwardingLog {
 public:
  MeddledLog(Meddler& meddler, flow::Log& log)
      : ForwardingLog(log), behind_(std::make_shared<Behind>(Behind{meddler, log, {}})), early_(log) {}
  flow::Inlet& inlet() override {
    return behind_->mutated(Mutation::early_ack) ? static_cast<flow::Inlet&>(early_) : ForwardingLog::inlet();
  }
  Result<std::unique_ptr<Session>> join(const Join& join) override {
    behind_->intruders_leave(join.group);
    BONAFIDE_ASSIGN(auto session, ForwardingLog::join(join));
    return std::unique_ptr<Session>(std::make_unique<MeddledSession>(behind_, join, std::move(session)));
  }

 private:
  std::shared_ptr<Behind> behind_;
  MeddledInlet early_;
};

/// The asks of one state that have not been answered.
struct Meddler::HeldAnswers {
  struct Ask {
    std::vector<std::string> keys;
    Time deadline;
    std::function<void(Answers)> then;
  };
  flow::State& state;
  std::vector<Ask> asks;

  void give(Time now) {
    std::vector<Ask> due;
    std::erase_if(asks, [&](Ask& ask) {
      if (now <= ask.deadline) return false;
      due.push_back(std::move(ask));
      return true;
    });
    for (auto& ask : due) {
      // The question has reached the store, too late for its answer.
      state.ask(ask.keys, ask.deadline, [](const Answers&) {});
      ask.then(Answers(ask.keys.size()));
    }
  }
};

class Meddler::MeddledState final : public flow::State {
 public:
  MeddledState(Meddler& meddler, flow::State& state)
      : meddler_(meddler), state_(state), held_(std::make_shared<HeldAnswers>(HeldAnswers{state, {}})) {
    meddler_.states_.push_back(held_);
  }
  void ask(std::span<const std::string> keys, Time deadline, std::function<void(Answers)> then) override {
    if (meddler_.strikes(Fault::slow_answers)) {
      held_->asks.push_back({{keys.begin(), keys.end()}, deadline, std::move(then)});
    } else if (meddler_.strikes(Fault::no_answers)) {
      then(Answers(keys.size()));
    } else {
      state_.ask(keys, deadline, std::move(then));
    }
  }
  Result<flow::Applied> apply(const flow::Stretch& stretch, std::span<const flow::Delta> deltas) override {
    if (meddler_.strikes(Fault::refused_apply))
      return {Cause::exhausted, "the history takes nothing just now"};
    return state_.apply(stretch, deltas);
  }
  Result<Position> applied(const ShardId& shard) override { return state_.applied(shard); }
  Result<Position> durable(const ShardId& shard) override { return state_.durable(shard); }

 private:
  Meddler& meddler_;
  flow::State& state_;
  std::shared_ptr<HeldAnswers> held_;
};

std::unique_ptr<flow::Log> Meddler::around(flow::Log& log) {
  return std::make_unique<MeddledLog>(*this, log);
}

std::unique_ptr<flow::State> Meddler::around(flow::State& state) {
  return std::make_unique<MeddledState>(*this, state);
}

void Meddler::give_answers() {
  std::erase_if(states_, [](const auto& state) { return state.expired(); });
  const auto states = states_;  // whoever is answered may ask again
  for (const auto& weak : states) {
    if (const auto state = weak.lock()) state->give(clock_.steady());
  }
}

}  // namespace bonafide::sim
