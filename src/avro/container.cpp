#include "avro/container.hpp"

#include <algorithm>
#include <cstring>

#include "avro/codec.hpp"

namespace bonafide::avro {
namespace {

constexpr std::string_view magic("Obj\1", 4);
constexpr std::string_view schema_key = "avro.schema";
constexpr std::string_view codec_key = "avro.codec";
constexpr size_t sync_bytes = std::tuple_size_v<SyncMarker>;
constexpr size_t block_head_bytes = 20;          // two numbers
constexpr uint64_t max_empty_records = 1 << 24;  // a block of records that take no bytes may claim this many

ByteView view(const SyncMarker& sync) { return {sync.data(), sync.size()}; }

}  // namespace

ContainerWriter::ContainerWriter(const Schema& schema, ContainerOptions options)
    : options_(std::move(options)), schema_json_(schema.to_json()), codec_(options_.codec, options_.level) {}

Status ContainerWriter::header(std::string& out) const {
  for (const auto& [key, value] : options_.metadata) {
    if (key.starts_with("avro.")) {
      return Error{Cause::invalid,
                   "the metadata key \"" + key + "\" is reserved: choose one without \"avro.\""};
    }
  }
  out += magic;
  Encoder encoder(out);
  encoder.begin_block(options_.metadata.size() + 2);
  encoder.put_bytes(schema_key);
  encoder.put_bytes(schema_json_);
  encoder.put_bytes(codec_key);
  encoder.put_bytes(to_string(options_.codec));
  for (const auto& [key, value] : options_.metadata) {
    encoder.put_bytes(key);
    encoder.put_bytes(value);
  }
  encoder.end_blocks();
  out += view(options_.sync);
  return Ok{};
}

Status ContainerWriter::append(ByteView record, std::string& out) { return append_many(record, 1, out); }

Status ContainerWriter::append_many(ByteView records, uint64_t count, std::string& out) {
  block_ += records;
  in_block_ += count;
  records_ += count;
  return block_.size() < options_.block_bytes ? Status(Ok{}) : end_block(out);
}

Status ContainerWriter::end_block(std::string& out) {
  if (in_block_ == 0) return Ok{};
  BONAFIDE_TRY(codec_.compress(block_, packed_));
  Encoder encoder(out);
  encoder.put_long(static_cast<int64_t>(in_block_));
  encoder.put_bytes(packed_);
  out += view(options_.sync);
  block_.clear();
  in_block_ = 0;
  return Ok{};
}

Result<ContainerReader> ContainerReader::open(ReadAt read_at, ContainerLimits limits) {
  ContainerReader reader(std::move(read_at), limits);
  BONAFIDE_TRY(reader.read_header());
  return reader;
}

Result<ContainerReader> ContainerReader::open(ByteView file, ContainerLimits limits) {
  return open(
      [file](uint64_t offset, size_t count) -> Result<std::string> {
        return offset < file.size() ? std::string(file.substr(offset, count)) : std::string();
      },
      limits);
}

Error ContainerReader::damaged(uint64_t offset, const std::string& what) const {
  return {Cause::damaged, "byte " + std::to_string(offset) + ": " + what};
}

Status ContainerReader::read_header() {
  // The header tells its length only by being read: try with more until it is whole.
  for (size_t size = 64 << 10;; size *= 4) {
    size = std::min(size, limits_.header_bytes);
    BONAFIDE_ASSIGN(const std::string bytes, read_at_(0, size));
    bool cut = false;
    Status done = parse_header(bytes, cut);
    if (done.ok()) return take_metadata();
    if (!cut || bytes.size() < size || size == limits_.header_bytes) return done;
  }
}

Status ContainerReader::parse_header(ByteView bytes, bool& cut) {
  if (bytes.substr(0, magic.size()) != magic) {
    return damaged(0, "this is not an Avro container file: it does not begin with \"Obj\" and 1");
  }
  metadata_.clear();
  Decoder in(bytes);
  in.seek(magic.size());
  while (size_t count = in.next_block(2)) {
    for (; count > 0 && in.ok(); --count) {
      std::string key(in.get_bytes());
      metadata_[std::move(key)] = in.get_bytes();
    }
  }
  const ByteView sync = in.get_fixed(sync_bytes);
  if (!in.ok()) {
    // What looks broken may only be cut off; the caller has more.
    cut = true;
    return Error{Cause::damaged, "the header of the container file: " + in.status().error().message};
  }
  std::copy(sync.begin(), sync.end(), sync_.begin());
  offset_ = in.offset();
  return Ok{};
}

Status ContainerReader::take_metadata() {
  const auto schema = metadata_.find(std::string(schema_key));
  if (schema == metadata_.end()) return damaged(0, "the header of the container file has no avro.schema");
  auto parsed = parse_schema(schema->second);
  if (!parsed.ok()) return parsed.error().in("the schema in the header of the container file");
  schema_ = std::move(parsed).value();
  const auto codec = metadata_.find(std::string(codec_key));
  BONAFIDE_ASSIGN(codec_name_, parse_codec(codec == metadata_.end() ? "null" : codec->second));
  codec_ = BlockCodec(codec_name_);
  return Ok{};
}

Result<bool> ContainerReader::next_block(Block& block) {
  records_left_ = 0;
  BONAFIDE_ASSIGN(const std::string head, read_at_(offset_, block_head_bytes));
  if (head.empty()) return false;
  Decoder in(head);
  const int64_t count = in.get_long();
  const int64_t size = in.get_long();
  if (!in.ok())
    return damaged(offset_, "the count or size of the block cannot be read: " + in.status().error().message);
  if (count < 0 || size < 0) return damaged(offset_, "the count or size of the block is negative");
  if (static_cast<uint64_t>(size) > limits_.block_bytes) {
    return Error{Cause::exhausted, "byte " + std::to_string(offset_) + ": the block claims " +
                                       std::to_string(size) + " bytes, more than the limit of " +
                                       std::to_string(limits_.block_bytes)};
  }
  const size_t wanted = static_cast<size_t>(size) + sync_bytes;
  BONAFIDE_ASSIGN(raw_, read_at_(offset_ + in.offset(), wanted));
  if (raw_.size() < wanted) return damaged(offset_, "the file ends in the middle of the block");
  if (ByteView(raw_).substr(static_cast<size_t>(size)) != view(sync_)) {
    return damaged(offset_ + in.offset() + static_cast<size_t>(size),
                   "the sync marker after the block is wrong");
  }
  Block read{offset_, in.offset() + wanted, static_cast<uint64_t>(count), {}};
  BONAFIDE_TRY(unpack(read, ByteView(raw_).substr(0, static_cast<size_t>(size))));
  read.data = plain_;
  BONAFIDE_TRY(check_count(read));
  offset_ += read.file_bytes;
  block_offset_ = read.offset;
  next_record_ = 0;
  block = read;
  return true;
}

Status ContainerReader::unpack(const Block& block, ByteView packed) {
  Status done = codec_.decompress(packed, limits_.block_bytes, plain_);
  if (done.ok()) return done;
  return done.error().in("byte " + std::to_string(block.offset));
}

Status ContainerReader::check_count(const Block& block) const {
  const size_t least = schema_->min_bytes;
  const uint64_t most = least > 0 ? block.data.size() / least : max_empty_records;
  if (block.count <= most && (block.count > 0 || block.data.empty())) return Ok{};
  return damaged(block.offset, "the block claims " + std::to_string(block.count) + " records in " +
                                   std::to_string(block.data.size()) + " bytes");
}

Result<bool> ContainerReader::next(ByteView& record) {
  while (records_left_ == 0) {
    Block block;
    BONAFIDE_ASSIGN(const bool more, next_block(block));
    if (!more) return false;
    records_left_ = block.count;
  }
  const ByteView left = ByteView(plain_).substr(next_record_);
  Decoder in(left);
  const bool read = skip(in, schema_.root());
  if (!read || (records_left_ == 1 && !in.at_end())) {
    const std::string why = read ? "bytes are left over after the last record" : in.status().error().message;
    return damaged(block_offset_, "the block holds a record that is not of the schema, " + why);
  }
  record = left.substr(0, in.offset());
  next_record_ += in.offset();
  --records_left_;
  return true;
}

Result<bool> ContainerReader::resync() {
  constexpr size_t step = 64 << 10;
  // After a damaged record the block itself was read; after a damaged block its beginning is where to search
  // from.
  if (records_left_ > 0) return records_left_ = 0, true;
  for (uint64_t from = offset_;;) {
    BONAFIDE_ASSIGN(const std::string bytes, read_at_(from, step));
    const size_t found = bytes.find(view(sync_));
    if (found != std::string::npos) {
      offset_ = from + found + sync_bytes;
      return true;
    }
    if (bytes.size() < step) return false;
    from += step - (sync_bytes - 1);
  }
}

}  // namespace bonafide::avro
