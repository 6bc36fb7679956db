#include "steps/archive/index.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "flow/varint.hpp"

namespace bonafide::steps {
namespace {

constexpr std::string_view magic = "bfindex1";

size_t shared_bytes(const flow::Position& a, const flow::Position& b) {
  return static_cast<size_t>(std::mismatch(a.bytes.begin(), a.bytes.end(), b.bytes.begin()).first -
                             a.bytes.begin());
}

void put_position(std::string& out, const flow::Position& before, const flow::Position& position) {
  const size_t shared = shared_bytes(before, position);
  size_t end = position.bytes.size();
  while (end > shared && position.bytes[end - 1] == 0) --end;
  out += static_cast<char>(shared);
  flow::put_bytes(out, position.view().substr(shared, end - shared));
}

bool get_position(flow::VarintReader& in, const flow::Position& before, flow::Position& position) {
  const uint64_t shared = in.varint();
  const ByteView rest = in.bytes();
  if (!in.ok() || shared + rest.size() > position.bytes.size()) return false;
  position = {};
  std::copy_n(before.bytes.begin(), shared, position.bytes.begin());
  std::copy(rest.begin(), rest.end(), position.bytes.begin() + static_cast<long>(shared));
  return true;
}

uint64_t get_fixed(flow::VarintReader& in, size_t bytes) {
  uint64_t value = 0;
  const ByteView raw = in.raw(bytes);
  std::copy(raw.begin(), raw.end(), reinterpret_cast<char*>(&value));
  return value;
}

bool get_entries(flow::VarintReader& in, size_t most, std::vector<ArchiveIndex::Entry>& entries) {
  const uint64_t count = in.varint();
  if (!in.ok() || count > most) return false;
  entries.reserve(count);
  flow::Position before;
  for (uint64_t i = 0; i < count; ++i) {
    ArchiveIndex::Entry entry;
    const auto id = EventId::from_bytes(in.raw(16));
    entry.revision = static_cast<int32_t>(in.signed_varint());
    entry.hash = get_fixed(in, 8);
    if (!id.ok() || !get_position(in, before, entry.position)) return false;
    entry.id = *id;
    before = entry.position;
    entries.push_back(entry);
  }
  return in.ok();
}

}  // namespace

uint64_t ArchiveIndex::record_hash(const EventId& id, ByteView message_key) {
  return hash64(message_key, hash64(id.view()));
}

uint64_t ArchiveIndex::file_bytes() const {
  uint64_t sum = header_bytes;
  for (const auto& block : blocks) sum += block.bytes;
  return sum;
}

uint64_t ArchiveIndex::content_hash() const {
  uint64_t sum = 0;
  for (const auto& entry : entries) sum += entry.hash;
  return sum;
}

std::string ArchiveIndex::encode() const {
  std::string body;
  body.reserve(entries.size() * 36 + blocks.size() * 12 + 100);
  flow::put_bytes(body, tenant);
  flow::put_signed(body, earliest.us);
  flow::put_signed(body, latest.us);
  flow::put_varint(body, header_bytes);
  append_le(body, header_crc);
  flow::put_varint(body, blocks.size());
  for (const auto& block : blocks) {
    flow::put_varint(body, block.bytes);
    flow::put_varint(body, block.records);
    append_le(body, block.crc);
  }
  flow::put_varint(body, entries.size());
  flow::Position before;
  for (const auto& entry : entries) {
    body += entry.id.view();
    flow::put_signed(body, entry.revision);
    append_le(body, entry.hash);
    put_position(body, before, entry.position);
    before = entry.position;
  }
  std::string out(magic);
  append_le(out, crc32c(body));
  return out + body;
}

Result<ArchiveIndex> ArchiveIndex::decode(ByteView bytes) {
  const Error damaged = {Cause::damaged, "the index is damaged (checksum or layout)"};
  if (bytes.size() < magic.size() + 4 || bytes.substr(0, magic.size()) != magic) return damaged;
  const ByteView body = bytes.substr(magic.size() + 4);
  if (load_le<uint32_t>(bytes.data() + magic.size()) != crc32c(body)) return damaged;
  flow::VarintReader in(body);
  ArchiveIndex index;
  index.tenant = in.bytes();
  index.earliest = {in.signed_varint()};
  index.latest = {in.signed_varint()};
  index.header_bytes = in.varint();
  index.header_crc = static_cast<uint32_t>(get_fixed(in, 4));
  const uint64_t blocks = in.varint();
  if (!in.ok() || blocks > body.size()) return damaged;
  uint64_t records = 0;
  for (uint64_t i = 0; i < blocks; ++i) {
    Block block{in.varint(), in.varint(), 0};
    block.crc = static_cast<uint32_t>(get_fixed(in, 4));
    records += block.records;
    index.blocks.push_back(block);
  }
  if (!get_entries(in, body.size(), index.entries) || !in.at_end() || records != index.entries.size())
    return damaged;
  return index;
}

}  // namespace bonafide::steps
