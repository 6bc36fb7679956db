#include "steps/archive/archive.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "avro/registry.hpp"
#include "env/sim/files.hpp"
#include "steps/archive/sink.hpp"
#include "steps/archive/test_archive.hpp"

namespace bonafide::steps {
namespace {

using flow::Position;
using stores::Damage;

class ArchiveTest : public testing::Test, protected TestArchive {
 protected:
  std::vector<Damage> verify(std::multiset<std::string>* seen = nullptr) {
    std::vector<Damage> damages;
    const auto each = [&](const ArchivedEvent& event) {
      if (seen != nullptr) seen->insert(event.event.received.facts->message_id);
    };
    const auto found = archive().verify(each, [&](const Damage& damage) { damages.push_back(damage); });
    EXPECT_TRUE(found.ok()) << found.error().message;
    if (found.ok()) found_ = *found;
    return damages;
  }
  std::vector<std::string> files() {
    auto all = *blobs().list("", "", 10'000);
    std::erase_if(all, [](const auto& path) { return !is_archive_file(path); });
    return all;
  }
  Archive::Found found_;
};

TEST_F(ArchiveTest, FilesStandByTenantAndDayAndSayWhatTheyHold) {
  auto other = event("b1", "other.example");
  auto later = event("a3", "home.example", 2);
  apply({event("a1", "home.example"), event("a2", "home.example"), other, later});
  drain();
  const auto all = files();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0], "home.example/2025-06-15/mail.scored-live-0-0000000000000001-0000000000000002.avro");
  EXPECT_EQ(all[1], "home.example/2025-06-17/mail.scored-live-0-0000000000000004-0000000000000004.avro");
  EXPECT_EQ(all[2], "other.example/2025-06-15/mail.scored-live-0-0000000000000003-0000000000000003.avro");
  const std::string bytes = *blobs().read(all[0]);
  auto container = avro::ContainerReader::open(bytes);
  ASSERT_TRUE(container.ok());
  EXPECT_EQ(container->codec(), avro::Codec::zstandard);
  const auto& metadata = container->metadata();
  EXPECT_EQ(metadata.at("bonafide.format"), "1");
  EXPECT_EQ(metadata.at("bonafide.tenant"), "home.example");
  EXPECT_EQ(metadata.at("bonafide.shard"), "mail.scored/live/0");
  EXPECT_EQ(metadata.at("bonafide.count"), "000000000002");
  EXPECT_EQ(metadata.at("bonafide.earliest_received_at"), "2025-06-15T15:06:40.000000Z");
  EXPECT_EQ(container->schema().to_json(), codec().schema(mail::Scored::topic).to_json());
  avro::ContainerReader::Block block;
  ASSERT_TRUE(*container->next_block(block));
  std::string first;
  codec().encode(event("a1", "home.example"), first);
  EXPECT_TRUE(block.data.starts_with(ByteView(first).substr(5))) << "the bytes are kept as they came";
}

TEST_F(ArchiveTest, WhatIsArchivedComesBackWithItsPosition) {
  apply({event("a1", "home.example"), event("b1", "other.example"), event("a2", "home.example", 1)});
  drain();
  std::vector<std::string> seen;
  const auto each = [&](const ArchivedEvent& found) {
    seen.push_back(found.event.received.facts->message_id + "@" + std::to_string(found.position.major()));
    return true;
  };
  const auto none = [](const Damage& damage) { FAIL() << damage.what; };
  ASSERT_TRUE(archive().scan({}, each, none).ok());
  EXPECT_EQ(seen, (std::vector<std::string>{"a1@1", "a2@3", "b1@2"}));
  seen.clear();
  ASSERT_TRUE(archive().scan({.tenant = "home.example"}, each, none).ok());
  EXPECT_EQ(seen.size(), 2U);
  seen.clear();
  const Time second_day = event("x", "x", 1).received.received_at;
  ASSERT_TRUE(archive().scan({.from = second_day}, each, none).ok());
  EXPECT_EQ(seen, std::vector<std::string>{"a2@3"});
  seen.clear();
  ASSERT_TRUE(archive().scan({.before = second_day}, each, none).ok());
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(ArchiveTest, HeartbeatsAreProgressAndNothingElse) {
  auto beat = event("beat", std::string(mail::heartbeat_tenant));
  beat.received.kind = mail::Kind::heartbeat;
  apply({beat});
  drain();
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(*sink().applied(shard()), Position::of(1));
}

TEST_F(ArchiveTest, FilesAreCutBySizeAndAge) {
  settings_.file_bytes = 50'000;
  settings_.file.codec = avro::Codec::null;
  settings_.file_age = Duration::seconds(60);
  restart();
  for (int i = 0; i < 56; ++i) {
    auto large = event("m" + std::to_string(i), "home.example");
    large.received.facts.edit().headers.data = std::string(4000, 'h');
    apply({large});
  }
  EXPECT_GT(files().size(), 1U) << "by size";
  const size_t before = files().size();
  settle(Duration::seconds(59));
  EXPECT_EQ(files().size(), before);
  EXPECT_LT(sink().applied(shard())->major(), 56U);
  EXPECT_EQ(sink().settle_due(), Time{} + Duration::seconds(60));
  settle(Duration::seconds(1));
  EXPECT_EQ(files().size(), before + 1) << "by age";
  EXPECT_EQ(*sink().applied(shard()), Position::of(56));
  EXPECT_EQ(sink().settle_due().us, INT64_MAX);
  std::multiset<std::string> seen;
  EXPECT_TRUE(verify(&seen).empty());
  EXPECT_EQ(seen.size(), 56U);
}

TEST_F(ArchiveTest, ManyTenantsAreHeldToTheOpenFilesThereMayBe) {
  settings_.open_files = 4;
  restart();
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i) {
      const std::string tenant = "tenant" + std::to_string(i) + ".example";
      apply({event("m" + std::to_string(round) + "-" + std::to_string(i), tenant)});
    }
  }
  drain();
  std::multiset<std::string> seen;
  EXPECT_TRUE(verify(&seen).empty());
  EXPECT_EQ(seen.size(), 30U);
  EXPECT_EQ(*sink().applied(shard()), Position::of(30));
}

