#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/api.hpp"
#include "api/test_service.hpp"
#include "avro/json.hpp"
#include "base/text.hpp"
#include "env/sim/clock.hpp"
#include "env/sim/files.hpp"

namespace bonafide::api {
namespace {

using Call = std::pair<std::string, std::string>;  // "GET", "/v1/status"

avro::Json document() { return *avro::parse_json(openapi_document(Api::calls())); }

std::set<Call> documented() {
  const auto json = document();
  std::set<Call> calls;
  const avro::Json* paths = json.find("paths");
  for (size_t p = 0; p < paths->keys.size(); ++p) {
    for (std::string method : paths->items[p].keys) {
      std::ranges::transform(method, method.begin(),
                             [](char c) { return static_cast<char>(std::toupper(c)); });
      calls.insert({method, paths->keys[p]});
    }
  }
  return calls;
}

/// Does the API itself know the call? Asked as it would be from outside.
bool is_answered(const std::string& method, std::string path) {
  env::sim::ManualClock clock;
  env::NoLogger logger;
  env::sim::SimFiles files;
  TestService service;
  const ApiSettings settings;
  Api api(settings, *Access::make(settings, files), service, clock, logger, service.registry);
  for (size_t open = path.find('{'); open != std::string::npos; open = path.find('{'))
    path.replace(open, path.find('}') - open + 1, "x");
  net::Request request;
  request.method = method;
  request.target = request.path = path;
  request.host = "localhost";
  request.peer.remote.ip = request.peer.local.ip = *IpAddress::parse("127.0.0.1");
  const auto verdict = api.on_head(request, 0);
  const auto* refused = std::get_if<net::Response>(&verdict);
  return refused == nullptr || (refused->status != 404 && refused->status != 405);
}

TEST(OpenApi, NamesEveryRouteOnce) {
  std::set<Call> routes;
  for (const auto& call : Api::calls())
    EXPECT_TRUE(routes.insert({std::string(call.method), std::string(call.path)}).second) << call.path;
  EXPECT_EQ(documented(), routes);
  EXPECT_GE(routes.size(), 50U);
}

TEST(OpenApi, NamesNoRouteThatThereIsNot) {
  EXPECT_FALSE(is_answered("GET", "/v1/nothing"));
  EXPECT_FALSE(is_answered("DELETE", "/v1/status"));
  for (const auto& [method, path] : documented())
    EXPECT_TRUE(is_answered(method, path)) << method << " " << path;
}

// Every "$ref" leads somewhere, and every schema is referred to.
TEST(OpenApi, ReferencesLeadSomewhere) {
  const auto json = document();
  const avro::Json* schemas = json.find("components")->find("schemas");
  std::set<std::string> referred;
  const auto look = [&](const auto& self, const avro::Json& value) -> void {
    if (const auto* reference = value.find("$ref"); reference != nullptr) {
      ASSERT_TRUE(reference->text.starts_with("#/components/schemas/")) << reference->text;
      referred.insert(reference->text.substr(21));
    }
    for (const auto& item : value.items) self(self, item);
  };
  look(look, json);
  const std::set<std::string> there(schemas->keys.begin(), schemas->keys.end());
  EXPECT_EQ(referred, there);
}

TEST(OpenApi, OperationsAreDescribed) {
  std::set<std::string> ids;
  const auto json = document();
  for (const auto& path : json.find("paths")->items) {
    for (const auto& operation : path.items) {
      EXPECT_TRUE(ids.insert(operation.find("operationId")->text).second)
          << operation.find("operationId")->text;
      EXPECT_FALSE(operation.find("summary")->text.empty());
      EXPECT_GE(operation.find("responses")->keys.size(), 3U);
      for (const auto& parameter : operation.find("parameters")->items)
        EXPECT_FALSE(parameter.find("name")->text.empty());
    }
  }
}

}  // namespace
}  // namespace bonafide::api
