#include "api/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "avro/json.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace bonafide::api {
namespace {

using testing::HasSubstr;

std::string record(std::string_view fields) {
  return R"({"type":"record","name":"R","fields":[)" + std::string(fields) + "]}";
}
const std::string v1 = record(R"({"name":"a","type":"int"})");
const std::string v2 = record(R"({"name":"a","type":"int"},{"name":"b","type":"int","default":0})");
const std::string unlike = record(R"({"name":"a","type":"string"})");

std::string sent(const std::string& schema, const std::string& more = "") {
  return JsonWriter().begin_object().member("schema", schema).end_object().take().insert(1, more);
}

class RegistryApiTest : public testing::Test {
 protected:
  /// The answer to "GET /path?query" as "200 {…}".
  std::string ask(std::string_view method, std::string_view target, const std::string& body = "") {
    RegistryCall call;
    call.body = body;
    const auto mark = target.find('?');
    if (mark != std::string_view::npos) call.query = *net::parse_query(target.substr(mark + 1));
    const auto wanted = split(target.substr(0, mark), '/');
    for (const RegistryRoute& route : registry_routes()) {
      const auto has = split(route.path, '/');
      if (route.method != method || has.size() != wanted.size()) continue;
      bool fits = true;
      call.arguments.clear();
      for (size_t i = 0; i < has.size(); ++i) {
        if (has[i].starts_with('{')) call.arguments.emplace_back(wanted[i]);
        fits = fits && (has[i].starts_with('{') || has[i] == wanted[i]);
      }
      if (!fits) continue;
      const auto response = registry_response(route.run(registry, call), nullptr);
      EXPECT_TRUE(avro::parse_json(response.body).ok()) << response.body;
      return std::to_string(response.status) + " " + response.body;
    }
    return "no route";
  }
  std::string get(std::string_view target) { return ask("GET", target); }
  /// Only the status and the error code: "404 40401".
  std::string code(std::string_view method, std::string_view target, const std::string& body = "") {
    std::string answer = ask(method, target, body);
    const auto at = answer.find("\"error_code\":");
    if (at == std::string::npos) return answer;
    return answer.substr(0, 4) + answer.substr(at + 13, answer.find(',') - at - 13);
  }
  std::string add(const std::string& subject, const std::string& schema) {
    return ask("POST", "/subjects/" + subject + "/versions", sent(schema));
  }

