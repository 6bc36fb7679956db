// /subjects and /compatibility.
#include "api/registry.hpp"
#include "avro/json.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace bonafide::api {
namespace {

using avro::Deleted;
using avro::Json;
using avro::Registry;
using avro::SubjectVersion;
using Change = Registry::Change;

constexpr size_t max_messages = 100;  // of a check, for a schema that is wrong all over

// ---- versions

/// As Confluent numbers them: from 1; -1 and "latest" are the newest, here 0. Nothing for what is no version.
std::optional<int32_t> read_version(const std::string& text) {
  if (text == "latest" || text == "-1") return 0;
  const auto number = parse_int(text);
  if (!number.ok() || *number < 1 || *number > INT32_MAX) return std::nullopt;
  return static_cast<int32_t>(*number);
}

RegistryRefusal no_version_number(const std::string& text) {
  return {422, 42202,
          "The specified version '" + clean_text(text, 40) +
              "' is not a valid version id. Allowed values are between [1, 2^31-1], -1 and the string "
              "\"latest\""};
}

RegistryRefusal no_such_version(const std::string& text) {
  return {404, 40402, "Version " + clean_text(text, 40) + " not found."};
}

/// Why a version was not found: the subject is not there, or it is and the version is not.
RegistryRefusal why_missing(Registry& registry, const RegistryCall& call, Deleted deleted,
                            const Error& error) {
  if (error.cause != Cause::not_found) return store_failure(error);
  if (!registry.versions(call.arguments[0], deleted).ok()) return no_such_subject(call.arguments[0]);
  return no_such_version(call.arguments[1]);
}

/// The version that the call's second argument names.
std::variant<SubjectVersion, RegistryRefusal> version_of(Registry& registry, const RegistryCall& call,
                                                         Deleted deleted) {
  const auto number = read_version(call.arguments[1]);
  if (!number) return no_version_number(call.arguments[1]);
  // The latest is the latest that lives.
  auto found = *number == 0 ? registry.latest(call.arguments[0])
                            : registry.version(call.arguments[0], *number, deleted);
  if (!found.ok()) return why_missing(registry, call, *number == 0 ? Deleted::hide : deleted, found.error());
  return std::move(*found);
}

Deleted shown(const RegistryCall& call) { return call.flag("deleted") ? Deleted::show : Deleted::hide; }

// ---- schemas that are sent

RegistryRefusal bad_schema(const std::string& why) { return {422, 42201, why}; }

bool given(const Json* member) { return member != nullptr && member->kind != Json::Kind::null; }

/// What a request for a schema can say that this registry does not keep: said, rather than passed over.
std::optional<RegistryRefusal> check_unsupported(const Json& body) {
  if (const Json* type = body.find("schemaType"); given(type) && type->text != "AVRO") {
    return bad_schema("Invalid schema type " + clean_text(type->text, 40) + ": AVRO is the only one here");
  }
  for (const char* name : {"references", "metadata", "ruleSet", "ruleset"}) {
    const Json* member = body.find(name);
    if (given(member) && !member->items.empty()) {
      return bad_schema(std::string(name) +
                        " are not supported here: write the types out where they are used");
    }
  }
  for (const char* name : {"id", "version"}) {
    const Json* member = body.find(name);
    // -1 and 0 are the stock clients' words for none.
    if (given(member) && member->text != "-1" && member->text != "0") {
      return RegistryRefusal{
          422, 42205,
          std::string("the registry gives the ") + name + " itself: there is no import mode here"};
    }
  }
  return std::nullopt;
}

std::variant<avro::Schema, RegistryRefusal> read_schema(const std::string& body) {
  const auto json = avro::parse_json(body);
  if (!json.ok()) return bad_schema("the body is not JSON: " + json.error().message);
  if (json->kind != Json::Kind::object) return bad_schema("the body must be {\"schema\": \"…\"}");
  if (auto refusal = check_unsupported(*json)) return std::move(*refusal);
  const Json* text = json->find("schema");
  if (text == nullptr || text->kind != Json::Kind::string || text->text.empty()) {
    return bad_schema("Empty schema: \"schema\" must be the schema as a string");
  }
  auto schema = avro::parse_schema(text->text);
  if (!schema.ok()) return bad_schema("Invalid schema: " + schema.error().message);
  return std::move(*schema);
}

std::string compatibility_json(const std::vector<avro::Incompatibility>& found, bool verbose) {
  JsonWriter json;
  json.begin_object().member("is_compatible", found.empty());
  if (verbose) {
    json.key("messages").begin_array();
    for (size_t i = 0; i < std::min(found.size(), max_messages); ++i) json.value(found[i].text(0));
    json.end_array();
  }
  return json.end_object().take();
}

std::string numbers_json(const std::vector<int32_t>& numbers) {
  JsonWriter json;
  json.begin_array();
  for (const int32_t number : numbers) json.value(number);
  return json.end_array().take();
}

}  // namespace

