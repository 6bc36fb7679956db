#include "api/registry.hpp"

// The calls of the schema registry; docs/registry.md says what they do.
namespace bonafide::api {
namespace {

using Type = QueryParameter::Type;
using Parameters = std::vector<QueryParameter>;

const QueryParameter deleted = {"deleted", Type::flag, "also what is softly deleted"};
const QueryParameter deleted_only = {"deletedOnly", Type::flag, "only what is softly deleted"};
const QueryParameter prefix = {"subjectPrefix", Type::text, "of the subject's name"};
const QueryParameter offset = {"offset", Type::count, "items to pass over"};
const QueryParameter limit = {"limit", Type::count, "items of a page"};
const QueryParameter permanent = {"permanent", Type::flag, "for good: after it was deleted softly"};
const QueryParameter normalize = {"normalize", Type::flag, "changes nothing: it is always done"};
const QueryParameter to_global = {"defaultToGlobal", Type::flag,
                                  "the general one where there is none of its own"};
const QueryParameter verbose = {"verbose", Type::flag, "also each place and reason"};

Operation answers(std::string_view summary, Parameters query, std::string_view schema,
                  std::string_view body = "") {
  return {"registry",
          summary,
          std::move(query),
          {{200, "done", registry_type, schema}},
          body.empty() ? std::string_view() : registry_type,
          body};
}

}  // namespace

std::vector<RegistryRoute> registry_routes() {
  return {
      {"GET", "/subjects", get_subjects,
       answers("names of the subjects", {prefix, deleted, deleted_only, offset, limit}, "Names")},
      {"POST", "/subjects/{subject}", post_lookup,
       answers("the version with this very schema", {deleted, normalize}, "SubjectVersion", "SchemaText")},
      {"DELETE", "/subjects/{subject}", delete_subject,
       answers("deletes its versions", {permanent}, "Numbers")},
      {"GET", "/subjects/{subject}/versions", get_versions,
       answers("its version numbers", {deleted, deleted_only, offset, limit}, "Numbers")},
      {"POST", "/subjects/{subject}/versions", post_version,
       answers("registers a schema", {normalize}, "SchemaIdentified", "SchemaText")},
      {"GET", "/subjects/{subject}/versions/{version}", get_version,
       answers("one version", {deleted}, "SubjectVersion")},
      {"DELETE", "/subjects/{subject}/versions/{version}", delete_version,
       answers("deletes one version", {permanent}, "Number")},
      {"GET", "/subjects/{subject}/versions/{version}/schema", get_version_schema,
       answers("the schema of a version alone", {deleted}, "AvroSchema")},
      {"GET", "/subjects/{subject}/versions/{version}/referencedby", get_referenced_by,
       answers("always none", {}, "Numbers")},
      {"GET", "/schemas", get_schemas,
       answers("all versions of all subjects",
               {prefix, deleted, {"latestOnly", Type::flag, "the newest of each"}, offset, limit},
               "SubjectVersions")},
      {"GET", "/schemas/types", get_types, answers("the kinds of schemas", {}, "Names")},
      {"GET", "/schemas/ids/{id}", get_schema, answers("a schema by its id", {}, "SchemaText")},
      {"GET", "/schemas/ids/{id}/schema", get_schema_text, answers("the schema alone", {}, "AvroSchema")},
      {"GET", "/schemas/ids/{id}/subjects", get_schema_subjects,
       answers("the subjects that have it", {deleted}, "Names")},
      {"GET", "/schemas/ids/{id}/versions", get_schema_versions,
       answers("the versions that have it", {deleted}, "Uses")},
      {"POST", "/compatibility/subjects/{subject}/versions", post_compatibility,
       answers("would it be taken", {verbose, normalize}, "Compatible", "SchemaText")},
      {"POST", "/compatibility/subjects/{subject}/versions/{version}", post_version_compatibility,
       answers("does it fit this version", {verbose, normalize}, "Compatible", "SchemaText")},
      {"GET", "/config", get_config, answers("the general level", {}, "Level")},
      {"PUT", "/config", put_config, answers("changes the general level", {}, "NewLevel", "NewLevel")},
      {"DELETE", "/config", delete_config, answers("back to BACKWARD", {}, "Level")},
      {"GET", "/config/{subject}", get_config, answers("the level of a subject", {to_global}, "Level")},
      {"PUT", "/config/{subject}", put_config,
       answers("gives a subject its own level", {}, "NewLevel", "NewLevel")},
      {"DELETE", "/config/{subject}", delete_config, answers("takes it away", {}, "Level")},
      {"GET", "/mode", get_mode, answers("the general mode", {}, "Mode")},
      {"PUT", "/mode", put_mode, answers("changes the general mode", {}, "Mode", "Mode")},
      {"DELETE", "/mode", delete_mode, answers("back to READWRITE", {}, "Mode")},
      {"GET", "/mode/{subject}", get_mode, answers("the mode of a subject", {to_global}, "Mode")},
      {"PUT", "/mode/{subject}", put_mode, answers("gives a subject its own mode", {}, "Mode", "Mode")},
      {"DELETE", "/mode/{subject}", delete_mode, answers("takes it away", {}, "Mode")},
  };
}

}  // namespace bonafide::api
