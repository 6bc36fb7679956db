#include "sim/checker.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "app/verify.hpp"
#include "avro/bind.hpp"
#include "flow/memory_state.hpp"
#include "sim/workload.hpp"
#include "steps/archive/archive.hpp"
#include "steps/score/score.hpp"
#include "stores/sqlite/connection.hpp"
#include "trust/score.hpp"

namespace bonafide::sim {
namespace {

using Revision = std::pair<EventId, int32_t>;

std::string text(const Revision& revision) {
  return revision.first.hex() + " revision " + std::to_string(revision.second);
}

class Check {
 public:
  Check(World& world, const Recorder& recorder) : pipeline_(world.pipeline()), recorder_(recorder) {}

  std::vector<std::string> run() {
    must(read_accepted(), "reading mail.received");
    must(read_stream(), "reading mail.scored");
    must(read_rows(), "reading the rows");
    must(read_archive(), "reading the archive");
    compare_with_recorder();
    compare_stores();
    compare_order();
    must(compare_history(), "reading the history");
    must(look_at_parked(), "reading the parked records");
    must(ask_ledger(), "verify");
    return std::move(wrong_);
  }

 private:
  void say(std::string what) {
    if (wrong_.size() < 20) wrong_.push_back(std::move(what));
  }
  /// By the number it has in ARCHITECTURE.md.
  void broken(int invariant, const std::string& what) {
    say("invariant " + std::to_string(invariant) + ": " + what);
  }
  void must(const Status& status, const char* what) {
    if (!status.ok()) say(std::string(what) + ": " + status.error().message);
  }
  stores::OnDamage damage_in(const char* where) {
    return [this, where](const stores::Damage& damage) {
      say(std::string(where) + ": damaged: " + damage.what);
    };
  }

  Status each_record(std::string_view topic, const std::function<Status(const flow::Delivery&)>& each) {
    auto& journal = pipeline_.journal();
    BONAFIDE_ASSIGN(const auto shards, journal.shards(std::string(topic)));
    for (const auto& shard : shards) {
      BONAFIDE_ASSIGN(const auto reader, journal.reader(shard.id, {}));
      for (;;) {
        BONAFIDE_ASSIGN(const auto some, reader->read(100, 1 << 20));
        if (some.empty()) break;
        for (const auto& delivery : some) BONAFIDE_TRY(each(delivery));
      }
    }
    return Ok{};
  }

  /// The order in which the door took what is of one key.
  Status read_accepted() {
    return each_record(mail::Received::topic, [this](const flow::Delivery& delivery) -> Status {
      const auto received = pipeline_.codec().read<mail::Received>(delivery.record);
      if (!received.ok()) {
        ++poison_;
      } else if ((*received)->event.kind == mail::Kind::message) {
        accepted_[order_of(delivery)].push_back((*received)->event.id);
      }
      return Ok{};
    });
  }
  /// Key and lane.
  static std::string order_of(const flow::Delivery& delivery) {
    return std::string(delivery.shard.lane == flow::Lane::live ? "live " : "backfill ") +
           std::string(delivery.record.key.view());
  }

  /// Each revision is written once. Its score follows from what it carries.
  Status read_stream() {
    return each_record(mail::Scored::topic, [this](const flow::Delivery& delivery) -> Status {
      BONAFIDE_ASSIGN(const auto scored, pipeline_.codec().read<mail::Scored>(delivery.record));
      const auto& event = scored->event;
      if (event.received.kind != mail::Kind::message) return Ok{};
      if (!stream_.insert({event.received.id, event.revision}).second)
        broken(2, text({event.received.id, event.revision}) + " stands in mail.scored twice");
      if (event.revision == 0) scored_[order_of(delivery)].push_back(event.received.id);
      if (event.failure.empty()) {
        std::string before, after;
        avro::encode(event.score, before);
        avro::encode(trust::rescore(event, pipeline_.model()), after);
        if (before != after)
          broken(10, text({event.received.id, event.revision}) + " scores differently when scored again");
      }
      return Ok{};
    });
  }

  Status read_rows() {
    stores::Rows::Query all;
    all.newest_revision = false;
    return pipeline_.rows().rows().scan(
        all,
        [this](const stores::StoredRow& row) {
          if (!rows_.insert({row.id, row.revision}).second)
            broken(2, text({row.id, row.revision}) + " is in the rows twice");
          mail::Scored scored;
          if (!pipeline_.codec().decode(row.event, scored).ok()) {
            say(text({row.id, row.revision}) + " cannot be decoded");
            return true;
          }
          if (row.revision > 0) return true;
          const auto& received = scored.received;
          stored_[{received.tenant, key_of(received.facts->message_id, received.envelope.rcpt_to)}].push_back(
              row.id);
          return true;
        },
        damage_in("rows"));
  }

  Status read_archive() {
    steps::Archive archive(pipeline_.archive(), pipeline_.codec());
    return archive.scan(
        {},
        [this](const steps::ArchivedEvent& archived) {
          const Revision revision{archived.event.received.id, archived.event.revision};
          if (!archive_.insert(revision).second) broken(2, text(revision) + " is in the archive twice");
          return true;
        },
        damage_in("archive"));
  }