  avro::EmbeddedRegistry registry;
};

TEST_F(RegistryApiTest, RegistersAndGivesBack) {
  EXPECT_EQ(get("/subjects"), "200 []");
  EXPECT_EQ(add("s", v1), R"(200 {"id":1})");
  EXPECT_EQ(add("s", "  " + v1 + "\n"), R"(200 {"id":1})") << "the same schema in other white space";
  EXPECT_EQ(add("s", v2), R"(200 {"id":2})");
  EXPECT_EQ(add("t", v2), R"(200 {"id":2})");
  EXPECT_EQ(get("/subjects"), R"(200 ["s","t"])");
  EXPECT_EQ(get("/subjects?subjectPrefix=t"), R"(200 ["t"])");
  EXPECT_EQ(get("/subjects?offset=1&limit=5"), R"(200 ["t"])");
  EXPECT_EQ(get("/subjects/s/versions"), "200 [1,2]");
  EXPECT_EQ(get("/subjects/s/versions?offset=0&limit=1"), "200 [1]");
  EXPECT_EQ(get("/subjects/s/versions?offset=1&limit=-1"), "200 [2]");
  const std::string second = "200 " + version_json(*registry.version("s", 2, avro::Deleted::hide));
  EXPECT_THAT(second, HasSubstr(R"({"subject":"s","version":2,"id":2,"schema":"{\"name\":\"R\",)"));
  for (const char* name : {"2", "latest", "-1"}) {
    EXPECT_EQ(get("/subjects/s/versions/" + std::string(name)), second);
  }
  EXPECT_EQ(get("/subjects/s/versions/1/referencedby"), "200 []");
  EXPECT_EQ(avro::parse_schema(get("/subjects/s/versions/1/schema").substr(4))->to_json(),
            avro::parse_schema(v1)->to_json());
  EXPECT_EQ(get("/schemas/ids/1/schema"), get("/subjects/s/versions/1/schema"));
  EXPECT_THAT(get("/schemas/ids/1"), HasSubstr(R"(200 {"schema":"{\"name\":\"R\")"));
  EXPECT_EQ(get("/schemas/ids/2/subjects"), R"(200 ["s","t"])");
  EXPECT_EQ(get("/schemas/ids/2/versions"),
            R"(200 [{"subject":"s","version":2},{"subject":"t","version":1}])");
  EXPECT_EQ(get("/schemas/types"), R"(200 ["AVRO"])");
  EXPECT_EQ(get("/schemas?subjectPrefix=s&latestOnly=true"), "200 [" + second.substr(4) + "]");
  EXPECT_EQ(ask("POST", "/subjects/s", sent(v2)), second);
}

TEST_F(RegistryApiTest, SaysWhatIsNotThere) {
  ASSERT_EQ(add("s", v1), R"(200 {"id":1})");
  EXPECT_EQ(get("/subjects/u/versions"), R"(404 {"error_code":40401,"message":"Subject 'u' not found."})");
  EXPECT_EQ(code("GET", "/subjects/u/versions/1"), "404 40401");
  EXPECT_EQ(code("GET", "/subjects/u/versions/latest"), "404 40401");
  EXPECT_EQ(code("GET", "/subjects/s/versions/2"), "404 40402");
  EXPECT_EQ(code("GET", "/subjects/s/versions/2/schema"), "404 40402");
  EXPECT_EQ(code("GET", "/subjects/s/versions/0"), "422 42202");
  EXPECT_EQ(code("GET", "/subjects/s/versions/newest"), "422 42202");
  EXPECT_EQ(code("GET", "/subjects/s/versions/2147483648"), "422 42202");
  EXPECT_EQ(code("POST", "/subjects/u", sent(v1)), "404 40401");
  EXPECT_EQ(code("POST", "/subjects/s", sent(v2)), "404 40403");
  for (const char* path : {"/schemas/ids/9", "/schemas/ids/x", "/schemas/ids/-1/schema",
                           "/schemas/ids/9/subjects", "/schemas/ids/4294967297/versions"}) {
    EXPECT_EQ(code("GET", path), "404 40403") << path;
  }
  EXPECT_EQ(code("DELETE", "/subjects/u"), "404 40401");
  EXPECT_EQ(code("DELETE", "/subjects/u/versions/1"), "404 40401");
  EXPECT_EQ(code("DELETE", "/subjects/s/versions/7"), "404 40402");
}

TEST_F(RegistryApiTest, RefusesWhatIsNoSchemaOrNotSupported) {
  for (const std::string& body :
       {std::string(), std::string("[]"), std::string("{}"), std::string("{\"schema\":7}"), sent(""),
        sent("{\"type\":\"recor\"}"), sent(v1, R"("schemaType":"PROTOBUF",)"),
        sent(v1, R"("references":[{"name":"a.B","subject":"b","version":1}],)"),
        sent(v1, R"("metadata":{"tags":{}},)")}) {
    EXPECT_EQ(code("POST", "/subjects/s/versions", body), "422 42201") << body;
    EXPECT_EQ(code("POST", "/compatibility/subjects/s/versions/latest", body), "422 42201") << body;
  }
  EXPECT_EQ(code("POST", "/subjects/s/versions", sent(v1, R"("id":77,)")), "422 42205");
  EXPECT_EQ(code("POST", "/subjects/a\nb/versions", sent(v1)), "422 42208");
  EXPECT_EQ(code("POST", "/subjects/" + std::string(1001, 'a') + "/versions", sent(v1)), "422 42208");
  EXPECT_EQ(code("PUT", "/config/a\nb", R"({"compatibility":"NONE"})"), "422 42208");
  EXPECT_EQ(get("/subjects?deleted=true"), "200 []");
  EXPECT_EQ(ask("POST", "/subjects/s/versions",
                sent(v1, R"("schemaType":"AVRO","references":[],"metadata":null,"id":-1,"version":0,)")),
            R"(200 {"id":1})");
}

TEST_F(RegistryApiTest, RefusesWhatIsNotCompatible) {
  ASSERT_EQ(add("s", v1), R"(200 {"id":1})");
  EXPECT_EQ(add("s", unlike),
            R"(409 {"error_code":409,"message":"the schema is not compatible with subject \"s\"\n)"
            R"(  the new schema cannot read version 1 at $.a: int cannot be read as string"})");
  const auto check = [&](const std::string& version, const std::string& schema) {
    return ask("POST", "/compatibility/subjects/" + version, sent(schema));
  };
  EXPECT_EQ(check("s/versions/latest", v2), R"(200 {"is_compatible":true})");
  EXPECT_EQ(check("s/versions/1", unlike), R"(200 {"is_compatible":false})");
  EXPECT_EQ(check("s/versions", unlike), R"(200 {"is_compatible":false})");
  EXPECT_EQ(check("s/versions?verbose=true", unlike),
            R"(200 {"is_compatible":false,"messages":["the new schema cannot read version 1 at $.a: )"
            R"(int cannot be read as string"]})");
  EXPECT_EQ(check("s/versions/-1?verbose=true", v2), R"(200 {"is_compatible":true,"messages":[]})");
  EXPECT_EQ(check("new/versions/latest", unlike), R"(200 {"is_compatible":true})");
  EXPECT_EQ(check("new/versions", unlike), R"(200 {"is_compatible":true})");
  EXPECT_EQ(code("POST", "/compatibility/subjects/s/versions/5", sent(v2)), "404 40402");
  EXPECT_EQ(code("POST", "/compatibility/subjects/new/versions/1", sent(v2)), "404 40401");
  EXPECT_EQ(code("POST", "/compatibility/subjects/s/versions/x", sent(v2)), "422 42202");
}

