#pragma once
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "flow/contract/log_harness.hpp"

/// The suite every flow::Log passes. To hold a log to it:
///
///     #include "flow/contract/log_contract.hpp"
///     INSTANTIATE_TEST_SUITE_P(Memory, LogContract, testing::Values(LogCase{"memory", make_harness}),
///     log_case_name);
///
/// in namespace bonafide::flow::contract of a *_test.cpp. What a log does not promise its Traits say, and the
/// suite then holds it to that: one without `reshards` never shows a shard that ended. Only what a harness
/// has no hand in (holding back a sync) is skipped.
namespace bonafide::flow::contract {

TEST_P(LogContract, ARecordComesBackAsItWasWritten) {
  Record in = record(std::string("k\0ey", 4), std::string("va\0lue\xFF", 7), 5);
  in.attempt = 3;
  in.headers = {{"ce_id", "1"}, {"empty", ""}};
  const auto landed = put({{"topic.a", Lane::backfill, in}});
  ASSERT_EQ(landed.size(), 1U);
  auto session = join("g", {"topic.a"});
  const auto read = drain(*session, 1, Lane::backfill);
  ASSERT_EQ(read.size(), 1U);
  const Record& out = read[0].record;
  EXPECT_EQ(out.key, in.key);
  EXPECT_EQ(out.value, in.value);
  EXPECT_EQ(out.timestamp, in.timestamp);
  EXPECT_EQ(out.attempt, 3);
  EXPECT_EQ(std::make_pair(read[0].shard, read[0].position), landed[0]);
  EXPECT_EQ(read[0].shard.topic, "topic.a");
  EXPECT_EQ(read[0].shard.lane, Lane::backfill);
  EXPECT_GT(read[0].position, Position{}) << "all zero lies before the first record";
  if (!log().traits().headers) return;
  ASSERT_EQ(out.headers.size(), 2U);
  EXPECT_EQ(out.headers[0].name, "ce_id");
  EXPECT_EQ(out.headers[0].value, "1");
  EXPECT_EQ(out.headers[1].value, "");
}

TEST_P(LogContract, OrderPerKeyIsKeptAndEveryRecordComesOnce) {
  start({.shards = 3});
  std::map<std::string, std::vector<std::string>> written, read;
  for (int i = 0; i < 60; ++i) {
    const std::string key = "key" + std::to_string(i % 7), value = std::to_string(i);
    put({entry("orders", key, value)});
    written[key].push_back(value);
  }
  auto session = join("g", {"orders"});
  std::map<ShardId, Position> last;
  std::map<std::string, std::set<ShardId>> where;
  for (const auto& delivery : drain(*session, 60)) {
    read[std::string(delivery.record.key.view())].emplace_back(delivery.record.value.view());
    where[std::string(delivery.record.key.view())].insert(delivery.shard);
    EXPECT_LT(last[delivery.shard], delivery.position) << "positions rise within a shard";
    last[delivery.shard] = delivery.position;
  }
  EXPECT_EQ(read, written);
  for (const auto& [key, shards] : where) EXPECT_EQ(shards.size(), 1U) << key << " is in several shards";
  EXPECT_GT(last.size(), 1U) << "keys spread over the shards";
}

TEST_P(LogContract, LanesAreReadApart) {
  put({entry("t", "a", "live1"), entry("t", "a", "old1", Lane::backfill), entry("t", "a", "live2")});
  auto session = join("g", {"t"});
  EXPECT_EQ(values(drain(*session, 2, Lane::live)), (std::vector<std::string>{"live1", "live2"}));
  EXPECT_EQ(values(drain(*session, 1, Lane::backfill)), (std::vector<std::string>{"old1"}));
}

TEST_P(LogContract, AReadNeverWaitsAndKeepsToItsBounds) {
  auto session = join("g", {"t"});
  EXPECT_TRUE(drain(*session, 0).empty());
  put({entry("t", "a", std::string(1000, '1')), entry("t", "a", std::string(1000, '2')),
       entry("t", "a", std::string(1000, '3'))});
  std::vector<Delivery> one;
  eventually(
      [&] {
        one = session->read(Lane::live, 100, 10).value();
        return !one.empty();
      },
      "a first record");
  EXPECT_EQ(one.size(), 1U) << "at least one record, however small the bound on bytes";
  EXPECT_EQ(session->read(Lane::live, 1, 1 << 20)->size(), 1U);
  EXPECT_EQ(drain(*session, 1)[0].record.value.view()[0], '3');
}

TEST_P(LogContract, OutputsAndProgressLandTogether) {
  put({entry("in", "a", "1"), entry("in", "a", "2")});
  std::vector<std::pair<ShardId, Position>> landed;
  ShardId shard;
  {
    auto session = join("g", {"in"});
    const auto read = drain(*session, 2);
    shard = read[0].shard;
    const auto commit = process(*session, read, "out");
    EXPECT_EQ(fate_of(*commit), Fate::done);
    EXPECT_EQ(commit->poll(), Fate::done) << "a settled commit keeps its answer";
    landed = commit->landed();
    EXPECT_EQ(session->committed(shard), read[1].position);
  }
  const auto out = everything("out");
  EXPECT_EQ(values(out), (std::vector<std::string>{"1!", "2!"}));
  ASSERT_EQ(landed.size(), 2U);
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(landed[i], std::make_pair(out[i].shard, out[i].position));
  auto next = join("g", {"in"});
  drain(*next, 0);
}

TEST_P(LogContract, ATransactionThatIsNotCommittedNeverHappened) {
  put({entry("in", "a", "1"), entry("in", "a", "2")});
  auto session = join("g", {"in"});
  const auto read = drain(*session, 2);
  {
    auto transaction = session->begin();
    transaction->append(entry("out", "a", "ghost"));
    transaction->consumed(read[1].shard, read[1].position);
  }
  EXPECT_TRUE(everything("out").empty());
  session.reset();
  session = join("g", {"in"});
  const auto again = drain(*session, 2);
  EXPECT_EQ(values(again), values(read)) << "what was not committed is read again, in order";
  EXPECT_EQ(again[0].position, read[0].position);
}

TEST_P(LogContract, ProgressAloneCanBeCommitted) {
  put({entry("in", "a", "1"), entry("in", "a", "2"), entry("in", "a", "3")});
  auto session = join("g", {"in"});
  const auto read = drain(*session, 3);
  auto transaction = session->begin();
  transaction->consumed(read[1].shard, read[1].position);
  EXPECT_EQ(fate_of(*transaction->commit()), Fate::done);
  session.reset();
  session = join("g", {"in"});
  EXPECT_EQ(values(drain(*session, 1)), (std::vector<std::string>{"3"}));
}

TEST_P(LogContract, SeveralCommitsMayBeUnderWayAndSettleInOrder) {
  for (int i = 0; i < 5; ++i) put({entry("in", "a", std::to_string(i))});
  auto session = join("g", {"in"});
  std::vector<std::unique_ptr<Commit>> commits;
  for (const auto& delivery : drain(*session, 5)) commits.push_back(process(*session, {delivery}, "out"));
  for (size_t i = 0; i < commits.size(); ++i) {
    if (commits[i]->poll().has_value() && i > 0) {
      EXPECT_TRUE(commits[i - 1]->poll().has_value());
    }
  }
  for (auto& commit : commits) EXPECT_EQ(fate_of(*commit), Fate::done);
  EXPECT_EQ(values(everything("out")), (std::vector<std::string>{"0!", "1!", "2!", "3!", "4!"}));
}

// What the later one says is dealt with may lie behind what the earlier one would have dealt with.
TEST_P(LogContract, AfterACommitThatIsNotDoneTheSessionsLaterOnesAreNotDoneEither) {
  for (const bool too_large : {false, true}) {
    start({.shards = 2});
    std::vector<Entry> entries;
    entries.reserve(30);
    for (int i = 0; i < 30; ++i) entries.push_back(entry("in", "key" + std::to_string(i), std::to_string(i)));
    put(std::move(entries));
    auto old = join("g", {"in"});
    std::map<ShardId, std::vector<Delivery>> read;
    for (auto& delivery : drain(*old, 30)) read[delivery.shard].push_back(delivery);
    ASSERT_EQ(read.size(), 2U);
    std::unique_ptr<Session> newcomer;
    auto kept = read.begin()->first;
    std::unique_ptr<Commit> first;
    if (too_large) {
      auto transaction = old->begin();
      transaction->append(entry("out", "a", std::string(log().traits().max_record_bytes + 1, 'x')));
      transaction->consumed(kept, read[kept].front().position);
      first = transaction->commit();
    } else {
      newcomer = join("g", {"in"});
      std::set<ShardId> theirs;
      eventually(
          [&] {
            for (auto& shard : newcomer->gained()) theirs.insert(shard);
            return !theirs.empty();
          },
          "a share for the newcomer");
      if (theirs.contains(kept)) kept = read.rbegin()->first;
      ASSERT_FALSE(theirs.contains(kept));
      first = process(*old, {read.begin()->second.front(), read.rbegin()->second.front()}, "out");
    }
    const auto second = process(*old, {read[kept].back()}, "out");
    EXPECT_NE(fate_of(*first), Fate::done);
    EXPECT_NE(fate_of(*second), Fate::done);
    old.reset();
    newcomer.reset();
    EXPECT_TRUE(everything("out").empty());
    old = join("g", {"in"});
    drain(*old, 30);
  }
}

TEST_P(LogContract, GroupsDoNotDisturbEachOther) {
  put({entry("in", "a", "1")});
  auto first = join("g1", {"in"});
  EXPECT_EQ(fate_of(*process(*first, drain(*first, 1), "out")), Fate::done);
  auto second = join("g2", {"in"});
  EXPECT_EQ(values(drain(*second, 1)), (std::vector<std::string>{"1"}));
}

TEST_P(LogContract, ASuccessorFencesTheFormerHolder) {
  put({entry("in", "a", "1"), entry("in", "a", "2")});
  auto old = join("g", {"in"});
  const auto read = drain(*old, 2);
  ASSERT_EQ(read.size(), 2U);
  auto successor = join("g", {"in"});
  EXPECT_EQ(fate_of(*process(*old, read, "out")), Fate::fenced);
  if (const auto more = old->read(Lane::live, 10, 1 << 20); more.ok()) {
    EXPECT_TRUE(more->empty());
  } else {
    EXPECT_EQ(more.error().cause, Cause::fenced);
  }
  EXPECT_TRUE(everything("out").empty());
  EXPECT_EQ(fate_of(*process(*successor, drain(*successor, 2), "out")), Fate::done);
  EXPECT_EQ(values(everything("out")), (std::vector<std::string>{"1!", "2!"}));
}

// Another session may have processed some of the records in between: what was read before the loss must not
// land.
TEST_P(LogContract, WorkOnALostShardIsVoidEvenWhenTheShardComesBack) {
  put({entry("in", "a", "1"), entry("in", "a", "2"), entry("in", "a", "3")});
  auto first = join("g", {"in"});
  const auto read = drain(*first, 3);
  {
    auto second = join("g", {"in"});
    const auto theirs = drain(*second, 3);
    EXPECT_EQ(fate_of(*process(*second, {theirs[0]}, "out")), Fate::done);
  }
  harness().settle();
  EXPECT_NE(fate_of(*process(*first, read, "out")), Fate::done);
  EXPECT_EQ(values(everything("out")), (std::vector<std::string>{"1!"}));
  first = join("g", {"in"});
  EXPECT_EQ(values(drain(*first, 2)), (std::vector<std::string>{"2", "3"}));
}

TEST_P(LogContract, AnExpelledSessionIsFencedAndItsProgressIsKept) {
  put({entry("in", "a", "1"), entry("in", "a", "2")});
  auto session = join("g", {"in"});
  const auto read = drain(*session, 2);
  EXPECT_EQ(fate_of(*process(*session, {read[0]}, "out")), Fate::done);
  harness().expel({"g", {"in"}, Visibility::synced, nullptr});
  EXPECT_EQ(fate_of(*process(*session, {read[1]}, "out")), Fate::fenced);
  session.reset();
  session = join("g", {"in"});
  const auto rest = drain(*session, 1);
  EXPECT_EQ(values(rest), (std::vector<std::string>{"2"}));
  EXPECT_EQ(fate_of(*process(*session, rest, "out")), Fate::done);
  EXPECT_EQ(values(everything("out")), (std::vector<std::string>{"1!", "2!"}));
}

TEST_P(LogContract, SessionsOfAGroupShareTheShards) {
  start({.shards = 4});
  for (int i = 0; i < 40; ++i) put({entry("in", "key" + std::to_string(i), std::to_string(i))});
  auto first = join("g", {"in"});
  std::set<ShardId> mine;
  eventually(
      [&] {
        for (auto& shard : first->gained()) mine.insert(shard);
        return mine.size() >= 4;
      },
      "all shards for the only session");
  auto second = join("g", {"in"});
  std::set<ShardId> theirs;
  eventually(
      [&] {
        for (auto& shard : second->gained()) theirs.insert(shard);
        for (auto& shard : first->lost()) mine.erase(shard);
        return !theirs.empty() && mine.size() + theirs.size() == log().shards("in")->size();
      },
      "a share for the second session");
  for (const auto& shard : theirs) EXPECT_FALSE(mine.contains(shard)) << shard.text() << " is held twice";
  std::multiset<std::string> read;
  eventually(
      [&] {
        for (auto* session : {first.get(), second.get()}) {
          const auto deliveries = session->read(Lane::live, 100, 1 << 20);
          for (const auto& delivery : *deliveries) {
            read.emplace(delivery.record.value.view());
          }
        }
        return read.size() >= 40;
      },
      "all records over both sessions");
  EXPECT_EQ(read.size(), 40U);
  EXPECT_EQ(std::set<std::string>(read.begin(), read.end()).size(), 40U);

  second.reset();  // gives its shards back; nothing of them was committed
  size_t again = 0;
  eventually(
      [&] {
        (void)first->gained();
        again += first->read(Lane::live, 100, 1 << 20)->size();
        return again > 0;
      },
      "the shards of the session that left");
}

TEST_P(LogContract, UnsyncedRecordsAreSeenOnlyByThoseWhoMay) {
  if (!harness().hold_syncs(true)) GTEST_SKIP() << "this log cannot hold back a sync";
  auto inside = join("inside", {"t"}, Visibility::written);
  auto outside = join("outside", {"t"}, Visibility::synced);
  int called = 0;
  log().inlet().append({entry("t", "a", "1")}, [&](const Result<Landed>& landed) {
    ++called;
    EXPECT_TRUE(landed.ok());
  });
  const auto seen = drain(*inside, 1);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_TRUE(drain(*outside, 0).empty());
  EXPECT_EQ(called, 0) << "when_synced before the sync";
  EXPECT_LT(log().synced(seen[0].shard).value(), seen[0].position);
  EXPECT_EQ(log().written(seen[0].shard).value(), seen[0].position);
  EXPECT_TRUE(drain(**log().reader(seen[0].shard, {}), 0).empty());
  EXPECT_EQ(values(drain(**log().written_reader(seen[0].shard, {}), 1)), (std::vector<std::string>{"1"}));
  harness().hold_syncs(false);
  EXPECT_EQ(values(drain(*outside, 1)), (std::vector<std::string>{"1"}));
  EXPECT_EQ(called, 1);
  EXPECT_EQ(log().synced(seen[0].shard).value(), seen[0].position);
  EXPECT_EQ(drain(**log().reader(seen[0].shard, {}), 1).size(), 1U);
}

TEST_P(LogContract, WhatIsSyncedSurvivesACrash) {
  put({entry("in", "a", "1"), entry("in", "a", "2")});
  auto session = join("g", {"in"});
  auto read = drain(*session, 2);
  EXPECT_EQ(fate_of(*process(*session, {read[0]}, "out")), Fate::done);
  harness().settle();
  session.reset();
  harness().crash();
  session = join("g", {"in"});
  const auto again = drain(*session, 1);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].record.value, read[1].record.value);
  EXPECT_EQ(again[0].position, read[1].position) << "positions do not move";
  EXPECT_EQ(values(everything("out")), (std::vector<std::string>{"1!"}));
  put({entry("in", "a", "3")});
  const auto fresh = drain(*session, 1);
  ASSERT_EQ(fresh.size(), 1U);
  EXPECT_GT(fresh[0].position, read[1].position) << "the positions of synced records are never used again";
}

