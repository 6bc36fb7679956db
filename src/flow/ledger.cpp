#include "flow/ledger.hpp"

#include <set>

#include "base/hash.hpp"

namespace bonafide::flow {
namespace {

Tally at(const Ledger& ledger, const LedgerKey& key) {
  const auto found = ledger.find(key);
  return found == ledger.end() ? Tally{} : found->second;
}

void collect_keys(const Ledger& ledger, std::set<LedgerKey>& keys) {
  for (const auto& [key, tally] : ledger) keys.insert(key);
}

}  // namespace

Tally Tally::of(ByteView id, ByteView content_hash) {
  // The length of the id keeps (ab, c) and (a, bc) apart.
  return {1, hash64(content_hash, hash64(id, id.size()))};
}

Tally& Tally::operator+=(const Tally& other) {
  count += other.count;
  hash += other.hash;
  return *this;
}

Tally& Tally::operator-=(const Tally& other) {
  count -= other.count;
  hash -= other.hash;
  return *this;
}

std::string Imbalance::text() const {
  std::string out = hop + ", tenant " + key.tenant + ", " +
                    format_rfc3339(Time::from_seconds(key.minute * 60)) + ": " + std::to_string(in.count) +
                    " came in, " + std::to_string(accounted.count) + " are accounted for: ";
  if (in.count > accounted.count) return out + std::to_string(in.count - accounted.count) + " missing";
  if (in.count < accounted.count) return out + std::to_string(accounted.count - in.count) + " too many";
  return out + "as many, but not the same ones";
}

std::vector<Imbalance> balance(const Ledger& door, const std::vector<HopLedger>& hops) {
  std::map<std::string, const Ledger*> out_of;
  for (const auto& hop : hops) out_of[hop.hop] = &hop.out;
  std::vector<Imbalance> imbalances;
  for (const auto& hop : hops) {
    const auto feed = out_of.find(hop.feed);
    const Ledger& in = feed == out_of.end() ? door : *feed->second;
    std::vector<const Ledger*> accounts = {&hop.out, &hop.parked, &hop.duplicate, &hop.retired,
                                           &hop.under_way};
    for (const auto& [reason, ledger] : hop.dropped) accounts.push_back(&ledger);
    std::set<LedgerKey> keys;
    collect_keys(in, keys);
    for (const auto* account : accounts) collect_keys(*account, keys);
    for (const auto& key : keys) {
      Tally accounted;
      for (const auto* account : accounts) accounted += at(*account, key);
      if (const Tally came = at(in, key); came != accounted)
        imbalances.push_back({hop.hop, key, came, accounted});
    }
  }
  return imbalances;
}

}  // namespace bonafide::flow
