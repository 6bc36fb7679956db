#include "app/verify.hpp"

#include <map>
#include <set>
#include <unordered_map>

#include "app/book_reading.hpp"
#include "app/index_audit.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "steps/archive/archive.hpp"
#include "steps/collect/door_list.hpp"
#include "steps/collect/raw.hpp"

namespace bonafide::app {
namespace {

constexpr size_t ids_named = 20;      // in one finding
constexpr size_t minutes_named = 20;  // of one hop

class Verification {
 public:
  Verification(Pipeline& pipeline, bool quick, const BodyProducers::Put& put)
      : pipeline_(pipeline), quick_(quick), put_(put) {}

  Status run() {
    if (!quick_) BONAFIDE_TRY(read_journal());
    BONAFIDE_TRY(reading_.note_positions());
    BONAFIDE_TRY(read_door_list());
    BONAFIDE_TRY(reading_.read_on_the_way());
    BONAFIDE_TRY(read_rows());
    BONAFIDE_TRY(read_archive());
    BONAFIDE_TRY(read_raw());
    BONAFIDE_TRY(read_parked());
    BONAFIDE_TRY(reading_.read_not_listed());
    if (!quick_) BONAFIDE_TRY(read_states());
    if (!quick_) BONAFIDE_TRY(pipeline_.tenant_book().verify(damage_of("tenants")));
    // Asked after the stores were read: what retention removed meanwhile is explained.
    const control::Horizons kept = pipeline_.retention().horizons();
    if (const std::string damage = pipeline_.retention().damage(); !damage.empty())
      finding("retention", "retention", damage, {});
    books_.kept_from(Hop::import, kept.rows);
    books_.kept_from(Hop::archive, kept.archive);
    books_.close();
    compare("rows", Hop::import);
    compare("archive", Hop::archive);
    compare_raw(kept.raw);
    BONAFIDE_TRY(compare_index(kept.rows));
    const auto hops = books_.hop_ledgers();
    balance(hops);
    report(hops);
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
        [this](const stores::StoredRow& row) { BookReading::listed(books_, row); }, damage_of("door list"));
  }

  Status read_rows() {
    progress("rows");
    return pipeline_.rows().rows().verify(
        [this](const stores::StoredRow& row) {
          BookReading::imported(books_, row);
          index_.row(row);
        },
        damage_of("rows"));
  }

  Status compare_index(Time horizon) {
    progress("search index");
    const auto told = [this](const std::vector<EventId>& ids, const char* what) {
      tell("search index", ids, what);
    };
    return index_.compare(horizon, told, damage_of("search index"));
  }

  Status read_archive() {
    progress("archive");
    steps::Archive archive(pipeline_.archive(), pipeline_.codec());
    BONAFIDE_TRY(archive.verify(
        [this](const steps::ArchivedEvent& archived) {
          const auto& event = archived.event.received;
          books_.stored(Hop::archive, event.id, event.tenant, steps::DoorListSink::content_of(event),
                        archived.event.revision);
        },
        damage_of("archive")));
    return Ok{};
  }

  /// A message's bytes while their pieces come.
  struct RawMessage {
    Sha256 hash;
    int64_t next = 0, count = 0;
  };

  Status read_raw() {
    if (quick_) return Ok{};
    progress("raw");
    BONAFIDE_ASSIGN(
        const auto before,
        shard_positions(pipeline_.journal(), steps::RawPiece::topic, [&](const flow::ShardId& shard) {
          return Result<flow::Position>(pipeline_.raw().written(shard));
        }));
    const auto damaged = damage_of("raw");
    BONAFIDE_TRY(pipeline_.raw().rows().verify([this](const stores::StoredRow& row) { take_raw(row); },
                                               [&](const stores::Damage& damage) {
                                                 raw_damaged_ = true;
                                                 damaged(damage);
                                               }));
    // Pieces that came after the store was looked at lie behind where it was before.
    return each_behind(pipeline_.journal(), before, [this](const flow::Delivery& delivery) {
      if (const auto id = EventId::from_bytes(delivery.record.key.view()); id.ok()) raw_pieces_.erase(*id);
    });
  }

  void take_raw(const stores::StoredRow& row) {
    const auto* count = std::get_if<int64_t>(&row.values[steps::RawSink::count]);
    auto [at, fresh] = raw_pieces_.try_emplace(row.id);
    auto& message = at->second;
    if (fresh) {
      steps::begin_message_key(message.hash, row.text(steps::RawSink::tenant),
                               row.text(steps::RawSink::mail_from));
      message.count = count == nullptr ? 0 : *count;
    }
    if (row.revision != message.next++) message.count = -1;  // a piece is missing: never whole
    message.hash.update(row.event);
    if (message.next != message.count) return;
    const Digest key = message.hash.finish();
    raw_.push_back({row.id, static_cast<int64_t>(load_be64(view(key).data())), 0, 0});
    raw_pieces_.erase(at);
  }

