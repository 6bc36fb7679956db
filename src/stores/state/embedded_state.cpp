#include "stores/state/embedded_state.hpp"

#include <algorithm>
#include <charconv>

#include "stores/state/rocks.hpp"

namespace bonafide::stores {
namespace {

using flow::History;
using flow::Position;
using flow::ShardId;

// Keys of the store: a letter for the kind, then the name. A record is the newest bucket (for expiry without
// decoding) and the encoded history, which carries its own version.
constexpr char record_kind = 'h', position_kind = 'p';
constexpr const char* format_key = "format";
constexpr const char* format_text = "bonafide-state 1";

std::string key_of(char kind, std::string_view name) {
  std::string key;
  key.reserve(name.size() + 1);
  key += kind;
  key += name;
  return key;
}

int32_t newest_bucket(const History& history) {
  int32_t newest = INT32_MIN;
  for (const auto& field : history.fields()) newest = std::max(newest, field.buckets.back().bucket);
  return newest;
}

std::string encode(const History& history) {
  std::string out;
  append_le(out, newest_bucket(history));
  history.encode(out);
  return out;
}

Result<History> decode(ByteView value) {
  if (value.size() < 4) return {Cause::damaged, "a record of the state store is cut short"};
  return History::decode(value.substr(4));
}

std::string shard_name(const ShardId& shard) {
  std::string name;
  name += static_cast<char>(shard.lane);
  append_be32(name, shard.number);
  return name + shard.topic;
}

Result<ShardId> parse_shard(ByteView name) {
  if (name.size() < 5 || static_cast<uint8_t>(name[0]) > 1)
    return {Cause::damaged, "a shard's name is damaged"};
  return ShardId{std::string(name.substr(5)), static_cast<flow::Lane>(name[0]), load_be32(name.data() + 1)};
}

const std::shared_ptr<History>& nothing_known() {
  static const auto empty = std::make_shared<History>();
  return empty;
}

// Of a record in memory, beside its key and history: map node, control block, allocator.
constexpr size_t entry_overhead = 176;

// Room a checkpoint needs beside its own bytes.
constexpr uint64_t most_rewritten = uint64_t{128} << 20;
constexpr uint64_t room_left = uint64_t{8} << 20;

// Shares of memory_bytes. While a checkpoint is flushed, its records are in RocksDB's memory too, in a form
// that takes about a third of the decoded one.
constexpr size_t cache_share(size_t memory) { return memory / 2; }
constexpr size_t soft_share(size_t memory) { return memory / 5; }
constexpr size_t hard_share(size_t memory) { return memory * 2 / 5; }

}  // namespace

EmbeddedState::EmbeddedState(EmbeddedStateSettings settings, env::Clock& clock)
    : settings_(std::move(settings)), clock_(clock), oldest_kept_(INT32_MIN) {}

EmbeddedState::~EmbeddedState() = default;

Result<std::unique_ptr<EmbeddedState>> EmbeddedState::open(EmbeddedStateSettings settings,
                                                           env::Clock& clock) {
  std::unique_ptr<EmbeddedState> state(new EmbeddedState(std::move(settings), clock));
  Tables::Settings tables;
  tables.folder = state->settings_.folder;
  tables.block_cache_bytes = state->settings_.memory_bytes / 8;
  if (state->settings_.keep_days) {
    tables.expired = [oldest = &state->oldest_kept_](ByteView key, ByteView value) {
      return key[0] == record_kind && value.size() >= 4 && load_le<int32_t>(value.data()) < oldest->load();
    };
  }
  const Tables::Open open = state->settings_.open_tables ? state->settings_.open_tables : Rocks::open;
  BONAFIDE_ASSIGN(state->tables_, open(tables));
  BONAFIDE_TRY(state->load_positions());
  return state;
}

Status EmbeddedState::load_positions() {
  BONAFIDE_ASSIGN(const auto format, tables_->get({format_key}));
  if (!format[0]) {
    bool empty = true;
    BONAFIDE_TRY(tables_->scan("", [&](ByteView, ByteView) {
      empty = false;
      return Ok{};
    }));
    if (!empty) return {Cause::damaged, settings_.folder + ": is not a state store: use another folder"};
    return tables_->write({{format_key, format_text}});
  }
  if (*format[0] != format_text) {
    return {Cause::invalid, settings_.folder + ": the state store has the format \"" + *format[0] +
                                "\", this version reads \"" + format_text +
                                "\": run the newer version, or delete the folder and it will be rebuilt"};
  }
  BONAFIDE_TRY(tables_->scan(std::string(1, position_kind), [&](ByteView key, ByteView value) -> Status {
    BONAFIDE_ASSIGN(const ShardId shard, parse_shard(key.substr(1)));
    Position position;
    if (value.size() != position.bytes.size())
      return {Cause::damaged, settings_.folder + ": a position is damaged"};
    std::copy(value.begin(), value.end(), position.bytes.begin());
    applied_[shard] = position;
    return Ok{};
  }));
  durable_ = applied_;
  return Ok{};
}

// --- asking and applying
// ---------------------------------------------------------------------------------------------

void EmbeddedState::ask(std::span<const std::string> keys, Time, std::function<void(flow::Answers)> then) {
  flow::Answers answers(keys.size());
  {
    const std::lock_guard lock(mutex_);
    if (settings_.keep_days) oldest_kept_ = static_cast<int32_t>(clock_.now().day()) - *settings_.keep_days;
    const auto key = [&](size_t i) -> const std::string& { return keys[i]; };
    if (!find(keys.size(), key, found_).ok()) damaged_ = true;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (found_[i] == nullptr) continue;
      answers[i] = expired(*found_[i]->history) ? nothing_known() : found_[i]->history;
    }
    evict();
  }
  then(std::move(answers));
}

