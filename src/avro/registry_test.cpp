#include "avro/registry.hpp"

#include <gtest/gtest.h>

#include "avro/schema_store.hpp"
#include "base/text.hpp"
#include "env/sim/files.hpp"

namespace bonafide::avro {
namespace {

Schema record(std::string_view fields) {
  return *parse_schema(R"({"type":"record","name":"R","fields":[)" + std::string(fields) + "]}");
}
const Schema v1 = record(R"({"name":"a","type":"int"})");
const Schema v2 = record(R"({"name":"a","type":"int"},{"name":"b","type":"int","default":0})");
const Schema unlike = record(R"({"name":"a","type":"string"})");

TEST(Framing, IsConfluents) {
  EXPECT_EQ(to_hex(frame(0x01020304, "xy")), "00010203047879");
  const std::string framed = frame(7, "xy");
  const auto back = unframe(framed);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->id, 7);
  EXPECT_EQ(back->payload, "xy");
  EXPECT_FALSE(unframe(std::string("\0\0\0\0", 4)).ok());
  EXPECT_FALSE(unframe("\1abcdef").ok());
}

TEST(Registry, IdsAreGlobalAndVersionsPerSubject) {
  EmbeddedRegistry registry;
  EXPECT_EQ(*registry.id_of("s", v1), 1);
  EXPECT_EQ(*registry.id_of("s", v1), 1) << "known already";
  EXPECT_EQ(*registry.id_of("s", v2), 2);
  EXPECT_EQ(*registry.id_of("t", v2), 2) << "the same schema, the same id";
  EXPECT_EQ(registry.versions("s", Deleted::hide)->size(), 2u);
  EXPECT_EQ(registry.latest("s")->version, 2);
  EXPECT_EQ(registry.version("t", 1, Deleted::hide)->id, 2);
  EXPECT_EQ(registry.schema_by_id(1)->to_json(), v1.to_json());
  EXPECT_EQ(registry.uses_of(2, Deleted::hide)->size(), 2u);
  EXPECT_EQ(*registry.subjects(Deleted::hide), (std::vector<std::string>{"s", "t"}));
  EXPECT_EQ(registry.find("s", v2, Deleted::hide)->version, 2);
  EXPECT_EQ(registry.find("t", v1, Deleted::hide).error().cause, Cause::not_found);
  for (const Cause cause : {registry.latest("u").error().cause, registry.schema_by_id(9).error().cause,
                            registry.version("s", 3, Deleted::hide).error().cause}) {
    EXPECT_EQ(cause, Cause::not_found);
  }
}

TEST(Registry, RefusesWhatIsNotCompatible) {
  EmbeddedRegistry registry;
  ASSERT_TRUE(registry.id_of("s", v1).ok());
  const auto refused = registry.id_of("s", unlike);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().cause, Cause::conflict);
  EXPECT_EQ(refused.error().message,
            "the schema is not compatible with subject \"s\"\n"
            "  the new schema cannot read version 1 at $.a: int cannot be read as string");
  EXPECT_EQ(registry.check("s", unlike)->size(), 1u);
  EXPECT_TRUE(registry.check("new", unlike)->empty());
  ASSERT_TRUE(registry.set_compatibility("s", Compatibility::none).ok());
  EXPECT_TRUE(registry.id_of("s", unlike).ok());
  EXPECT_EQ(*registry.compatibility("s"), Compatibility::none);
  EXPECT_EQ(*registry.compatibility("t"), Compatibility::backward);
  ASSERT_TRUE(registry.set_compatibility("", Compatibility::full_transitive).ok());
  EXPECT_EQ(*registry.compatibility("t"), Compatibility::full_transitive);
  ASSERT_TRUE(registry.set_compatibility("s", std::nullopt).ok());
  EXPECT_EQ(*registry.compatibility("s"), Compatibility::full_transitive);
}

