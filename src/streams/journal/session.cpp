#include "streams/journal/session.hpp"

#include <algorithm>

namespace bonafide::streams::journal {

using flow::Delivery;
using flow::Fate;
using flow::Position;
using flow::ShardId;

namespace {

/// Read and not committed records whose offsets a session remembers; of older ones the disk is asked.
constexpr size_t most_remembered = 100'000;

class SettledCommit final : public flow::Commit {
 public:
  SettledCommit(Fate fate, Landed landed) : fate_(fate), landed_(std::move(landed)) {}
  std::optional<Fate> poll() override { return fate_; }
  [[nodiscard]] const Landed& landed() const override { return landed_; }

 private:
  Fate fate_;
  Landed landed_;
};

/// Settles at once: the frame is in the journal's buffer and visible as written; it is synced with the next
/// sync.
class JournalTransaction final : public flow::Transaction {
 public:
  JournalTransaction(std::shared_ptr<Core> core, std::shared_ptr<Member> member, JournalSession& session)
      : core_(std::move(core)), member_(std::move(member)), session_(session) {}

  void append(flow::Entry entry) override { entries_.push_back(std::move(entry)); }
  void consumed(const ShardId& shard, Position position) override {
    for (auto& [known, upto] : consumed_) {
      if (known != shard) continue;
      upto = std::max(upto, position);
      return;
    }
    consumed_.emplace_back(shard, position);
  }
  std::unique_ptr<flow::Commit> commit() override {
    auto [fate, landed] = land();
    session_.settled(fate);
    return std::make_unique<SettledCommit>(fate, std::move(landed));
  }

 private:
  std::pair<Fate, Landed> land() {
    if (session_.refuses_commits()) return {Fate::fenced, {}};
    std::vector<Core::Consumed> progress;
    for (const auto& [shard, position] : consumed_) {
      const auto done = session_.consumed(shard, position);
      if (!done.ok()) return {done.error().cause == Cause::fenced ? Fate::fenced : Fate::not_done, {}};
      progress.push_back(*done);
    }
    return core_->commit(*member_, std::move(entries_), progress);
  }

