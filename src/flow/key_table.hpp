#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.hpp"

namespace bonafide::flow {

/// Numbers keys in the order in which they are first seen. Open addressing over their hashes; each key is
/// held once.
class KeyTable {
 public:
  static constexpr size_t none = SIZE_MAX;

  /// The key's number, and whether it is new.
  std::pair<size_t, bool> add(std::string key) {
    if (2 * keys_.size() >= slots_.size()) grow();
    const uint64_t hash = hash64(key);
    uint32_t& slot = slots_[slot_of(key, hash)];
    if (slot != 0) return {slot - 1, false};
    keys_.push_back(std::move(key));
    hashes_.push_back(hash);
    slot = static_cast<uint32_t>(keys_.size());
    return {keys_.size() - 1, true};
  }
  /// The key's number; none if it was never added.
  [[nodiscard]] size_t find(std::string_view key) const {
    if (keys_.empty()) return none;
    const uint32_t number = slots_[slot_of(key, hash64(key))];
    return number == 0 ? none : number - 1;
  }
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }
  void clear() {
    keys_.clear();
    hashes_.clear();
    slots_.assign(slots_.size(), 0);
  }

 private:
  /// Where the key is, or would be put.
  [[nodiscard]] size_t slot_of(std::string_view key, uint64_t hash) const {
    for (size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const uint32_t number = slots_[at];
      if (number == 0 || (hashes_[number - 1] == hash && keys_[number - 1] == key)) return at;
    }
  }
  void grow() {
    slots_.assign(slots_.empty() ? 256 : 2 * slots_.size(), 0);
    for (size_t i = 0; i < keys_.size(); ++i)
      slots_[slot_of(keys_[i], hashes_[i])] = static_cast<uint32_t>(i + 1);
  }

  std::vector<std::string> keys_;
  std::vector<uint64_t> hashes_;  // of keys_
  std::vector<uint32_t> slots_;   // number + 1, 0 where free; a power of two, at most half full
};

}  // namespace bonafide::flow