TEST_F(ArchiveTest, AnyTenantHasAFolderOfItsOwn) {
  const std::vector<std::string> tenants = {"a",
                                            "A",
                                            "",
                                            ".",
                                            "..",
                                            "a/b",
                                            "../x",
                                            "_aside",
                                            "_progress",
                                            "b\xC3\xBC"
                                            "cher",
                                            "a b",
                                            std::string(400, 'x'),
                                            std::string(400, 'x') + "y"};
  for (size_t i = 0; i < tenants.size(); ++i) apply({event("m" + std::to_string(i), tenants[i])});
  drain();
  EXPECT_EQ(blobs().folders("")->size(), tenants.size());
  std::multiset<std::string> seen;
  EXPECT_TRUE(verify(&seen).empty());
  EXPECT_EQ(seen.size(), tenants.size());
  for (size_t i = 0; i < tenants.size(); ++i) {
    size_t found = 0;
    const auto each = [&](const ArchivedEvent& archived) {
      EXPECT_EQ(archived.event.received.tenant, tenants[i]);
      ++found;
      return true;
    };
    ASSERT_TRUE(archive().scan({.tenant = tenants[i]}, each, [](const Damage& d) { FAIL() << d.what; }).ok());
    EXPECT_EQ(found, 1U);
  }
}

TEST_F(ArchiveTest, EveryCodecIsRead) {
  for (const auto codec_name :
       {avro::Codec::null, avro::Codec::deflate, avro::Codec::snappy, avro::Codec::zstandard}) {
    settings_.file.codec = codec_name;
    restart();
    apply({event("m" + std::string(avro::to_string(codec_name)), "home.example")});
    drain();
  }
  std::multiset<std::string> seen;
  EXPECT_TRUE(verify(&seen).empty());
  EXPECT_EQ(seen.size(), 4U);
}

