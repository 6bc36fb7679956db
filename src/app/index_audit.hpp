#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "app/pipeline.hpp"

namespace bonafide::app {

/// Holds the search index against the rows: each row once, in its newest revision, with the same facts and
/// texts. Beside a running pipeline: what is under way between the two is neither missing nor old.
class IndexAudit {
 public:
  /// `quick`: ids and revisions only.
  IndexAudit(Pipeline& pipeline, bool quick) : pipeline_(pipeline), quick_(quick) {}

  /// Told of every row, before compare().
  void row(const stores::StoredRow& row);

  using Tell = std::function<void(const std::vector<EventId>& ids, const char* what)>;
  /// What was accepted before `horizon` is about to go, and not looked at.
  Status compare(Time horizon, const Tell& tell, const stores::OnDamage& on_damage);
  /// Messages that can be found. After compare().
  [[nodiscard]] uint64_t indexed() const { return indexed_.size(); }

 private:
  struct Entry {
    EventId id;
    int32_t revision = 0;
    uint64_t digest = 0;  ///< over everything else
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  static Entry entry_of(const stores::SearchEntry& entry, bool quick);
  [[nodiscard]] Entry entry_of(const stores::StoredRow& row) const;
  Status read_on_the_way();
  Status read_index(const stores::OnDamage& on_damage);
  [[nodiscard]] bool is_fine(const EventId& id) const;

  Pipeline& pipeline_;
  const bool quick_;
  std::vector<Entry> rows_, indexed_;
  std::set<EventId> on_the_way_;
};

}  // namespace bonafide::app
