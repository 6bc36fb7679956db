#pragma once
#include <compare>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

// The books (invariant 9): for each tenant, hop and event minute, what came in must have gone somewhere.
// Pure: who counts what, and where the counts are kept, is others' business.
namespace bonafide::flow {

/// How many events, and an order-free hash of which: two tallies are equal only if they are of the same
/// events (but for one chance in 2^64). Tallies add up and subtract like numbers, whatever the order.
struct Tally {
  uint64_t count = 0;
  uint64_t hash = 0;  ///< sum modulo 2^64 over hash64(id, content hash)

  /// One event. `content_hash`: of what must not change on the way; "" where only the ids are compared.
  static Tally of(ByteView id, ByteView content_hash = {});
  [[nodiscard]] bool empty() const { return count == 0 && hash == 0; }
  Tally& operator+=(const Tally& other);
  Tally& operator-=(const Tally& other);
  friend Tally operator+(Tally a, const Tally& b) { return a += b; }
  friend Tally operator-(Tally a, const Tally& b) { return a -= b; }
  friend bool operator==(const Tally&, const Tally&) = default;
};

/// Where a tally belongs.
struct LedgerKey {
  std::string tenant;
  int64_t minute = 0;  ///< of the event's time, since the epoch
  auto operator<=>(const LedgerKey&) const = default;
};
using Ledger = std::map<LedgerKey, Tally>;

/// What a hop did with what it was given. in = out + parked + dropped + duplicate + retired + under_way.
struct HopLedger {
  std::string hop;                        ///< "score", "import", "archive"
  std::string feed;                       ///< the hop whose `out` comes in here; "" for the door
  Ledger out;                             ///< passed on, or stored
  Ledger parked;                          ///< set aside, and waiting for somebody to decide
  std::map<std::string, Ledger> dropped;  ///< ended on purpose, by reason
  Ledger duplicate;                       ///< came again and were not taken twice
  Ledger retired;                         ///< stored once, deleted when their time was over
  Ledger under_way;                       ///< read or waiting, not finished
};

/// One line of the books that does not add up.
struct Imbalance {
  std::string hop;
  LedgerKey key;
  Tally in, accounted;
  /// "score, tenant default, 2026-01-02T03:04:00Z: 12 came in, 11 are accounted for: 1 missing".
  [[nodiscard]] std::string text() const;
};

/// Compares each hop with what its feed passed on; `door`: what the front doors acknowledged. Empty: the
/// books balance. A hop whose feed is not among the hops is compared with the door.
std::vector<Imbalance> balance(const Ledger& door, const std::vector<HopLedger>& hops);

}  // namespace bonafide::flow