TEST_P(LogContract, AnUnsyncedCommitIsThereOrNotAfterACrashButNeverHalf) {
  for (int round = 0; round < 8; ++round) {
    const std::string in = "in" + std::to_string(round), out = "out" + std::to_string(round);
    put({entry(in, "a", "1"), entry(in, "b", "2"), entry(in, "c", "3")});
    auto session = join("g" + in, {in}, Visibility::written);
    const auto read = drain(*session, 3);
    if (!harness().hold_syncs(true)) GTEST_SKIP() << "this log cannot hold back a sync";
    EXPECT_EQ(fate_of(*process(*session, read, out)), Fate::done);
    session.reset();
    harness().crash();
    harness().hold_syncs(false);
    session = join("g" + in, {in});
    harness().settle();
    const bool landed = !everything(out).empty();
    if (log().traits().atomic) {
      EXPECT_EQ(everything(out).size(), landed ? 3U : 0U);
      EXPECT_EQ(drain(*session, landed ? 0 : 3).size(), landed ? 0U : 3U);
    } else {
      EXPECT_GE(everything(out).size() + drain(*session, 0).size(), 3U) << "not atomic, but never lost";
    }
  }
}

TEST_P(LogContract, ACommitOfUnknownFateLosesNothing) {
  for (const bool lands : {false, true}) {
    const std::string in = lands ? "in.landed" : "in.lost", out = lands ? "out.landed" : "out.lost";
    put({entry(in, "a", "1"), entry(in, "a", "2")});
    auto session = join("g" + in, {in});
    const auto read = drain(*session, 2);
    harness().lose_next_answer(lands);
    const auto first = process(*session, {read[0]}, out);
    const auto second = process(*session, {read[1]}, out);  // lands only if the first has
    EXPECT_EQ(fate_of(*first), Fate::unknown);
    (void)fate_of(*second);
    session.reset();
    session = join("g" + in, {in});  // the one way to recover
    harness().settle();
    const auto rest = session->read(Lane::live, 100, 1 << 20).value();
    if (!rest.empty()) {
      EXPECT_EQ(fate_of(*process(*session, rest, out)), Fate::done);
    }
    const auto got = bag(everything(out));
    if (log().traits().atomic) {
      EXPECT_EQ(got, (std::multiset<std::string>{"1!", "2!"}));
    } else {
      EXPECT_TRUE(got.contains("1!") && got.contains("2!"));
    }
  }
}

