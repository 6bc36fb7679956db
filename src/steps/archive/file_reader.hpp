#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "avro/container.hpp"
#include "avro/resolve.hpp"
#include "mail/codec.hpp"
#include "steps/archive/index.hpp"
#include "steps/archive/name.hpp"
#include "stores/blobs.hpp"
#include "stores/damage.hpp"

namespace bonafide::steps {

/// One event of the archive.
struct ArchivedEvent {
  flow::ShardId shard;
  flow::Position position;  ///< where it stood in the stream
  mail::Scored event;       ///< in the newest schema
  size_t record = 0;        ///< number in its file
};

/// Reads one archive file with its index. Every byte is compared with its checksum before it is used; what
/// does not match is told, with the events it costs, and passed over.
class ArchiveFileReader {
 public:
  /// Errors: damaged (the index, or the beginning of the file), not_found. `path`: of the file.
  static Result<std::unique_ptr<ArchiveFileReader>> open(stores::BlobStore& blobs,
                                                         const mail::EventCodec& codec,
                                                         const std::string& path);

  [[nodiscard]] const ArchiveIndex& index() const { return index_; }
  /// Calls `each` for all sound records from the number `first` on until it returns false. Errors:
  /// unavailable.
  Status read(const std::function<bool(const ArchivedEvent&)>& each, const stores::OnDamage& on_damage,
              size_t first = 0);
  /// What is wrong with the file as a whole: its length, its name, its metadata.
  void check(const stores::OnDamage& on_damage);

  /// The index of a file. Errors: damaged, not_found.
  static Result<ArchiveIndex> read_index(stores::BlobStore& blobs, const ArchiveName& name);
  /// Ids of all records in the index.
  static std::vector<EventId> ids_of(const ArchiveIndex& index);

 private:
  ArchiveFileReader(std::string path, ArchiveName name, const mail::EventCodec& codec)
      : path_(std::move(path)), name_(std::move(name)), codec_(codec) {}
  Status open_header();
  Result<std::string> unpack(const ArchiveIndex::Block& block, uint64_t offset);
  Result<std::string> decompress(ByteView block, uint64_t& records);
  [[nodiscard]] bool stands_at(const ArchiveIndex::Block& block, uint64_t offset);
  uint64_t after_damaged(size_t number, uint64_t offset);
  stores::Damage damage_of(size_t number, uint64_t offset, size_t first_record, const std::string& what);
  Result<std::vector<ArchivedEvent>> read_block(const ArchiveIndex::Block& block, uint64_t offset,
                                                size_t first_record);
  Status decode(avro::Decoder& in, std::string& buffer, mail::Scored& event) const;

  const std::string path_;
  const ArchiveName name_;
  const mail::EventCodec& codec_;
  std::unique_ptr<stores::Blob> blob_;
  ArchiveIndex index_;
  avro::Schema schema_;
  std::map<std::string, std::string> metadata_;
  std::string sync_;  // what every block ends in
  avro::BlockCodec block_codec_{avro::Codec::null};
  std::optional<avro::Plan> plan_;  // none: the file is in the newest schema
};

}  // namespace bonafide::steps