  std::shared_ptr<Core> core_;
  std::shared_ptr<Member> member_;
  JournalSession& session_;
  std::vector<flow::Entry> entries_;
  std::vector<std::pair<ShardId, Position>> consumed_;
};

/// Damage is logged and counted where it is met, whatever the reader makes of it.
void tell_damage(Core& core, const Error& error) {
  if (error.cause != Cause::damaged) return;
  core.metrics.damages.add();
  core.outside.logger.error("journal.damage", {{"what", error.message}});
}

/// Its parents, theirs, and so on.
std::vector<ShardKey> forebears_of(const Tables::Topic& topic, ShardKey shard) {
  std::vector<ShardKey> out;
  for (const uint16_t parent : topic.parents(shard.shard)) out.push_back({shard.topic, parent, shard.lane});
  for (size_t i = 0; i < out.size(); ++i) {
    for (const uint16_t parent : topic.parents(out[i].shard)) {
      const ShardKey key{shard.topic, parent, shard.lane};
      if (std::ranges::find(out, key) == out.end()) out.push_back(key);
    }
  }
  return out;
}

Error fenced_error(const Member& member) {
  return {Cause::fenced, member.join.group + ": this session's shards were taken from it; join again"};
}

}  // namespace

Result<std::unique_ptr<flow::Session>> JournalSession::join(const std::shared_ptr<Core>& core,
                                                            const flow::Join& join) {
  if (join.topics.empty()) return {Cause::invalid, "the group " + join.group + " must name a topic to join"};
  auto member = std::make_shared<Member>();
  member->join = join;
  const std::lock_guard lock(core->mutex);
  if (core->failed) return core->failed->in("the journal takes no sessions");
  for (const auto& topic : join.topics) {
    BONAFIDE_ASSIGN(const uint16_t number, core->topic_number(topic));
    member->topics.push_back(number);
  }
  std::ranges::sort(member->topics);
  BONAFIDE_ASSIGN(member->group, core->group_number(join.group));
  std::vector<Definition> fresh;
  const auto& known = core->tables.groups().at(member->group).topics;
  for (const uint16_t topic : member->topics) {
    if (!std::ranges::binary_search(known, topic)) {
      fresh.push_back({DefinitionKind::member, flow::Lane::live, member->group, topic, 0, 0, 0, ""});
    }
  }
  if (!fresh.empty()) core->append_control(FrameKind::control, std::move(fresh), {});
  core->enter(member);
  return std::unique_ptr<flow::Session>(new JournalSession(core, std::move(member)));
}

JournalSession::~JournalSession() {
  const std::lock_guard lock(core_->mutex);
  core_->leave(member_);
}

Status JournalSession::follow_group() {
  const std::lock_guard lock(core_->mutex);
  member_->hungry = true;
  if (member_->fenced) return fenced_error(*member_);
  if (core_->failed) return *core_->failed;
  // A sink writes to the journal no more than its progress.
  waits_for_room_ = core_->all_but_full && member_->join.visibility == flow::Visibility::written;
  std::erase_if(held_, [&](const auto& held) {
    const auto now = member_->held.find(held.first);
    return now == member_->held.end() || now->second != held.second.serial;
  });
  for (const auto& [shard, serial] : member_->held) {
    if (held_.contains(shard)) continue;
    const uint64_t next = core_->tables.progress(member_->group, shard).next_offset;
    held_.emplace(shard, Held{serial,
                              Cursor(core_, shard, core_->shard_id(shard), next),
                              {},
                              forebears_of(core_->tables.topics().at(shard.topic), shard),
                              {}});
  }
  note_ends();
  return Ok{};
}

/// With the lock held. Of an ended shard the last records may be damaged, so that no position behind them is
/// ever committed; those that follow it must not wait for that.
void JournalSession::note_ends() {
  std::vector<ProgressEntry> passed;
  for (auto& [shard, held] : held_) {
    if (!core_->tables.topics().at(shard.topic).ended(shard.shard)) continue;
    const auto* state = core_->tables.state(shard);
    held.end = state->next_offset;
    if (!held.at_end() || !held.read.empty()) continue;
    if (core_->tables.progress(member_->group, shard).next_offset >= *held.end) continue;
    passed.push_back({member_->group, shard, state->last, *held.end});
  }
  if (passed.empty()) return;
  core_->append_control(FrameKind::control, {}, passed);
  core_->deal(member_->group);
}

Result<std::vector<Delivery>> JournalSession::read(flow::Lane lane, size_t max_records, size_t max_bytes) {
  BONAFIDE_TRY(follow_group());
  if (waits_for_room_) {
    return {Cause::exhausted, member_->join.group +
                                  ": the disk is all but full, and what this step writes might not fit; free "
                                  "some space"};
  }
  if (error_) {
    Error error = std::move(*error_);
    error_.reset();
    return error;
  }
  std::vector<Delivery> out;
  const auto ends = [this] {
    return std::ranges::count_if(held_, [](const auto& held) { return held.second.at_end(); });
  };
  // The end of a shard that gave nothing lets others begin.
  for (auto before = ends();; before = ends()) {
    BONAFIDE_TRY(read_shards(lane, max_records, max_bytes, out));
    if (!out.empty() || ends() == before) return out;
  }
}

/// Each held shard whose forebears this session is through with: also when it has gone back in one of them,
/// as a sink may.
Status JournalSession::read_shards(flow::Lane lane, size_t max_records, size_t& max_bytes,
                                   std::vector<Delivery>& out) {
  const auto comes_first = [&](ShardKey forebear) {
    const auto held = held_.find(forebear);
    return held != held_.end() && !held->second.at_end();
  };
  std::vector<std::pair<const ShardKey, Held>*> order;
  for (auto& held : held_) {
    if (held.first.lane == lane && std::ranges::none_of(held.second.forebears, comes_first))
      order.push_back(&held);
  }
  if (order.empty()) return Ok{};
  // Begins at another shard each time, so that none waits for the others.
  std::ranges::rotate(order, order.begin() + static_cast<long>(turn_++ % order.size()));
  for (auto* shard : order) {
    Held& held = shard->second;
    std::vector<uint64_t> behind;
    const size_t before = out.size();
    const Status status = held.cursor.read(member_->join.visibility, max_records, max_bytes, out, &behind);
    for (size_t i = 0; i < behind.size(); ++i) held.read.emplace_back(out[before + i].position, behind[i]);
    while (held.read.size() > most_remembered) held.read.pop_front();
    if (status.ok()) continue;
    tell_damage(*core_, status.error());
    if (out.empty()) return status.error();
    error_ = status.error();
    break;
  }
  return Ok{};
}

std::vector<ShardId> JournalSession::gained() {
  const std::lock_guard lock(core_->mutex);
  return std::exchange(member_->gained, {});
}

std::vector<ShardId> JournalSession::lost() {
  const std::lock_guard lock(core_->mutex);
  return std::exchange(member_->lost, {});
}

Position JournalSession::committed(const ShardId& shard) {
  const std::lock_guard lock(core_->mutex);
  const auto key = core_->shard_key(shard);
  return key.ok() ? core_->tables.progress(member_->group, *key).position : Position{};
}

Status JournalSession::seek(const ShardId& shard, Position position) {
  BONAFIDE_TRY(follow_group());
  const auto key = [&] {
    const std::lock_guard lock(core_->mutex);
    return core_->shard_key(shard);
  }();
  const auto held = key.ok() ? held_.find(*key) : held_.end();
  if (held == held_.end()) return {Cause::not_found, shard.text() + " is not held by this session"};
  BONAFIDE_ASSIGN(const uint64_t next, offset_after(core_, *key, position));
  held->second.cursor.seek(next);
  held->second.read.clear();
  return Ok{};
}

Result<Core::Consumed> JournalSession::consumed(const ShardId& shard, Position position) {
  const auto key = [&]() -> Result<ShardKey> {
    const std::lock_guard lock(core_->mutex);
    return core_->shard_key(shard);
  }();
  if (!key.ok()) return fenced_error(*member_);
  if (!held_.contains(*key)) BONAFIDE_TRY(follow_group());  // nothing was read of it yet
  const auto held = held_.find(*key);
  if (held == held_.end()) return fenced_error(*member_);
  Core::Consumed out{*key, position, 0, held->second.serial};
  auto& read = held->second.read;
  bool found = false;
  while (!read.empty() && read.front().first <= position) {
    found = read.front().first == position;
    out.next_offset = read.front().second;
    read.pop_front();
  }
  if (!found) {
    BONAFIDE_ASSIGN(out.next_offset, offset_after(core_, *key, position));
  }
  return out;
}

std::unique_ptr<flow::Transaction> JournalSession::begin() {
  return std::make_unique<JournalTransaction>(core_, member_, *this);
}

Result<std::vector<Delivery>> JournalReader::read(size_t max_records, size_t max_bytes) {
  std::vector<Delivery> out;
  const Status status = cursor_.read(visibility_, max_records, max_bytes, out);
  if (status.ok()) return out;
  tell_damage(*core_, status.error());
  return status.error();
}

}  // namespace bonafide::streams::journal