TEST_F(ArchiveTest, AFullDiskIsTriedAgainAndNothingIsLostOrDoubled) {
  settings_.file.codec = avro::Codec::null;
  restart();
  std::vector<mail::Scored> events;
  for (int i = 0; i < 200; ++i) {
    events.push_back(event("m" + std::to_string(i), "home.example"));
    events.back().received.facts.edit().headers.data = std::string(3000, 'h');
  }
  disk().set_capacity(200'000);
  const auto full = try_apply(events);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().cause, Cause::exhausted);
  disk().set_capacity(uint64_t{1} << 30);
  ASSERT_TRUE(try_apply(events).ok());
  drain();
  std::multiset<std::string> seen;
  EXPECT_TRUE(verify(&seen).empty());
  EXPECT_EQ(seen.size(), 200U);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 200U);
}

TEST_F(ArchiveTest, RetentionRemovesWholeDaysAndIsNotTakenForDamage) {
  for (int day = 0; day < 4; ++day) apply({event("m" + std::to_string(day), "home.example", day)});
  drain();
  const int64_t first = event("x", "x").received.id.accepted_at().day();
  EXPECT_EQ(*archive().remove_before(first + 2), 4U) << "two files and their indexes";
  EXPECT_EQ(*archive().remove_before(first + 2), 0U);
  std::multiset<std::string> seen;
  EXPECT_TRUE(verify(&seen).empty());
  EXPECT_EQ(seen, (std::multiset<std::string>{"m2", "m3"}));
  EXPECT_EQ(*archive().days(), (std::vector{first + 2, first + 3}));
  const uint64_t one_day = *archive().bytes_of(first + 2);
  EXPECT_EQ(one_day, blobs().read(files().at(0))->size() +
                         blobs().read(ArchiveName::parse(files().at(0))->index())->size());
  EXPECT_EQ(*archive().bytes_of(first), 0U);
  disk().power_off_after(3);  // in the middle of the next clean-up
  EXPECT_FALSE(archive().remove_before(first + 4).ok());
  disk().crash();
  restart();
  EXPECT_TRUE(verify().empty());
}

TEST_F(ArchiveTest, RetentionTakesAFewFilesAtATime) {
  settings_.file_bytes = 1;  // each event its own file
  restart();
  for (int i = 0; i < 7; ++i) apply({event("m" + std::to_string(i), "t" + std::to_string(i % 2), i / 4)});
  drain();
  const int64_t first = event("x", "x").received.id.accepted_at().day();
  ASSERT_EQ(files().size(), 7U);
  EXPECT_EQ(*archive().remove_before(first + 1, 5), 5U);
  std::multiset<std::string> seen;
  EXPECT_TRUE(verify(&seen).empty());
  EXPECT_EQ(seen, (std::multiset<std::string>{"m4", "m5", "m6"})) << "what is left of the day does not count";
  EXPECT_EQ(*archive().remove_before(first + 1, 5), 3U);
  EXPECT_EQ(files().size(), 3U);
  EXPECT_EQ(*archive().remove_before(first, 3), 0U) << "an earlier day";
  EXPECT_TRUE(verify(&seen).empty());
}