TEST_P(LogContract, TheEntriesOfAnAppendLandTogether) {
  std::vector<Entry> entries;
  entries.reserve(20);
  for (int i = 0; i < 20; ++i)
    entries.push_back(entry("t" + std::to_string(i % 5), "k" + std::to_string(i), "v"));
  const auto landed = put(entries);
  ASSERT_EQ(landed.size(), 20U);
  for (size_t i = 0; i < landed.size(); ++i) {
    EXPECT_EQ(landed[i].first.topic, entries[i].topic) << "where they landed is in the order they were given";
    auto before = landed[i].second;
    const auto found = drain(**log().reader(landed[i].first, {}), 4);
    const auto at =
        std::find_if(found.begin(), found.end(), [&](const auto& d) { return d.position == before; });
    ASSERT_NE(at, found.end());
    EXPECT_EQ(at->record.key, entries[i].record.key);
  }
  put({});
}

TEST_P(LogContract, AnUnsyncedAppendIsThereOrNotAfterACrashButNeverHalf) {
  for (int round = 0; round < 8; ++round) {
    if (!harness().hold_syncs(true)) GTEST_SKIP() << "this log cannot hold back a sync";
    const std::string one = "one" + std::to_string(round), two = "two" + std::to_string(round);
    auto called = std::make_shared<int>(0);
    log().inlet().append({entry(one, "a", std::string(700, 'x')), entry(two, "b", std::string(700, 'y'))},
                         [called](const Result<Landed>& landed) { *called += landed.ok() ? 1 : 0; });
    harness().settle();
    harness().crash();
    harness().hold_syncs(false);
    EXPECT_EQ(*called, 0) << "acknowledged without a sync";
    EXPECT_EQ(everything(one).size(), everything(two).size());
  }
}

