#include "avro/codec.hpp"

#include <algorithm>

namespace bonafide::avro {

Status Decoder::status() const {
  if (ok()) return Ok{};
  return Error{Cause::invalid, "byte " + std::to_string(offset()) + ": " + failure_};
}

Status Decoder::finish() const {
  BONAFIDE_TRY(status());
  if (at_end()) return Ok{};
  return Error{Cause::invalid, "byte " + std::to_string(offset()) + ": " + std::to_string(left()) +
                                   " bytes are left over after the value: is this the writer's schema?"};
}

void Decoder::fail(const char* what) {
  if (failure_ == nullptr) {
    failure_ = what;
    failed_at_ = at_;
  }
  at_ = end_;
}

int64_t Decoder::long_number() {
  const char* start = at_;
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
    const auto byte = static_cast<uint8_t>(*at_++);
    if (shift == 63 && byte > 1) break;
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return unzigzag(value);
  }
  const bool cut = at_ == end_ && end_ - start < 10;
  at_ = start;
  fail(cut ? ends : "a number has more than 64 bits");
  return 0;
}

size_t Decoder::next_block(size_t min_bytes) {
  const char* start = at_;
  int64_t count = get_long();
  const auto wrong = [&](const char* what) {
    at_ = start;
    fail(what);
    return size_t{0};
  };
  if (count < 0) {
    // The size lets a reader skip the block; items are read all the same, so it only has to be possible.
    const int64_t size = get_long();
    if (!ok()) return 0;
    if (count == INT64_MIN || size < 0) return wrong("the count or size of a block is out of range");
    if (static_cast<uint64_t>(size) > left()) return wrong(ends);
    count = -count;
  }
  const auto items = static_cast<uint64_t>(count);
  if (min_bytes > 0) {
    if (items > left() / min_bytes) return wrong("a block claims more items than the data can hold");
  } else {
    if (items > empty_left_) return wrong("a block claims too many items of no size");
    empty_left_ -= items;
  }
  return items;
}

namespace {

bool skip_blocks(Decoder& in, const Node& node) {
  const bool map = node.type == Type::map;
  while (size_t count = in.next_block(node.item->min_bytes + (map ? 1 : 0))) {
    while (count-- > 0) {
      if (map) in.get_bytes();
      if (!skip(in, *node.item)) return false;
    }
  }
  return in.ok();
}

bool skip_record(Decoder& in, const Node& node) {
  if (node.min_bytes == 0) in.get_empty();
  return std::all_of(node.fields.begin(), node.fields.end(),
                     [&](const Field& field) { return skip(in, *field.type); });
}

bool skip_union(Decoder& in, const Node& node) {
  const size_t index = in.get_index(node.branches.size());
  if (!in.ok()) return false;
  const Node& branch = *node.branches[index];
  return branch.type == Type::null || skip(in, branch);
}

bool skip_nested(Decoder& in, const Node& node, bool (*skip_one)(Decoder&, const Node&)) {
  if (!in.enter()) return false;
  const bool done = skip_one(in, node);
  in.leave();
  return done;
}

}  // namespace

bool skip(Decoder& in, const Node& node) {
  switch (node.type) {
    case Type::null:
      in.get_empty();
      break;
    case Type::boolean:
      in.get_boolean();
      break;
    case Type::int32:
      in.get_int();
      break;
    case Type::int64:
      in.get_long();
      break;
    case Type::float32:
      in.get_fixed(4);
      break;
    case Type::float64:
      in.get_fixed(8);
      break;
    case Type::bytes:
    case Type::string:
      in.get_bytes();
      break;
    case Type::fixed:
      if (node.size == 0) in.get_empty();
      in.get_fixed(node.size);
      break;
    case Type::enumeration:
      in.get_index(node.symbols.size());
      break;
    case Type::array:
    case Type::map:
      return skip_nested(in, node, skip_blocks);
    case Type::record:
      return skip_nested(in, node, skip_record);
    case Type::union_:
      return skip_nested(in, node, skip_union);
  }
  return in.ok();
}

}  // namespace bonafide::avro