// The power goes at every moment of a run with several tenants and days; the worker goes on from applied().
// In the end every event is there exactly once, and verify finds nothing.
TEST_F(ArchiveTest, WheneverThePowerGoesEachEventLandsOnce) {
  settings_.file_bytes = 3000;
  settings_.open_files = 3;
  settings_.file_age = Duration::seconds(7);
  constexpr uint64_t count = 9;
  const auto nth = [&](uint64_t i) {
    return event("m" + std::to_string(i), "tenant" + std::to_string(i * 7 % 4), static_cast<int>(i * 5 % 2));
  };
  const auto run_on = [&] {  // from wherever it stands, until all is drained or the power is off
    for (uint64_t at = sink().applied(shard())->major(); at < count && !disk().powered_off();) {
      std::vector<mail::Scored> batch;
      const uint64_t upto = std::min(count, at + 1 + at % 3);
      for (uint64_t i = at; i < upto; ++i) batch.push_back(nth(i));
      if (!try_apply(batch, at).ok()) return;
      at = upto;
      if (!sink().settle(steady_ = steady_ + Duration::seconds(2), false).ok()) return;
    }
    (void)sink().settle(steady_, true).ok();
  };
  uint64_t moments = 1;
  for (uint64_t moment = 0; moment < moments; ++moment) {
    wipe(moment + 1);
    const uint64_t before = disk().changes();
    disk().power_off_after(moment);
    if (restart()) run_on();
    if (!disk().powered_off()) {
      moments = moment;  // it got through
    } else {
      moments = std::max(moments, moment + 2);
    }
    disk().crash();
    if (moment % 3 == 0) {  // and again, a little later
      disk().power_off_after(moment % 17);
      if (restart()) run_on();
      disk().crash();
    }
    ASSERT_TRUE(restart());
    for (const auto& damage : verify())
      ADD_FAILURE() << "moment " << moment << ": " << damage.place << ": " << damage.what;
    run_on();
    EXPECT_EQ(*sink().applied(shard()), Position::of(count));
    std::multiset<std::string> seen, wanted;
    for (uint64_t i = 0; i < count; ++i) wanted.insert("m" + std::to_string(i));
    EXPECT_TRUE(verify(&seen).empty());
    ASSERT_EQ(seen, wanted) << "moment " << moment;
    EXPECT_EQ(found_.unfinished, 0U);
    EXPECT_GT(disk().changes(), before);
  }
  EXPECT_GT(moments, 80U);
}

// --- damage
// ----------------------------------------------------------------------------------------------------------

TEST_F(ArchiveTest, AFlippedByteAnywhereIsFoundAndTheEventsItCostsAreNamed) {
  apply({event("a1", "home.example"), event("a2", "home.example")});
  drain();
  const std::set<std::string> ids = {event("a1", "home.example").received.id.hex(),
                                     event("a2", "home.example").received.id.hex()};
  const auto everything = *blobs().list("", "", 100);
  for (const auto& path : everything) {
    const uint64_t size = blobs().read(path)->size();
    for (uint64_t byte = 0; byte < size; ++byte) {
      ASSERT_TRUE(disk().flip_bit("archive/" + path, byte, static_cast<unsigned>(byte % 8)).ok());
      std::multiset<std::string> seen;
      const auto damages = verify(&seen);
      ASSERT_FALSE(damages.empty()) << path << " byte " << byte;
      if (path != archive_progress_name) {
        EXPECT_NE(damages[0].place.find(path.substr(0, 24)), std::string::npos) << damages[0].place;
      }
      if (is_archive_file(path)) {
        EXPECT_TRUE(seen.empty());
        std::set<std::string> lost;
        for (const auto& id : damages[0].lost) lost.insert(id.hex());
        EXPECT_EQ(lost, ids) << "byte " << byte;
        EXPECT_NE((damages[0].place + damages[0].what).find("byte "), std::string::npos);
      }
      ASSERT_TRUE(disk().flip_bit("archive/" + path, byte, static_cast<unsigned>(byte % 8)).ok());
    }
  }
  EXPECT_TRUE(verify().empty());
}

TEST_F(ArchiveTest, ADamagedBlockCostsItsOwnEventsAlone) {
  settings_.file.codec = avro::Codec::null;
  restart();
  std::vector<mail::Scored> events;
  for (int i = 0; i < 60; ++i) {
    events.push_back(event("m" + std::to_string(i), "home.example"));
    events.back().received.facts.edit().headers.data = std::string(4000, 'h');
  }
  apply(events);
  drain();
  const auto path = files().at(0);
  const std::string bytes = *blobs().read(path);
  const size_t at = bytes.find(events[20].received.id.view());
  ASSERT_TRUE(disk().flip_bit("archive/" + path, at + 200, 1).ok());
  std::multiset<std::string> seen;
  const auto damages = verify(&seen);
  ASSERT_EQ(damages.size(), 1U);
  const auto& lost = damages[0].lost;
  EXPECT_NE(std::find(lost.begin(), lost.end(), events[20].received.id), lost.end());
  EXPECT_EQ(lost.size() + seen.size(), 60U);
  EXPECT_GT(seen.size(), 30U);
}

