#include "app/books.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bonafide::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t content = 77;

EventId event(int number, int64_t minute = 100) {
  std::string random = "0123456789";
  random[9] = static_cast<char>(number);
  return EventId::make(Time::from_seconds(minute * 60), random);
}

/// Tells of events that are everywhere they should be.
void all_well(Books& books, const EventId& id) {
  books.accepted(id, "home", content);
  books.stored(Hop::import, id, "home", content, 0);
  books.stored(Hop::archive, id, "home", content, 0);
}

std::vector<std::string> imbalances(const Books& books) {
  std::vector<std::string> texts;
  for (const auto& found : flow::balance(books.door_ledger(), books.hop_ledgers()))
    texts.push_back(found.text());
  return texts;
}

TEST(Books, BalanceWhenEverythingIsEverywhere) {
  Books books;
  for (int i = 0; i < 10; ++i) all_well(books, event(i, 100 + i % 3));
  books.close();
  EXPECT_THAT(imbalances(books), IsEmpty());
  EXPECT_EQ(books.hop_ledgers().size(), 3U);
  EXPECT_EQ(total(books.hop_ledgers()[1].out), 10U);
  EXPECT_EQ(books.door_ledger().size(), 3U) << "one line a minute";
}

TEST(Books, WhatIsOnTheWayIsCountedWhereItIs) {
  Books books;
  all_well(books, event(1));
  books.accepted(event(2), "home", content);  // not scored yet
  books.on_the_way(Hop::score, event(2), "home", content);
  books.accepted(event(3), "home", content);  // scored, and in the rows, not archived yet
  books.stored(Hop::import, event(3), "home", content, 0);
  books.on_the_way(Hop::archive, event(3), "home", content);
  books.on_the_way(Hop::import, event(3), "home", content);  // seen there before it was stored
  books.close();
  EXPECT_THAT(imbalances(books), IsEmpty());
  const auto hops = books.hop_ledgers();
  EXPECT_EQ(total(hops[0].under_way), 1U);
  EXPECT_EQ(total(hops[1].under_way), 0U);
  EXPECT_EQ(total(hops[2].under_way), 1U);
  EXPECT_THAT(books.differences(Hop::import).missing, IsEmpty());
  EXPECT_THAT(books.differences(Hop::archive).missing, IsEmpty());
}

TEST(Books, ALostEventIsMissingAtTheHopThatLostIt) {
  Books books;
  all_well(books, event(1, 100));
  books.accepted(event(2, 101), "home", content);  // never scored
  books.accepted(event(3, 102), "home", content);  // no row
  books.stored(Hop::archive, event(3, 102), "home", content, 0);
  books.accepted(event(4, 103), "home", content);  // not archived
  books.stored(Hop::import, event(4, 103), "home", content, 0);
  books.close();
  EXPECT_THAT(
      imbalances(books),
      ElementsAre(
          HasSubstr("score, tenant home, 1970-01-01T01:41:00Z: 1 came in, 0 are accounted for: 1 missing"),
          HasSubstr("import, tenant home, 1970-01-01T01:42:00Z"),
          HasSubstr("archive, tenant home, 1970-01-01T01:43:00Z")));
  EXPECT_THAT(books.differences(Hop::import).missing, ElementsAre(event(2, 101), event(3, 102)));
  EXPECT_THAT(books.differences(Hop::archive).missing, ElementsAre(event(2, 101), event(4, 103)));
}

TEST(Books, WhatNobodyAcceptedIsTooMuch) {
  Books books;
  books.stored(Hop::import, event(1), "home", content, 0);
  books.stored(Hop::archive, event(1), "home", content, 0);
  books.close();
  EXPECT_THAT(imbalances(books), ElementsAre(HasSubstr("score, tenant home")));
  EXPECT_THAT(books.differences(Hop::archive).extra, ElementsAre(event(1)));
}

