#include "steps/archive/file_reader.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bonafide::steps {
namespace {

constexpr uint64_t max_block_bytes = uint64_t{64} << 20;

std::string at_byte(uint64_t offset) { return ", byte " + std::to_string(offset); }

}  // namespace

Result<ArchiveIndex> ArchiveFileReader::read_index(stores::BlobStore& blobs, const ArchiveName& name) {
  BONAFIDE_ASSIGN(const std::string bytes, blobs.read(name.index()));
  auto index = ArchiveIndex::decode(bytes);
  if (!index.ok()) return index.error().in(name.index());
  return index;
}

std::vector<EventId> ArchiveFileReader::ids_of(const ArchiveIndex& index) {
  std::vector<EventId> ids;
  ids.reserve(index.entries.size());
  for (const auto& entry : index.entries) ids.push_back(entry.id);
  return ids;
}

Result<std::unique_ptr<ArchiveFileReader>> ArchiveFileReader::open(stores::BlobStore& blobs,
                                                                   const mail::EventCodec& codec,
                                                                   const std::string& path) {
  BONAFIDE_ASSIGN(ArchiveName name, ArchiveName::parse(path));
  std::unique_ptr<ArchiveFileReader> reader(new ArchiveFileReader(path, std::move(name), codec));
  BONAFIDE_ASSIGN(reader->blob_, blobs.open(path));
  auto index = read_index(blobs, reader->name_);
  if (!index.ok()) {
    if (index.error().cause != Cause::not_found) return index.error();
    return Error{Cause::damaged,
                 reader->name_.index() + ": is missing, " + path + " cannot be checked without it"};
  }
  reader->index_ = std::move(index).value();
  BONAFIDE_TRY(reader->open_header());
  return reader;
}

Status ArchiveFileReader::open_header() {
  if (index_.header_bytes > max_block_bytes)
    return {Cause::damaged, path_ + ": its index is not an index of it"};
  BONAFIDE_ASSIGN(const std::string bytes, blob_->read_at(0, index_.header_bytes));
  if (bytes.size() != index_.header_bytes || crc32c(bytes) != index_.header_crc) {
    return {Cause::damaged, path_ + at_byte(0) + ": the header is damaged (checksum of " +
                                std::to_string(index_.header_bytes) + " bytes)"};
  }
  auto container = avro::ContainerReader::open(bytes);
  if (!container.ok()) return container.error().in(path_);
  schema_ = container->schema();
  metadata_ = container->metadata();
  sync_.assign(container->sync().begin(), container->sync().end());
  block_codec_ = avro::BlockCodec(container->codec());
  const auto& newest = codec_.schema(mail::Scored::topic);
  if (schema_.to_json() == newest.to_json()) return Ok{};
  auto plan = avro::Plan::compile(schema_, newest);
  if (!plan.ok()) return plan.error().in(path_ + ": its schema cannot be read as the newest");
  plan_ = std::move(plan).value();
  return Ok{};
}

void ArchiveFileReader::check(const stores::OnDamage& on_damage) {
  const auto size = blob_->size();
  if (!size.ok()) {
    on_damage({path_, size.error().message, {}});
  } else if (*size > index_.file_bytes()) {
    on_damage({path_ + at_byte(index_.file_bytes()), "something was added at the end", {}});
  }
  const auto says = [&](const char* key, const std::string& value) {
    const auto found = metadata_.find(key);
    return found != metadata_.end() && found->second == value;
  };
  std::string hash;
  append_be64(hash, index_.content_hash());
  const auto& entries = index_.entries;
  const bool same = !entries.empty() && says("bonafide.tenant", index_.tenant) &&
                    says("bonafide.shard", name_.shard.text()) && says("bonafide.hash", to_hex(hash)) &&
                    says("bonafide.first_position", to_hex(entries.front().position.view())) &&
                    says("bonafide.last_position", to_hex(entries.back().position.view())) &&
                    entries.front().position == name_.first && entries.back().position == name_.last;
  if (!same) on_damage({path_, "name, metadata and index do not belong together", {}});
  if (!name_.folder.starts_with(archive_tenant_folder(index_.tenant) + "/")) {
    on_damage({path_, "is in the folder of another tenant", {}});
  }
}

Status ArchiveFileReader::read(const std::function<bool(const ArchivedEvent&)>& each,
                               const stores::OnDamage& on_damage, size_t first) {
  uint64_t offset = index_.header_bytes;
  size_t record = 0;
  for (size_t number = 0; number < index_.blocks.size(); ++number) {
    const auto& block = index_.blocks[number];
    if (record + block.records <= first) {
      offset += block.bytes;
      record += block.records;
      continue;
    }
    auto events = read_block(block, offset, record);
    if (events.ok()) {
      for (const auto& event : *events) {
        if (event.record >= first && !each(event)) return Ok{};
      }
      offset += block.bytes;
    } else if (events.error().cause == Cause::damaged || events.error().cause == Cause::invalid) {
      on_damage(damage_of(number, offset, record, events.error().message));
      offset = after_damaged(number, offset);
    } else {
      return events.error();
    }
    record += block.records;
  }
  return Ok{};
}