TEST_F(ArchiveTest, AFileThatIsGoneIsMissedWithItsEvents) {
  apply({event("a1", "home.example"), event("b1", "other.example")});
  drain();
  ASSERT_TRUE(blobs().remove(files().at(0)).ok());
  auto damages = verify();
  ASSERT_EQ(damages.size(), 1U);
  EXPECT_NE(damages[0].what.find("gone"), std::string::npos);
  EXPECT_EQ(damages[0].lost, std::vector{event("a1", "home.example").received.id});
  const std::string path = files().at(0);
  ASSERT_TRUE(blobs().remove(ArchiveName::parse(path)->index()).ok());
  EXPECT_EQ(verify().size(), 2U);
}

TEST_F(ArchiveTest, CutsAdditionsStrangersAndExchangesAreFound) {
  apply({event("a1", "home.example"), event("b1", "other.example")});
  drain();
  const std::string first = files().at(0), second = files().at(1);
  const std::string bytes = *blobs().read(first);
  const auto with = [&](const std::string& path, const std::string& content) {
    EXPECT_TRUE(blobs().write(path, content).ok());
    const size_t damages = verify().size();
    return damages;
  };
  EXPECT_GT(with(first, bytes.substr(0, bytes.size() - 1)), 0U);
  EXPECT_GT(with(first, bytes.substr(0, bytes.size() / 2)), 0U);
  EXPECT_GT(with(first, ""), 0U);
  EXPECT_GT(with(first, bytes + "x"), 0U);
  EXPECT_GT(with(first, *blobs().read(second)), 0U);
  EXPECT_EQ(with(first, bytes), 0U);
  EXPECT_EQ(with("home.example/notes.txt", "hello"), 1U);
  ASSERT_TRUE(blobs().remove("home.example/notes.txt").ok());
  // A file and its index under another tenant.
  const auto name = *ArchiveName::parse(first);
  auto moved = name;
  moved.folder = "stranger.example/2025-06-15/";
  ASSERT_TRUE(blobs().write(moved.file(), bytes).ok());
  EXPECT_GT(with(moved.index(), *blobs().read(name.index())), 0U);
}

// Somebody rewrites a closed file as a tool would: its counts and sync markers are right.
class RewrittenArchiveTest : public ArchiveTest {
 protected:
  static constexpr size_t changed = 20;

  void SetUp() override {
    for (int i = 0; i < 60; ++i) {
      events_.push_back(event("m" + std::to_string(i), "home.example"));
      events_.back().received.facts.edit().headers.data = std::string(4000, 'h');
    }
    apply(events_);
    drain();
  }
  /// `edit` gives what stands in the place of a record.
  void rewrite(
      const std::function<std::vector<std::string>(size_t number, const std::string& record)>& edit) {
    const std::string path = files().at(0), bytes = *blobs().read(path);
    auto reader = *avro::ContainerReader::open(bytes);
    avro::ContainerOptions options;
    options.codec = reader.codec();
    options.sync = reader.sync();
    for (const auto& [key, value] : reader.metadata()) {
      if (!key.starts_with("avro.")) options.metadata[key] = value;
    }
    avro::ContainerWriter writer(reader.schema(), options);
    std::string rewritten;
    ASSERT_TRUE(writer.header(rewritten).ok());
    avro::ContainerReader::Block block;
    size_t number = 0;
    for (size_t blocks = 1; *reader.next_block(block); ++blocks) {
      const ByteView data = block.data;
      size_t at = 0;
      for (uint64_t i = 0; i < block.count; ++i, ++number) {
        const size_t next = number + 1 < events_.size()
                                ? data.find(events_[number + 1].received.id.view(), at)
                                : std::string::npos;
        const size_t end = next == std::string::npos ? data.size() : next - 1;  // behind the revision
        for (const auto& record : edit(number, std::string(data.substr(at, end - at))))
          ASSERT_TRUE(writer.append(record, rewritten).ok());
        at = end;
      }
      ASSERT_TRUE(writer.end_block(rewritten).ok());
      blocks_ = blocks;
    }
    ASSERT_TRUE(blobs().write(path, rewritten).ok());
  }
  /// The one block that was changed is lost, the others are served, and what is gone is named first.
  void expect_block_lost(bool one_is_gone) {
    ASSERT_GT(blocks_, 2U);
    std::multiset<std::string> seen;
    auto damages = verify(&seen);
    std::erase_if(damages, [](const Damage& damage) { return damage.lost.empty(); });  // of the whole file
    ASSERT_EQ(damages.size(), 1U);
    const auto& lost = damages[0].lost;
    EXPECT_EQ(lost.size() + seen.size(), events_.size());
    EXPECT_GT(seen.size(), lost.size());
    EXPECT_NE(damages[0].place.find(".avro, byte"), std::string::npos) << damages[0].place;
    EXPECT_EQ(lost.front() == events_[changed].received.id, one_is_gone) << damages[0].what;
    EXPECT_NE(std::find(lost.begin(), lost.end(), events_[changed].received.id), lost.end());
  }