TEST(Books, AnotherMessageUnderTheSameIdIsFound) {
  Books books;
  books.accepted(event(1), "home", content);
  books.stored(Hop::import, event(1), "home", content + 1, 0);
  books.stored(Hop::archive, event(1), "home", content, 0);
  books.close();
  EXPECT_THAT(imbalances(books), ElementsAre(HasSubstr("import")));
  EXPECT_THAT(books.differences(Hop::import).different, ElementsAre(event(1)));
  EXPECT_THAT(books.differences(Hop::archive).different, IsEmpty());
}

TEST(Books, RevisionsAreOneEventAndTheSameTwiceIsDoubled) {
  Books books;
  all_well(books, event(1));
  books.stored(Hop::import, event(1), "home", content, 1);
  books.stored(Hop::archive, event(1), "home", content, 1);
  books.stored(Hop::archive, event(1), "home", content, 1);
  books.close();
  EXPECT_THAT(imbalances(books), IsEmpty());
  EXPECT_THAT(books.differences(Hop::import).doubled, IsEmpty());
  EXPECT_THAT(books.differences(Hop::archive).doubled, ElementsAre(event(1)));
}

TEST(Books, WhatIsParkedAtAHopIsNotMissingThere) {
  Books books;
  books.accepted(event(1), "home", content);
  books.stored(Hop::archive, event(1), "home", content, 0);
  books.parked(Hop::import, event(1), false);
  books.accepted(event(2), "home", content);
  books.stored(Hop::archive, event(2), "home", content, 0);
  books.parked(Hop::import, event(2), true);
  all_well(books, event(3));
  books.parked(Hop::score, event(3), false);  // its row says that it could not be scored
  books.close();
  EXPECT_THAT(imbalances(books), IsEmpty());
  const auto hops = books.hop_ledgers();
  EXPECT_EQ(total(hops[1].parked), 1U);
  EXPECT_EQ(total(hops[1].dropped.begin()->second), 1U);
  EXPECT_EQ(total(hops[0].parked), 0U);
  EXPECT_THAT(books.differences(Hop::import).missing, IsEmpty());
}

TEST(Books, WhatRetentionTookIsRetiredAndNotMissing) {
  Books books;
  books.accepted(event(1, 100), "home", content);  // only the archive keeps it
  books.stored(Hop::archive, event(1, 100), "home", content, 0);
  books.accepted(event(2, 90), "home", content);   // gone everywhere, the door will follow
  books.accepted(event(3, 100), "home", content);  // about to go from the rows
  books.stored(Hop::import, event(3, 100), "home", content, 0);
  books.stored(Hop::archive, event(3, 100), "home", content, 0);
  all_well(books, event(5, 91));  // about to go everywhere
  all_well(books, event(4, 200));
  books.kept_from(Hop::import, Time::from_seconds(int64_t{150} * 60));
  books.kept_from(Hop::archive, Time::from_seconds(int64_t{95} * 60));
  books.close();
  EXPECT_THAT(imbalances(books), IsEmpty());
  const auto hops = books.hop_ledgers();
  EXPECT_EQ(total(hops[0].retired), 2U);
  EXPECT_EQ(total(hops[1].retired), 2U);
  EXPECT_EQ(total(hops[2].retired), 0U);
  EXPECT_THAT(books.differences(Hop::import).missing, IsEmpty());
  EXPECT_THAT(books.differences(Hop::archive).missing, IsEmpty());
}

TEST(Books, OnlyWhatIsAskedForIsLookedAt) {
  Books books(EventId::lowest(Time::from_seconds(int64_t{100} * 60)),
              EventId::lowest(Time::from_seconds(int64_t{101} * 60)));
  books.accepted(event(1, 99), "home", content);
  all_well(books, event(2, 100));
  books.accepted(event(3, 101), "home", content);
  books.accepted(event(4, 100), "home", content);
  books.archived(event(4, 100), "home", 0);
  books.stored(Hop::import, event(4, 100), "home", content, 0);
  books.close();
  EXPECT_THAT(imbalances(books), IsEmpty());
  EXPECT_EQ(books.door().size(), 2U);
}

}  // namespace
}  // namespace bonafide::app
