#include <map>

#include "api/route.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

// GET /v1/openapi.json, made from the routes themselves.
namespace bonafide::api {
namespace {

constexpr std::string_view about =
    "Scores mail against what its senders normally do. Calls under /v1 change only by addition: pass over "
    "members "
    "that you do not know. The schema registry's calls are those of Confluent's.";

void write_reference(JsonWriter& json, std::string_view schema) {
  json.begin_object().member("$ref", "#/components/schemas/" + std::string(schema)).end_object();
}

void write_type(JsonWriter& json, const QueryParameter& parameter) {
  using Type = QueryParameter::Type;
  json.begin_object();
  switch (parameter.type) {
    case Type::text:
    case Type::words:
      json.member("type", "string");
      if (parameter.most > 0) json.member("maxLength", parameter.most);
      break;
    case Type::time:
      json.member("type", "string").member("format", "date-time");
      break;
    case Type::duration:
      json.member("type", "string").member("pattern", "^[0-9]+(us|ms|s|m|h|d)$");
      break;
    case Type::flag:
      json.member("type", "boolean").member("default", false);
      break;
    case Type::count:
      json.member("type", "integer").member("minimum", 1);
      if (parameter.most > 0) json.member("maximum", parameter.most);
      break;
    case Type::choice:
      json.member("type", "string").key("enum").begin_array();
      for (const auto choice : parameter.choices) json.value(choice);
      json.end_array().member("default", parameter.choices.front());
      break;
  }
  json.end_object();
}

void write_query(JsonWriter& json, const QueryParameter& parameter) {
  json.begin_object()
      .member("name", parameter.name)
      .member("in", "query")
      .member("description", parameter.what);
  json.key("schema");
  if (parameter.repeatable) json.begin_object().member("type", "array").key("items");
  write_type(json, parameter);
  if (parameter.repeatable) json.end_object();
  json.end_object();
}

// The schema of an argument has its name, in capitals: {id} is "Id".
void write_argument(JsonWriter& json, std::string_view name, std::string_view path) {
  std::string schema(name);
  schema.front() = static_cast<char>(schema.front() - 'a' + 'A');
  if (schema == "Id" && path.starts_with("/v1/parked")) schema = "ParkedId";
  if (schema == "Id" && path.starts_with("/schemas")) schema = "SchemaId";
  json.begin_object().member("name", name).member("in", "path").member("required", true).key("schema");
  write_reference(json, schema);
  json.end_object();
}

void write_media(JsonWriter& json, std::string_view media, std::string_view schema) {
  json.key(media).begin_object().key("schema");
  write_reference(json, schema);
  json.end_object();
}

void write_answers(JsonWriter& json, const DescribedCall& call) {
  json.key("responses").begin_object();
  const auto& outcomes = call.operation.outcomes;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const int status = outcomes[i].status;
    json.key(std::to_string(status)).begin_object().member("description", outcomes[i].what);
    json.key("content").begin_object();
    write_media(json, outcomes[i].media, outcomes[i].schema);
    // The same in another form.
    for (; i + 1 < outcomes.size() && outcomes[i + 1].status == status; ++i)
      write_media(json, outcomes[i + 1].media, outcomes[i + 1].schema);
    json.end_object().end_object();
  }
  // Who may not call at all gets a problem document also from the registry.
  for (const auto& [status, what] :
       {std::pair("4XX", "the request is refused"), {"5XX", "it could not be done"}}) {
    json.key(status).begin_object().member("description", what).key("content").begin_object();
    for (const auto& [media, schema] : std::map<std::string_view, std::string_view>{
             {call.error_media, call.error_schema}, {"application/problem+json", "Problem"}}) {
      json.key(media).begin_object().key("schema");
      write_reference(json, schema);
      json.end_object();
    }
    json.end_object().end_object();
  }
  json.end_object();
}

// "getMessagesById": verb and path in one word.
std::string operation_id(const DescribedCall& call) {
  std::string id = ascii_lower(call.method);
  for (auto segment : split(call.path, '/')) {
    if (segment.empty() || segment == "v1") continue;
    const bool argument = segment.front() == '{';
    if (argument) segment = segment.substr(1, segment.size() - 2);
    if (argument) id += "By";
    for (bool upper = true; const char c : segment) {
      if (c == '.') continue;
      id += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      upper = false;
    }
  }
  return id;
}

void write_operation(JsonWriter& json, const DescribedCall& call) {
  const Operation& operation = call.operation;
  json.begin_object().member("operationId", operation_id(call)).member("summary", operation.summary);
  json.key("tags").begin_array().value(operation.tag).end_array();
  json.key("parameters").begin_array();
  for (const auto segment : split(call.path, '/')) {
    if (segment.starts_with('{')) write_argument(json, segment.substr(1, segment.size() - 2), call.path);
  }
  for (const auto& parameter : operation.query) write_query(json, parameter);
  json.end_array();
  if (!operation.body_media.empty()) {
    json.key("requestBody").begin_object().member("required", true).key("content").begin_object();
    write_media(json, operation.body_media, operation.body_schema);
    json.end_object().end_object();
  }
  write_answers(json, call);
  json.key("security").begin_array();
  // Loopback and allowed ranges need no token, unless there is a token file.
  json.begin_object().end_object();
  if (!call.everybody) json.begin_object().key("token").begin_array().end_array().end_object();
  json.end_array().end_object();
}

}  // namespace

std::string openapi_document(const std::vector<DescribedCall>& calls) {
  JsonWriter json;
  json.begin_object().member("openapi", "3.1.0").key("info").begin_object();
  json.member("title", "Bonafide").member("version", "1").member("description", about);
  json.key("license")
      .begin_object()
      .member("name", "Apache-2.0")
      .member("identifier", "Apache-2.0")
      .end_object();
  json.end_object();
  std::map<std::string_view, std::vector<const DescribedCall*>> paths;
  for (const auto& call : calls) paths[call.path].push_back(&call);
  json.key("paths").begin_object();
  for (const auto& [path, on_it] : paths) {
    json.key(path).begin_object();
    for (const auto* call : on_it) {
      json.key(ascii_lower(call->method));
      write_operation(json, *call);
    }
    json.end_object();
  }
  json.end_object().key("components").begin_object().key("schemas").raw(openapi_schemas());
  json.key("securitySchemes").begin_object().key("token").begin_object();
  json.member("type", "http").member("scheme", "bearer").end_object().end_object();
  return json.end_object().end_object().take();
}

}  // namespace bonafide::api
