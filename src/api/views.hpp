#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace bonafide::api {

/// What of a stream is to be shown.
struct TailQuery {
  std::string stream = {};
  // Where to begin: at most one of these; none of them is now.
  bool beginning = false;           ///< the oldest record that is kept
  std::optional<Time> from = {};    ///< accepted at or after
  std::optional<size_t> last = {};  ///< so many of the newest
  std::string after = {};           ///< behind the record that had this "at"

  bool follow = false;  ///< go on with what comes
  std::optional<size_t> limit = {};
  std::string tenant = {}, sender = {};    ///< "" = all; a sender is an address or a domain
  std::vector<std::string> verdicts = {};  ///< none = all
  std::optional<EventId> id = {};
  bool reveal = false;  ///< local parts of addresses and texts in full
  bool full = false;    ///< the whole event, not only what it says in short
  /// JSON lines, or server-sent events.
  enum class Framing { lines, events } framing = Framing::lines;
};

}  // namespace bonafide::api
