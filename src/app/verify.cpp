#include "app/verify.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>

#include "base/json.hpp"
#include "base/text.hpp"
#include "steps/archive/archive.hpp"
#include "steps/collect/door_list.hpp"
#include "steps/import/clean_row.hpp"

namespace bonafide::app {
namespace {

constexpr size_t read_records = 1000;
constexpr size_t read_bytes = size_t{8} << 20;
constexpr size_t ids_named = 20;  // in one finding

using Shards = std::vector<std::pair<flow::ShardId, flow::Position>>;

/// What one store has of an event.
struct Entry {
  EventId id;
  int64_t content = 0;
  int32_t revision = 0;
  friend bool operator<(const Entry& a, const Entry& b) {
    return std::tie(a.id, a.revision) < std::tie(b.id, b.revision);
  }
};

class Verification {
 public:
  Verification(Pipeline& pipeline, bool quick, const ProducedBody::Put& put)
      : pipeline_(pipeline), quick_(quick), put_(put) {}

  Status run() {
    BONAFIDE_TRY(look_at_what_is_under_way());
    if (!quick_) BONAFIDE_TRY(read_journal());
    BONAFIDE_TRY(read_door_list());
    BONAFIDE_TRY(read_rows());
    BONAFIDE_TRY(read_archive());
    BONAFIDE_TRY(read_parked());
    if (!quick_) BONAFIDE_TRY(read_states());
    compare("rows", rows_, rows_under_way_);
    compare("archive", archive_, archive_under_way_);
    report();
    return Ok{};
  }

 private:
  // --- saying what is found

  void progress(const std::string& what) {
    JsonWriter json;
    json.begin_object().member("progress", what).end_object().end_line();
    put_(json.take());
  }

  void finding(const std::string& store, const std::string& place, const std::string& what,
               const std::vector<EventId>& ids) {
    ++findings_;
    JsonWriter json;
    json.begin_object().member("finding", store).member("place", place).member("what", what);
    json.key("ids").begin_array();
    for (size_t i = 0; i < ids.size() && i < ids_named; ++i) json.value(ids[i].hex());
    json.end_array().member("count", ids.size()).end_object().end_line();
    put_(json.take());
  }

  stores::OnDamage damage_of(const std::string& store) {
    return [this, store](const stores::Damage& damage) {
      finding(store, damage.place, damage.what, damage.lost);
    };
  }

  // --- what is on its way: positions first, then the records behind them, then the stores, which only go
  // forward

  // Ids of the records of `topic` that lie behind `after`.
  template <class Event>
  Status ids_behind(const Shards& after, std::set<EventId>& ids) {
    for (const auto& [shard, position] : after) {
      // Also what is written and not synced yet: a step's progress may already lie behind it.
      BONAFIDE_ASSIGN(const auto reader, pipeline_.journal().written_reader(shard, position));
      for (;;) {
        auto records = reader->read(read_records, read_bytes);
        if (!records.ok()) {
          if (records.error().cause != Cause::damaged) return records.error();
          continue;  // read_journal() names it
        }
        if (records->empty()) break;
        for (const auto& delivery : *records) {
          const auto event = pipeline_.codec().read<Event>(delivery.record);
          if (event.ok()) ids.insert(id_of((*event)->event));
        }
      }
    }
    return Ok{};
  }
  static EventId id_of(const mail::Received& event) { return event.id; }
  static EventId id_of(const mail::Scored& event) { return event.received.id; }

  Result<Shards> positions(std::string_view topic,
                           const std::function<Result<flow::Position>(const flow::ShardId&)>& of) {
    BONAFIDE_ASSIGN(const auto shards, pipeline_.journal().shards(std::string(topic)));
    Shards found;
    for (const auto& shard : shards) {
      BONAFIDE_ASSIGN(const auto position, of(shard.id));
      found.emplace_back(shard.id, position);
    }
    return found;
  }

  Status look_at_what_is_under_way() {
    BONAFIDE_ASSIGN(const auto listed, positions(mail::Received::topic, [&](const flow::ShardId& shard) {
                      return Result<flow::Position>(pipeline_.door_list().written(shard));
                    }));
    std::map<flow::ShardId, flow::Position> committed;
    BONAFIDE_ASSIGN(const auto backlog, pipeline_.journal().backlog("bonafide.score"));
    for (const auto& shard : backlog) committed[shard.shard] = shard.committed;
    BONAFIDE_ASSIGN(const auto scored, positions(mail::Received::topic, [&](const flow::ShardId& shard) {
                      return Result<flow::Position>(committed[shard]);
                    }));
    BONAFIDE_ASSIGN(const auto imported, positions(mail::Scored::topic, [&](const flow::ShardId& shard) {
                      return Result<flow::Position>(pipeline_.rows().written(shard));
                    }));
    BONAFIDE_ASSIGN(auto archived_upto, steps::read_archive_progress(pipeline_.archive()));
    BONAFIDE_ASSIGN(const auto archived, positions(mail::Scored::topic, [&](const flow::ShardId& shard) {
                      return Result<flow::Position>(archived_upto[shard]);
                    }));
    BONAFIDE_TRY(ids_behind<mail::Received>(listed, door_under_way_));
    BONAFIDE_TRY(ids_behind<mail::Received>(scored, rows_under_way_));
    archive_under_way_ = rows_under_way_;
    BONAFIDE_TRY(ids_behind<mail::Scored>(imported, rows_under_way_));
    return ids_behind<mail::Scored>(archived, archive_under_way_);
  }