Result<flow::Applied> EmbeddedState::apply(const flow::Stretch& stretch,
                                           std::span<const flow::Delta> deltas) {
  // Nobody may have called settle() for long, as in a bulk load.
  if (dirty_bytes_ > hard_share(settings_.memory_bytes)) {
    const std::lock_guard step(checkpoint_mutex_);
    BONAFIDE_TRY(run_to_end());
    BONAFIDE_TRY(begin());
    BONAFIDE_TRY(write_some(SIZE_MAX));
    BONAFIDE_TRY(start_flush());
  }
  std::unique_lock lock(mutex_);
  if (settings_.keep_days) oldest_kept_ = static_cast<int32_t>(clock_.now().day()) - *settings_.keep_days;
  Position& at = applied_[stretch.shard];
  if (stretch.upto <= at) return flow::Applied::already;
  if (stretch.after != at) return gap(stretch, at).error();
  const auto key = [&](size_t i) -> const std::string& { return deltas[i].key; };
  if (const auto read = find(deltas.size(), key, found_); !read.ok()) {
    damaged_ = true;
    return read.error();
  }
  for (size_t i = 0; i < deltas.size(); ++i) {
    Entry& entry = *found_[i];
    History& history = writable(entry);
    for (const auto& increment : deltas[i].increments) history.add(increment);
    set_bytes(entry);
  }
  at = stretch.upto;
  deltas_since_ += deltas.size();
  const bool first = !moved_.exchange(true);
  const bool much = much_has_changed() && !much_told_.exchange(true);
  evict();
  lock.unlock();
  if (settings_.wake != nullptr && (first || much)) settings_.wake->wake();
  return flow::Applied::now;
}

Status EmbeddedState::gap(const flow::Stretch& stretch, Position at) const {
  const bool behind = stretch.after < at;
  return {Cause::conflict, "state " + settings_.folder + ": shard " + stretch.shard.text() +
                               " was applied up to " + to_hex(at.view()) + ", the stretch begins " +
                               (behind ? "before" : "after") + " that, at " + to_hex(stretch.after.view()) +
                               ": read from what was applied"};
}

Result<Position> EmbeddedState::applied(const ShardId& shard) {
  const std::lock_guard lock(mutex_);
  const auto found = applied_.find(shard);
  return found == applied_.end() ? Position() : found->second;
}

Result<Position> EmbeddedState::durable(const ShardId& shard) {
  const std::lock_guard lock(durable_mutex_);
  const auto found = durable_.find(shard);
  return found == durable_.end() ? Position() : found->second;
}

/// Entries of all keys, read from the disk where needed; null where that fails.
template <class KeyOf>
Status EmbeddedState::find(size_t count, const KeyOf& key_of, std::vector<Entry*>& found) {
  found.assign(count, nullptr);
  std::vector<std::string> missing;
  for (size_t i = 0; i < count; ++i) {
    const auto at = entries_.find(std::string_view(key_of(i)));
    if (at == entries_.end()) {
      missing.push_back(key_of(i));
      continue;
    }
    Entry& entry = at->second;
    found[i] = &entry;
    if (!entry.dirty && !entry.writing && newest_ != &entry) {
      unlink(entry);
      link_newest(entry);
    }
  }
  if (missing.empty()) return Ok{};
  Status loaded = load(missing);
  for (size_t i = 0; i < count; ++i) {
    if (found[i] != nullptr) continue;
    const auto at = entries_.find(std::string_view(key_of(i)));
    if (at != entries_.end()) found[i] = &at->second;
  }
  return loaded;
}

