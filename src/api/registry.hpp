#pragma once
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/route.hpp"
#include "avro/registry.hpp"
#include "net/http.hpp"

// The REST API of Confluent's schema registry over an avro::Registry. docs/registry.md lists the calls.
namespace bonafide::api {

/// The largest body of a call: a schema as a JSON string in a JSON object.
constexpr size_t registry_body_bytes = size_t{4} << 20;
inline constexpr std::string_view registry_type = "application/vnd.schemaregistry.v1+json";

struct RegistryCall {
  std::vector<std::string> arguments;  ///< what stood in place of those in braces
  net::Query query;
  std::string body;

  /// "true" in any case; parameters that are not known are passed over, as Confluent's server does.
  [[nodiscard]] bool flag(std::string_view name) const;
  [[nodiscard]] std::string_view text(std::string_view name) const;
};

/// The part of a list that "offset" and "limit" ask for; all of it without them.
class Page {
 public:
  explicit Page(const RegistryCall& call);
  /// Is the item at this place, from 0, in it?
  [[nodiscard]] bool has(int64_t at) const { return at >= offset_ && (limit_ < 0 || at - offset_ < limit_); }

 private:
  int64_t offset_, limit_;
};

/// {"error_code": code, "message": message}
struct RegistryRefusal {
  int status = 500;
  int code = 50001;
  std::string message;
};
/// The JSON of the answer, or why there is none.
using RegistryAnswer = std::variant<std::string, RegistryRefusal>;
using RegistryOperation = RegistryAnswer (*)(avro::Registry& registry, const RegistryCall& call);

struct RegistryRoute {
  std::string_view method, path;  ///< "{subject}" stands for any one segment
  RegistryOperation run = nullptr;
  Operation operation;
};
std::vector<RegistryRoute> registry_routes();

/// May a body of this Content-Type (nullptr: none given) be a call's?
bool is_registry_type(const std::string* content_type);
/// As application/vnd.schemaregistry.v1+json, or application/json where `accept` asks for that alone.
net::Response registry_response(RegistryAnswer answer, const std::string* accept);

// ---- for the calls themselves

/// What Confluent's server answers to an error that is none of those it has numbers for: 50001.
RegistryRefusal store_failure(const Error& error);
RegistryRefusal no_such_subject(const std::string& subject);
RegistryRefusal not_permitted(const Error& error);
/// The subject itself, where it can be the name of one: 42208 otherwise.
std::optional<RegistryRefusal> check_subject(const std::string& subject);
/// Why `subject` may not be changed, if so: 42205.
std::optional<RegistryRefusal> check_change(avro::Registry& registry, const std::string& subject,
                                            avro::Registry::Change change);

// config, mode: registry_settings.cpp
RegistryAnswer get_config(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer put_config(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer delete_config(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer get_mode(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer put_mode(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer delete_mode(avro::Registry& registry, const RegistryCall& call);

// subjects, versions, compatibility: registry_subjects.cpp
RegistryAnswer get_subjects(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer get_versions(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer get_version(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer get_version_schema(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer get_referenced_by(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer post_lookup(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer post_version(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer delete_subject(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer delete_version(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer post_compatibility(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer post_version_compatibility(avro::Registry& registry, const RegistryCall& call);

// schemas by id: registry_schemas.cpp
RegistryAnswer get_schemas(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer get_types(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer get_schema(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer get_schema_text(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer get_schema_subjects(avro::Registry& registry, const RegistryCall& call);
RegistryAnswer get_schema_versions(avro::Registry& registry, const RegistryCall& call);

/// {"subject","version","id","schema"}
std::string version_json(const avro::SubjectVersion& version);

}  // namespace bonafide::api