TEST(Registry, DeletesSoftlyFirst) {
  EmbeddedRegistry registry;
  ASSERT_TRUE(registry.id_of("s", v1).ok());
  ASSERT_TRUE(registry.id_of("s", v2).ok());
  EXPECT_EQ(registry.delete_version("s", 2, true).error().cause, Cause::conflict);
  EXPECT_EQ(*registry.delete_version("s", 2, false), 2);
  EXPECT_EQ(registry.latest("s")->version, 1);
  EXPECT_EQ(registry.delete_version("s", 2, false).error().cause, Cause::not_found);
  EXPECT_TRUE(registry.version("s", 2, Deleted::show)->deleted);
  EXPECT_TRUE(registry.schema_by_id(2).ok()) << "its data must stay readable";
  EXPECT_EQ(*registry.id_of("s", v2), 2) << "the id comes back,";
  EXPECT_EQ(registry.latest("s")->version, 3) << "the number does not";
  EXPECT_EQ(*registry.delete_subject("s", false), (std::vector<int32_t>{1, 3}));
  EXPECT_TRUE(registry.subjects(Deleted::hide)->empty());
  EXPECT_EQ(registry.versions("s", Deleted::show)->size(), 3u);
  EXPECT_EQ(*registry.delete_subject("s", true), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_TRUE(registry.subjects(Deleted::show)->empty());
  ASSERT_TRUE(registry.id_of("s", unlike).ok());
  EXPECT_EQ(registry.latest("s")->version, 4);
}

TEST(Registry, SurvivesARestart) {
  env::sim::SimFiles files;
  ASSERT_TRUE(files.make_folders("d").ok());
  {
    auto registry = EmbeddedRegistry::open(files, "d/registry.json");
    ASSERT_TRUE(registry.ok());
    ASSERT_TRUE((*registry)->id_of("a \"quoted\" subject", v1).ok());
    ASSERT_TRUE((*registry)->id_of("a \"quoted\" subject", v2).ok());
    ASSERT_TRUE((*registry)->id_of("t", v2).ok());
    ASSERT_TRUE((*registry)->delete_version("t", 1, false).ok());
    ASSERT_TRUE((*registry)->delete_version("t", 1, true).ok());
    ASSERT_TRUE((*registry)->set_compatibility("t", Compatibility::full).ok());
    ASSERT_TRUE((*registry)->set_mode("u", RegistryMode::read_only).ok());
    ASSERT_TRUE((*registry)->set_mode("", RegistryMode::read_only).ok());
    ASSERT_TRUE((*registry)->set_mode("t", RegistryMode::read_write).ok());
  }
  files.crash();
  auto registry = EmbeddedRegistry::open(files, "d/registry.json");
  ASSERT_TRUE(registry.ok()) << registry.error().message;
  EXPECT_EQ((*registry)->latest("a \"quoted\" subject")->id, 2);
  EXPECT_EQ((*registry)->schema_by_id(1)->to_json(), v1.to_json());
  EXPECT_EQ(*(*registry)->compatibility("t"), Compatibility::full);
  EXPECT_EQ(*(*registry)->id_of("t", v1), 1);
  EXPECT_EQ((*registry)->latest("t")->version, 2);
  EXPECT_EQ((*registry)->id_of("u", unlike).error().cause, Cause::conflict) << "read-only";
  EXPECT_EQ(*(*registry)->own_mode("t"), RegistryMode::read_write);
  ASSERT_TRUE((*registry)->set_mode("u", RegistryMode::read_write).ok());
  EXPECT_EQ(*(*registry)->id_of("u", unlike), 3);
}

TEST(Registry, ChecksAgainstOneVersionAlone) {
  EmbeddedRegistry registry;
  ASSERT_TRUE(registry.set_compatibility("s", Compatibility::none).ok());
  ASSERT_TRUE(registry.id_of("s", v1).ok());
  ASSERT_TRUE(registry.id_of("s", unlike).ok());
  ASSERT_TRUE(registry.set_compatibility("s", Compatibility::backward_transitive).ok());
  EXPECT_TRUE(registry.check_version("s", 1, v2)->empty());
  ASSERT_EQ(registry.check_version("s", 2, v2)->size(), 1u);
  EXPECT_EQ(registry.check_version("s", 2, v2)->front().text(0),
            "the new schema cannot read version 2 at $.a: string cannot be read as int");
  EXPECT_EQ(registry.check_version("s", 3, v2).error().cause, Cause::not_found);
  EXPECT_EQ(registry.check_version("t", 1, v2).error().cause, Cause::not_found);
}

TEST(Registry, ReadOnlyModeRefusesChangesAlone) {
  EmbeddedRegistry registry;
  ASSERT_TRUE(registry.id_of("s", v1).ok());
  ASSERT_TRUE(registry.set_mode("", RegistryMode::read_only).ok());
  EXPECT_EQ(*registry.id_of("s", v1), 1) << "nothing new";
  EXPECT_EQ(registry.id_of("s", v2).error().cause, Cause::conflict);
  EXPECT_EQ(registry.delete_subject("s", false).error().cause, Cause::conflict);
  EXPECT_EQ(registry.delete_version("s", 1, false).error().cause, Cause::conflict);
  EXPECT_EQ(registry.set_compatibility("s", Compatibility::none).error().cause, Cause::conflict);
  EXPECT_EQ(registry.set_compatibility("", Compatibility::none).error().cause, Cause::conflict);
  ASSERT_TRUE(registry.set_mode("s", RegistryMode::read_write).ok());
  EXPECT_EQ(*registry.id_of("s", v2), 2) << "the subject's own mode holds";
  EXPECT_FALSE(registry.id_of("t", v1).ok());
  ASSERT_TRUE(registry.set_mode("", RegistryMode::read_only_override).ok());
  EXPECT_FALSE(registry.delete_version("s", 1, false).ok());
  EXPECT_EQ(*registry.mode("s"), RegistryMode::read_only_override);
  EXPECT_EQ(*registry.own_mode("s"), RegistryMode::read_write);
  EXPECT_EQ(*registry.id_of_own("own", v1), 1) << "the program itself must be able to start";
  ASSERT_TRUE(registry.set_mode("", std::nullopt).ok());
  ASSERT_TRUE(registry.set_mode("s", std::nullopt).ok());
  EXPECT_EQ(*registry.mode("s"), RegistryMode::read_write);
  EXPECT_EQ(*registry.own_mode("s"), std::nullopt);
}

TEST(Registry, TheProgramsOwnSubjectsAreKept) {
  EmbeddedRegistry registry;
  EXPECT_EQ(*registry.id_of_own("own", v1), 1);
  EXPECT_EQ(*registry.own_compatibility("own"), Compatibility::full_transitive);
  EXPECT_EQ(registry.set_compatibility("own", Compatibility::none).error().cause, Cause::conflict);
  EXPECT_EQ(registry.set_compatibility("own", std::nullopt).error().cause, Cause::conflict);
  EXPECT_EQ(registry.delete_subject("own", false).error().cause, Cause::conflict);
  EXPECT_EQ(registry.delete_version("own", 1, false).error().cause, Cause::conflict);
  EXPECT_EQ(registry.id_of("own", unlike).error().cause, Cause::conflict);
  EXPECT_EQ(registry.id_of_own("own", unlike).error().cause, Cause::conflict);
  EXPECT_EQ(*registry.id_of("own", v2), 2) << "what every version reads may come";
  EXPECT_EQ(registry.latest("own")->version, 2);
}

TEST(Registry, ASubjectThatIsGoneLosesItsSettings) {
  EmbeddedRegistry registry;
  for (const char* subject : {"s", "t"}) {
    ASSERT_TRUE(registry.id_of(subject, v1).ok());
    ASSERT_TRUE(registry.set_compatibility(subject, Compatibility::full).ok());
    ASSERT_TRUE(registry.set_mode(subject, RegistryMode::read_write).ok());
  }
  ASSERT_TRUE(registry.delete_subject("s", false).ok());
  ASSERT_TRUE(registry.delete_version("t", 1, false).ok());
  for (const char* subject : {"s", "t"}) {
    EXPECT_EQ(*registry.own_compatibility(subject), std::nullopt);
    EXPECT_EQ(*registry.own_mode(subject), std::nullopt);
    EXPECT_EQ(*registry.id_of(subject, v1), 1);
    EXPECT_EQ(registry.find(subject, v1, Deleted::show)->version, 2) << "the one that lives";
  }
}

TEST(Registry, AFailedWriteChangesNothing) {
  env::sim::SimFiles files;
  ASSERT_TRUE(files.make_folders("d").ok());
  auto registry = EmbeddedRegistry::open(files, "d/registry.json");
  ASSERT_TRUE((*registry)->id_of("s", v1).ok());
  files.inject({.call = env::sim::Call::sync, .path_part = "registry"});
  EXPECT_FALSE((*registry)->id_of("s", v2).ok());
  EXPECT_EQ((*registry)->latest("s")->version, 1);
  EXPECT_EQ(*(*registry)->id_of("s", v2), 2);
  ASSERT_TRUE(files.write_file("d/registry.json", "{\"format\":1").ok());
  const auto damaged = EmbeddedRegistry::open(files, "d/registry.json");
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().cause, Cause::damaged);
}