TEST_F(RegistryApiTest, EveryLevelDecidesAsItsNameSays) {
  // What may follow v1: a field more (with and without a default), a field less.
  const std::string more = record(R"({"name":"a","type":"int"},{"name":"b","type":"int"})");
  const std::string none = record("");
  struct Row {
    const char* level;
    const char* takes;  // v2, more, none, unlike
  };
  for (const Row& row : {Row{"NONE", "yyyy"}, Row{"BACKWARD", "ynyn"}, Row{"BACKWARD_TRANSITIVE", "ynyn"},
                         Row{"FORWARD", "yynn"}, Row{"FORWARD_TRANSITIVE", "yynn"}, Row{"FULL", "ynnn"},
                         Row{"full_transitive", "ynnn"}}) {
    const std::string subject = row.level;
    ASSERT_EQ(add(subject, v1), R"(200 {"id":1})");
    const std::string level =
        JsonWriter().begin_object().member("compatibility", row.level).end_object().take();
    EXPECT_THAT(ask("PUT", "/config/" + subject, level), HasSubstr("200 {\"compatibility\":\""));
    std::string takes;
    for (const std::string& schema : {v2, more, none, unlike}) {
      const auto answer = ask("POST", "/compatibility/subjects/" + subject + "/versions", sent(schema));
      takes += answer == R"(200 {"is_compatible":true})" ? 'y' : 'n';
    }
    EXPECT_EQ(takes, row.takes) << row.level;
  }
}

TEST_F(RegistryApiTest, TransitiveLevelsLookAtEveryVersion) {
  const std::string last = record(R"({"name":"a","type":"string"})");
  ASSERT_EQ(ask("PUT", "/config/s", R"({"compatibility":"NONE"})"), R"(200 {"compatibility":"NONE"})");
  ASSERT_EQ(add("s", v1), R"(200 {"id":1})");
  ASSERT_EQ(add("s", last), R"(200 {"id":2})");
  const std::string next = record(R"({"name":"a","type":"string","doc":"more said"})");
  const auto fits = [&](const std::string& level) {
    ask("PUT", "/config/s", "{\"compatibility\":\"" + level + "\"}");
    return ask("POST", "/compatibility/subjects/s/versions", sent(next)) == R"(200 {"is_compatible":true})";
  };
  for (const char* level : {"BACKWARD", "FORWARD", "FULL"}) {
    EXPECT_TRUE(fits(level)) << level;
    EXPECT_FALSE(fits(level + std::string("_TRANSITIVE"))) << level;
  }
}

