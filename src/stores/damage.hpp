#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/ids.hpp"

namespace bonafide::stores {

/// One thing a verification found wrong.
struct Damage {
  std::string place;          ///< file, and byte or row where known
  std::string what;           ///< e.g. "checksum does not match"
  std::vector<EventId> lost;  ///< events whose bytes cannot be trusted any more, where they are known
};

/// Told of each damage as it is found.
using OnDamage = std::function<void(const Damage&)>;

}  // namespace bonafide::stores