  std::vector<mail::Scored> events_;
  size_t blocks_ = 0;
};

TEST_F(RewrittenArchiveTest, ADroppedRecordIsNamed) {
  rewrite([](size_t number, const std::string& record) {
    return number == changed ? std::vector<std::string>() : std::vector{record};
  });
  expect_block_lost(true);
}

TEST_F(RewrittenArchiveTest, AReplacedRecordIsNamed) {
  std::string before;
  rewrite([&](size_t number, const std::string& record) {
    return std::vector{number == changed ? before : before = record};
  });
  expect_block_lost(true);
}

TEST_F(RewrittenArchiveTest, ADoubledRecordIsFound) {
  rewrite([](size_t number, const std::string& record) {
    return std::vector<std::string>(number == changed ? 2 : 1, record);
  });
  expect_block_lost(false);
}

TEST_F(ArchiveTest, ADamagedProgressSaysWhatToDoAndNothingIsDoubledAfterwards) {
  apply({event("a1", "home.example"), event("a2", "home.example")});
  drain();
  ASSERT_TRUE(disk().flip_bit("archive/_progress", 25, 2).ok());
  EXPECT_FALSE(restart());
  EXPECT_EQ(open_error_.cause, Cause::damaged);
  EXPECT_NE(open_error_.message.find("delete it"), std::string::npos);
  ASSERT_TRUE(blobs().remove(archive_progress_name).ok());
  ASSERT_TRUE(restart());
  ASSERT_TRUE(
      try_apply({event("a1", "home.example"), event("a2", "home.example"), event("a3", "home.example")}, 0)
          .ok());
  drain();
  std::multiset<std::string> seen;
  EXPECT_TRUE(verify(&seen).empty());
  EXPECT_EQ(seen, (std::multiset<std::string>{"a1", "a2", "a3"}));
}

TEST(ArchiveName, SortsLikePositionsAndComesBack) {
  const ArchiveSeries series{"t", 20'000, {"mail-x.scored", flow::Lane::backfill, 12}};
  std::vector<Position> positions = {Position::of(1), Position::of(1, 7), Position::of(255),
                                     Position::of(256, 1), Position::of(UINT64_MAX)};
  Position far;
  far.bytes.fill(static_cast<char>(0xFF));
  positions.push_back(far);
  std::vector<std::string> names;
  for (const auto& position : positions) {
    const auto name = ArchiveName::of(series, position, position);
    names.push_back(name.file());
    for (const auto& path : {name.file(), name.index()}) {
      const auto parsed = ArchiveName::parse(path);
      ASSERT_TRUE(parsed.ok()) << path;
      EXPECT_EQ(parsed->first, position);
      EXPECT_EQ(parsed->last, position);
      EXPECT_EQ(parsed->shard, series.shard);
      EXPECT_EQ(parsed->file(), name.file());
    }
  }
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (const char* wrong :
       {"", "a", "a/b.avro", "a/b/x-live-0-00.avro", "a/b/x-here-0-0000000000000001-0000000000000001.avro"}) {
    EXPECT_FALSE(ArchiveName::parse(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace bonafide::steps
