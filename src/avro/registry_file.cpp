#include "avro/registry_file.hpp"

#include "base/text.hpp"

namespace bonafide::avro {
namespace {

Result<const Json*> member(const Json& object, std::string_view key, Json::Kind kind) {
  const Json* found = object.find(key);
  if (found != nullptr && found->kind == kind) return found;
  return {Cause::invalid, "\"" + std::string(key) + "\" is missing or not " + std::string(describe(kind))};
}

Result<int32_t> number(const Json& object, std::string_view key) {
  BONAFIDE_ASSIGN(const Json* found, member(object, key, Json::Kind::number));
  BONAFIDE_ASSIGN(const int64_t value, parse_int(found->text));
  if (value >= 0 && value <= INT32_MAX) return static_cast<int32_t>(value);
  return {Cause::invalid, "\"" + std::string(key) + "\" is out of range"};
}

}  // namespace

std::string RegistryFile::write(const Content& content) {
  std::string out = R"({"format":1,"compatibility":")" + std::string(to_string(content.level)) +
                    "\",\"mode\":\"" + std::string(to_string(content.mode)) +
                    "\",\"last_id\":" + std::to_string(content.last_id) + ",\"schemas\":[";
  std::string separator = "\n";
  for (const auto& [id, schema] : content.schemas) {
    out += separator + "{\"id\":" + std::to_string(id) + ",\"schema\":" + schema.to_json() + "}";
    separator = ",\n";
  }
  out += "],\"subjects\":[";
  separator = "\n";
  for (const auto& [name, subject] : content.subjects) {
    out += separator + "{\"subject\":";
    append_json_string(out, name);
    out += ",\"last_version\":" + std::to_string(subject.last_version);
    if (subject.level) out += ",\"compatibility\":\"" + std::string(to_string(*subject.level)) + "\"";
    if (subject.mode) out += ",\"mode\":\"" + std::string(to_string(*subject.mode)) + "\"";
    out += ",\"versions\":[";
    separator = "";
    for (const auto& version : subject.versions) {
      out += separator + "{\"version\":" + std::to_string(version.version) +
             ",\"id\":" + std::to_string(version.id) +
             ",\"deleted\":" + (version.deleted ? "true" : "false") + "}";
      separator = ",";
    }
    out += "]}";
    separator = ",\n";
  }
  return out + "]}\n";
}

Result<RegistryFile::Content> RegistryFile::read(std::string_view text) {
  BONAFIDE_ASSIGN(const Json json, parse_json(text));
  BONAFIDE_ASSIGN(const int32_t format, number(json, "format"));
  if (format != 1)
    return {Cause::invalid, "format " + std::to_string(format) + " is newer than this program knows"};
  Content content;
  BONAFIDE_ASSIGN(content.last_id, number(json, "last_id"));
  BONAFIDE_ASSIGN(const Json* level, member(json, "compatibility", Json::Kind::string));
  BONAFIDE_ASSIGN(content.level, parse_compatibility(level->text));
  // Files of before there were modes have none.
  if (const Json* mode = json.find("mode")) {
    BONAFIDE_ASSIGN(content.mode, parse_registry_mode(mode->text));
  }
  BONAFIDE_ASSIGN(const Json* schemas, member(json, "schemas", Json::Kind::array));
  for (const Json& entry : schemas->items) BONAFIDE_TRY(read_schema(entry, content));
  BONAFIDE_ASSIGN(const Json* subjects, member(json, "subjects", Json::Kind::array));
  for (const Json& entry : subjects->items) BONAFIDE_TRY(read_subject(entry, content));
  return content;
}

Status RegistryFile::read_schema(const Json& entry, Content& content) {
  BONAFIDE_ASSIGN(const int32_t id, number(entry, "id"));
  const Json* schema = entry.find("schema");
  if (schema == nullptr)
    return Error{Cause::invalid, "the schema of id " + std::to_string(id) + " is missing"};
  std::string text;
  append_json(text, *schema);
  auto parsed = parse_schema(text);
  if (!parsed.ok()) return parsed.error().in("the schema of id " + std::to_string(id));
  if (id > content.last_id || !content.schemas.emplace(id, *parsed).second ||
      !content.ids.emplace(parsed->to_json(), id).second) {
    return Error{Cause::invalid,
                 "the id or the schema of id " + std::to_string(id) + " stands twice, or was never given"};
  }
  return Ok{};
}

Status RegistryFile::read_subject(const Json& entry, Content& content) {
  BONAFIDE_ASSIGN(const Json* name, member(entry, "subject", Json::Kind::string));
  EmbeddedRegistry::Subject subject;
  BONAFIDE_ASSIGN(subject.last_version, number(entry, "last_version"));
  if (const Json* level = entry.find("compatibility")) {
    BONAFIDE_ASSIGN(subject.level, parse_compatibility(level->text));
  }
  if (const Json* mode = entry.find("mode")) {
    BONAFIDE_ASSIGN(subject.mode, parse_registry_mode(mode->text));
  }
  BONAFIDE_ASSIGN(const Json* versions, member(entry, "versions", Json::Kind::array));
  for (const Json& item : versions->items) {
    EmbeddedRegistry::Version version;
    BONAFIDE_ASSIGN(version.version, number(item, "version"));
    BONAFIDE_ASSIGN(version.id, number(item, "id"));
    BONAFIDE_ASSIGN(const Json* deleted, member(item, "deleted", Json::Kind::boolean));
    version.deleted = deleted->truth;
    if (content.schemas.find(version.id) == content.schemas.end()) {
      return Error{Cause::invalid, "subject \"" + name->text + "\" refers to a schema that is not there"};
    }
    subject.versions.push_back(version);
  }
  content.subjects[name->text] = std::move(subject);
  return Ok{};
}

}  // namespace bonafide::avro