  // --- the stores

  Status read_journal() {
    progress("journal");
    BONAFIDE_TRY(pipeline_.journal().verify([this](const streams::journal::Damage& damage) {
      finding("journal", damage.file + ", byte " + std::to_string(damage.byte), damage.text(), {});
    }));
    return Ok{};
  }

  Status read_door_list() {
    progress("door list");
    return pipeline_.door_list().rows().verify(
        [this](const stores::StoredRow& row) {
          const auto* content = std::get_if<int64_t>(&row.values[steps::DoorListSink::content]);
          door_.push_back({row.id, content == nullptr ? 0 : *content, 0});
        },
        damage_of("door list"));
  }

  Status read_rows() {
    progress("rows");
    return pipeline_.rows().rows().verify(
        [this](const stores::StoredRow& row) {
          const auto key = from_hex(steps::column(row, steps::EventColumn::message_key));
          rows_.push_back({row.id,
                           key.ok() && key->size() >= 8 ? static_cast<int64_t>(load_be64(key->data())) : 0,
                           row.revision});
        },
        damage_of("rows"));
  }

  Status read_archive() {
    progress("archive");
    steps::Archive archive(pipeline_.archive(), pipeline_.codec());
    BONAFIDE_TRY(archive.verify(
        [this](const steps::ArchivedEvent& archived) {
          archive_.push_back({archived.event.received.id,
                              steps::DoorListSink::content_of(archived.event.received),
                              archived.event.revision});
        },
        damage_of("archive")));
    return Ok{};
  }

  Status read_parked() {
    BONAFIDE_TRY(pipeline_.parked_store().verify(damage_of("parked")));
    BONAFIDE_ASSIGN(parked_, pipeline_.parked_store().count(stores::ParkedState::parked));
    return Ok{};
  }

  Status read_states() {
    progress("history");
    BONAFIDE_TRY(pipeline_.history().verify(damage_of("history")));
    return pipeline_.dedupe().verify(damage_of("dedupe"));
  }

  // --- the comparison

  void compare(const std::string& store, std::vector<Entry>& stored, const std::set<EventId>& under_way) {
    std::sort(door_.begin(), door_.end());
    std::sort(stored.begin(), stored.end());
    std::vector<EventId> missing, extra, doubled, different;
    for (size_t i = 1; i < stored.size(); ++i) {
      if (!(stored[i - 1] < stored[i])) doubled.push_back(stored[i].id);
    }
    auto at = stored.begin();
    for (const auto& accepted : door_) {
      for (; at != stored.end() && at->id < accepted.id; ++at) take_extra(at->id, extra);
      if (at == stored.end() || at->id != accepted.id) {
        if (under_way.count(accepted.id) == 0) missing.push_back(accepted.id);
        continue;
      }
      for (; at != stored.end() && at->id == accepted.id; ++at) {
        if (at->content != accepted.content) different.push_back(at->id);
      }
    }
    for (; at != stored.end(); ++at) take_extra(at->id, extra);
    const auto tell = [&](const std::vector<EventId>& ids, const char* what) {
      if (!ids.empty()) finding(store, store, what, ids);
    };
    tell(missing, "accepted by the door, not here and not on the way");
    tell(extra, "here, and not on the door's list");
    tell(doubled, "here more than once in the same revision");
    tell(different, "is not the message that the door accepted under this id");
  }

  void take_extra(const EventId& id, std::vector<EventId>& extra) {
    if (door_under_way_.count(id) == 0) extra.push_back(id);
  }

  void report() {
    std::set<EventId> distinct;
    for (const auto& entry : rows_) distinct.insert(entry.id);
    JsonWriter json;
    json.begin_object()
        .member("sound", findings_ == 0)
        .member("findings", findings_)
        .member("accepted", door_.size())
        .member("rows", distinct.size())
        .member("archived", archive_.size())
        .member("parked", parked_)
        .member("under_way", rows_under_way_.size())
        .member("quick", quick_)
        .end_object()
        .end_line();
    put_(json.take());
  }

  Pipeline& pipeline_;
  bool quick_;
  const ProducedBody::Put& put_;
  uint64_t findings_ = 0, parked_ = 0;
  std::vector<Entry> door_, rows_, archive_;
  std::set<EventId> door_under_way_, rows_under_way_, archive_under_way_;
};

}  // namespace

Status produce_verification(Pipeline& pipeline, bool quick, const ProducedBody::Put& put) {
  return Verification(pipeline, quick, put).run();
}

}  // namespace bonafide::app
