#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "flow/record.hpp"

// How the archive is laid out:
//
//   TENANT/YYYY-MM-DD/TOPIC-LANE-SHARD-FIRST-LAST.avro         an Avro object container file
//   TENANT/YYYY-MM-DD/_TOPIC-LANE-SHARD-FIRST-LAST.index       its checksums, ids and positions (index.hpp)
//   _progress                                                  how far each shard has come
//   _retention                                                 the first day that is kept, once days were
//   removed
//
// The day is that of acceptance (UTC), FIRST and LAST are the positions of the first and last record, in hex.
// Names that begin with "_" are passed over by Spark and Hadoop.
namespace bonafide::steps {

/// What one file holds: a stretch of one shard, for one tenant and day.
struct ArchiveSeries {
  std::string tenant;
  int64_t day = 0;  ///< since 1970-01-01
  flow::ShardId shard;
  auto operator<=>(const ArchiveSeries&) const = default;
};

struct ArchiveName {
  std::string folder;  ///< "TENANT/YYYY-MM-DD/"
  flow::ShardId shard;
  flow::Position first, last;

  static ArchiveName of(const ArchiveSeries& series, flow::Position first, flow::Position last);
  [[nodiscard]] std::string file() const;
  [[nodiscard]] std::string index() const;
  /// Of the path of a file or an index. Errors: invalid.
  static Result<ArchiveName> parse(const std::string& path);
};

/// "TENANT/YYYY-MM-DD/" of a series; what a name cannot hold is written as %XX, what is too long ends in a
/// hash.
std::string archive_folder(const ArchiveSeries& series);
std::string archive_tenant_folder(const std::string& tenant);
bool is_archive_file(std::string_view path);
bool is_archive_index(std::string_view path);

inline constexpr const char* archive_progress_name = "_progress";
inline constexpr const char* archive_retention_name = "_retention";

}  // namespace bonafide::steps
