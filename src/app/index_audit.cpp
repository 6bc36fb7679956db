#include "app/index_audit.hpp"

#include <algorithm>

#include "app/book_reading.hpp"
#include "base/hash.hpp"
#include "steps/import/row_change.hpp"
#include "steps/index/document.hpp"

namespace bonafide::app {

IndexAudit::Entry IndexAudit::entry_of(const stores::SearchEntry& entry, bool quick) {
  Entry made{entry.id, entry.revision, 0};
  if (quick) return made;
  std::string bytes;
  append_le(bytes, entry.at.us);
  append_le(bytes, entry.labels.packed());
  append_le(bytes, entry.text_hash);
  made.digest = hash64(entry.tenant, hash64(entry.domain, hash64(bytes)));
  return made;
}

IndexAudit::Entry IndexAudit::entry_of(const stores::StoredRow& row) const {
  if (quick_) return {row.id, row.revision, 0};
  const auto change = steps::change_of(row, pipeline_.codec());
  if (!change.ok()) return {row.id, row.revision, 0};
  steps::Document document;
  const auto doc = document.of(*change);
  return entry_of({doc.id, doc.revision, doc.at, std::string(doc.tenant), std::string(doc.domain), doc.labels,
                   doc.text_hash()},
                  false);
}

void IndexAudit::row(const stores::StoredRow& row) {
  if (pipeline_.index() != nullptr) rows_.push_back(entry_of(row));
}

// In the direction of the flow, so that nothing slips by: after the rows the outbox, then where the index
// stands, then what lies behind that in the log, and last the index.
Status IndexAudit::read_on_the_way() {
  for (int64_t after = 0;;) {
    BONAFIDE_ASSIGN(const auto some, pipeline_.rows().changes(after, 10'000));
    if (some.empty()) break;
    for (const auto& change : some) on_the_way_.insert(change.id);
    after = some.back().number;
  }
  auto& index = *pipeline_.index();
  BONAFIDE_ASSIGN(const auto positions,
                  shard_positions(pipeline_.journal(), mail::Change::topic, [&](const flow::ShardId& shard) {
                    return Result<flow::Position>(index.written(shard));
                  }));
  return each_behind(pipeline_.journal(), positions, [this](const flow::Delivery& delivery) {
    if (const auto id = EventId::from_bytes(delivery.record.key.view()); id.ok()) on_the_way_.insert(*id);
  });
}

Status IndexAudit::read_index(const stores::OnDamage& on_damage) {
  const auto store = pipeline_.index()->current();
  if (!quick_) BONAFIDE_TRY(store->verify(on_damage));
  return store->entries(
      [this](const stores::SearchEntry& entry) { indexed_.push_back(entry_of(entry, quick_)); }, on_damage);
}

// What moved while we were reading is looked at once more, by itself.
bool IndexAudit::is_fine(const EventId& id) const {
  if (on_the_way_.contains(id)) return true;
  const auto indexed = pipeline_.index()->current()->entry(id);
  const auto row = pipeline_.rows().rows().get(id);
  if (!row.ok()) return row.error().cause != Cause::not_found || !indexed.ok();  // damage is told elsewhere
  return indexed.ok() && entry_of(*indexed, quick_) == entry_of(*row);
}

Status IndexAudit::compare(Time horizon, const Tell& tell, const stores::OnDamage& on_damage) {
  if (pipeline_.index() == nullptr) return Ok{};
  BONAFIDE_ASSIGN(const bool incomplete, pipeline_.index()->incomplete());
  if (incomplete) {
    // It is being built: what it lacks is known to lack.
    if (!pipeline_.rebuild()->progress().running)
      on_damage({"search index", "it was not built to its end: run `bonafide reindex`", {}});
    return Ok{};
  }
  BONAFIDE_TRY(read_on_the_way());
  BONAFIDE_TRY(read_index(on_damage));
  const auto newest_first = [](const Entry& a, const Entry& b) {
    return a.id != b.id ? a.id < b.id : a.revision > b.revision;
  };
  std::ranges::sort(rows_, newest_first);
  rows_.erase(std::ranges::unique(rows_, {}, &Entry::id).begin(), rows_.end());
  std::ranges::sort(indexed_, newest_first);
  std::vector<EventId> missing, extra, doubled, different;
  for (size_t i = 1; i < indexed_.size(); ++i) {
    if (indexed_[i].id == indexed_[i - 1].id) doubled.push_back(indexed_[i].id);
  }
  const EventId first = EventId::lowest(horizon);
  const auto suspect = [&](const EventId& id, std::vector<EventId>& list) {
    if (!(id < first) && !is_fine(id)) list.push_back(id);
  };
  auto row = rows_.begin();
  auto found = indexed_.begin();
  while (row != rows_.end() || found != indexed_.end()) {
    if (found == indexed_.end() || (row != rows_.end() && row->id < found->id)) {
      suspect((row++)->id, missing);
    } else if (row == rows_.end() || found->id < row->id) {
      suspect((found++)->id, extra);
    } else {
      if (!(*row == *found)) suspect(row->id, different);
      ++row, ++found;
    }
  }
  tell(missing, "in the rows, and not in the search index: run `bonafide reindex`");
  tell(extra, "in the search index, and not in the rows: run `bonafide reindex`");
  tell(doubled, "in the search index more than once: run `bonafide reindex`");
  tell(different, "in the search index otherwise than in the rows: run `bonafide reindex`");
  return Ok{};
}

}  // namespace bonafide::app