  Status read_parked() {
    BONAFIDE_TRY(pipeline_.parked_store().verify(damage_of("parked")));
    BONAFIDE_ASSIGN(parked_, pipeline_.parked_store().count(stores::ParkedState::parked));
    return reading_.read_parked();
  }

  Status read_states() {
    progress("history");
    BONAFIDE_TRY(pipeline_.history().verify(damage_of("history")));
    return pipeline_.dedupe().verify(damage_of("dedupe"));
  }

  // --- the comparison

  void tell(const std::string& store, const std::vector<EventId>& ids, const char* what) {
    if (!ids.empty()) finding(store, store, what, ids);
  }

  /// From the store's horizon on, what it has is what the door has.
  void compare(const std::string& store, Hop hop) {
    const auto found = books_.differences(hop);
    tell(store, found.missing, "accepted by the door, not here and not on the way");
    tell(store, found.extra, "here, and not on the door's list");
    tell(store, found.doubled, "here more than once in the same revision");
    tell(store, found.different, "is not the message that the door accepted under this id");
  }

  /// Raw messages are kept or not, as the configuration said when they came; those that are kept are whole,
  /// and the ones that the door accepted.
  void compare_raw(Time horizon) {
    const EventId first = EventId::lowest(horizon);
    std::vector<EventId> extra, different, partial;
    for (const auto& entry : raw_) {
      if (entry.id < first) continue;
      const auto* accepted = books_.at_door(entry.id);
      if (accepted == nullptr) extra.push_back(entry.id);
      if (accepted != nullptr && accepted->content != entry.content) different.push_back(entry.id);
    }
    for (const auto& [id, message] : raw_pieces_) {
      if (!(id < first)) partial.push_back(id);
    }
    tell("raw", extra, "here, and not on the door's list");
    tell("raw", different, "is not the message that the door accepted under this id");
    tell("raw", partial, "a piece of the message is missing");
    if (!raw_damaged_) return;
    std::set<EventId> whole;
    for (const auto& entry : raw_) whole.insert(entry.id);
    std::vector<EventId> without;
    for (const auto& accepted : books_.door()) {
      if (!(accepted.id < first) && whole.count(accepted.id) == 0) without.push_back(accepted.id);
    }
    tell("raw", without, "no sound bytes are kept of these; what is missing or damaged is among them");
  }

  // Says for each hop which minutes do not add up; the ids stand in the findings of the stores.
  void balance(const std::vector<flow::HopLedger>& hops) {
    std::map<std::string, std::vector<flow::Imbalance>> by_hop;
    for (auto& imbalance : flow::balance(books_.door_ledger(), hops))
      by_hop[imbalance.hop].push_back(std::move(imbalance));
    for (const auto& [hop, imbalances] : by_hop) {
      for (size_t i = 0; i < imbalances.size() && i < minutes_named; ++i)
        finding("ledger", hop, imbalances[i].text(), {});
      if (imbalances.size() > minutes_named) {
        finding("ledger", hop,
                std::to_string(imbalances.size() - minutes_named) + " more minutes do not balance", {});
      }
    }
  }

  void report(const std::vector<flow::HopLedger>& hops) {
    uint64_t under_way = 0;
    JsonWriter json;
    json.begin_object()
        .member("sound", findings_ == 0)
        .member("findings", findings_)
        .member("accepted", books_.door().size());
    json.key("hops").begin_array();
    uint64_t scored = 0;
    for (const auto& hop : hops) {
      if (hop.hop == to_string(Hop::score)) scored = total(hop.out);
      if (hop.hop != to_string(Hop::archive)) under_way += total(hop.under_way);
      json.begin_object()
          .member("hop", hop.hop)
          .member("in", hop.feed.empty() ? books_.door().size() : scored)
          .member("out", total(hop.out))
          .member("parked", total(hop.parked))
          .member("under_way", total(hop.under_way))
          .end_object();
    }
    json.end_array()
        .member("rows", total(hops[static_cast<size_t>(Hop::import)].out))
        .member("archived", books_.in_store(Hop::archive).size())
        .member("indexed", index_.indexed())
        .member("parked", parked_)
        .member("under_way", under_way)
        .member("quick", quick_)
        .end_object()
        .end_line();
    put_(json.take());
  }

  Pipeline& pipeline_;
  bool quick_;
  const BodyProducers::Put& put_;
  uint64_t findings_ = 0, parked_ = 0;
  Books books_;
  BookReading reading_{pipeline_, books_};
  IndexAudit index_{pipeline_, quick_};
  std::vector<Books::Entry> raw_;  // whole messages, by the content that their bytes give
  std::unordered_map<EventId, RawMessage> raw_pieces_;
  bool raw_damaged_ = false;
};

}  // namespace

Status produce_verification(Pipeline& pipeline, bool quick, const BodyProducers::Put& put) {
  return Verification(pipeline, quick, put).run();
}

}  // namespace bonafide::app
