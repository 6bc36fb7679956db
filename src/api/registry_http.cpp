// What the calls of the schema registry have in common: routes, media types, errors.
#include <algorithm>
#include <array>

#include "api/registry.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace bonafide::api {
namespace {

constexpr size_t max_subject_bytes = 1000;

std::string_view media_type_of(std::string_view header) { return trim(split(header, ';').front()); }

}  // namespace

std::string_view RegistryCall::text(std::string_view name) const {
  const auto found = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
  return found == query.end() ? std::string_view() : std::string_view(found->second);
}

bool RegistryCall::flag(std::string_view name) const { return equals_ignoring_case(text(name), "true"); }

Page::Page(const RegistryCall& call)
    : offset_(std::max<int64_t>(parse_int(call.text("offset")).value_or(0), 0)),
      limit_(parse_int(call.text("limit")).value_or(-1)) {}

bool is_registry_type(const std::string* content_type) {
  constexpr std::array<std::string_view, 4> known = {registry_type, "application/vnd.schemaregistry+json",
                                                     "application/json", "application/octet-stream"};
  if (content_type == nullptr) return true;
  const std::string type = ascii_lower(media_type_of(*content_type));
  return std::ranges::find(known, type) != known.end();
}

net::Response registry_response(RegistryAnswer answer, const std::string* accept) {
  net::Response response;
  const bool plain = accept != nullptr && accept->find("schemaregistry") == std::string::npos &&
                     accept->find("application/json") != std::string::npos;
  response.headers = {{"Content-Type", std::string(plain ? "application/json" : registry_type)},
                      {"Cache-Control", "no-store"}};
  if (const auto* refusal = std::get_if<RegistryRefusal>(&answer)) {
    response.status = refusal->status;
    JsonWriter json;
    json.begin_object().member("error_code", refusal->code).member("message", refusal->message);
    response.body = json.end_object().take();
  } else {
    response.body = std::move(std::get<std::string>(answer));
  }
  return response;
}

RegistryRefusal store_failure(const Error& error) {
  return {500, 50001, "the schema registry's store failed: " + error.message};
}

RegistryRefusal no_such_subject(const std::string& subject) {
  return {404, 40401, "Subject '" + clean_text(subject, 200) + "' not found."};
}

RegistryRefusal not_permitted(const Error& error) { return {422, 42205, error.message}; }

std::optional<RegistryRefusal> check_subject(const std::string& subject) {
  const bool control =
      std::ranges::any_of(subject, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  if (!subject.empty() && subject.size() <= max_subject_bytes && !control && is_utf8(subject)) {
    return std::nullopt;
  }
  return RegistryRefusal{422, 42208,
                         "The specified subject '" + clean_text(subject, 100) +
                             "' is not a valid subject: 1 to 1000 bytes of UTF-8, no control characters"};
}

std::optional<RegistryRefusal> check_change(avro::Registry& registry, const std::string& subject,
                                            avro::Registry::Change change) {
  const Status allowed = registry.may_change(subject, change);
  if (allowed.ok()) return std::nullopt;
  return allowed.error().cause == Cause::conflict ? not_permitted(allowed.error())
                                                  : store_failure(allowed.error());
}

std::string version_json(const avro::SubjectVersion& version) {
  JsonWriter json;
  json.begin_object().member("subject", version.subject).member("version", version.version);
  json.member("id", version.id).member("schema", version.schema.to_json());
  return json.end_object().take();
}

}  // namespace bonafide::api