Status EmbeddedState::load(const std::vector<std::string>& keys) {
  std::vector<std::string> stored;
  stored.reserve(keys.size());
  for (const auto& key : keys) stored.push_back(key_of(record_kind, key));
  BONAFIDE_ASSIGN(const auto values, tables_->get(stored));
  for (size_t i = 0; i < keys.size(); ++i) {
    std::shared_ptr<History> history = nothing_known();
    if (values[i]) {
      auto decoded = decode(*values[i]);
      if (!decoded.ok()) return decoded.error().in(settings_.folder);
      history = std::make_shared<History>(std::move(decoded).value());
    }
    const auto [at, fresh] = entries_.try_emplace(keys[i]);
    if (!fresh) continue;
    at->second.key = &at->first;
    at->second.history = std::move(history);
    set_bytes(at->second);
    link_newest(at->second);
  }
  return Ok{};
}

/// The entry's history for changing it. Whoever was given it, or is writing it to the disk, keeps the old
/// one.
History& EmbeddedState::writable(Entry& entry) {
  if (!entry.dirty) {
    if (!entry.writing) {
      unlink(entry);
      dirty_bytes_ += entry.bytes;
    }
    entry.dirty = true;
    dirty_.push_back(&entry);
  }
  if (expired(*entry.history)) {
    entry.history = std::make_shared<History>();
  } else if (entry.history.use_count() == 1) {
    // Nobody else can get hold of it any more. Copying and dropping the pointer orders the last reader's
    // reads before our writes: use_count() alone would not.
    const auto order = entry.history;
  } else {
    entry.history = std::make_shared<History>(entry.history->with_room());
  }
  return *entry.history;
}

bool EmbeddedState::expired(const History& history) const {
  return settings_.keep_days && !history.empty() && newest_bucket(history) < oldest_kept_;
}

void EmbeddedState::set_bytes(Entry& entry) {
  const size_t bytes = entry_overhead + entry.key->size() + entry.history->memory_bytes();
  bytes_ += bytes - entry.bytes;
  if (entry.dirty || entry.writing) dirty_bytes_ += bytes - entry.bytes;
  entry.bytes = bytes;
}

void EmbeddedState::evict() {
  while (bytes_ > cache_share(settings_.memory_bytes) && oldest_ != nullptr) {
    Entry& entry = *oldest_;
    unlink(entry);
    bytes_ -= entry.bytes;
    entries_.erase(entries_.find(*entry.key));
  }
}

void EmbeddedState::unlink(Entry& entry) {
  (entry.newer != nullptr ? entry.newer->older : newest_) = entry.older;
  (entry.older != nullptr ? entry.older->newer : oldest_) = entry.newer;
  entry.newer = entry.older = nullptr;
}

void EmbeddedState::link_newest(Entry& entry) {
  entry.older = newest_;
  (newest_ != nullptr ? newest_->newer : oldest_) = &entry;
  newest_ = &entry;
}

// --- checkpoints
// -----------------------------------------------------------------------------------------------------
//
// begin() takes all changed records and the positions at one moment; write_some() brings them to the tables'
// memory piece by piece, the positions last; then, once the streams are there too, everything in that memory,
// and nothing else, is flushed to the disk.
// Records that change meanwhile are copied first and belong to the next checkpoint.

bool EmbeddedState::due(Time steady) const {
  return moved_ && (much_has_changed() || steady.us - last_begin_us_ >= settings_.checkpoint_every.us);
}

bool EmbeddedState::much_has_changed() const {
  return dirty_bytes_ > soft_share(settings_.memory_bytes) || deltas_since_ >= settings_.checkpoint_deltas;
}

/// Errors: exhausted. A write that fails half way through would end the process, so none is begun without
/// room for it and for what RocksDB rewrites behind it.
Status EmbeddedState::begin() {
  const uint64_t room = tables_->free_bytes();
  const uint64_t needed = dirty_bytes_ + std::min(tables_->disk_bytes(), most_rewritten) + room_left;
  if (room < needed) {
    return {Cause::exhausted, settings_.folder + ": a checkpoint needs " + std::to_string(needed >> 20) +
                                  " MiB, and the disk has only " + std::to_string(room >> 20) +
                                  " MiB free; free some disk space"};
  }
  const std::lock_guard lock(mutex_);
  writes_.clear();
  writes_.reserve(dirty_.size());
  for (Entry* entry : dirty_) {
    entry->dirty = false;
    entry->writing = true;
    writes_.push_back({entry, entry->history});
  }
  dirty_.clear();
  taken_ = applied_;
  deltas_since_ = 0;
  moved_ = false;
  much_told_ = false;
  written_ = 0;
  phase_ = Phase::writing;
  return Ok{};
}

