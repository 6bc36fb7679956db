#pragma once
#include <optional>
#include <string>

#include "avro/container.hpp"
#include "avro/schema.hpp"
#include "env/files.hpp"

namespace bonafide::avro {

struct RecodeOptions {
  std::optional<Codec> codec;    ///< nothing: the file's own
  std::optional<Schema> schema;  ///< what the records are resolved into; nothing: the file's own
  bool overwrite = false;
  SyncMarker sync{};  ///< 16 random bytes: also in the name of the file that is written aside
};

struct Recoded {
  Codec codec = Codec::null;
  uint64_t records = 0;
  uint64_t bytes_before = 0, bytes_after = 0;
};

/// Writes the container file `from` anew as `to`, which may be the same file: by another codec, as records of
/// another schema. Metadata are kept. `to` is whole and durable, or as it was before: it is written aside
/// (`to`.<32 hex digits>.part) and renamed. Memory is bounded by one block of `from`. Errors: invalid (`to`
/// is there; the schema cannot read the file's), damaged and exhausted as ContainerReader's, those of
/// `files`.
Result<Recoded> recode(env::Files& files, const std::string& from, const std::string& to,
                       const RecodeOptions& options);

}  // namespace bonafide::avro
