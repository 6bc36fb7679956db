#include "streams/journal/frame.hpp"

#include "base/hash.hpp"

namespace bonafide::streams::journal {
namespace {

constexpr size_t max_frame_bytes = size_t{1} << 30;

Error too_large(const std::string& what, size_t bytes, size_t most) {
  return {Cause::invalid, what + " of " + std::to_string(bytes) + " bytes is more than the " +
                              std::to_string(most) + " the journal takes"};
}

}  // namespace

Result<std::shared_ptr<Frame>> prepare_frame(const std::vector<flow::Entry>& entries, size_t progress,
                                             size_t max_record_bytes) {
  auto frame = std::make_shared<Frame>();
  size_t total = frame_header_bytes + entries.size() * record_entry_bytes + progress * progress_entry_bytes;
  std::string& bytes = frame->bytes;
  size_t expected = total;
  for (const auto& entry : entries) expected += entry.record.key.size() + entry.record.value.size();
  bytes.reserve(aligned(expected));
  bytes.resize(total);
  frame->parts.resize(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const flow::Record& record = entries[i].record;
    Frame::Part& part = frame->parts[i];
    part.key_at = bytes.size();
    part.key_hash = hash64(record.key.view());
    bytes += record.key.view();
    const size_t value_at = bytes.size();
    if (record.value.empty() && record.payload) {
      record.payload->encode(bytes);
    } else {
      bytes += record.value.view();
    }
    const size_t size = bytes.size() - part.key_at;
    if (size > max_record_bytes) return too_large(entries[i].topic + ": a record", size, max_record_bytes);
    if (bytes.size() > max_frame_bytes) return too_large("a transaction", bytes.size(), max_frame_bytes);
    part.entry.shard.lane = entries[i].lane;
    part.entry.attempt = record.attempt;
    part.entry.timestamp = record.timestamp;
    part.entry.key_length = static_cast<uint32_t>(value_at - part.key_at);
    part.entry.value_length = static_cast<uint32_t>(bytes.size() - value_at);
    part.entry.crc = crc32c(ByteView(bytes).substr(part.key_at));
  }
  bytes.resize(aligned(bytes.size()), '\0');
  frame->progress = progress;
  return frame;
}

std::shared_ptr<Frame> prepare_control_frame(FrameKind kind, std::vector<Definition> definitions,
                                             size_t progress) {
  auto frame = std::make_shared<Frame>();
  frame->kind = kind;
  frame->bytes.resize(frame_header_bytes + progress * progress_entry_bytes);
  for (const auto& definition : definitions) append_definition(frame->bytes, definition);
  frame->definitions = std::move(definitions);
  frame->progress = progress;
  return frame;
}

void finish_frame(Frame& frame, uint64_t journal_id, const std::vector<ProgressEntry>& progress) {
  char* at = frame.bytes.data() + frame_header_bytes;
  for (const auto& part : frame.parts) {
    put_record(at, part.entry);
    at += record_entry_bytes;
  }
  for (const auto& entry : progress) {
    put_progress(at, entry);
    at += progress_entry_bytes;
  }
  const size_t payload_at = frame.parts.empty() ? frame.bytes.size() : frame.parts.front().key_at;
  FrameHeader header;
  header.journal_id = journal_id;
  header.lsn = frame.lsn;
  header.length = static_cast<uint32_t>(frame.bytes.size());
  header.directory_length = static_cast<uint32_t>(payload_at - frame_header_bytes);
  header.directory_crc = crc32c(ByteView(frame.bytes).substr(frame_header_bytes, header.directory_length));
  header.records = static_cast<uint32_t>(frame.parts.size());
  header.progress = static_cast<uint32_t>(frame.progress);
  header.definitions = static_cast<uint16_t>(frame.definitions.size());
  header.kind = frame.kind;
  put_frame_header(frame.bytes.data(), header);
}

flow::Record record_of(const std::shared_ptr<Frame>& frame, uint32_t index) {
  const Frame::Part& part = frame->parts[index];
  const ByteView bytes = frame->bytes;
  flow::Record record;
  record.key = SharedBytes(frame, bytes.substr(part.key_at, part.entry.key_length));
  record.value =
      SharedBytes(frame, bytes.substr(part.key_at + part.entry.key_length, part.entry.value_length));
  record.timestamp = part.entry.timestamp;
  record.attempt = part.entry.attempt;
  return record;
}

}  // namespace bonafide::streams::journal
