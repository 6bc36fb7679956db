#pragma once
#include <array>
#include <compare>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace bonafide::flow {

/// A place in a shard; memcmp order is delivery order. Offsets, sequence numbers and LSN + index all fit. All
/// zero lies before the first record.
struct Position {
  std::array<char, 20> bytes{};

  static Position of(uint64_t major, uint32_t minor = 0) {
    Position position;
    store_be64(position.bytes.data(), major);
    store_be32(position.bytes.data() + 8, minor);
    return position;
  }
  [[nodiscard]] uint64_t major() const { return load_be64(bytes.data()); }
  [[nodiscard]] uint32_t minor() const { return load_be32(bytes.data() + 8); }
  [[nodiscard]] ByteView view() const { return {bytes.data(), bytes.size()}; }
  friend bool operator==(const Position& a, const Position& b) { return a.view() == b.view(); }
  friend std::strong_ordering operator<=>(const Position& a, const Position& b) {
    return std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) <=> 0;
  }
};

/// Live mail goes before backfill (a past being loaded, a reprocess, a retry).
enum class Lane : uint8_t { live = 0, backfill = 1 };
constexpr std::array<Lane, 2> lanes = {Lane::live, Lane::backfill};

/// One ordered part of a topic in one lane.
struct ShardId {
  std::string topic;
  Lane lane = Lane::live;
  uint32_t number = 0;
  auto operator<=>(const ShardId&) const = default;
  /// "mail.received/live/0".
  [[nodiscard]] std::string text() const {
    return topic + (lane == Lane::live ? "/live/" : "/backfill/") + std::to_string(number);
  }
};

/// A shard as the log knows it. Shards may be revoked, split, merged or ended while they are read.
struct Shard {
  ShardId id;
  std::vector<ShardId> parents;  ///< must be read to their ends before this one
  bool ended = false;            ///< nothing more will be written to it
};

/// The part (after, upto] of a shard: what an effect covers.
struct Stretch {
  ShardId shard;
  Position after, upto;
};

/// A record's value in decoded form, passed on inside the process so that it is neither encoded nor decoded
/// twice.
class Payload {
 public:
  virtual ~Payload() = default;
  /// Appends the encoded value. encode() of equal payloads gives equal bytes.
  virtual void encode(std::string& out) const = 0;
};

struct Header {
  std::string name, value;
};

/// What streams carry. `value` is the encoded event, empty only while a payload has not crossed a hop yet.
struct Record {
  SharedBytes key;  ///< order is kept among records of one key; also picks the shard
  SharedBytes value;
  std::shared_ptr<const Payload>
      payload;                  ///< the decoded value where the writer was in this process, else null
  Time timestamp;               ///< when the front door accepted its cause: for lag and retention
  uint16_t attempt = 0;         ///< how often it was put back after being parked
  std::vector<Header> headers;  ///< only where Traits::headers
};

/// A record at its place.
struct Delivery {
  ShardId shard;
  Position position;
  Record record;
};

}  // namespace bonafide::flow
