#include "control/reference/keeper.hpp"

#include <algorithm>

namespace bonafide::control {

ReferenceKeeper::ReferenceKeeper(Parts parts, std::vector<trust::ListSource> sources, Duration every)
    : parts_(std::move(parts)),
      every_(every),
      reloads_(parts_.metrics.counter("bonafide_reference_reloads_total",
                                      "Data sets that were read again because their files changed.")),
      failures_(parts_.metrics.counter(
          "bonafide_reference_failures_total",
          "Changed files of data sets that were refused; the sets stay as they were.")),
      broken_(parts_.metrics.gauge("bonafide_reference_broken",
                                   "Data sets whose files cannot be used as they are now.")),
      due_(parts_.clock.steady() + every) {
  for (auto& source : sources) watched_.push_back({std::move(source), {}, {}, {}, ""});
}

// One file in each step.
Result<flow::Progress> ReferenceKeeper::step() {
  if (watched_.empty() || parts_.clock.steady() < due_) return flow::Progress::idle;
  look(next_);
  next_ = (next_ + 1) % watched_.size();
  if (next_ == 0) due_ = parts_.clock.steady() + every_;
  return flow::Progress::worked;
}

void ReferenceKeeper::look(size_t which) {
  Watched& file = watched_[which];  // only this thread writes it
  const auto stamp = parts_.stamp(file.source.path);
  if (!stamp.ok()) {
    file.seen.reset();
    file.judged.reset();
    return refuse(file, stamp.error().message);
  }
  const bool is_still = file.seen == *stamp;
  file.seen = *stamp;
  if (file.judged != *stamp && is_still) read(file, which, *stamp);
}

void ReferenceKeeper::read(Watched& file, size_t which, const FileStamp& stamp) {
  const auto bytes = parts_.files.read_file(file.source.path);
  const auto after = parts_.stamp(file.source.path);
  if (!after.ok() || *after != stamp) return;  // it changed while it was read: the next look sees that
  file.judged = stamp;
  if (!bytes.ok()) return refuse(file, bytes.error().message);
  auto set = trust::ReferenceData::read(file.source, *bytes);
  if (!set.ok()) return refuse(file, set.error().message);
  auto sets = parts_.current.get()->sets();
  const bool is_new = sets[which]->version() != (*set)->version();
  if (is_new) {
    const std::string before = sets[which]->version();
    sets[which] = *set;
    parts_.current.set(trust::ReferenceData(std::move(sets)));
    reloads_.add();
    parts_.log.info("reference.read", {{"name", file.source.name},
                                       {"version", (*set)->version()},
                                       {"before", before},
                                       {"count", (*set)->size()}});
  }
  const std::lock_guard lock(mutex_);
  file.modified = stamp.modified;
  file.problem.clear();
  broken_.set(static_cast<double>(
      std::ranges::count_if(watched_, [](const Watched& w) { return !w.problem.empty(); })));
}

void ReferenceKeeper::refuse(Watched& file, const std::string& why) {
  if (file.problem == why) return;
  failures_.add();
  parts_.log.error("reference.refused", {{"name", file.source.name}, {"error", why}});
  const std::lock_guard lock(mutex_);
  file.problem = why;
  broken_.set(static_cast<double>(
      std::ranges::count_if(watched_, [](const Watched& w) { return !w.problem.empty(); })));
}

std::vector<ReferenceKeeper::State> ReferenceKeeper::sets() const {
  const auto current = parts_.current.get();
  std::vector<State> out;
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < watched_.size(); ++i) {
    const auto& set = *current->sets()[i];
    const auto& file = watched_[i];
    out.push_back({file.source.name, file.source.path, set.role(), set.version(), set.size(), file.modified,
                   file.problem});
  }
  return out;
}

}  // namespace bonafide::control
