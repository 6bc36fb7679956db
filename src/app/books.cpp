#include "app/books.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace bonafide::app {
namespace {

using Entry = Books::Entry;

bool same_id(const Entry& a, const Entry& b) { return a.id == b.id; }

bool holds(const std::vector<Entry>& sorted, const EventId& id) {
  const auto at = std::ranges::lower_bound(sorted, id, {}, &Entry::id);
  return at != sorted.end() && at->id == id;
}

std::vector<Entry> once_each(std::vector<Entry> sorted) {
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same_id), sorted.end());
  return sorted;
}

}  // namespace

const char* to_string(Hop hop) {
  switch (hop) {
    case Hop::score:
      return "score";
    case Hop::import:
      return "import";
    case Hop::archive:
      return "archive";
  }
  return "";
}

uint64_t total(const flow::Ledger& ledger) {
  uint64_t sum = 0;
  for (const auto& [key, tally] : ledger) sum += tally.count;
  return sum;
}

uint32_t Books::tenant_number(std::string_view name) {
  if (!tenants_.empty() && tenants_.back() == name) return static_cast<uint32_t>(tenants_.size() - 1);
  const auto at = std::ranges::find(tenants_, name);
  const auto number = static_cast<uint32_t>(at - tenants_.begin());
  if (at == tenants_.end()) tenants_.emplace_back(name);
  return number;
}

void Books::accepted(const EventId& id, std::string_view tenant, int64_t content) {
  if (within(id)) door_.push_back({id, content, 0, tenant_number(tenant)});
}

void Books::stored(Hop hop, const EventId& id, std::string_view tenant, int64_t content, int32_t revision) {
  if (within(id)) of(hop).stored.push_back({id, content, revision, tenant_number(tenant)});
}

void Books::archived(const EventId& id, std::string_view tenant, int32_t revision) {
  if (within(id)) by_id_only_.push_back({id, 0, revision, tenant_number(tenant)});
}

void Books::on_the_way(Hop hop, const EventId& id, std::string_view tenant, int64_t content) {
  if (within(id)) of(hop).on_the_way.push_back({id, content, 0, tenant_number(tenant)});
}

void Books::parked(Hop hop, const EventId& id, bool dropped) {
  if (within(id)) of(hop).parked.push_back({id, dropped});
}

void Books::close() {
  // What no store keeps any more cannot be told to have been scored.
  of(Hop::score).kept_from = std::min(of(Hop::import).kept_from, of(Hop::archive).kept_from);
  std::sort(door_.begin(), door_.end());
  door_ = once_each(std::move(door_));
  for (Entry& entry : by_id_only_) {
    const Entry* accepted = at_door(entry.id);
    if (accepted != nullptr) entry.content = accepted->content;
    of(Hop::archive).stored.push_back(entry);
  }
  by_id_only_.clear();
  for (auto& hop : hops_) {
    std::sort(hop.stored.begin(), hop.stored.end());
    std::sort(hop.on_the_way.begin(), hop.on_the_way.end());
    hop.on_the_way = once_each(std::move(hop.on_the_way));
    // Once for each event, the last word: what was dropped and parked again waits.
    std::ranges::sort(hop.parked, {}, [](const Parked& p) { return std::pair(p.id, p.dropped); });
    const auto same = std::ranges::unique(hop.parked, {}, &Parked::id);
    hop.parked.erase(same.begin(), same.end());
  }
}

const Books::Entry* Books::at_door(const EventId& id) const {
  const auto at = std::ranges::lower_bound(door_, id, {}, &Entry::id);
  return at == door_.end() || at->id != id ? nullptr : &*at;
}

bool Books::is_parked(Hop hop, const EventId& id) const {
  const auto& all = of(hop).parked;
  const auto at = std::ranges::lower_bound(all, id, {}, &Parked::id);
  return at != all.end() && at->id == id;
}

