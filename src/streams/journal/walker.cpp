#include "streams/journal/walker.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace bonafide::streams::journal {
namespace {
constexpr uint64_t chunk_bytes = uint64_t{256} << 10;
}  // namespace

FrameWalker::FrameWalker(std::shared_ptr<env::File> file, uint64_t base, uint64_t journal_id, uint64_t from,
                         uint64_t limit)
    : file_(std::move(file)),
      base_(base),
      journal_id_(journal_id),
      at_(from),
      limit_(std::max(from, limit)) {}

/// `count` bytes at `lsn`, fewer where the file ends.
Result<ByteView> FrameWalker::window(uint64_t lsn, uint64_t count) {
  count = std::min(count, limit_ - std::min(lsn, limit_));
  if (!chunk_ || lsn < chunk_lsn_ || lsn + count > chunk_lsn_ + chunk_->size()) {
    const uint64_t wanted = std::min(std::max(count, chunk_bytes), limit_ - std::min(lsn, limit_));
    BONAFIDE_ASSIGN(std::string bytes, file_->read_at(lsn - base_, wanted));
    chunk_ = std::make_shared<const std::string>(std::move(bytes));
    chunk_lsn_ = lsn;
  }
  return ByteView(*chunk_).substr(lsn - chunk_lsn_, count);
}

/// Is there a good header of a frame that fits at `lsn`?
Result<bool> FrameWalker::header_at(uint64_t lsn, std::string* why) {
  BONAFIDE_ASSIGN(const ByteView bytes, window(lsn, frame_header_bytes));
  auto decoded = decode_frame_header(bytes);
  const char* problem = nullptr;
  if (!decoded.ok()) {
    if (why != nullptr) *why = decoded.error().message;
    return false;
  }
  if (journal_id_ != 0 && decoded->journal_id != journal_id_) problem = "the frame is from another journal";
  if (decoded->lsn != lsn) problem = "the frame belongs to another place";
  if (lsn + decoded->length > limit_) problem = "the frame is cut off";
  if (problem != nullptr) {
    if (why != nullptr) *why = problem;
    return false;
  }
  journal_id_ = decoded->journal_id;
  header_ = *decoded;
  header_crc_ = load_le<uint32_t>(bytes.data() + 4);
  return true;
}

/// The first place from `lsn` on where a good header stands; the limit if there is none.
Result<uint64_t> FrameWalker::resync(uint64_t lsn) {
  const uint32_t magic = [] {
    std::string probe(frame_header_bytes, '\0');
    put_frame_header(probe.data(), {});
    return load_le<uint32_t>(probe.data());
  }();
  while (lsn < limit_) {
    BONAFIDE_ASSIGN(const ByteView part, window(lsn, chunk_bytes));
    if (part.empty()) break;
    size_t at = 0;
    for (; at + 8 <= part.size(); at += 8) {
      const auto word = load_le<uint64_t>(part.data() + at);
      if (word == 0) continue;
      if (static_cast<uint32_t>(word) == magic) {
        // The header may reach past this chunk: reading it moves the window, so go on from there afterwards.
        BONAFIDE_ASSIGN(const bool good, header_at(lsn + at, nullptr));
        if (good) return lsn + at;
        last_written_ = lsn + at + 8;
        at += 8;
        break;
      }
      last_written_ = lsn + at + 8;
    }
    if (at == 0) {  // fewer than 8 bytes are left
      if (part.find_first_not_of('\0') != ByteView::npos) last_written_ = lsn + part.size();
      break;
    }
    lsn += at;
  }
  return limit_;
}

Result<FrameWalker::Found> FrameWalker::damage(uint64_t to, std::string what) {
  from_ = at_;
  to_ = to;
  at_ = to;
  what_ = std::move(what);
  return Found::damage;
}

Result<FrameWalker::Found> FrameWalker::next() {
  if (at_ >= limit_) return Found::end;
  std::string why;
  BONAFIDE_ASSIGN(const bool good, header_at(at_, &why));
  if (!good) {
    last_written_ = at_;
    BONAFIDE_ASSIGN(const ByteView first, window(at_, frame_alignment));
    if (first.find_first_not_of('\0') != ByteView::npos) last_written_ = at_ + first.size();
    BONAFIDE_ASSIGN(const uint64_t to, resync(at_ + frame_alignment));
    return damage(std::min(to, limit_), std::move(why));
  }
  BONAFIDE_ASSIGN(const ByteView bytes, window(at_ + frame_header_bytes, header_.directory_length));
  auto directory = decode_directory(header_, bytes);
  if (!directory.ok()) {
    last_written_ = at_ + header_.length;
    return damage(at_ + header_.length, directory.error().message);
  }
  directory_ = std::move(*directory);
  payload_lsn_.clear();
  uint64_t payload = at_ + frame_header_bytes + header_.directory_length;
  for (const auto& record : directory_.records) {
    payload_lsn_.push_back(payload);
    payload += uint64_t{record.key_length} + record.value_length;
  }
  payload_lsn_.push_back(payload);
  from_ = at_;
  to_ = at_ = at_ + header_.length;
  return Found::frame;
}

Result<FrameWalker::Payload> FrameWalker::payload(uint32_t index) {
  const RecordEntry& record = directory_.records[index];
  const uint64_t size = uint64_t{record.key_length} + record.value_length;
  BONAFIDE_ASSIGN(const ByteView bytes, window(payload_lsn_[index], size));
  if (bytes.size() != size || crc32c(bytes) != record.crc) {
    return {Cause::damaged, "the checksum of the record is wrong"};
  }
  return Payload{SharedBytes(chunk_, bytes.substr(0, record.key_length)),
                 SharedBytes(chunk_, bytes.substr(record.key_length))};
}

Result<std::vector<uint32_t>> FrameWalker::damaged_payloads(bool& padding) {
  std::vector<uint32_t> out;
  for (uint32_t i = 0; i < directory_.records.size(); ++i) {
    const auto checked = payload(i);
    if (checked.ok()) continue;
    if (checked.error().cause != Cause::damaged) return checked.error();
    out.push_back(i);
  }
  BONAFIDE_ASSIGN(const ByteView rest, window(payload_lsn_.back(), to_ - payload_lsn_.back()));
  padding = rest.find_first_not_of('\0') != ByteView::npos;
  return out;
}

}  // namespace bonafide::streams::journal
