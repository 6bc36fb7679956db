#include "steps/archive/file_writer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bonafide::steps {
namespace {

constexpr size_t write_out_bytes = 128 << 10;

// The header stands before the blocks, but says what is known only after them: its values have a fixed width,
// so that it can be put in at the end.

std::string fixed_number(uint64_t value) {
  std::array<char, 24> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%012llu", static_cast<unsigned long long>(value));
  return buffer.data();
}

std::string fixed_hash(uint64_t value) {
  std::string bytes;
  append_be64(bytes, value);
  return to_hex(bytes);
}

/// RFC 3339 with six digits after the second.
std::string fixed_time(Time time) {
  const Time clamped = {std::clamp(time.us, from_civil({1, 1, 1, 0, 0, 0, 0}).us,
                                   from_civil({9999, 12, 31, 23, 59, 59, 0}).us)};
  const Civil c = to_civil(clamped);
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04lld-%02d-%02dT%02d:%02d:%02d.%06dZ",
                static_cast<long long>(c.year), c.month, c.day, c.hour, c.minute, c.second, c.micros);
  return buffer.data();
}

}  // namespace

ArchiveFileWriter::ArchiveFileWriter(ArchiveSeries series, const avro::Schema& schema, int32_t schema_id,
                                     avro::ContainerOptions options, flow::Position before, Time opened_at)
    : series_(std::move(series)),
      schema_id_(schema_id),
      before_(before),
      opened_at_(opened_at),
      container_(schema, std::move(options)) {}

Result<std::unique_ptr<ArchiveFileWriter>> ArchiveFileWriter::open(
    stores::BlobStore& blobs, ArchiveSeries series, const avro::Schema& schema, int32_t schema_id,
    const ArchiveFileOptions& options, const avro::SyncMarker& sync, flow::Position before, Time opened_at) {
  avro::ContainerOptions container;
  container.codec = options.codec;
  container.level = options.level;
  container.block_bytes = options.block_bytes;
  container.sync = sync;
  std::unique_ptr<ArchiveFileWriter> writer(
      new ArchiveFileWriter(std::move(series), schema, schema_id, std::move(container), before, opened_at));
  writer->blobs_ = &blobs;
  writer->index_.tenant = writer->series_.tenant;
  BONAFIDE_TRY(writer->make_header());
  BONAFIDE_ASSIGN(writer->blob_, blobs.put(writer->header_.size()));
  return writer;
}

Status ArchiveFileWriter::make_header() {
  const auto& entries = index_.entries;
  const flow::Position none;
  container_.set_metadata("bonafide.format", "1");
  container_.set_metadata("bonafide.tenant", series_.tenant);
  container_.set_metadata("bonafide.shard", series_.shard.text());
  container_.set_metadata("bonafide.first_position",
                          to_hex((entries.empty() ? none : entries.front().position).view()));
  container_.set_metadata("bonafide.last_position",
                          to_hex((entries.empty() ? none : entries.back().position).view()));
  container_.set_metadata("bonafide.earliest_received_at", fixed_time(index_.earliest));
  container_.set_metadata("bonafide.latest_received_at", fixed_time(index_.latest));
  container_.set_metadata("bonafide.count", fixed_number(entries.size()));
  container_.set_metadata("bonafide.hash", fixed_hash(index_.content_hash()));
  const size_t reserved = header_.size();
  header_.clear();
  BONAFIDE_TRY(container_.header(header_));
  if (reserved != 0 && header_.size() != reserved) {
    return {Cause::internal, "archive: the header of a file has changed its length"};
  }
  return Ok{};
}

Status ArchiveFileWriter::append(const mail::Scored& event, ByteView binary, flow::Position position) {
  const auto& received = event.received;
  const size_t before = pending_.size();
  BONAFIDE_TRY(container_.append(binary, pending_));
  index_.earliest = records() == 0 ? received.received_at : std::min(index_.earliest, received.received_at);
  index_.latest = records() == 0 ? received.received_at : std::max(index_.latest, received.received_at);
  index_.entries.push_back({received.id, event.revision,
                            ArchiveIndex::record_hash(received.id, received.message_key.data), position});
  note_block(before);
  return Ok{};
}

/// If a block has ended, it stands at the end of what waits.
void ArchiveFileWriter::note_block(size_t pending_before) {
  if (pending_.size() == pending_before) return;
  const ByteView bytes = ByteView(pending_).substr(pending_before);
  index_.blocks.push_back({bytes.size(), records() - in_blocks_, crc32c(bytes)});
  in_blocks_ = records();
}

Status ArchiveFileWriter::write_out() {
  return pending_.size() < write_out_bytes ? Status(Ok{}) : write_pending();
}

Status ArchiveFileWriter::write_pending() {
  if (pending_.empty()) return Ok{};
  BONAFIDE_TRY(blob_->append(pending_));
  written_ += pending_.size();
  pending_.clear();
  return Ok{};
}

Status ArchiveFileWriter::finish() {
  const size_t before = pending_.size();
  BONAFIDE_TRY(container_.end_block(pending_));
  note_block(before);
  BONAFIDE_TRY(write_pending());
  BONAFIDE_TRY(make_header());
  index_.header_bytes = header_.size();
  index_.header_crc = crc32c(header_);
  const auto name = ArchiveName::of(series_, index_.entries.front().position, index_.entries.back().position);
  // The index first: a file that is there has one.
  BONAFIDE_TRY(blobs_->write(name.index(), index_.encode()));
  return blob_->finish(name.file(), header_);
}

}  // namespace bonafide::steps
