#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"

// Facts in pieces: an aggregate over millions reads whole arrays of 16 bytes a message instead of stepping
// from row to row (SQLite needs 0.2 µs a row for that, this 0.01).
namespace bonafide::stores::search {

static_assert(std::endian::native == std::endian::little, "facts are stored as they stand in memory");

/// What can be filtered and counted of one message.
struct Fact {
  int64_t at_us = 0;  ///< event time
  uint32_t domain = 0;
  uint16_t tenant = 0;
  uint16_t labels = 0;  ///< see Labels
};
static_assert(sizeof(Fact) == 16);

/// Which message it is. `doc` is the number of its text in the full-text index, in the order of ids.
struct Key {
  int64_t doc = 0;
  uint64_t text_hash = 0;
  int32_t revision = 0;
  std::array<char, 10> tail{};  ///< of the id, whose first 6 bytes follow from `doc`
  uint16_t unused = 0;

  [[nodiscard]] EventId id() const;
};
static_assert(sizeof(Key) == 32);

/// The small numbers of a fact in one: 2 bits verdict, 4 attack, 2 direction, 1 attachment, 1 removed, 2
/// judgement.
struct Labels {
  uint8_t verdict = 0, attack = 0, direction = 0;
  bool attachment = false, removed = false;
  uint8_t judgement = 0;

  /// Only what came in (direction 0) was judged; for all else the verdict that is told is 3, none. Here and
  /// not in the fact, so that what earlier versions wrote tells it too.
  [[nodiscard]] uint8_t told_verdict() const { return direction == 0 ? verdict : 3; }
  [[nodiscard]] uint16_t packed() const {
    return static_cast<uint16_t>((verdict & 3) | (attack & 15) << 2 | (direction & 3) << 6 |
                                 (attachment ? 1 << 8 : 0) | (removed ? 1 << 9 : 0) | (judgement & 3) << 10);
  }
  static Labels of(uint16_t packed) {
    return {static_cast<uint8_t>(packed & 3),
            static_cast<uint8_t>(packed >> 2 & 15),
            static_cast<uint8_t>(packed >> 6 & 3),
            (packed >> 8 & 1) != 0,
            (packed >> 9 & 1) != 0,
            static_cast<uint8_t>(packed >> 10 & 3)};
  }
};

constexpr int tail_bits = 15;
/// The first number that an id accepted in this millisecond can have.
constexpr int64_t first_doc(int64_t millis) { return millis << tail_bits; }
constexpr int64_t millis_of(int64_t doc) { return doc >> tail_bits; }
/// Where the text of an id stands; `attempt` counts up while another id of the same millisecond has the
/// place.
int64_t doc_of(const EventId& id, int attempt);

/// Up to `most` messages next to each other, in the order of `doc`.
struct Chunk {
  static constexpr size_t most = 512;
  std::vector<Fact> facts;
  std::vector<Key> keys;

  /// Index of `doc`, or where it would stand.
  [[nodiscard]] size_t place(int64_t doc) const;
  [[nodiscard]] const Key* find(int64_t doc) const;
  void insert(size_t at, const Fact& fact, const Key& key);
  /// The upper part goes into a chunk of its own.
  Chunk split(size_t from);
  void erase_front(size_t count);

  [[nodiscard]] ByteView fact_bytes() const {
    return {reinterpret_cast<const char*>(facts.data()), facts.size() * sizeof(Fact)};
  }
  [[nodiscard]] ByteView key_bytes() const {
    return {reinterpret_cast<const char*>(keys.data()), keys.size() * sizeof(Key)};
  }
};

/// Copies the array that `bytes` are. False: they are no whole number of elements, or not what `hash` says.
bool read_facts(ByteView bytes, int64_t hash, std::vector<Fact>& out);
bool read_keys(ByteView bytes, int64_t hash, std::vector<Key>& out);
int64_t chunk_hash(ByteView bytes);

}  // namespace bonafide::stores::search
