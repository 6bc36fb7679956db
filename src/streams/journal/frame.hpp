#pragma once
#include <memory>
#include <string>
#include <vector>

#include "flow/log.hpp"
#include "streams/journal/segment.hpp"

namespace bonafide::streams::journal {

/// A frame in memory. Nothing of it changes once it has its place; the flusher sets the durable mark in its
/// own copy.
struct Frame {
  struct Part {
    RecordEntry entry;
    uint64_t key_at = 0;  ///< in `bytes`; the value follows the key
    uint64_t key_hash = 0;
  };
  FrameKind kind = FrameKind::data;
  uint64_t lsn = 0;
  std::shared_ptr<Segment> segment;
  std::string bytes;
  std::vector<Part> parts;
  size_t progress = 0;
  std::vector<Definition> definitions;

  [[nodiscard]] uint64_t end() const { return lsn + bytes.size(); }
};

/// A frame of these entries with room for so many progress entries: payloads encoded and summed up,
/// everything that depends on its place left out. Needs no lock. Errors: invalid (a record or all together
/// too large).
Result<std::shared_ptr<Frame>> prepare_frame(const std::vector<flow::Entry>& entries, size_t progress,
                                             size_t max_record_bytes);
std::shared_ptr<Frame> prepare_control_frame(FrameKind kind, std::vector<Definition> definitions,
                                             size_t progress);

/// Writes header and directory once lsn and the parts' entries are known.
void finish_frame(Frame& frame, uint64_t journal_id, const std::vector<ProgressEntry>& progress);

/// Record `index` of a frame as readers get it; key and value keep the frame alive.
flow::Record record_of(const std::shared_ptr<Frame>& frame, uint32_t index);

}  // namespace bonafide::streams::journal
