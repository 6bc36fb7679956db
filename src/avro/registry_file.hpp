#pragma once
#include <string>
#include <string_view>

#include "avro/json.hpp"
#include "avro/registry.hpp"

namespace bonafide::avro {

/// How an embedded registry stands in its file, as JSON:
///   {"format": 1, "compatibility": "BACKWARD", "mode": "READWRITE", "last_id": 2,
///    "schemas": [{"id": 1, "schema": …}, …],
///    "subjects": [{"subject": "…", "last_version": 1, "compatibility": "FULL", "mode": "READONLY",
///                  "versions": [{"version": 1, "id": 1, "deleted": false}, …]}, …]}
class RegistryFile {
 public:
  using Content = EmbeddedRegistry::Content;
  static std::string write(const Content& content);
  /// Errors: invalid.
  static Result<Content> read(std::string_view text);

 private:
  static Status read_schema(const Json& entry, Content& content);
  static Status read_subject(const Json& entry, Content& content);
};

}  // namespace bonafide::avro
