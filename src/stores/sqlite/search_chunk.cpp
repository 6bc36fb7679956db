#include "stores/sqlite/search_chunk.hpp"

#include <algorithm>
#include <cstring>

#include "base/hash.hpp"

namespace bonafide::stores::search {

EventId Key::id() const {
  return EventId::make(Time::from_millis(millis_of(doc)), {tail.data(), tail.size()});
}

int64_t doc_of(const EventId& id, int attempt) {
  constexpr uint64_t mask = (uint64_t{1} << tail_bits) - 1;
  const uint64_t head = load_be64(id.bytes.data());
  const uint64_t place = ((head & 0xFFFF) >> 1) + static_cast<uint64_t>(attempt);
  return static_cast<int64_t>((head >> 16) << tail_bits | (place & mask));
}

size_t Chunk::place(int64_t doc) const {
  if (keys.empty() || keys.back().doc < doc) return keys.size();
  const auto at = std::ranges::lower_bound(keys, doc, {}, &Key::doc);
  return static_cast<size_t>(at - keys.begin());
}

const Key* Chunk::find(int64_t doc) const {
  const size_t at = place(doc);
  return at < keys.size() && keys[at].doc == doc ? &keys[at] : nullptr;
}

void Chunk::insert(size_t at, const Fact& fact, const Key& key) {
  facts.insert(facts.begin() + static_cast<long>(at), fact);
  keys.insert(keys.begin() + static_cast<long>(at), key);
}

Chunk Chunk::split(size_t from) {
  Chunk upper;
  upper.facts.assign(facts.begin() + static_cast<long>(from), facts.end());
  upper.keys.assign(keys.begin() + static_cast<long>(from), keys.end());
  facts.resize(from);
  keys.resize(from);
  return upper;
}

void Chunk::erase_front(size_t count) {
  facts.erase(facts.begin(), facts.begin() + static_cast<long>(count));
  keys.erase(keys.begin(), keys.begin() + static_cast<long>(count));
}

int64_t chunk_hash(ByteView bytes) { return static_cast<int64_t>(hash64(bytes)); }

namespace {

template <class T>
bool read_array(ByteView bytes, int64_t hash, std::vector<T>& out) {
  if (bytes.size() % sizeof(T) != 0 || chunk_hash(bytes) != hash) return false;
  out.resize(bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
  return true;
}

}  // namespace

bool read_facts(ByteView bytes, int64_t hash, std::vector<Fact>& out) { return read_array(bytes, hash, out); }
bool read_keys(ByteView bytes, int64_t hash, std::vector<Key>& out) { return read_array(bytes, hash, out); }

}  // namespace bonafide::stores::search
