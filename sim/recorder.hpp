#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"

namespace bonafide::sim {

/// What the senders know, on paper of their own: which message the door has acknowledged, and under which id.
/// Shares nothing with the pipeline.
class Recorder {
 public:
  /// A message for one tenant: its own number, and who is to get it.
  struct Sent {
    std::string tenant;
    std::string key;  ///< number and recipients
    friend auto operator<=>(const Sent&, const Sent&) = default;
  };
  struct Fate {
    std::optional<EventId> acked;  ///< the id in the first answer
  };

  void sent(const Sent& sent) { fates_[sent]; }
  /// Says what is wrong with the answer; "" = nothing.
  std::string acked(const Sent& sent, const EventId& id) {
    Fate& fate = fates_[sent];
    if (fate.acked && *fate.acked != id)
      return sent.tenant + " " + sent.key + " was acknowledged as " + fate.acked->hex() + ", and now as " +
             id.hex();
    fate.acked = id;
    return "";
  }
  [[nodiscard]] const std::map<Sent, Fate>& fates() const { return fates_; }
  [[nodiscard]] size_t acks() const {
    size_t count = 0;
    for (const auto& [sent, fate] : fates_) count += fate.acked ? 1 : 0;
    return count;
  }

 private:
  std::map<Sent, Fate> fates_;
};

}  // namespace bonafide::sim
