#include "flow/parked.hpp"

#include "base/text.hpp"
#include "flow/varint.hpp"

namespace bonafide::flow {

namespace {
constexpr char format_version = 1;
}

std::string ParkedRecord::encode() const {
  std::string out;
  out.reserve(key.size() + value.size() + 256);
  out += format_version;
  put_bytes(out, step);
  put_bytes(out, shard.topic);
  put_varint(out, static_cast<uint64_t>(shard.lane));
  put_varint(out, shard.number);
  out += position.view();
  put_bytes(out, key.view());
  put_bytes(out, value.view());
  put_signed(out, timestamp.us);
  put_varint(out, attempt);
  put_bytes(out, cut_utf8(cause, max_cause_bytes));
  put_signed(out, parked_at.us);
  return out;
}

Result<ParkedRecord> ParkedRecord::decode(ByteView bytes) {
  if (bytes.empty() || bytes[0] != format_version) {
    return {Cause::damaged, "not a parked record of a version this release reads"};
  }
  VarintReader in(bytes.substr(1));
  ParkedRecord out;
  out.step = in.bytes();
  out.shard.topic = in.bytes();
  const uint64_t lane = in.varint(), number = in.varint();
  const ByteView position = in.raw(out.position.bytes.size());
  out.key = SharedBytes::copy(in.bytes());
  out.value = SharedBytes::copy(in.bytes());
  out.timestamp = {in.signed_varint()};
  const uint64_t attempt = in.varint();
  out.cause = in.bytes();
  out.parked_at = {in.signed_varint()};
  if (!in.at_end() || lane > 1 || number > UINT32_MAX || attempt > UINT16_MAX) {
    return {Cause::damaged, "a parked record is cut short or garbled"};
  }
  std::memcpy(out.position.bytes.data(), position.data(), position.size());
  out.shard.lane = static_cast<Lane>(lane);
  out.shard.number = static_cast<uint32_t>(number);
  out.attempt = static_cast<uint16_t>(attempt);
  return out;
}

}  // namespace bonafide::flow