TEST_P(LogContract, WhenSyncedIsCalledOncePerAppend) {
  std::map<int, int> calls;
  for (int i = 0; i < 50; ++i) {
    log().inlet().append({entry("t", "a", std::to_string(i))}, [&calls, i](const Result<Landed>& landed) {
      EXPECT_TRUE(landed.ok());
      ++calls[i];
    });
  }
  eventually([&] { return calls.size() == 50; }, "all callbacks");
  harness().settle();
  for (const auto& [i, count] : calls) EXPECT_EQ(count, 1);
  EXPECT_EQ(everything("t").size(), 50U);
}

TEST_P(LogContract, AFullLogSaysLaterUntilItIsRead) {
  start({.shards = 1, .max_waiting_bytes = 200'000});
  if (!harness().bounded()) GTEST_SKIP() << "this log's inlet has a bound of its own";
  auto session = join("slow", {"in"});
  EXPECT_TRUE(log().inlet().admit(10'000).now);
  Inlet::Admission admission;
  size_t taken = 0;
  for (; taken < 1000; ++taken) {
    admission = log().inlet().admit(10'000);
    if (!admission.now) break;
    put({entry("in", "a", std::string(10'000, 'x'))});
  }
  ASSERT_LT(taken, 1000U) << "the inlet has no bound";
  EXPECT_GE(taken, 10U);
  EXPECT_GT(admission.retry_after.us, 0);
  EXPECT_FALSE(admission.reason.empty());
  EXPECT_EQ(fate_of(*process(*session, drain(*session, taken), "out")), Fate::done);
  eventually([&] { return log().inlet().admit(10'000).now; }, "room after the group has caught up");
}

TEST_P(LogContract, ARecordThatIsTooLargeIsRefusedAndTheLargestIsNot) {
  const size_t most = std::min<size_t>(log().traits().max_record_bytes, size_t{8} << 20);
  ASSERT_GE(most, size_t{512} << 10);
  const std::string big(most - 100, 'b');
  put({entry("t", "key", big)});
  const auto read = everything("t");
  ASSERT_EQ(read.size(), 1U);
  EXPECT_TRUE(read[0].record.value.view() == big);
  if (log().traits().max_record_bytes > (size_t{8} << 20)) return;
  std::optional<Cause> cause;
  log().inlet().append({entry("t", "key", "small"), entry("t", "key", std::string(most + 1, 'c'))},
                       [&](const Result<Landed>& landed) {
                         if (!landed.ok()) cause = landed.error().cause;
                       });
  eventually([&] { return cause.has_value(); }, "the refusal");
  EXPECT_EQ(cause, Cause::invalid);
  EXPECT_EQ(everything("t").size(), 1U) << "its neighbour in the append must not land either";
}

TEST_P(LogContract, AReaderBeginsAfterAnyPosition) {
  const auto landed = put(numbered(30));
  const ShardId shard = landed[0].first;
  for (const size_t from : {size_t{0}, size_t{13}, size_t{29}}) {
    const auto read = drain(**log().reader(shard, landed[from].second), 29 - from);
    for (size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i].position, landed[from + 1 + i].second);
  }
  auto reader = log().reader(shard, landed[29].second).value();
  EXPECT_TRUE(drain(*reader, 0).empty());
  put({entry("t", "a", "later")});
  EXPECT_EQ(values(drain(*reader, 1)), (std::vector<std::string>{"later"}))
      << "a reader goes on when more comes";
  const auto none = log().reader({"t", Lane::live, 4711}, {});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().cause, Cause::not_found);
}

TEST_P(LogContract, BacklogIsWhatTheGroupHasNotCommitted) {
  EXPECT_TRUE(log().backlog("nobody")->empty());
  auto session = join("g", {"in"});
  for (int i = 0; i < 4; ++i) put({{"in", Lane::live, record("a", std::to_string(i), i)}});
  const auto count = [&] {
    uint64_t records = 0;
    const auto all = log().backlog("g");
    EXPECT_TRUE(all.ok());
    for (const auto& backlog : *all) records += backlog.records;
    return records;
  };
  EXPECT_EQ(log().backlog("g")->size(), log().shards("in")->size());
  EXPECT_EQ(count(), 4U);
  const auto read = drain(*session, 4);
  EXPECT_EQ(count(), 4U) << "reading alone is no progress";
  EXPECT_EQ(fate_of(*process(*session, {read[0], read[1]}, "out")), Fate::done);
  EXPECT_EQ(count(), 2U);
  const auto backlogs = log().backlog("g");
  for (const auto& backlog : *backlogs) {
    if (backlog.records == 0) {
      EXPECT_FALSE(backlog.oldest.has_value());
      continue;
    }
    EXPECT_EQ(backlog.committed, read[1].position);
    EXPECT_EQ(backlog.oldest, read[2].record.timestamp);
  }
}

TEST_P(LogContract, SeekMovesTheNextRead) {
  const auto landed = put(numbered(5));
  auto session = join("sink", {"t"});
  drain(*session, 5);
  ASSERT_TRUE(session->seek(landed[0].first, landed[1].second).ok());
  EXPECT_EQ(values(drain(*session, 3)), (std::vector<std::string>{"2", "3", "4"}));
  ASSERT_TRUE(session->seek(landed[0].first, {}).ok());
  drain(*session, 5);
  EXPECT_FALSE(session->seek({"t", Lane::live, 4711}, {}).ok()) << "not a held shard";
}

TEST_P(LogContract, ManyTopicsAreManyStreams) {
  std::vector<std::string> topics;
  topics.reserve(40);
  for (int i = 0; i < 40; ++i) topics.push_back("topic." + std::to_string(i));
  for (const auto& topic : topics) put({entry(topic, "a", topic + "/1"), entry(topic, "a", topic + "/2")});
  for (const auto& topic : topics) {
    EXPECT_EQ(values(everything(topic)), (std::vector<std::string>{topic + "/1", topic + "/2"}));
  }
  auto session = join("all", topics);
  EXPECT_EQ(drain(*session, 80).size(), 80U);
}

TEST_P(LogContract, AReaderThatMayReadIsWoken) {
  CountingWake wake;
  auto session = join("g", {"t"}, Visibility::synced, &wake);
  drain(*session, 0);
  const int before = wake.count;
  put({entry("t", "a", "1")});
  eventually([&] { return wake.count > before; }, "the wake");
  drain(*session, 1);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LogContract);

}  // namespace bonafide::flow::contract