Books::Differences Books::differences(Hop hop) const {
  const auto& stored = of(hop).stored;
  const auto& on_the_way = of(hop).on_the_way;
  const EventId kept_from = of(hop).kept_from;
  const auto& before = of(Hop::score);
  Differences found;
  for (size_t i = 1; i < stored.size(); ++i) {
    if (!(stored[i - 1] < stored[i])) found.doubled.push_back(stored[i].id);
  }
  const auto excused = [&](const EventId& id) {
    return holds(on_the_way, id) || holds(before.on_the_way, id) || is_parked(hop, id) ||
           is_parked(Hop::score, id);
  };
  // From the horizon on; what lies before it and is still there is about to go.
  auto at = std::ranges::lower_bound(stored, kept_from, {}, &Entry::id);
  for (auto first = std::ranges::lower_bound(door_, kept_from, {}, &Entry::id); first != door_.end();
       ++first) {
    const auto& accepted = *first;
    for (; at != stored.end() && at->id < accepted.id; ++at) found.extra.push_back(at->id);
    if (at == stored.end() || at->id != accepted.id) {
      if (!excused(accepted.id)) found.missing.push_back(accepted.id);
      continue;
    }
    for (; at != stored.end() && at->id == accepted.id; ++at) {
      if (at->content != accepted.content) found.different.push_back(at->id);
    }
  }
  for (; at != stored.end(); ++at) found.extra.push_back(at->id);
  return found;
}

/// Where an event that has been scored can be: in the rows, in the archive, or on its way there. Of two
/// contents under one id the door's counts, so that the one who has the other is named.
std::vector<Entry> Books::passed_on_by_score() const {
  std::vector<Entry> all;
  for (const Hop hop : {Hop::import, Hop::archive}) {
    all.insert(all.end(), of(hop).stored.begin(), of(hop).stored.end());
    all.insert(all.end(), of(hop).on_the_way.begin(), of(hop).on_the_way.end());
  }
  std::ranges::stable_sort(all, {}, &Entry::id);
  std::vector<Entry> out;
  for (size_t i = 0; i < all.size(); ++i) {
    const Entry* accepted = at_door(all[i].id);
    if (!out.empty() && out.back().id == all[i].id) {
      if (accepted != nullptr && all[i].content == accepted->content) out.back() = all[i];
    } else {
      out.push_back(all[i]);
    }
  }
  return out;
}

void Books::add(flow::Ledger& ledger, const Entry& entry) const {
  std::string content(8, '\0');
  store_be64(content.data(), static_cast<uint64_t>(entry.content));
  ledger[{tenants_[entry.tenant], entry.id.accepted_at().minute()}] +=
      flow::Tally::of(entry.id.view(), content);
}

flow::Ledger Books::door_ledger() const {
  flow::Ledger ledger;
  for (const auto& entry : door_) add(ledger, entry);
  return ledger;
}

/// What is out is not under way any more, and what is under way again is not parked any more.
flow::HopLedger Books::ledger_of(Hop hop, const std::vector<Entry>& in, const std::vector<Entry>& out) const {
  const EventId first = of(hop).kept_from;
  // What score does not tell of any more, because no store keeps it, did not come in.
  const EventId told = hop == Hop::score ? EventId{} : of(Hop::score).kept_from;
  flow::HopLedger ledger;
  ledger.hop = to_string(hop);
  ledger.feed = hop == Hop::score ? "" : to_string(Hop::score);
  for (const auto& entry : in) {
    if (entry.id < first && !(entry.id < told)) add(ledger.retired, entry);
  }
  for (const auto& entry : out) {
    if (!(entry.id < first)) add(ledger.out, entry);
  }
  for (const auto& entry : of(hop).on_the_way) {
    if (!(entry.id < first) && !holds(out, entry.id)) add(ledger.under_way, entry);
  }
  for (const auto& [id, dropped] : of(hop).parked) {
    const Entry* accepted = at_door(id);
    if (accepted == nullptr || id < first || holds(out, id) || holds(of(hop).on_the_way, id)) continue;
    add(dropped ? ledger.dropped["parked and given up"] : ledger.parked, *accepted);
  }
  return ledger;
}

std::vector<flow::HopLedger> Books::hop_ledgers() const {
  std::vector<flow::HopLedger> ledgers;
  auto scored = passed_on_by_score();
  // Retired at score already; what still lies about of it was nobody's to count.
  std::erase_if(scored, [&](const Entry& entry) { return entry.id < of(Hop::score).kept_from; });
  ledgers.push_back(ledger_of(Hop::score, door_, scored));
  for (const Hop hop : {Hop::import, Hop::archive})
    ledgers.push_back(ledger_of(hop, scored, once_each(of(hop).stored)));
  return ledgers;
}

}  // namespace bonafide::app
