// /schemas: by id, whatever the subject.
#include <set>

#include "api/registry.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace bonafide::api {
namespace {

using avro::Registry;

RegistryRefusal no_such_schema(const std::string& id) {
  return {404, 40403, "Schema " + clean_text(id, 40) + " not found"};
}

/// The id a call names; 0, which is never given, for what is no id.
int32_t id_of(const RegistryCall& call) {
  const auto number = parse_int(call.arguments[0]);
  return number.ok() && *number > 0 && *number <= INT32_MAX ? static_cast<int32_t>(*number) : 0;
}

RegistryRefusal failed(const RegistryCall& call, const Error& error) {
  return error.cause == Cause::not_found ? no_such_schema(call.arguments[0]) : store_failure(error);
}

avro::Deleted shown(const RegistryCall& call) {
  return call.flag("deleted") ? avro::Deleted::show : avro::Deleted::hide;
}

}  // namespace

RegistryAnswer get_types(Registry& /*registry*/, const RegistryCall& /*call*/) { return "[\"AVRO\"]"; }

RegistryAnswer get_schema(Registry& registry, const RegistryCall& call) {
  const auto schema = registry.schema_by_id(id_of(call));
  if (!schema.ok()) return failed(call, schema.error());
  return JsonWriter().begin_object().member("schema", schema->to_json()).end_object().take();
}

RegistryAnswer get_schema_text(Registry& registry, const RegistryCall& call) {
  const auto schema = registry.schema_by_id(id_of(call));
  if (!schema.ok()) return failed(call, schema.error());
  return schema->to_json();
}

RegistryAnswer get_schema_subjects(Registry& registry, const RegistryCall& call) {
  const auto uses = registry.uses_of(id_of(call), shown(call));
  if (!uses.ok()) return failed(call, uses.error());
  std::set<std::string> subjects;
  for (const auto& use : *uses) subjects.insert(use.subject);
  JsonWriter json;
  json.begin_array();
  for (const auto& subject : subjects) json.value(subject);
  return json.end_array().take();
}

RegistryAnswer get_schema_versions(Registry& registry, const RegistryCall& call) {
  const auto uses = registry.uses_of(id_of(call), shown(call));
  if (!uses.ok()) return failed(call, uses.error());
  JsonWriter json;
  json.begin_array();
  for (const auto& use : *uses) {
    json.begin_object().member("subject", use.subject).member("version", use.version).end_object();
  }
  return json.end_array().take();
}

RegistryAnswer get_schemas(Registry& registry, const RegistryCall& call) {
  const auto subjects = registry.subjects(shown(call));
  if (!subjects.ok()) return store_failure(subjects.error());
  const std::string_view prefix = call.text("subjectPrefix");
  const Page page(call);
  int64_t at = 0;
  JsonWriter json;
  json.begin_array();
  for (const std::string& subject : *subjects) {
    if (!subject.starts_with(prefix)) continue;
    const auto versions = registry.versions(subject, shown(call));
    if (!versions.ok()) continue;  // deleted meanwhile
    for (const auto& version : *versions) {
      if (call.flag("latestOnly") && version.version != versions->back().version) continue;
      if (!page.has(at++)) continue;
      json.raw(version_json(version));
    }
  }
  return json.end_array().take();
}

}  // namespace bonafide::api
