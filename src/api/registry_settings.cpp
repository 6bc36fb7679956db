// /config and /mode, in general and of one subject.
#include "api/registry.hpp"
#include "avro/json.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace bonafide::api {
namespace {

using avro::Registry;

/// "" in general.
std::string subject_of(const RegistryCall& call) {
  return call.arguments.empty() ? std::string() : call.arguments[0];
}

std::string one_member(std::string_view name, std::string_view value) {
  return JsonWriter().begin_object().member(name, value).end_object().take();
}

/// The string member `name` of the body, in capitals; the answer that refuses what is not one, or what
/// could be meant to be kept and is not.
std::variant<std::string, RegistryRefusal> read_setting(const std::string& body, std::string_view name,
                                                        int code) {
  const auto json = avro::parse_json(body);
  if (!json.ok() || json->kind != avro::Json::Kind::object) {
    return RegistryRefusal{422, code, "the body must be {\"" + std::string(name) + "\": \"…\"}"};
  }
  for (size_t i = 0; i < json->keys.size(); ++i) {
    if (json->keys[i] == name || json->items[i].kind == avro::Json::Kind::null) continue;
    return RegistryRefusal{422, code, "\"" + clean_text(json->keys[i], 100) + "\" is not supported here"};
  }
  const avro::Json* value = json->find(name);
  if (value == nullptr || value->kind != avro::Json::Kind::string) {
    return RegistryRefusal{422, code, "\"" + std::string(name) + "\" is missing or no string"};
  }
  std::string word = value->text;
  for (char& c : word) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return word;
}

RegistryAnswer failed(const Error& error) {
  return error.cause == Cause::conflict ? not_permitted(error) : store_failure(error);
}

}  // namespace

RegistryAnswer get_config(Registry& registry, const RegistryCall& call) {
  const std::string subject = subject_of(call);
  if (!subject.empty() && !call.flag("defaultToGlobal")) {
    const auto own = registry.own_compatibility(subject);
    if (!own.ok()) return store_failure(own.error());
    if (!*own) {
      return RegistryRefusal{
          404, 40408,
          "Subject '" + clean_text(subject, 200) + "' does not have subject-level compatibility configured"};
    }
  }
  const auto level = registry.compatibility(subject);
  if (!level.ok()) return store_failure(level.error());
  return one_member("compatibilityLevel", to_string(*level));
}

RegistryAnswer put_config(Registry& registry, const RegistryCall& call) {
  const std::string subject = subject_of(call);
  if (!call.arguments.empty()) {
    if (auto refusal = check_subject(subject)) return std::move(*refusal);
  }
  auto word = read_setting(call.body, "compatibility", 42203);
  if (auto* refusal = std::get_if<RegistryRefusal>(&word)) return std::move(*refusal);
  const auto level = avro::parse_compatibility(std::get<std::string>(word));
  if (!level.ok()) {
    return RegistryRefusal{422, 42203, "Invalid compatibility level: " + level.error().message};
  }
  if (const Status done = registry.set_compatibility(subject, *level); !done.ok())
    return failed(done.error());
  return one_member("compatibility", to_string(*level));
}

RegistryAnswer delete_config(Registry& registry, const RegistryCall& call) {
  const std::string subject = subject_of(call);
  const auto own = registry.own_compatibility(subject);
  const auto before = registry.compatibility(subject);
  if (!own.ok() || !before.ok()) return store_failure(own.ok() ? before.error() : own.error());
  if (!subject.empty() && !*own) return no_such_subject(subject);
  const Status done = registry.set_compatibility(subject, std::nullopt);
  if (!done.ok()) return failed(done.error());
  return one_member("compatibilityLevel", to_string(*before));
}

RegistryAnswer get_mode(Registry& registry, const RegistryCall& call) {
  const std::string subject = subject_of(call);
  if (subject.empty() || call.flag("defaultToGlobal")) {
    const auto mode = registry.mode(subject);
    return mode.ok() ? RegistryAnswer(one_member("mode", to_string(*mode))) : store_failure(mode.error());
  }
  const auto own = registry.own_mode(subject);
  if (!own.ok()) return store_failure(own.error());
  if (*own) return one_member("mode", to_string(**own));
  return RegistryRefusal{
      404, 40409, "Subject '" + clean_text(subject, 200) + "' does not have subject-level mode configured"};
}

RegistryAnswer put_mode(Registry& registry, const RegistryCall& call) {
  const std::string subject = subject_of(call);
  if (!call.arguments.empty()) {
    if (auto refusal = check_subject(subject)) return std::move(*refusal);
  }
  auto word = read_setting(call.body, "mode", 42204);
  if (auto* refusal = std::get_if<RegistryRefusal>(&word)) return std::move(*refusal);
  const auto mode = avro::parse_registry_mode(std::get<std::string>(word));
  if (!mode.ok()) return RegistryRefusal{422, 42204, "Invalid mode: " + mode.error().message};
  if (const Status done = registry.set_mode(subject, *mode); !done.ok()) return failed(done.error());
  return one_member("mode", to_string(*mode));
}

RegistryAnswer delete_mode(Registry& registry, const RegistryCall& call) {
  const std::string subject = subject_of(call);
  const auto own = registry.own_mode(subject);
  const auto before = registry.mode(subject);
  if (!own.ok() || !before.ok()) return store_failure(own.ok() ? before.error() : own.error());
  if (!subject.empty() && !*own) return no_such_subject(subject);
  if (const Status done = registry.set_mode(subject, std::nullopt); !done.ok()) return failed(done.error());
  return one_member("mode", to_string(subject.empty() ? *before : **own));
}

}  // namespace bonafide::api