// ---- what is there

RegistryAnswer get_subjects(Registry& registry, const RegistryCall& call) {
  const bool gone_only = call.flag("deletedOnly");
  const auto names = registry.subjects(gone_only ? Deleted::show : shown(call));
  if (!names.ok()) return store_failure(names.error());
  const std::string_view prefix = call.text("subjectPrefix");
  const Page page(call);
  int64_t at = 0;
  JsonWriter json;
  json.begin_array();
  for (const std::string& name : *names) {
    if (!name.starts_with(prefix) || (gone_only && registry.versions(name, Deleted::hide).ok())) continue;
    if (!page.has(at++)) continue;
    json.value(name);
  }
  return json.end_array().take();
}

RegistryAnswer get_versions(Registry& registry, const RegistryCall& call) {
  const std::string& subject = call.arguments[0];
  const bool gone_only = call.flag("deletedOnly");
  const auto versions = registry.versions(subject, gone_only ? Deleted::show : shown(call));
  if (!versions.ok()) {
    return versions.error().cause == Cause::not_found ? no_such_subject(subject)
                                                      : store_failure(versions.error());
  }
  std::vector<int32_t> numbers;
  const Page page(call);
  int64_t at = 0;
  for (const auto& version : *versions) {
    if ((!gone_only || version.deleted) && page.has(at++)) numbers.push_back(version.version);
  }
  return numbers_json(numbers);
}

RegistryAnswer get_version(Registry& registry, const RegistryCall& call) {
  auto found = version_of(registry, call, shown(call));
  if (auto* refusal = std::get_if<RegistryRefusal>(&found)) return std::move(*refusal);
  return version_json(std::get<SubjectVersion>(found));
}

RegistryAnswer get_version_schema(Registry& registry, const RegistryCall& call) {
  auto found = version_of(registry, call, shown(call));
  if (auto* refusal = std::get_if<RegistryRefusal>(&found)) return std::move(*refusal);
  return std::get<SubjectVersion>(found).schema.to_json();
}

RegistryAnswer get_referenced_by(Registry& registry, const RegistryCall& call) {
  auto found = version_of(registry, call, Deleted::show);
  if (auto* refusal = std::get_if<RegistryRefusal>(&found)) return std::move(*refusal);
  return "[]";  // no schema refers to another here
}

RegistryAnswer post_lookup(Registry& registry, const RegistryCall& call) {
  const std::string& subject = call.arguments[0];
  if (!registry.versions(subject, shown(call)).ok()) return no_such_subject(subject);
  auto schema = read_schema(call.body);
  if (auto* refusal = std::get_if<RegistryRefusal>(&schema)) return std::move(*refusal);
  const auto found = registry.find(subject, std::get<avro::Schema>(schema), shown(call));
  if (found.ok()) return version_json(*found);
  if (found.error().cause != Cause::not_found) return store_failure(found.error());
  return RegistryRefusal{404, 40403, "Schema not found"};
}

// ---- changes

