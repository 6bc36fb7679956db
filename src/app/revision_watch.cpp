#include "app/revision_watch.hpp"

#include <algorithm>

namespace bonafide::app {

Result<bool> RevisionWatch::dealt_with(Pipeline& pipeline) const {
  const auto group = pipeline.group_reading(topic_);
  if (!group) return Error{Cause::unavailable, "the topology has no worker that reads " + topic_};
  BONAFIDE_ASSIGN(const auto backlog, pipeline.journal().backlog(*group));
  return std::ranges::all_of(landed_, [&](const auto& place) {
    const auto passed = [&](const flow::Backlog& shard) {
      return shard.shard == place.first && !(shard.committed < place.second);
    };
    return std::ranges::any_of(backlog, passed);
  });
}

Result<bool> RevisionWatch::came_through(Pipeline& pipeline) {
  if (!dealt_with_) {
    BONAFIDE_ASSIGN(dealt_with_, dealt_with(pipeline));
    if (!dealt_with_) return false;
    BONAFIDE_ASSIGN(const auto shards, pipeline.journal().shards(std::string(mail::Scored::topic)));
    for (const auto& shard : shards) {
      if (landed_.empty() || shard.id.lane != landed_.front().first.lane) continue;
      BONAFIDE_ASSIGN(const auto end, pipeline.journal().written(shard.id));
      revised_.emplace_back(shard.id, end);
    }
  }
  return std::ranges::all_of(
      revised_, [&](const auto& place) { return !(pipeline.rows().written(place.first) < place.second); });
}

}  // namespace bonafide::app
