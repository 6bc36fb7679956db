#include "streams/journal/format.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bonafide::streams::journal {
namespace {

constexpr std::string_view segment_magic = "BNFJRNL1";
constexpr std::string_view footer_magic = "BNFFOOT1";
constexpr std::string_view trailer_magic = "BNFTAIL1";
constexpr std::string_view catalogue_magic = "BNFCATA1";
constexpr uint32_t frame_magic = 0x46464E42;  // "BNFF"

/// Reads fixed-width fields one after the other; past the end it gives zeros and is no longer ok.
class Fields {
 public:
  explicit Fields(ByteView bytes) : rest_(bytes) {}
  template <class T>
  T get() {
    if (rest_.size() < sizeof(T)) return fail(), T{};
    const T value = load_le<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  ByteView get(uint64_t count) {
    if (rest_.size() < count) return fail(), ByteView{};
    const ByteView part = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return part;
  }
  void expect_zero(size_t count) {
    for (const char c : get(count)) ok_ = ok_ && c == 0;
  }
  /// A lane is 0 or 1.
  flow::Lane lane() {
    const auto raw = get<uint8_t>();
    if (raw > 1) ok_ = false;
    return raw == 0 ? flow::Lane::live : flow::Lane::backfill;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] size_t left() const { return rest_.size(); }
  void fail() {
    ok_ = false;
    rest_ = {};
  }

 private:
  ByteView rest_;
  bool ok_ = true;
};

Error damaged(const char* what) { return {Cause::damaged, what}; }

Definition get_definition(Fields& fields) {
  Definition out;
  const auto kind = fields.get<uint8_t>();
  if (kind < 1 || kind > 5) fields.fail();
  out.kind = static_cast<DefinitionKind>(kind);
  out.lane = fields.lane();
  out.number = fields.get<uint16_t>();
  out.second = fields.get<uint16_t>();
  const auto name_length = fields.get<uint16_t>();
  out.a = fields.get<uint64_t>();
  out.b = fields.get<uint64_t>();
  out.c = fields.get<uint32_t>();
  fields.expect_zero(4);
  out.name = fields.get(uint64_t{name_length});
  fields.expect_zero(aligned(name_length) - name_length);
  return out;
}

ProgressEntry get_progress(Fields& fields) {
  ProgressEntry out;
  out.group = fields.get<uint16_t>();
  out.shard.topic = fields.get<uint16_t>();
  out.shard.shard = fields.get<uint16_t>();
  out.shard.lane = fields.lane();
  fields.expect_zero(1);
  const auto lsn = fields.get<uint64_t>();
  const auto index = fields.get<uint32_t>();
  out.position = flow::Position::of(lsn, index);
  fields.expect_zero(4);
  out.next_offset = fields.get<uint64_t>();
  return out;
}

RecordEntry get_record(Fields& fields) {
  RecordEntry out;
  out.shard.topic = fields.get<uint16_t>();
  out.shard.lane = fields.lane();
  fields.expect_zero(1);
  out.shard.shard = fields.get<uint16_t>();
  out.attempt = fields.get<uint16_t>();
  out.offset = fields.get<uint64_t>();
  out.timestamp = {fields.get<int64_t>()};
  out.key_length = fields.get<uint32_t>();
  out.value_length = fields.get<uint32_t>();
  out.crc = fields.get<uint32_t>();
  fields.expect_zero(4);
  return out;
}

void append_progress(std::string& out, const ProgressEntry& entry) {
  out.resize(out.size() + progress_entry_bytes);
  put_progress(out.data() + out.size() - progress_entry_bytes, entry);
}

}  // namespace

std::string encode(const SegmentHeader& header) {
  std::string out(segment_magic);
  append_le<uint32_t>(out, 0);
  append_le<uint32_t>(out, format_version);
  append_le(out, header.journal_id);
  append_le(out, header.base);
  append_le(out, header.created.us);
  append_le(out, header.previous_hash);
  out.resize(segment_header_bytes, '\0');
  store_le<uint32_t>(out.data() + 8, crc32c(ByteView(out).substr(12)));
  return out;
}

Result<SegmentHeader> decode_segment_header(ByteView bytes) {
  if (bytes.size() < segment_header_bytes) return damaged("the file is shorter than a segment header");
  bytes = bytes.substr(0, segment_header_bytes);
  if (!bytes.starts_with(segment_magic)) return damaged("this is not a journal segment");
  Fields fields(bytes.substr(8));
  if (fields.get<uint32_t>() != crc32c(bytes.substr(12)))
    return damaged("the segment header's checksum is wrong");
  if (const auto version = fields.get<uint32_t>(); version != format_version) {
    return {Cause::invalid, "the segment has format " + std::to_string(version) + ", this program reads " +
                                std::to_string(format_version)};
  }
  SegmentHeader header;
  header.journal_id = fields.get<uint64_t>();
  header.base = fields.get<uint64_t>();
  header.created = {fields.get<int64_t>()};
  header.previous_hash = fields.get<uint64_t>();
  return header;
}

void put_frame_header(char* out, const FrameHeader& header) {
  store_le(out, frame_magic);
  store_le(out + 8, header.journal_id);
  store_le(out + 16, header.lsn);
  store_le(out + 32, header.length);
  store_le(out + 36, header.directory_length);
  store_le(out + 40, header.directory_crc);
  store_le(out + 44, header.records);
  store_le(out + 48, header.progress);
  store_le(out + 52, header.definitions);
  store_le(out + 54, static_cast<uint8_t>(header.kind));
  store_le<uint8_t>(out + 55, 0);
  set_durable(out, header.durable);
}

uint32_t set_durable(char* header, uint64_t durable) {
  store_le(header + 24, durable);
  const uint32_t crc = crc32c(ByteView(header + 8, frame_header_bytes - 8));
  store_le(header + 4, crc);
  return crc;
}

Result<FrameHeader> decode_frame_header(ByteView bytes) {
  if (bytes.size() < frame_header_bytes) return damaged("the frame header is cut off");
  const char* at = bytes.data();
  if (load_le<uint32_t>(at) != frame_magic) return damaged("no frame begins here");
  if (load_le<uint32_t>(at + 4) != crc32c(bytes.substr(8, frame_header_bytes - 8))) {
    return damaged("the frame header's checksum is wrong");
  }
  FrameHeader out;
  out.journal_id = load_le<uint64_t>(at + 8);
  out.lsn = load_le<uint64_t>(at + 16);
  out.durable = load_le<uint64_t>(at + 24);
  out.length = load_le<uint32_t>(at + 32);
  out.directory_length = load_le<uint32_t>(at + 36);
  out.directory_crc = load_le<uint32_t>(at + 40);
  out.records = load_le<uint32_t>(at + 44);
  out.progress = load_le<uint32_t>(at + 48);
  out.definitions = load_le<uint16_t>(at + 52);
  out.kind = static_cast<FrameKind>(load_le<uint8_t>(at + 54));
  const uint64_t fixed = uint64_t{out.records} * record_entry_bytes +
                         uint64_t{out.progress} * progress_entry_bytes +
                         uint64_t{out.definitions} * definition_entry_bytes;
  if (at[54] > 2 || at[55] != 0 || out.length % frame_alignment != 0 || fixed > out.directory_length ||
      uint64_t{out.directory_length} + frame_header_bytes > out.length) {
    return damaged("the frame header contradicts itself");
  }
  return out;
}

void put_record(char* out, const RecordEntry& entry) {
  store_le(out, entry.shard.topic);
  store_le(out + 2, static_cast<uint8_t>(entry.shard.lane));
  store_le<uint8_t>(out + 3, 0);
  store_le(out + 4, entry.shard.shard);
  store_le(out + 6, entry.attempt);
  store_le(out + 8, entry.offset);
  store_le(out + 16, entry.timestamp.us);
  store_le(out + 24, entry.key_length);
  store_le(out + 28, entry.value_length);
  store_le(out + 32, entry.crc);
  store_le<uint32_t>(out + 36, 0);
}

void put_progress(char* out, const ProgressEntry& entry) {
  store_le(out, entry.group);
  store_le(out + 2, entry.shard.topic);
  store_le(out + 4, entry.shard.shard);
  store_le(out + 6, static_cast<uint8_t>(entry.shard.lane));
  store_le<uint8_t>(out + 7, 0);
  store_le(out + 8, entry.position.major());
  store_le(out + 16, entry.position.minor());
  store_le<uint32_t>(out + 20, 0);
  store_le(out + 24, entry.next_offset);
}

void append_definition(std::string& out, const Definition& definition) {
  append_le(out, static_cast<uint8_t>(definition.kind));
  append_le(out, static_cast<uint8_t>(definition.lane));
  append_le(out, definition.number);
  append_le(out, definition.second);
  append_le(out, static_cast<uint16_t>(definition.name.size()));
  append_le(out, definition.a);
  append_le(out, definition.b);
  append_le(out, definition.c);
  append_le<uint32_t>(out, 0);
  out += definition.name;
  out.append(aligned(definition.name.size()) - definition.name.size(), '\0');
}

Result<Directory> decode_directory(const FrameHeader& header, ByteView bytes) {
  if (bytes.size() != header.directory_length) return damaged("the frame's directory is cut off");
  if (crc32c(bytes) != header.directory_crc) return damaged("the checksum of the frame's directory is wrong");
  Directory out;
  out.records.reserve(header.records);
  out.progress.reserve(header.progress);
  Fields fields(bytes);
  uint64_t payload = 0;
  for (uint32_t i = 0; i < header.records && fields.ok(); ++i) {
    out.records.push_back(get_record(fields));
    payload += uint64_t{out.records.back().key_length} + out.records.back().value_length;
  }
  for (uint32_t i = 0; i < header.progress && fields.ok(); ++i) out.progress.push_back(get_progress(fields));
  for (uint32_t i = 0; i < header.definitions && fields.ok(); ++i)
    out.definitions.push_back(get_definition(fields));
  if (!fields.ok() || fields.left() != 0 ||
      aligned(frame_header_bytes + header.directory_length + payload) != header.length) {
    return damaged("the frame's directory contradicts itself");
  }
  return out;
}

std::string encode(const Footer& footer) {
  std::string out(footer_magic);
  append_le(out, footer.journal_id);
  append_le(out, footer.base);
  append_le(out, footer.end);
  append_le(out, footer.records);
  append_le(out, footer.frames);
  append_le(out, footer.first_timestamp.us);
  append_le(out, footer.last_timestamp.us);
  append_le(out, footer.hash);
  append_le(out, static_cast<uint32_t>(footer.shards.size()));
  append_le(out, static_cast<uint32_t>(footer.definitions.size()));
  append_le(out, static_cast<uint32_t>(footer.progress.size()));
  append_le<uint32_t>(out, 0);
  for (const auto& definition : footer.definitions) append_definition(out, definition);
  for (const auto& entry : footer.progress) append_progress(out, entry);
  for (const auto& index : footer.shards) {
    append_le(out, index.shard.topic);
    append_le(out, static_cast<uint8_t>(index.shard.lane));
    append_le<uint8_t>(out, 0);
    append_le(out, index.shard.shard);
    append_le<uint16_t>(out, 0);
    append_le(out, index.first);
    append_le(out, index.next);
    append_le(out, static_cast<uint32_t>(index.points.size()));
    append_le<uint32_t>(out, 0);
    for (const auto& point : index.points) {
      append_le(out, point.offset);
      append_le(out, point.lsn);
    }
  }
  std::string trailer(trailer_magic);
  append_le(trailer, static_cast<uint32_t>(out.size()));
  append_le(trailer, crc32c(out));
  append_le(trailer, crc32c(trailer));
  append_le<uint32_t>(trailer, 0);
  return out + trailer;
}

Result<uint64_t> footer_length(ByteView trailer) {
  if (trailer.size() != footer_trailer_bytes || !trailer.starts_with(trailer_magic)) {
    return damaged("the segment does not end in a footer");
  }
  Fields fields(trailer.substr(8));
  const auto length = fields.get<uint32_t>();
  fields.get<uint32_t>();
  const auto crc = fields.get<uint32_t>();
  fields.expect_zero(4);
  if (!fields.ok() || crc != crc32c(trailer.substr(0, 16)))
    return damaged("the footer's trailer has a wrong checksum");
  return uint64_t{length} + footer_trailer_bytes;
}

Result<Footer> decode_footer(ByteView bytes) {
  if (bytes.size() < footer_trailer_bytes) return damaged("the footer is cut off");
  const ByteView trailer = bytes.substr(bytes.size() - footer_trailer_bytes);
  BONAFIDE_ASSIGN(const uint64_t length, footer_length(trailer));
  const ByteView body = bytes.substr(0, bytes.size() - footer_trailer_bytes);
  if (length != bytes.size() || crc32c(body) != load_le<uint32_t>(trailer.data() + 12)) {
    return damaged("the footer's checksum is wrong");
  }
  if (!body.starts_with(footer_magic)) return damaged("the footer does not begin as one");
  Fields fields(body.substr(8));
  Footer out;
  out.journal_id = fields.get<uint64_t>();
  out.base = fields.get<uint64_t>();
  out.end = fields.get<uint64_t>();
  out.records = fields.get<uint64_t>();
  out.frames = fields.get<uint64_t>();
  out.first_timestamp = {fields.get<int64_t>()};
  out.last_timestamp = {fields.get<int64_t>()};
  out.hash = fields.get<uint64_t>();
  const auto shards = fields.get<uint32_t>();
  const auto definitions = fields.get<uint32_t>();
  const auto progress = fields.get<uint32_t>();
  fields.expect_zero(4);
  for (uint32_t i = 0; i < definitions && fields.ok(); ++i) out.definitions.push_back(get_definition(fields));
  for (uint32_t i = 0; i < progress && fields.ok(); ++i) out.progress.push_back(get_progress(fields));
  for (uint32_t i = 0; i < shards && fields.ok(); ++i) {
    ShardIndex& index = out.shards.emplace_back();
    index.shard.topic = fields.get<uint16_t>();
    index.shard.lane = fields.lane();
    fields.expect_zero(1);
    index.shard.shard = fields.get<uint16_t>();
    fields.expect_zero(2);
    index.first = fields.get<uint64_t>();
    index.next = fields.get<uint64_t>();
    const auto points = fields.get<uint32_t>();
    fields.expect_zero(4);
    for (uint32_t p = 0; p < points && fields.ok(); ++p) {
      const auto offset = fields.get<uint64_t>();
      index.points.push_back({offset, fields.get<uint64_t>()});
    }
  }
  if (!fields.ok() || fields.left() != 0) return damaged("the footer contradicts itself");
  return out;
}

std::string encode(const Catalogue& catalogue) {
  std::string out(catalogue_magic);
  append_le<uint32_t>(out, 0);
  append_le<uint32_t>(out, format_version);
  append_le(out, catalogue.journal_id);
  append_le(out, catalogue.durable);
  append_le(out, catalogue.first_base);
  append_le(out, static_cast<uint32_t>(catalogue.definitions.size()));
  append_le(out, static_cast<uint32_t>(catalogue.sealed.size()));
  for (const auto& definition : catalogue.definitions) append_definition(out, definition);
  for (const auto& sealed : catalogue.sealed) {
    const std::string footer = encode(sealed.footer);
    append_le(out, sealed.file_bytes);
    append_le(out, static_cast<uint64_t>(footer.size()));
    out += footer;
  }
  store_le<uint32_t>(out.data() + 8, crc32c(ByteView(out).substr(12)));
  return out;
}

Result<Catalogue> decode_catalogue(ByteView bytes) {
  if (bytes.size() < 16 || !bytes.starts_with(catalogue_magic))
    return damaged("this is not a journal catalogue");
  Fields fields(bytes.substr(8));
  if (fields.get<uint32_t>() != crc32c(bytes.substr(12))) return damaged("the catalogue's checksum is wrong");
  if (fields.get<uint32_t>() != format_version)
    return damaged("the catalogue has a format this program does not read");
  Catalogue out;
  out.journal_id = fields.get<uint64_t>();
  out.durable = fields.get<uint64_t>();
  out.first_base = fields.get<uint64_t>();
  const auto definitions = fields.get<uint32_t>();
  const auto sealed = fields.get<uint32_t>();
  for (uint32_t i = 0; i < definitions && fields.ok(); ++i) out.definitions.push_back(get_definition(fields));
  for (uint32_t i = 0; i < sealed && fields.ok(); ++i) {
    const auto file_bytes = fields.get<uint64_t>();
    const auto length = fields.get<uint64_t>();
    BONAFIDE_ASSIGN(auto footer, decode_footer(fields.get(length)));
    out.sealed.push_back({file_bytes, std::move(footer)});
  }
  if (!fields.ok() || fields.left() != 0) return damaged("the catalogue contradicts itself");
  return out;
}

std::string segment_name(uint64_t base) {
  std::array<char, 8> big_endian{};
  store_be64(big_endian.data(), base);
  return to_hex({big_endian.data(), big_endian.size()}) + ".segment";
}

Result<uint64_t> parse_segment_name(std::string_view name) {
  uint64_t base = 0;
  if (name.size() == 24 && name.substr(16) == ".segment") {
    const auto parsed = std::from_chars(name.data(), name.data() + 16, base, 16);
    if (parsed.ptr == name.data() + 16 && segment_name(base) == name) return base;
  }
  return {Cause::invalid, "not the name of a segment"};
}

uint64_t extend_hash(uint64_t hash, uint32_t header_crc) {
  return hash64({reinterpret_cast<const char*>(&header_crc), sizeof header_crc}, hash);
}

}  // namespace bonafide::streams::journal