RegistryAnswer post_version(Registry& registry, const RegistryCall& call) {
  const std::string& subject = call.arguments[0];
  if (auto refusal = check_subject(subject)) return std::move(*refusal);
  auto schema = read_schema(call.body);
  if (auto* refusal = std::get_if<RegistryRefusal>(&schema)) return std::move(*refusal);
  const auto id = registry.id_of(subject, std::get<avro::Schema>(schema));
  if (id.ok()) return JsonWriter().begin_object().member("id", *id).end_object().take();
  if (id.error().cause != Cause::conflict) return store_failure(id.error());
  if (auto refusal = check_change(registry, subject, Change::add)) return std::move(*refusal);
  return RegistryRefusal{409, 409, id.error().message};
}

RegistryAnswer delete_subject(Registry& registry, const RegistryCall& call) {
  const std::string& subject = call.arguments[0];
  if (auto refusal = check_change(registry, subject, Change::remove)) return std::move(*refusal);
  const bool for_good = call.flag("permanent");
  const auto gone = registry.delete_subject(subject, for_good);
  if (gone.ok()) return numbers_json(*gone);
  const std::string named = "Subject '" + clean_text(subject, 200) + "'";
  if (gone.error().cause == Cause::conflict) {
    return RegistryRefusal{404, 40405, named + " was not deleted first before being permanently deleted"};
  }
  if (gone.error().cause != Cause::not_found) return store_failure(gone.error());
  if (registry.versions(subject, Deleted::show).ok()) {
    return RegistryRefusal{404, 40404, named + " was soft deleted. Set permanent=true to delete permanently"};
  }
  return no_such_subject(subject);
}

RegistryAnswer delete_version(Registry& registry, const RegistryCall& call) {
  const std::string& subject = call.arguments[0];
  if (auto refusal = check_change(registry, subject, Change::remove)) return std::move(*refusal);
  auto found = version_of(registry, call, Deleted::show);
  if (auto* refusal = std::get_if<RegistryRefusal>(&found)) return std::move(*refusal);
  const int32_t number = std::get<SubjectVersion>(found).version;
  const bool for_good = call.flag("permanent");
  const auto gone = registry.delete_version(subject, number, for_good);
  if (gone.ok()) return std::to_string(*gone);
  const std::string named = "Subject '" + clean_text(subject, 200) + "' Version " + std::to_string(number);
  if (gone.error().cause == Cause::conflict) {
    return RegistryRefusal{404, 40407, named + " was not deleted first before being permanently deleted"};
  }
  if (gone.error().cause != Cause::not_found) return store_failure(gone.error());
  // version_of() has seen it: it is there, softly deleted.
  return RegistryRefusal{404, 40406, named + " was soft deleted. Set permanent=true to delete permanently"};
}

// ---- compatibility

RegistryAnswer post_compatibility(Registry& registry, const RegistryCall& call) {
  auto schema = read_schema(call.body);
  if (auto* refusal = std::get_if<RegistryRefusal>(&schema)) return std::move(*refusal);
  const auto found = registry.check(call.arguments[0], std::get<avro::Schema>(schema));
  if (!found.ok()) return store_failure(found.error());
  return compatibility_json(*found, call.flag("verbose"));
}

RegistryAnswer post_version_compatibility(Registry& registry, const RegistryCall& call) {
  auto schema = read_schema(call.body);
  if (auto* refusal = std::get_if<RegistryRefusal>(&schema)) return std::move(*refusal);
  auto version = version_of(registry, call, Deleted::hide);
  if (auto* refusal = std::get_if<RegistryRefusal>(&version)) {
    // A subject that is not there yet takes any schema.
    if (refusal->status == 404 && read_version(call.arguments[1]) == 0) {
      return compatibility_json({}, call.flag("verbose"));
    }
    return std::move(*refusal);
  }
  const auto found = registry.check_version(call.arguments[0], std::get<SubjectVersion>(version).version,
                                            std::get<avro::Schema>(schema));
  if (!found.ok()) return why_missing(registry, call, Deleted::hide, found.error());
  return compatibility_json(*found, call.flag("verbose"));
}

}  // namespace bonafide::api
