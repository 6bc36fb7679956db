#pragma once
#include <map>
#include <string>
#include <vector>

#include "avro/resolve.hpp"
#include "avro/schema.hpp"
#include "env/files.hpp"

// A folder of schemas as it stands in a repository: <folder>/<subject>/v<N>.avsc, N from 1 without gaps,
// every version kept for good.
namespace bonafide::avro {

struct StoredSchema {
  int32_t version = 0;
  std::string path;
  Schema schema;
};

/// Subject to its versions, oldest first.
using SchemaHistory = std::map<std::string, std::vector<StoredSchema>>;

/// Reads the whole folder. Errors: invalid, naming the file and in it the place (a name that is not
/// v<N>.avsc, a missing version, a schema that is not one); those of `files`.
Result<SchemaHistory> load_schemas(env::Files& files, const std::string& folder);

/// Full-transitive compatibility: each version must read, and be read by, all before it. One line for each
/// objection, naming file and place; empty if there is none. Errors as load_schemas().
Result<std::vector<std::string>> check_schema_history(env::Files& files, const std::string& folder);

}  // namespace bonafide::avro
