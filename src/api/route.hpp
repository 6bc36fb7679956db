#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bonafide::api {

/// A parameter of a call's query: which there are, and what the OpenAPI document says of them. The only place
/// where they are named.
struct QueryParameter {
  enum class Type { text, words, time, duration, flag, count, choice };
  std::string_view name;
  Type type = Type::text;
  std::string_view what;                       ///< in a few words
  size_t most = 0;                             ///< of a text its bytes, of a count its largest; 0: not said
  std::vector<std::string_view> choices = {};  ///< the first is the default
  bool repeatable = false;
};

/// One thing a call may answer.
struct Outcome {
  int status = 200;
  std::string_view what;
  std::string_view media = "application/json";
  std::string_view schema = "Document";  ///< of components/schemas
};

/// What a call is, for the OpenAPI document.
struct Operation {
  std::string_view tag, summary;
  std::vector<QueryParameter> query = {};
  std::vector<Outcome> outcomes = {};  ///< beside errors, which are the same everywhere; by status
  std::string_view body_media = {};    ///< "": takes no body
  std::string_view body_schema = {};   ///< of components/schemas
};

/// A call as the document names it; `path` with its arguments in braces: "/v1/messages/{id}".
struct DescribedCall {
  std::string_view method, path;
  Operation operation;
  bool everybody = false;         ///< needs no token
  std::string_view error_schema;  ///< of components/schemas
  std::string_view error_media;
};

/// The OpenAPI 3.1 document of these calls.
std::string openapi_document(const std::vector<DescribedCall>& calls);

/// The JSON Schemas the document refers to, by their names: a JSON object.
std::string_view openapi_schemas();

}  // namespace bonafide::api