Status EmbeddedState::write_some(size_t most) {
  if (written_ == 0) BONAFIDE_TRY(tables_->recover());
  const size_t end = writes_.size() - written_ > most ? written_ + most : writes_.size();
  constexpr size_t batch = 512;
  for (size_t from = written_; from < end; from = written_) {
    const size_t upto = std::min(end, from + batch);
    std::vector<Tables::Put> puts;
    puts.reserve(upto - from);
    for (size_t i = from; i < upto; ++i) {
      puts.emplace_back(key_of(record_kind, *writes_[i].entry->key), encode(*writes_[i].history));
    }
    if (const auto done = tables_->write(puts); !done.ok()) {
      // Half a state is in RocksDB's memory, and must not be flushed; the disk still holds the last whole
      // one.
      return {Cause::internal,
              done.error().message + "; the state cannot go on: start again, it is replayed"};
    }
    const std::lock_guard lock(mutex_);
    for (; written_ < upto; ++written_) {
      Entry& entry = *writes_[written_].entry;
      writes_[written_].history.reset();
      entry.writing = false;
      if (entry.dirty) continue;
      dirty_bytes_ -= entry.bytes;
      link_newest(entry);
    }
  }
  if (written_ < writes_.size()) return Ok{};
  std::vector<Tables::Put> puts;
  for (const auto& [shard, position] : taken_) {
    puts.emplace_back(key_of(position_kind, shard_name(shard)), std::string(position.view()));
  }
  BONAFIDE_TRY(tables_->write(puts));
  writes_.clear();
  writes_.shrink_to_fit();
  written_ = 0;
  phase_ = Phase::written;
  return Ok{};
}

/// Does nothing while the streams are not on the disk.
Status EmbeddedState::start_flush() {
  if (settings_.streams_synced) {
    BONAFIDE_ASSIGN(const bool synced, settings_.streams_synced(taken_));
    if (!synced) return Ok{};
  }
  BONAFIDE_TRY(tables_->begin_flush());
  phase_ = Phase::flushing;
  return Ok{};
}

Status EmbeddedState::finish(bool wait) {
  if (wait) {
    if (Status ended = tables_->wait_flushed(); !ended.ok()) {
      moved_ = true;  // it is all in RocksDB's memory: the next checkpoint brings it to the disk
      phase_ = Phase::idle;
      return ended;
    }
  } else {
    const auto ended = tables_->flushed();
    if (!ended.ok()) {
      moved_ = true;
      phase_ = Phase::idle;
      return ended.error();
    }
    if (!*ended) return Ok{};
  }
  phase_ = Phase::idle;
  const std::lock_guard lock(durable_mutex_);
  durable_ = taken_;
  return Ok{};
}

/// Ends a checkpoint that is under way.
Status EmbeddedState::run_to_end() {
  if (phase_ == Phase::writing) BONAFIDE_TRY(write_some(SIZE_MAX));
  if (phase_ == Phase::written) BONAFIDE_TRY(start_flush());
  if (phase_ == Phase::written)
    return {Cause::unavailable, settings_.folder + ": a checkpoint waits for the streams to be synced"};
  if (phase_ == Phase::flushing) BONAFIDE_TRY(finish(true));
  return Ok{};
}

Status EmbeddedState::checkpoint() {
  const std::lock_guard step(checkpoint_mutex_);
  BONAFIDE_TRY(run_to_end());
  if (!moved_) return Ok{};
  BONAFIDE_TRY(begin());
  return run_to_end();
}

Status EmbeddedState::settle(Time steady, bool drain) {
  if (drain) return checkpoint();
  const std::lock_guard step(checkpoint_mutex_);
  last_step_us_ = steady.us;
  if (last_begin_us_ == INT64_MIN) last_begin_us_ = steady.us;
  if (phase_ == Phase::flushing) BONAFIDE_TRY(finish(false));
  if (phase_ == Phase::idle && due(steady)) {
    BONAFIDE_TRY(begin());
    last_begin_us_ = steady.us;
  }
  if (phase_ == Phase::writing) BONAFIDE_TRY(write_some(256));
  if (phase_ == Phase::written) BONAFIDE_TRY(start_flush());
  return Ok{};
}

Time EmbeddedState::settle_due() const {
  if (phase_ == Phase::writing) return {last_step_us_};
  if (phase_ == Phase::written) return Time{last_step_us_} + Duration::millis(1);
  if (phase_ == Phase::flushing) return Time{last_step_us_} + Duration::millis(5);
  if (!moved_) return {INT64_MAX};
  if (last_begin_us_ == INT64_MIN || due({last_step_us_})) return {last_step_us_};
  return Time{last_begin_us_} + settings_.checkpoint_every;
}

EmbeddedState::Size EmbeddedState::size() const {
  const std::lock_guard lock(mutex_);
  return {entries_.size(), dirty_.size(), bytes_, tables_->disk_bytes()};
}

Status EmbeddedState::verify(const OnDamage& on_damage) {
  BONAFIDE_TRY(tables_->verify([&](const Damage& damage) {
    damaged_ = true;
    on_damage(damage);
  }));
  return Ok{};
}

}  // namespace bonafide::stores