/// All events of a damaged block are lost, since nothing vouches for its bytes any more. Those of which there
/// is no trace in it come first.
stores::Damage ArchiveFileReader::damage_of(size_t number, uint64_t offset, size_t first_record,
                                            const std::string& what) {
  const auto& block = index_.blocks[number];
  stores::Damage damage{path_ + at_byte(offset), "block " + std::to_string(number) + ": " + what, {}};
  for (size_t i = first_record; i < first_record + block.records; ++i)
    damage.lost.push_back(index_.entries[i].id);
  uint64_t records = 0;
  const auto bytes = blob_->read_at(offset, std::min(block.bytes, max_block_bytes));
  const auto plain = bytes.ok() ? decompress(*bytes, records) : Result<std::string>(bytes.error());
  if (!plain.ok()) return damage;
  const auto traced = std::stable_partition(damage.lost.begin(), damage.lost.end(), [&](const EventId& id) {
    return plain->find(id.view()) == std::string::npos;
  });
  const auto gone = static_cast<size_t>(traced - damage.lost.begin());
  damage.what += "; it says it has " + std::to_string(records) + " of " + std::to_string(block.records) +
                 " records, of " + std::to_string(gone) + " of them, named first, there is no trace";
  return damage;
}

bool ArchiveFileReader::stands_at(const ArchiveIndex::Block& block, uint64_t offset) {
  if (block.bytes > max_block_bytes) return false;
  const auto bytes = blob_->read_at(offset, block.bytes);
  return bytes.ok() && bytes->size() == block.bytes && crc32c(*bytes) == block.crc;
}

/// Where the block after a damaged one begins: at its place, or behind one of the next sync markers, if bytes
/// were taken out or put in.
uint64_t ArchiveFileReader::after_damaged(size_t number, uint64_t offset) {
  const uint64_t expected = offset + index_.blocks[number].bytes;
  if (number + 1 == index_.blocks.size() || stands_at(index_.blocks[number + 1], expected)) return expected;
  const auto bytes = blob_->read_at(offset, max_block_bytes);
  if (!bytes.ok()) return expected;
  for (size_t at = bytes->find(sync_); at != std::string::npos; at = bytes->find(sync_, at + 1)) {
    const uint64_t found = offset + at + sync_.size();
    if (stands_at(index_.blocks[number + 1], found)) return found;
  }
  return expected;
}

/// The plain records of a block whose bytes are what was written.
Result<std::string> ArchiveFileReader::unpack(const ArchiveIndex::Block& block, uint64_t offset) {
  if (block.bytes > max_block_bytes)
    return Error{Cause::damaged, "claims " + std::to_string(block.bytes) + " bytes"};
  BONAFIDE_ASSIGN(const std::string bytes, blob_->read_at(offset, block.bytes));
  if (bytes.size() < block.bytes) return Error{Cause::damaged, "the file ends in the middle of it"};
  if (crc32c(bytes) != block.crc)
    return Error{Cause::damaged, "its bytes are not what was written (checksum)"};
  uint64_t records = 0;
  BONAFIDE_ASSIGN(std::string plain, decompress(bytes, records));
  if (records != block.records) return Error{Cause::damaged, "is not as the index says"};
  return plain;
}

/// Of a block as it stands in the file: how many records it says it has, and their bytes.
Result<std::string> ArchiveFileReader::decompress(ByteView block, uint64_t& records) {
  avro::Decoder in(block);
  records = static_cast<uint64_t>(in.get_long());
  const ByteView packed = in.get_bytes();
  if (!in.ok()) return Error{Cause::damaged, "is cut short"};
  std::string plain;
  BONAFIDE_TRY(block_codec_.decompress(packed, max_block_bytes, plain));
  return plain;
}

Result<std::vector<ArchivedEvent>> ArchiveFileReader::read_block(const ArchiveIndex::Block& block,
                                                                 uint64_t offset, size_t first_record) {
  BONAFIDE_ASSIGN(const std::string plain, unpack(block, offset));
  std::vector<ArchivedEvent> out;
  out.reserve(block.records);
  avro::Decoder in(plain);
  std::string buffer;
  for (size_t i = first_record; i < first_record + block.records; ++i) {
    const auto& entry = index_.entries[i];
    ArchivedEvent event{name_.shard, entry.position, {}, i};
    BONAFIDE_TRY(decode(in, buffer, event.event));
    const auto& received = event.event.received;
    if (received.id != entry.id || event.event.revision != entry.revision ||
        received.tenant != index_.tenant ||
        ArchiveIndex::record_hash(received.id, received.message_key.data) != entry.hash) {
      return Error{Cause::damaged, "record " + std::to_string(i) + " is another than the index says"};
    }
    out.push_back(std::move(event));
  }
  if (!in.at_end()) return Error{Cause::damaged, "something is left after its last record"};
  return out;
}

Status ArchiveFileReader::decode(avro::Decoder& in, std::string& buffer, mail::Scored& event) const {
  if (!plan_) {
    avro::bind::get(in, event);
    return in.status();
  }
  buffer.clear();
  BONAFIDE_TRY(plan_->run(in, buffer));
  return avro::decode(buffer, event);
}

}  // namespace bonafide::steps
