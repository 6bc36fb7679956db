#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/ids.hpp"
#include "flow/ledger.hpp"

namespace bonafide::app {

/// The hops behind the door, each fed by the one before; import and archive both by score.
enum class Hop : uint8_t { score, import, archive };
constexpr std::array<Hop, 3> hops = {Hop::score, Hop::import, Hop::archive};
const char* to_string(Hop hop);

/// What every store has, and what is on its way to it, by event; the ledger follows from it (invariant 9).
/// Nothing is counted while mail flows: a count kept in memory would die with the process, and one kept on
/// disk would be one more thing that can be wrong. So the ledger is true after kill -9 whenever the stores
/// are. Filled by BookReading; then closed; then asked.
class Books {
 public:
  /// One event as one store has it.
  struct Entry {
    EventId id;
    int64_t content = 0;  ///< steps::DoorListSink::content_of()
    int32_t revision = 0;
    uint32_t tenant = 0;  ///< a number that stands for its name
    friend bool operator<(const Entry& a, const Entry& b) {
      return std::tie(a.id, a.revision) < std::tie(b.id, b.revision);
    }
  };
  /// Events with ids in [from, before); the others are left out.
  explicit Books(EventId from = {}, std::optional<EventId> before = std::nullopt)
      : from_(from), before_(before) {}

  /// The door acknowledged it, or will when it is synced. May be told more than once.
  void accepted(const EventId& id, std::string_view tenant, int64_t content);
  /// It stands in the hop's store: import's or archive's.
  void stored(Hop hop, const EventId& id, std::string_view tenant, int64_t content, int32_t revision);
  /// The archive has it, by an index that names the id only.
  void archived(const EventId& id, std::string_view tenant, int32_t revision);
  /// The hop has not read it yet, or not made it durable.
  void on_the_way(Hop hop, const EventId& id, std::string_view tenant, int64_t content);
  /// The hop has set it aside, for somebody to decide; or somebody decided to drop it.
  void parked(Hop hop, const EventId& id, bool dropped);
  /// What was accepted before is not kept by the hop's store any more, or about to go.
  void kept_from(Hop hop, Time horizon) { of(hop).kept_from = EventId::lowest(horizon); }
  /// Everything has been told.
  void close();

  // After close():
  [[nodiscard]] const std::vector<Entry>& door() const { return door_; }
  [[nodiscard]] const std::vector<Entry>& in_store(Hop hop) const { return of(hop).stored; }
  /// Null: the door did not accept it.
  [[nodiscard]] const Entry* at_door(const EventId& id) const;

  /// How a store differs from what the door accepted, by event.
  struct Differences {
    std::vector<EventId> missing;    ///< accepted, not there, not on the way, not parked
    std::vector<EventId> extra;      ///< there, and never accepted
    std::vector<EventId> doubled;    ///< there more than once in one revision
    std::vector<EventId> different;  ///< there as another message
  };
  [[nodiscard]] Differences differences(Hop hop) const;

  /// What the door passed on, and what every hop did with it, by tenant and minute of acceptance.
  [[nodiscard]] flow::Ledger door_ledger() const;
  [[nodiscard]] std::vector<flow::HopLedger> hop_ledgers() const;

 private:
  struct Parked {
    EventId id;
    bool dropped = false;
  };
  struct OfHop {
    std::vector<Entry> stored, on_the_way;
    std::vector<Parked> parked;
    EventId kept_from;
  };
  [[nodiscard]] OfHop& of(Hop hop) { return hops_[static_cast<size_t>(hop)]; }
  [[nodiscard]] const OfHop& of(Hop hop) const { return hops_[static_cast<size_t>(hop)]; }
  [[nodiscard]] bool within(const EventId& id) const { return !(id < from_) && (!before_ || id < *before_); }
  uint32_t tenant_number(std::string_view name);
  [[nodiscard]] bool is_parked(Hop hop, const EventId& id) const;
  [[nodiscard]] std::vector<Entry> passed_on_by_score() const;
  void add(flow::Ledger& ledger, const Entry& entry) const;
  [[nodiscard]] flow::HopLedger ledger_of(Hop hop, const std::vector<Entry>& in,
                                          const std::vector<Entry>& out) const;

  const EventId from_;
  const std::optional<EventId> before_;
  std::vector<std::string> tenants_;
  std::vector<Entry> door_;
  std::vector<Entry> by_id_only_;  // until close(): the archive's, without a content
  std::array<OfHop, hops.size()> hops_;
};

/// Sums over all tenants and minutes.
uint64_t total(const flow::Ledger& ledger);

}  // namespace bonafide::app