TEST_F(RegistryApiTest, DeletesSoftlyFirst) {
  ASSERT_EQ(add("s", v1), R"(200 {"id":1})");
  ASSERT_EQ(add("s", v2), R"(200 {"id":2})");
  EXPECT_EQ(code("DELETE", "/subjects/s/versions/1?permanent=true"), "404 40407");
  EXPECT_EQ(code("DELETE", "/subjects/s?permanent=true"), "404 40405");
  EXPECT_EQ(ask("DELETE", "/subjects/s/versions/latest"), "200 2");
  EXPECT_EQ(code("DELETE", "/subjects/s/versions/2"), "404 40406");
  EXPECT_EQ(get("/subjects/s/versions"), "200 [1]");
  EXPECT_EQ(get("/subjects/s/versions?deleted=true"), "200 [1,2]");
  EXPECT_EQ(get("/subjects/s/versions?deletedOnly=true"), "200 [2]");
  EXPECT_EQ(code("GET", "/subjects/s/versions/2"), "404 40402");
  EXPECT_THAT(get("/subjects/s/versions/2?deleted=true"), HasSubstr("\"version\":2,"));
  EXPECT_EQ(code("POST", "/subjects/s", sent(v2)), "404 40403");
  EXPECT_THAT(ask("POST", "/subjects/s?deleted=true", sent(v2)), HasSubstr("\"version\":2,"));
  EXPECT_THAT(get("/schemas/ids/2"), HasSubstr("200 ")) << "data written by it stay readable";
  EXPECT_EQ(get("/schemas/ids/2/subjects"), "200 []");
  EXPECT_EQ(get("/schemas/ids/2/subjects?deleted=true"), "200 [\"s\"]");
  EXPECT_EQ(ask("DELETE", "/subjects/s/versions/2?permanent=true"), "200 2");
  EXPECT_EQ(ask("DELETE", "/subjects/s"), "200 [1]");
  EXPECT_EQ(code("DELETE", "/subjects/s"), "404 40404");
  EXPECT_EQ(get("/subjects"), "200 []");
  EXPECT_EQ(get("/subjects?deleted=true"), "200 [\"s\"]");
  EXPECT_EQ(get("/subjects?deletedOnly=true"), "200 [\"s\"]");
  EXPECT_EQ(code("GET", "/subjects/s/versions/latest"), "404 40401");
  EXPECT_EQ(ask("DELETE", "/subjects/s?permanent=true"), "200 [1]");
  EXPECT_EQ(code("DELETE", "/subjects/s?permanent=true"), "404 40401");
  EXPECT_EQ(add("s", unlike), R"(200 {"id":3})") << "no id is given twice";
  EXPECT_EQ(get("/subjects/s/versions"), "200 [3]") << "nor a version";
}

TEST_F(RegistryApiTest, LevelsInGeneralAndOfASubject) {
  EXPECT_EQ(get("/config"), R"(200 {"compatibilityLevel":"BACKWARD"})");
  EXPECT_EQ(ask("PUT", "/config", R"({"compatibility":"FULL"})"), R"(200 {"compatibility":"FULL"})");
  EXPECT_EQ(code("GET", "/config/s"), "404 40408");
  EXPECT_EQ(get("/config/s?defaultToGlobal=true"), R"(200 {"compatibilityLevel":"FULL"})");
  EXPECT_EQ(ask("PUT", "/config/s", R"({"compatibility":"forward"})"), R"(200 {"compatibility":"FORWARD"})");
  EXPECT_EQ(get("/config/s"), R"(200 {"compatibilityLevel":"FORWARD"})");
  EXPECT_EQ(ask("DELETE", "/config/s"), R"(200 {"compatibilityLevel":"FORWARD"})");
  EXPECT_EQ(code("DELETE", "/config/s"), "404 40401");
  EXPECT_EQ(ask("DELETE", "/config"), R"(200 {"compatibilityLevel":"FULL"})");
  EXPECT_EQ(get("/config"), R"(200 {"compatibilityLevel":"BACKWARD"})");
  for (const char* body : {"", "[]", "{}", R"({"compatibility":"SOME"})", R"({"compatibility":1})",
                           R"({"compatibility":"FULL","alias":"t"})"}) {
    EXPECT_EQ(code("PUT", "/config/s", body), "422 42203") << body;
  }
}

