#pragma once
#include <span>
#include <string>

#include "base/hash.hpp"
#include "base/ids.hpp"
#include "stores/sqlite/connection.hpp"

namespace bonafide::stores {

/// Hash over all that a row holds. `scratch` is overwritten.
inline uint64_t row_hash(const EventId& id, int32_t revision, std::span<const ValueView> values,
                         ByteView event, std::string& scratch) {
  scratch.assign(id.view());
  append_le(scratch, revision);
  for (size_t i = 0; i < values.size(); ++i) append_for_hash(scratch, static_cast<int>(i), values[i]);
  return hash64(event, hash64(scratch));
}

inline uint64_t change_hash(int64_t number, const EventId& id, int32_t revision, int64_t lane,
                            ByteView body) {
  return hash64(body,
                hash64(id.view(), static_cast<uint64_t>(number) * 0x9E3779B97F4A7C15 +
                                      static_cast<uint32_t>(revision) * 2 + static_cast<uint64_t>(lane)));
}
inline uint64_t consumer_hash(std::string_view name, int64_t number) {
  return hash64(name, static_cast<uint64_t>(number));
}
inline uint64_t heartbeat_hash(std::string_view name, const EventId& id, Time at) {
  return hash64(name, hash64(id.view(), static_cast<uint64_t>(at.us)));
}
inline uint64_t book_hash(int64_t day, int64_t count, uint64_t sum) {
  std::string bytes;
  append_le(bytes, day);
  append_le(bytes, count);
  append_le(bytes, sum);
  return hash64(bytes);
}

}  // namespace bonafide::stores
