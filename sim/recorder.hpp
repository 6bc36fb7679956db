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

  void sent(const Sent& sent) { acked_[sent]; }
  /// Says what is wrong with the answer; "" = nothing.
  std::string acked(const Sent& sent, const EventId& id) {
    auto& first = acked_[sent];
    if (first && *first != id)
      return sent.tenant + " " + sent.key + " was acknowledged as " + first->hex() + ", and now as " +
             id.hex();
    first = id;
    return "";
  }
  /// All that was sent, with the id in the first answer where there was one.
  [[nodiscard]] const std::map<Sent, std::optional<EventId>>& all() const { return acked_; }
  [[nodiscard]] size_t acks() const {
    size_t count = 0;
    for (const auto& [sent, id] : acked_) count += id ? 1 : 0;
    return count;
  }

 private:
  std::map<Sent, std::optional<EventId>> acked_;
};

}  // namespace bonafide::sim