TEST_F(RegistryApiTest, ModesInGeneralAndOfASubject) {
  ASSERT_EQ(add("s", v1), R"(200 {"id":1})");
  EXPECT_EQ(get("/mode"), R"(200 {"mode":"READWRITE"})");
  EXPECT_EQ(code("GET", "/mode/s"), "404 40409");
  EXPECT_EQ(ask("PUT", "/mode", R"({"mode":"READONLY"})"), R"(200 {"mode":"READONLY"})");
  EXPECT_EQ(get("/mode/s?defaultToGlobal=true"), R"(200 {"mode":"READONLY"})");
  EXPECT_EQ(code("POST", "/subjects/s/versions", sent(v2)), "422 42205");
  EXPECT_EQ(add("s", v1), R"(200 {"id":1})") << "nothing changes";
  EXPECT_EQ(code("DELETE", "/subjects/s"), "422 42205");
  EXPECT_EQ(code("DELETE", "/subjects/s/versions/1"), "422 42205");
  EXPECT_EQ(code("PUT", "/config", R"({"compatibility":"FULL"})"), "422 42205");
  EXPECT_EQ(ask("PUT", "/mode/s", R"({"mode":"readwrite"})"), R"(200 {"mode":"READWRITE"})");
  EXPECT_EQ(add("s", v2), R"(200 {"id":2})");
  EXPECT_EQ(ask("DELETE", "/mode/s"), R"(200 {"mode":"READWRITE"})");
  EXPECT_EQ(code("DELETE", "/mode/s"), "404 40401");
  EXPECT_EQ(code("PUT", "/mode", R"({"mode":"IMPORT"})"), "422 42204");
  EXPECT_EQ(ask("DELETE", "/mode"), R"(200 {"mode":"READONLY"})");
  EXPECT_EQ(get("/mode"), R"(200 {"mode":"READWRITE"})");
}

TEST_F(RegistryApiTest, TheProgramsOwnSubjectsAreKept) {
  ASSERT_TRUE(registry.id_of_own("mail.x-value", *avro::parse_schema(v1)).ok());
  EXPECT_EQ(code("DELETE", "/subjects/mail.x-value"), "422 42205");
  EXPECT_EQ(code("DELETE", "/subjects/mail.x-value?permanent=true"), "422 42205");
  EXPECT_EQ(code("DELETE", "/subjects/mail.x-value/versions/1"), "422 42205");
  EXPECT_EQ(code("PUT", "/config/mail.x-value", R"({"compatibility":"NONE"})"), "422 42205");
  EXPECT_EQ(code("DELETE", "/config/mail.x-value"), "422 42205");
  EXPECT_EQ(code("POST", "/subjects/mail.x-value/versions", sent(record(""))), "409 409")
      << "the earlier version could not read it";
  EXPECT_EQ(get("/subjects/mail.x-value/versions"), "200 [1]");
}

TEST(RegistryHttp, SpeaksBothMediaTypes) {
  const std::string plain = "application/json",
                    own = "application/vnd.schemaregistry.v1+json; q=0.9, application/json";
  EXPECT_EQ(registry_response("[]", nullptr).headers[0].second, "application/vnd.schemaregistry.v1+json");
  EXPECT_EQ(registry_response("[]", &own).headers[0].second, "application/vnd.schemaregistry.v1+json");
  EXPECT_EQ(registry_response("[]", &plain).headers[0].second, "application/json");
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8",
                           "application/vnd.schemaregistry.v1+json", "application/vnd.schemaregistry+json"}) {
    const std::string text = type;
    EXPECT_TRUE(is_registry_type(&text)) << type;
  }
  const std::string form = "application/x-www-form-urlencoded";
  EXPECT_FALSE(is_registry_type(&form));
  EXPECT_TRUE(is_registry_type(nullptr));
}

}  // namespace
}  // namespace bonafide::api