TEST(SchemaStore, HistoryIsLoadedAndChecked) {
  env::sim::SimFiles files;
  ASSERT_TRUE(files.make_folders("schemas/mail.x").ok());
  ASSERT_TRUE(files.write_file("schemas/README.md", "about").ok());
  ASSERT_TRUE(files.write_file("schemas/mail.x/v1.avsc", v1.to_json()).ok());
  ASSERT_TRUE(files.write_file("schemas/mail.x/v2.avsc", v2.to_json()).ok());
  const auto history = load_schemas(files, "schemas");
  ASSERT_TRUE(history.ok()) << history.error().message;
  ASSERT_EQ(history->size(), 1u);
  EXPECT_EQ(history->at("mail.x")[1].path, "schemas/mail.x/v2.avsc");
  EXPECT_TRUE(check_schema_history(files, "schemas")->empty());

  ASSERT_TRUE(files.write_file("schemas/mail.x/v3.avsc", unlike.to_json()).ok());
  const auto objections = check_schema_history(files, "schemas");
  ASSERT_EQ(objections->size(), 4u) << "both ways, against both";
  EXPECT_EQ(
      objections->front(),
      "schemas/mail.x/v3.avsc: the new schema cannot read version 1 at $.a: int cannot be read as string");

  ASSERT_TRUE(files.write_file("schemas/mail.x/v5.avsc", v2.to_json()).ok());
  EXPECT_EQ(load_schemas(files, "schemas").error().message,
            "schemas/mail.x: version 4 is missing: every version is kept");
  ASSERT_TRUE(files.write_file("schemas/mail.x/v4.avsc", "{\n\"type\":1}").ok());
  EXPECT_EQ(load_schemas(files, "schemas").error().message,
            "schemas/mail.x/v4.avsc: 2:8: \"type\" must be a string, not a number");
  ASSERT_TRUE(files.write_file("schemas/mail.x/v04.avsc", v2.to_json()).ok());
  EXPECT_FALSE(load_schemas(files, "schemas").ok());
}

}  // namespace
}  // namespace bonafide::avro
