#pragma once
#include <memory>
#include <string>
#include <vector>

#include "env/files.hpp"
#include "streams/journal/format.hpp"

namespace bonafide::streams::journal {

/// Walks the frames of one segment file, in chunks, past what is damaged. Checks each header and directory;
/// payloads only where asked for.
class FrameWalker {
 public:
  /// Frames in [from, limit), both lsn. A journal_id of 0 accepts any, and then only that of the first frame.
  FrameWalker(std::shared_ptr<env::File> file, uint64_t base, uint64_t journal_id, uint64_t from,
              uint64_t limit);

  enum class Found {
    frame,   ///< header() and directory() are those of the frame
    damage,  ///< [from(), to()) holds no readable frame; what() says why
    end,     ///< the limit
  };
  /// Errors only where the file cannot be read.
  Result<Found> next();

  [[nodiscard]] const FrameHeader& header() const { return header_; }
  [[nodiscard]] const Directory& directory() const { return directory_; }
  [[nodiscard]] uint32_t header_crc() const { return header_crc_; }
  [[nodiscard]] uint64_t from() const { return from_; }
  [[nodiscard]] uint64_t to() const { return to_; }
  [[nodiscard]] const std::string& what() const { return what_; }
  /// After damage: the lsn behind its last byte that is not zero.
  [[nodiscard]] uint64_t last_written() const { return last_written_; }
  [[nodiscard]] uint64_t journal_id() const { return journal_id_; }

  struct Payload {
    SharedBytes key, value;
  };
  /// Of record `index` of the present frame. Errors: damaged (checksum); unreadable file.
  Result<Payload> payload(uint32_t index);
  /// Where the bytes of record `index` begin, as lsn.
  [[nodiscard]] uint64_t payload_lsn(uint32_t index) const { return payload_lsn_[index]; }
  /// The indexes of records whose payload is damaged; `padding` tells whether the frame's last bytes are.
  Result<std::vector<uint32_t>> damaged_payloads(bool& padding);

 private:
  Result<ByteView> window(uint64_t lsn, uint64_t count);
  Result<Found> damage(uint64_t to, std::string what);
  Result<bool> header_at(uint64_t lsn, std::string* why);
  Result<uint64_t> resync(uint64_t lsn);

  std::shared_ptr<env::File> file_;
  uint64_t base_, journal_id_, at_, limit_;
  std::shared_ptr<const std::string> chunk_;
  uint64_t chunk_lsn_ = 0;

  FrameHeader header_;
  uint32_t header_crc_ = 0;
  Directory directory_;
  std::vector<uint64_t> payload_lsn_;
  uint64_t from_ = 0, to_ = 0, last_written_ = 0;
  std::string what_;
};

}  // namespace bonafide::streams::journal