  /// What was acknowledged is stored once, under the id of the answer; nothing that nobody sent is there.
  void compare_with_recorder() {
    for (const auto& [sent, acked] : recorder_.all()) {
      const auto found = stored_.find(sent);
      const size_t count = found == stored_.end() ? 0 : found->second.size();
      const std::string what = sent.tenant + " " + sent.key;
      if (count > 1)
        broken(3, what + " was sent as one message and is stored " + std::to_string(count) + " times");
      if (!acked) continue;
      if (count == 0) broken(1, what + " was acknowledged as " + acked->hex() + " and is not stored");
      if (count == 1 && found->second.front() != *acked)
        broken(3, what + " was acknowledged as " + acked->hex() + " and is stored as " +
                      found->second.front().hex());
    }
    for (const auto& [sent, ids] : stored_) {
      if (!recorder_.all().contains(sent))
        say(sent.tenant + " " + sent.key + " is stored and was never sent");
    }
  }

  void compare_stores() {
    const auto missing = [&](const std::set<Revision>& from, const std::set<Revision>& in, const char* what) {
      for (const auto& revision : from) {
        if (!in.contains(revision)) broken(2, text(revision) + what);
      }
    };
    missing(stream_, rows_, " was scored and is not in the rows");
    missing(rows_, stream_, " is in the rows and was never scored");
    missing(stream_, archive_, " was scored and is not in the archive");
    missing(archive_, stream_, " is in the archive and was never scored");
  }

  void compare_order() {
    for (const auto& [key, ids] : scored_) {
      if (accepted_[key] != ids)
        broken(4, "what the door took of " + key + " was scored in another order, or not all");
    }
  }

  /// What is no event waits in each reader's name, once, and holds up nobody.
  Status look_at_parked() {
    BONAFIDE_ASSIGN(auto parked, pipeline_.parked_store().count_by_step(stores::ParkedState::parked));
    for (const char* step : {"dedupe", "doorlist", "enrich"}) {
      if (parked[step] != poison_)
        broken(5, std::to_string(poison_) + " records of mail.received are no events, and " + step +
                      " has parked " + std::to_string(parked[step]));
    }
    return Ok{};
  }

  /// The history is the fold over mail.scored, whatever happened on the way.
  Status compare_history() {
    flow::MemoryState folded;
    steps::HistoryFold fold(pipeline_.codec());
    std::map<flow::ShardId, flow::Position> upto;
    BONAFIDE_TRY(each_record(mail::Scored::topic, [&](const flow::Delivery& delivery) -> Status {
      BONAFIDE_ASSIGN(const auto deltas, fold.deltas(delivery.record));
      auto& at = upto[delivery.shard];
      const auto applied = folded.apply({delivery.shard, at, delivery.position}, deltas);
      if (!applied.ok()) return applied.error();
      at = delivery.position;
      return Ok{};
    }));
    std::vector<std::string> keys;
    const auto histories = folded.histories();
    keys.reserve(histories.size());
    for (const auto& [key, history] : histories) keys.push_back(key);
    pipeline_.history().ask(keys, Time{INT64_MAX}, [&](const flow::Answers& answers) {
      size_t different = 0;
      for (size_t i = 0; i < keys.size(); ++i)
        different += answers[i] == nullptr || *answers[i] != histories.at(keys[i]) ? 1 : 0;
      if (different > 0)
        broken(7, "the history is not what its stream adds up to: " + std::to_string(different) + " of " +
                      std::to_string(keys.size()) + " records differ");
    });
    return Ok{};
  }

  Status ask_ledger() {
    return app::produce_verification(pipeline_, false, [this](std::string_view line) {
      if (line.starts_with("{\"finding\""))
        broken(9, "verify: " + std::string(line.substr(0, line.size() - 1)));
      return true;
    });
  }

  app::Pipeline& pipeline_;
  const Recorder& recorder_;
  std::vector<std::string> wrong_;
  std::set<Revision> stream_, rows_, archive_;
  std::map<std::string, std::vector<EventId>> accepted_, scored_;  ///< by key and lane, in order
  uint64_t poison_ = 0;
  std::map<Recorder::Sent, std::vector<EventId>> stored_;
};

}  // namespace

std::vector<std::string> check(World& world, const Recorder& recorder) {
  return Check(world, recorder).run();
}

std::vector<std::string> check_ledger_sees_a_lost_row(World& world, Mutation mutation) {
  auto& pipeline = world.pipeline();
  stores::Rows::Query query;
  query.limit = 50;
  const auto page = pipeline.rows().rows().page(query);
  if (!page.ok()) return {page.error().message};
  if (page->rows.empty()) return {};
  const EventId gone = page->rows[world.random.below(page->rows.size())].id;
  world.trace.line("row removed", gone.hex());
  auto db = stores::Connection::open("data/rows/rows.db", stores::Connection::Mode::write, 1 << 20);
  if (!db.ok()) return {db.error().message};
  auto statement = (*db)->prepare("delete from events where id = ?");
  const std::string bytes(gone.view());
  if (!statement.ok()) return {statement.error().message};
  if (const Status done = statement->bind_blob(1, bytes).run(); !done.ok()) return {done.error().message};
  bool named = false;
  const Status verified = app::produce_verification(pipeline, false, [&](std::string_view line) {
    // The mutation's ledger passes over what it would say of the rows.
    const bool blind = mutation == Mutation::blind_ledger && (line.find("rows") != std::string_view::npos ||
                                                              line.find("import") != std::string_view::npos ||
                                                              line.find("index") != std::string_view::npos);
    if (!blind && line.starts_with("{\"finding\"") && line.find(gone.hex()) != std::string_view::npos)
      named = true;
    return true;
  });
  if (!verified.ok()) return {verified.error().message};
  if (!named) return {"the row of " + gone.hex() + " was deleted, and verify does not name it"};
  return {};
}

}  // namespace bonafide::sim
