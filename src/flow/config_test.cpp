#include "flow/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "env/random.hpp"
#include "env/sim/clock.hpp"
#include "env/sim/files.hpp"

namespace bonafide::flow {
namespace {

using testing::HasSubstr;

std::vector<Section> sections() {
  return {{"door",
           "Where events come in.",
           {{"listen", FieldType::list, "127.0.0.1:8025", "Addresses to listen on."},
            {"timeout", FieldType::duration, "30s", "How long a caller may take.", false, 1, 3600},
            {"max_bytes", FieldType::bytes, "50MiB", "The largest event."},
            {"workers", FieldType::integer, "2", "Threads.", false, 1, 64},
            {"share", FieldType::number, "0.5", "Of the machine.", false, 0, 1},
            {"trust", FieldType::boolean, "true", "Believe callers."},
            {"mode", FieldType::choice, "strict", "How to read.", false, {}, {}, {"strict", "lenient"}},
            {"tenants", FieldType::lists, "", "Domains of each tenant."},
            {"token", FieldType::text, "", "Bearer token.", false, {}, {}, {}, true}}},
          {"store", "Where events end.", {{"path", FieldType::text, "rows.db", "The file."}}}};
}

class ConfigTest : public testing::Test {
 protected:
  Config read(const std::string& yaml) {
    problems_.clear();
    return Config::read(yaml, "b.yaml", sections(), outside_, problems_);
  }
  std::string problems() const {
    std::string out;
    for (const auto& problem : problems_) out += problem.text() + "\n";
    return out;
  }
  env::sim::SimFiles files_;
  std::map<std::string, std::string> environment_;
  Config::Outside outside_ = {files_, [this](const std::string& name) -> std::optional<std::string> {
                                const auto found = environment_.find(name);
                                if (found == environment_.end()) return std::nullopt;
                                return found->second;
                              }};
  std::vector<Problem> problems_;
};

TEST_F(ConfigTest, WithoutAFileTheDefaultsHold) {
  const auto config = Config::presets(sections());
  const auto& door = config.section("door");
  EXPECT_EQ(door.list("listen"), std::vector<std::string>{"127.0.0.1:8025"});
  EXPECT_EQ(door.duration("timeout"), Duration::seconds(30));
  EXPECT_EQ(door.bytes("max_bytes"), 50U << 20);
  EXPECT_EQ(door.integer("workers"), 2);
  EXPECT_EQ(door.number("share"), 0.5);
  EXPECT_TRUE(door.boolean("trust"));
  EXPECT_EQ(door.text("mode"), "strict");
  EXPECT_TRUE(door.lists("tenants").empty());
  EXPECT_EQ(door.where("mode"), "default");
  EXPECT_FALSE(config.topology().has_value());
}

TEST_F(ConfigTest, AFileSetsWhatItNames) {
  const auto config = read(R"(version: 1
door:
  listen: ["0.0.0.0:25", "[::1]:25"]
  timeout: 5m
  max_bytes: 1.5GB
  trust: false
  mode: lenient
  tenants: {acme: [acme.com, acme.net], other: other.org}
store:
)");
  EXPECT_EQ(problems(), "");
  const auto& door = config.section("door");
  EXPECT_EQ(door.list("listen").size(), 2U);
  EXPECT_EQ(door.duration("timeout"), Duration::minutes(5));
  EXPECT_EQ(door.bytes("max_bytes"), 1'500'000'000U);
  EXPECT_FALSE(door.boolean("trust"));
  EXPECT_EQ(door.lists("tenants").at("acme"), (std::vector<std::string>{"acme.com", "acme.net"}));
  EXPECT_EQ(door.lists("tenants").at("other"), std::vector<std::string>{"other.org"});
  EXPECT_EQ(door.where("timeout"), "b.yaml:4:12");
  EXPECT_EQ(config.section("store").text("path"), "rows.db");
}

TEST_F(ConfigTest, MistakesAreNamedWithPlaceAndSuggestion) {
  read("version: 1\ndoor:\n  timout: 3s\n");
  EXPECT_EQ(problems(), "b.yaml:3:3: unknown key \"timout\". Did you mean \"timeout\"?\n");
  read("version: 1\ndor: {}\n");
  EXPECT_THAT(problems(), HasSubstr("b.yaml:2:1: unknown key \"dor\". Did you mean \"door\"?"));
  read("version: 1\ndoor: {mode: strickt}\n");
  EXPECT_THAT(
      problems(),
      HasSubstr("b.yaml:2:14: mode: \"strickt\" is none of strict, lenient. Did you mean \"strict\"?"));
  read("version: 1\ndoor: {timeout: soon, workers: 65, share: nan, trust: maybe, max_bytes: 3 apples}\n");
  EXPECT_EQ(problems_.size(), 5U);
  EXPECT_THAT(problems(), HasSubstr("workers: must be between 1 and 64"));
  EXPECT_THAT(problems(), HasSubstr("\"soon\" is not a duration"));
  read("version: 1\ndoor: {workers: 3, workers: 4}\n");
  EXPECT_THAT(problems(), HasSubstr("given twice"));
  read("version: 2\n");
  EXPECT_THAT(problems(), HasSubstr("version 1"));
  read("");
  EXPECT_THAT(problems(), HasSubstr("version: 1"));
  read("version: 1\ndoor: [1, 2]\n");
  EXPECT_THAT(problems(), HasSubstr("b.yaml:2:7: expected keys and values"));
  read("version: 1\ndoor: {listen: {a: b}}\n");
  EXPECT_EQ(problems_.size(), 1U);
}

TEST_F(ConfigTest, BrokenYamlIsAProblemNotACrash) {
  read("version: 1\ndoor: {timeout: 3s\n");
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_THAT(problems(), HasSubstr("not YAML"));
  read(std::string(5000, '['));
  EXPECT_FALSE(problems_.empty());
  env::SeededRandom random(9);
  const std::string good =
      "version: 1\ndoor: {listen: [a, b], timeout: 5m}\ntopology: {workers: [{name: a}]}\n";
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good;
    for (int n = 0; n < 3; ++n) bad[random.below(bad.size())] = static_cast<char>(random.below(256));
    read(bad);
  }
}

TEST_F(ConfigTest, TheEnvironmentIsPutIn) {
  environment_["HOST"] = "10.0.0.1";
  const auto config = read(
      "version: 1\ndoor: {listen: [\"${HOST}:${PORT:-25}\"], timeout: '${T:-7s}'}\nstore: {path: a$$b$c}\n");
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(config.section("door").list("listen"), std::vector<std::string>{"10.0.0.1:25"});
  EXPECT_EQ(config.section("door").duration("timeout"), Duration::seconds(7));
  EXPECT_EQ(config.section("store").text("path"), "a$b$c");
  read("version: 1\nstore: {path: '${NOT_SET}'}\n");
  EXPECT_THAT(problems(), HasSubstr("NOT_SET is not set"));
  read("version: 1\nstore: {path: '${NOT'}\n");
  EXPECT_EQ(problems_.size(), 1U);
}

TEST_F(ConfigTest, SecretsComeFromFilesOrTheEnvironmentAndAreNotShown) {
  ASSERT_TRUE(files_.write_file("token", "  s3cret\n").ok());
  environment_["TOKEN"] = "fr0m env";
  auto config = read("version: 1\ndoor: {token: {file: token}}\n");
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(config.section("door").text("token"), "s3cret");
  EXPECT_THAT(config.show(sections()), testing::Not(HasSubstr("s3cret")));
  config = read("version: 1\ndoor: {token: '${TOKEN}'}\n");
  EXPECT_EQ(config.section("door").text("token"), "fr0m env");
  read("version: 1\ndoor: {token: plain}\n");
  EXPECT_THAT(problems(), HasSubstr("{file: PATH}"));
  EXPECT_THAT(problems(), testing::Not(HasSubstr("plain")));
  read("version: 1\ndoor: {token: {file: nowhere}}\n");
  EXPECT_THAT(problems(), HasSubstr("nowhere"));
}

TEST_F(ConfigTest, WhatIsShownCanBeReadAgain) {
  const auto config = read(
      "version: 1\ndoor: {timeout: 90s, tenants: {a: [\"b'c\"]}}\ntopology: {parked: p, workers: [{name: n, "
      "from: f, steps: [s, t], to: o}, {name: m, from: o, sink: r, pace: 15ms}]}\n");
  EXPECT_EQ(problems(), "");
  const std::string shown = config.show(sections());
  const auto again = read(shown);
  EXPECT_EQ(problems(), "");
  EXPECT_EQ(again.section("door").duration("timeout"), Duration::seconds(90));
  EXPECT_EQ(again.section("door").lists("tenants").at("a"), std::vector<std::string>{"b'c"});
  EXPECT_EQ(again.topology()->workers[0].steps, (std::vector<std::string>{"s", "t"}));
  EXPECT_EQ(again.topology()->workers[1].pace, Duration::millis(15));
  EXPECT_EQ(again.topology()->parked, "p");
  read("version: 1\ntopology: {workers: [{name: m, from: o, sink: r, pace: quickly}]}\n");
  EXPECT_THAT(problems(), HasSubstr("pace: expected a duration"));
}

TEST_F(ConfigTest, LoadListsEveryProblem) {
  ASSERT_TRUE(files_.write_file("b.yaml", "version: 1\ndoor: {a: 1, b: 2}\n").ok());
  const auto config = Config::load("b.yaml", sections(), outside_);
  ASSERT_FALSE(config.ok());
  EXPECT_THAT(config.error().message, HasSubstr("\"a\""));
  EXPECT_THAT(config.error().message, HasSubstr("\"b\""));
  EXPECT_EQ(Config::load("none.yaml", sections(), outside_).error().cause, Cause::not_found);
}

TEST_F(ConfigTest, DocumentationAndSchemaComeFromTheFields) {
  const std::string docs = settings_markdown(sections());
  EXPECT_THAT(docs, HasSubstr("## door\n\nWhere events come in.\n"));
  EXPECT_THAT(docs, HasSubstr("| `workers` | whole number | `2` | Threads. At least 1. At most 64. |"));
  EXPECT_THAT(docs, HasSubstr("strict, lenient"));
  const std::string schema = config_schema(sections());
  EXPECT_THAT(schema, HasSubstr(R"("enum":["strict","lenient"])"));
  EXPECT_THAT(schema, HasSubstr(R"("additionalProperties":false)"));
  EXPECT_EQ(std::ranges::count(schema, '{'), std::ranges::count(schema, '}'));
}

TEST(Sizes, AreReadWithTheirUnits) {
  EXPECT_EQ(parse_bytes("4096").value(), 4096U);
  EXPECT_EQ(parse_bytes("64MiB").value(), 64U << 20);
  EXPECT_EQ(parse_bytes("2 kB").value(), 2000U);
  EXPECT_EQ(parse_bytes("0.5GiB").value(), 1U << 29);
  for (const char* bad : {"", "MiB", "-1", "1XB", "1e3", "99999999999TiB"})
    EXPECT_FALSE(parse_bytes(bad).ok()) << bad;
}

class Nothing final : public Processor {
 public:
  Status process(const Delivery&, const Answers&, const Context&, Output&) override { return Ok{}; }
};
class NoFold final : public Fold {
 public:
  Result<std::vector<Delta>> deltas(const Record&) override { return std::vector<Delta>(); }
};

Registry registry() {
  const auto make = [](const Settings&) -> Result<std::unique_ptr<Processor>> {
    return {std::make_unique<Nothing>()};
  };
  const auto fold = [](const Settings&) -> Result<std::unique_ptr<Fold>> {
    return {std::make_unique<NoFold>()};
  };
  const auto no_sink = [](const Settings&) -> Result<std::unique_ptr<Sink>> {
    return {Cause::unavailable, "no database"};
  };
  Registry out;
  out.steps.push_back({{"enrich", "Adds.", {}, make}, {}});
  out.steps.push_back({{"score", "Scores.", {{"weight", FieldType::number, "1", "Weight."}}, make}, fold});
  out.sinks.push_back({"rows", "Stores.", {}, no_sink});
  return out;
}

std::string all(const std::vector<Problem>& problems) {
  std::string out;
  for (const auto& problem : problems) out += problem.text() + "\n";
  return out;
}

TEST(Topology, MistakesAreNamed) {
  struct Case {
    WorkerEntry worker;
    const char* expected;
  };
  const std::vector<Case> cases = {
      {{"a", "in", {"enrich"}, "out"}, ""},
      {{"", "in", {"enrich"}, "out"}, "needs a name"},
      {{"a", "", {"enrich"}, "out"}, "`from` is missing"},
      {{"a", "in", {"enrich"}, ""}, "`to` is missing"},
      {{"a", "inn", {"enrich"}, "out"}, "nothing writes to inn. Did you mean \"in\"?"},
      {{"a", "in", {"enrick"}, "out"}, "no step \"enrick\". Did you mean \"enrich\"?"},
      {{"a", "in", {}, "out"}, "needs `steps` and `to`, or a `sink`"},
      {{"a", "in", {}, "", "row"}, "no sink \"row\". Did you mean \"rows\"?"},
      {{"a", "in", {"enrich"}, "out", "rows"}, "a sink is a worker of its own"},
      {{"a", "in", {"enrich"}, "o u t"}, "not a topic's name"},
      {{"a", "in", {"enrich"}, "in"}, "in -> in"},
  };
  for (auto [worker, expected] : cases) {
    worker.where = "b.yaml:7:3";
    const std::string found = all(check({"g.", "parked", {worker}}, registry(), {"in"}));
    EXPECT_THAT(found, HasSubstr(expected));
    if (*expected == '\0') {
      EXPECT_EQ(found, "");
    } else {
      EXPECT_THAT(found, HasSubstr("b.yaml:7:3: "));
    }
  }
}

TEST(Topology, WorkersMustFitTogether) {
  const auto problems = [](std::vector<WorkerEntry> workers) {
    return all(check({"g.", "parked", std::move(workers)}, registry(), {"in"}));
  };
  EXPECT_THAT(problems({}), HasSubstr("no workers"));
  EXPECT_THAT(problems({{"a", "in", {"enrich"}, "x"}, {"a", "x", {"enrich"}, "y"}}),
              HasSubstr("another worker of this name"));
  EXPECT_THAT(
      problems({{"a", "in", {"enrich"}, "x"}, {"b", "x", {"enrich"}, "y"}, {"c", "y", {"enrich"}, "in"}}),
      HasSubstr("in -> x -> y -> in"));
  EXPECT_THAT(problems({{"a", "in", {"score"}, "x"}, {"b", "in", {"score"}, "x"}}),
              HasSubstr("give one of them another topic"));
  EXPECT_EQ(problems({{"a", "in", {"enrich", "score"}, "x"}, {"b", "x", {}, "", "rows"}}), "");
}

TEST(Topology, AWorkerMayReadFurtherTopicsThroughStepsOfTheirOwn) {
  const auto problems = [](std::vector<Feed> also, const char* sink = "") {
    WorkerEntry worker{"a", "in", {"score"}, "x"};
    if (*sink != '\0') worker = {"a", "in", {}, "", sink};
    worker.also = std::move(also);
    return all(check({"g.", "parked", {worker}}, registry(), {"in", "more"}));
  };
  EXPECT_EQ(problems({{"more", {"enrich"}}}), "");
  EXPECT_THAT(problems({{"mor", {"enrich"}}}), HasSubstr("nothing writes to mor. Did you mean \"more\"?"));
  EXPECT_THAT(problems({{"more", {}}}), HasSubstr("needs `steps`"));
  EXPECT_THAT(problems({{"more", {"enrick"}}}), HasSubstr("Did you mean \"enrich\"?"));
  EXPECT_THAT(problems({{"in", {"enrich"}}}), HasSubstr("reads in twice"));
  EXPECT_THAT(problems({{"more", {"enrich"}}, {"more", {"enrich"}}}), HasSubstr("reads more twice"));
  EXPECT_THAT(problems({{"x", {"enrich"}}}), HasSubstr("x -> x"));
  EXPECT_THAT(problems({{"more", {"enrich"}}}, "rows"), HasSubstr("a sink is a worker of its own"));
  WorkerEntry worker{"a", "in", {"score"}, "x"};
  worker.also = {{"more", {"enrich"}}};
  EXPECT_EQ(describe({"g.", "p", {worker}}), "a: in -> score -> x\na: more -> enrich -> x\n");
}

TEST(Topology, IsBuiltIntoWorkersOrSaysWhyNot) {
  const Config config = Config::presets(registry().sections());
  const auto settings = [&](const std::string& name) -> const Settings& { return config.section(name); };
  const auto no_parts = [](const std::string&) -> WorkerParts { std::abort(); };
  const Topology unknown{"g.", "parked", {{"a", "in", {"nothing"}, "x"}}};
  EXPECT_EQ(build(unknown, registry(), {"in"}, no_parts, settings, nullptr).error().cause, Cause::invalid);
  EXPECT_EQ(registry().sections().size(), 1U) << "only components with something to set";
  EXPECT_EQ(describe({"g.", "p", {{"a", "in", {"enrich", "score"}, "x"}, {"b", "x", {}, "", "rows"}}}),
            "a: in -> enrich + score -> x\nb: x -> rows\n");
}

}  // namespace
}  // namespace bonafide::flow
