#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/pipeline.hpp"

namespace bonafide::app {

/// Follows records that ask for a new revision until their rows are written: first the worker of score must
/// have dealt with them, then import with what it made of them.
class RevisionWatch {
 public:
  RevisionWatch() = default;
  /// `topic`: where the records landed, in one lane.
  RevisionWatch(std::string_view topic, flow::Inlet::Landed landed)
      : topic_(topic), landed_(std::move(landed)) {}

  Result<bool> came_through(Pipeline& pipeline);

 private:
  [[nodiscard]] Result<bool> dealt_with(Pipeline& pipeline) const;
  std::string topic_;
  flow::Inlet::Landed landed_;
  bool dealt_with_ = false;
  flow::Inlet::Landed revised_;  ///< ends of mail.scored at that moment
};

}  // namespace bonafide::app
