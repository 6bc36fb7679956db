#include "steps/archive/file_reader.hpp"

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
                               const stores::OnDamage& on_damage) {
  uint64_t offset = index_.header_bytes;
  size_t record = 0;
  for (size_t number = 0; number < index_.blocks.size(); ++number) {
    const auto& block = index_.blocks[number];
    auto events = read_block(block, offset, record);
    if (events.ok()) {
      for (const auto& event : *events) {
        if (!each(event)) return Ok{};
      }
    } else if (events.error().cause == Cause::damaged || events.error().cause == Cause::invalid) {
      std::vector<EventId> lost;
      for (size_t i = record; i < record + block.records; ++i) lost.push_back(index_.entries[i].id);
      on_damage({path_ + at_byte(offset), "block " + std::to_string(number) + ": " + events.error().message,
                 std::move(lost)});
    } else {
      return events.error();
    }
    offset += block.bytes;
    record += block.records;
  }
  return Ok{};
}

/// The plain records of a block whose bytes are what was written.
Result<std::string> ArchiveFileReader::unpack(const ArchiveIndex::Block& block, uint64_t offset) {
  if (block.bytes > max_block_bytes)
    return Error{Cause::damaged, "claims " + std::to_string(block.bytes) + " bytes"};
  BONAFIDE_ASSIGN(const std::string bytes, blob_->read_at(offset, block.bytes));
  if (bytes.size() < block.bytes) return Error{Cause::damaged, "the file ends in the middle of it"};
  if (crc32c(bytes) != block.crc)
    return Error{Cause::damaged, "its bytes are not what was written (checksum)"};
  avro::Decoder in(bytes);
  const int64_t count = in.get_long();
  const ByteView packed = in.get_bytes();
  if (!in.ok() || static_cast<uint64_t>(count) != block.records)
    return Error{Cause::damaged, "is not as the index says"};
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
    ArchivedEvent event{name_.shard, entry.position, {}};
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
