#include "avro/schema_store.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bonafide::avro {
namespace {

/// N of "v<N>.avsc", 0 if the name is another.
int32_t version_of(std::string_view name) {
  if (!name.starts_with("v") || !name.ends_with(".avsc")) return 0;
  const std::string_view digits = name.substr(1, name.size() - 6);
  const auto number = parse_int(digits);
  if (!number.ok() || *number < 1 || *number > 1'000'000 || std::to_string(*number) != digits) return 0;
  return static_cast<int32_t>(*number);
}

Result<std::vector<StoredSchema>> load_subject(env::Files& files, const std::string& folder) {
  BONAFIDE_ASSIGN(const std::vector<std::string> names, files.list(folder));
  std::vector<StoredSchema> versions;
  const std::string inside = folder + "/";
  for (const std::string& name : names) {
    if (name.starts_with(".")) continue;
    std::string path = inside;
    path += name;
    const int32_t version = version_of(name);
    if (version == 0)
      return {Cause::invalid, path + ": a schema file is called v<number>.avsc, e.g. v1.avsc"};
    BONAFIDE_ASSIGN(const std::string text, files.read_file(path));
    auto schema = parse_schema(text);
    if (!schema.ok()) return schema.error().in(path);
    versions.push_back({version, path, std::move(schema).value()});
  }
  std::sort(versions.begin(), versions.end(),
            [](const auto& a, const auto& b) { return a.version < b.version; });
  for (size_t i = 0; i < versions.size(); ++i) {
    if (versions[i].version == static_cast<int32_t>(i) + 1) continue;
    return {Cause::invalid,
            folder + ": version " + std::to_string(i + 1) + " is missing: every version is kept"};
  }
  return versions;
}

}  // namespace

Result<SchemaHistory> load_schemas(env::Files& files, const std::string& folder) {
  BONAFIDE_ASSIGN(const std::vector<std::string> subjects, files.list(folder));
  SchemaHistory history;
  const std::string inside = folder + "/";
  for (const std::string& subject : subjects) {
    // Beside the subjects stand a README and the like.
    if (subject.starts_with(".") || subject.ends_with(".md")) continue;
    auto versions = load_subject(files, std::string(inside).append(subject));
    if (!versions.ok()) return versions.error();
    if (!versions->empty()) history[subject] = std::move(versions).value();
  }
  return history;
}

Result<std::vector<std::string>> check_schema_history(env::Files& files, const std::string& folder) {
  BONAFIDE_ASSIGN(const SchemaHistory history, load_schemas(files, folder));
  std::vector<std::string> objections;
  for (const auto& [subject, versions] : history) {
    std::vector<Schema> before;
    for (const StoredSchema& stored : versions) {
      for (const Incompatibility& one :
           check_compatibility(before, stored.schema, Compatibility::full_transitive)) {
        objections.push_back(stored.path + ": " + one.text());
      }
      before.push_back(stored.schema);
    }
  }
  return objections;
}

}  // namespace bonafide::avro
