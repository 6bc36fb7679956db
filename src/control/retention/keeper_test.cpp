#include "control/retention/keeper.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "env/real/files.hpp"
#include "env/sim/clock.hpp"
#include "env/sim/files.hpp"
#include "stores/sqlite/row_store.hpp"

namespace bonafide::control {
namespace {

namespace fs = std::filesystem;
using stores::RowStore;

constexpr int64_t first_day = 20'000;

EventId id_of(int64_t day, uint64_t number) {
  std::string tail(10, '\0');
  tail[8] = static_cast<char>(number >> 8), tail[9] = static_cast<char>(number);
  return EventId::make(
      Time{} + Duration::days(day) + Duration::minutes(720) + Duration::millis(static_cast<int64_t>(number)),
      tail);
}

// Two stores on a real disk, ten events a day in each, and a clock that the test moves.
class RetentionTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "bonafide-retention-XXXXXX";
    root_ = mkdtemp(pattern.data());
    clock_.jump_to(Time{} + Duration::days(first_day));
    settings_.rows = Duration::days(3);
    settings_.archive = Duration::days(5);
    settings_.every = Duration::minutes(60);
    open();
  }
  void TearDown() override {
    rows_.reset(), door_.reset();
    fs::remove_all(root_);
  }
  // As after a start; what the keeper was about to do is forgotten.
  void open() {
    keeper_.reset(), rows_.reset(), door_.reset();
    rows_ = open_store("rows.db"), door_ = open_store("door.db");
    const auto clear = [this](std::unique_ptr<RowStore>& store) {
      return [this, &store](Time before, size_t most) -> Result<uint64_t> {
        if (broken_ == store.get()) return Error{Cause::unavailable, "the disk is away"};
        largest_ = std::max(largest_, most);
        return store->remove_before(EventId::lowest(before), most);
      };
    };
    RetentionKeeper::Parts parts{
        files_,
        clock_,
        log_,
        metrics_,
        root_ + "/retention",
        {{"import", &Horizons::rows, clear(rows_), 4, fit()}, {"doorlist", &Horizons::door, clear(door_), 4}},
        [this]() -> Result<Time> { return under_way_; },
        {},
        {}};
    auto keeper = RetentionKeeper::open(std::move(parts), settings_);
    ASSERT_TRUE(keeper.ok()) << keeper.error().message;
    keeper_ = std::move(*keeper);
  }
  std::function<Result<Time>()> fit() {
    if (settings_.rows_bytes == 0) return {};
    return [this]() -> Result<Time> {
      BONAFIDE_ASSIGN(const auto from, rows_->rows().fits_from(settings_.rows_bytes));
      return from ? from->accepted_at() : Time{};
    };
  }
  std::unique_ptr<RowStore> open_store(const std::string& name) {
    stores::RowStoreSettings settings;
    settings.path = root_ + "/" + name;
    auto store = RowStore::open(settings);
    EXPECT_TRUE(store.ok()) << store.error().message;
    return std::move(*store);
  }
  // Ten events on each of `days` days from the clock's day on; the clock goes with them.
  void live(int64_t days) {
    for (int64_t i = 0; i < days; ++i) {
      std::vector<stores::RowView> rows;
      for (uint64_t n = 0; n < 10; ++n) rows.push_back({id_of(clock_.now().day(), n), 0, {}, event_});
      const flow::Stretch stretch{
          {"t", flow::Lane::live, 0}, flow::Position::of(at_), flow::Position::of(at_ + 10)};
      at_ += 10;
      ASSERT_TRUE(rows_->write(rows, {}, stretch).ok());
      ASSERT_TRUE(door_->write(rows, {}, stretch).ok());
      clock_.advance(Duration::days(1));
    }
  }
  // Steps until the pass is over, or `most` steps. Returns how many it took.
  size_t steps(size_t most = 100'000) {
    for (size_t taken = 0; taken < most; ++taken) {
      if (keeper_->due() > clock_.steady() + Duration::minutes(1)) return taken;
      clock_.advance(std::max(Duration{}, keeper_->due() - clock_.steady()));
      EXPECT_EQ(*keeper_->step(), flow::Progress::worked);
    }
    return most;
  }
  static std::set<EventId> ids(RowStore& store) {
    std::set<EventId> found;
    const auto each = [&](const stores::StoredRow& row) { found.insert(row.id); };
    const auto done = store.rows().verify(
        each, [](const stores::Damage& damage) { ADD_FAILURE() << damage.place << ": " << damage.what; });
    EXPECT_TRUE(done.ok());
    return found;
  }
  // What verify does: from a store's horizon on it has exactly what the door has.
  void expect_balance() {
    const auto listed = ids(*door_), stored = ids(*rows_);
    const auto horizons = keeper_->horizons();
    EXPECT_LE(horizons.door, horizons.rows);
    const EventId from = EventId::lowest(horizons.rows);
    EXPECT_TRUE(std::equal(listed.lower_bound(from), listed.end(), stored.lower_bound(from), stored.end()));
  }
  uint64_t count(RowStore& store) { return *store.rows().count({}); }

  std::string root_;
  env::RealFiles files_;
  env::sim::ManualClock clock_;
  env::NoLogger log_;
  env::Metrics metrics_;
  RetentionSettings settings_;
  std::string event_ = "event";
  Time under_way_{INT64_MAX};
  RowStore* broken_ = nullptr;
  size_t largest_ = 0;
  std::unique_ptr<RowStore> rows_, door_;
  std::unique_ptr<RetentionKeeper> keeper_;
  uint64_t at_ = 0;
};

TEST_F(RetentionTest, RemovesWhatIsOldALittleInEachStep) {
  live(10);
  const size_t taken = steps();
  EXPECT_EQ(count(*rows_), 30U);
  EXPECT_EQ(count(*door_), 50U) << "as long as the archive";
  EXPECT_EQ(largest_, 4U);
  EXPECT_GE(taken, (70 + 50) / 4) << "a few rows in each step";
  expect_balance();
  EXPECT_EQ(*keeper_->step(), flow::Progress::idle) << "until the next pass is due";
  clock_.advance(Duration::days(1));
  steps();
  EXPECT_EQ(count(*rows_), 20U);
  expect_balance();
  EXPECT_NE(metrics_.exposition().find("bonafide_retention_removed_total{step=\"import\"} 80"),
            std::string::npos)
      << metrics_.exposition();
}

// Ten rows a day of 100 KB each, kept for ever, but in 4 MB.
TEST_F(RetentionTest, AStoreIsCutToItsSizeAndTheBooksBalance) {
  settings_.rows = settings_.archive = settings_.raw = std::nullopt;
  settings_.rows_bytes = 4'000'000;
  event_ = std::string(100'000, 'x');
  open();
  live(3);
  steps();
  EXPECT_EQ(count(*rows_), 30U) << "it fits";
  live(7);
  for (int pass = 0; pass < 3; ++pass) {
    clock_.advance(settings_.every);
    steps();
    expect_balance();
  }
  EXPECT_FALSE(rows_->rows().fits_from(settings_.rows_bytes)->has_value());
  EXPECT_GE(count(*rows_), 30U) << "and no more than needed is removed";
  EXPECT_LE(count(*rows_), 40U);
  EXPECT_EQ(count(*door_), 100U) << "the archive has them for ever";
  // Not past a reader, however large it is.
  const uint64_t before = count(*rows_);
  under_way_ = ids(*rows_).begin()->accepted_at();
  live(5);
  clock_.advance(settings_.every);
  steps();
  EXPECT_EQ(count(*rows_), before + 50);
  under_way_ = {INT64_MAX};
  for (int pass = 0; pass < 3; ++pass) {
    clock_.advance(settings_.every);
    steps();
  }
  EXPECT_LE(count(*rows_), 40U);
  expect_balance();
}

TEST_F(RetentionTest, WaitsForAReader) {
  live(10);
  under_way_ = Time{} + Duration::days(first_day + 2);
  steps();
  EXPECT_EQ(count(*rows_), 80U);
  EXPECT_EQ(count(*door_), 80U);
  under_way_ = {INT64_MAX};
  clock_.advance(settings_.every);
  steps();
  EXPECT_EQ(count(*rows_), 30U);
}

// The process ends after every step of a pass, between the stores too: the books balance each time, and the
// next process goes on.
TEST_F(RetentionTest, WheneverItEndsTheBooksBalance) {
  live(10);
  bool differed = false;
  for (size_t taken = 1; count(*door_) > 50; ++taken) {
    steps(2 + taken);
    differed = differed || (count(*rows_) == 30 && count(*door_) > 50);
    open();
    expect_balance();
    ASSERT_LT(taken, 100U);
  }
  EXPECT_TRUE(differed) << "at some time one store was cut and the other was not";
  EXPECT_EQ(count(*rows_), 30U);
}

TEST_F(RetentionTest, NothingIsRemovedBeforeTheHorizonIsDurable) {
  live(10);
  env::sim::SimFiles disk;
  disk.power_off_after(1);
  std::vector<std::string> cleared;
  RetentionKeeper::Parts parts{disk,
                               clock_,
                               log_,
                               metrics_,
                               "retention",
                               {{"import", &Horizons::rows,
                                 [&](Time before, size_t) -> Result<uint64_t> {
                                   cleared.push_back(format_rfc3339(before));
                                   return uint64_t{0};
                                 },
                                 4}},
                               [this]() -> Result<Time> { return under_way_; },
                               {},
                               {}};
  keeper_ = *RetentionKeeper::open(std::move(parts), settings_);
  steps();
  EXPECT_TRUE(cleared.empty());
  EXPECT_EQ(keeper_->horizons(), Horizons{});
  EXPECT_NE(metrics_.exposition().find("bonafide_retention_failures_total 1"), std::string::npos);
  disk.crash();
  clock_.advance(settings_.every);
  steps();
  EXPECT_EQ(cleared.size(), 1U) << "the next pass does it";
}

TEST_F(RetentionTest, AStoreThatFailsIsTriedAgainInTheNextPass) {
  live(10);
  broken_ = rows_.get();
  steps();
  EXPECT_EQ(count(*rows_), 100U);
  expect_balance();
  broken_ = nullptr;
  clock_.advance(settings_.every);
  steps();
  EXPECT_EQ(count(*rows_), 30U);
  EXPECT_EQ(count(*door_), 50U);
}

TEST_F(RetentionTest, AClockThatIsSetBackMovesNothingBack) {
  live(10);
  steps();
  const auto before = keeper_->horizons();
  clock_.jump_to(Time{} + Duration::days(first_day - 100));
  clock_.advance(settings_.every);
  steps();
  open();
  EXPECT_EQ(keeper_->horizons(), before);
  expect_balance();
}

TEST_F(RetentionTest, ADamagedFileIsToldAndWrittenAgain) {
  live(10);
  steps();
  const auto before = keeper_->horizons();
  ASSERT_TRUE(files_.write_file(root_ + "/retention", "bonafide-retention 1\nrows yesterday\n").ok());
  open();
  EXPECT_NE(keeper_->damage().find("delete it"), std::string::npos);
  steps();
  EXPECT_EQ(keeper_->damage(), "");
  EXPECT_EQ(keeper_->horizons().rows, before.rows);
  EXPECT_EQ(keeper_->horizons().door, before.door);
}

TEST(RetentionOfTheArchive, MeasuresEachPastDayOnce) {
  env::sim::SimFiles disk;
  env::sim::ManualClock clock(Time{} + Duration::days(100) + Duration::minutes(1));
  env::NoLogger log;
  env::Metrics metrics;
  std::vector<int64_t> measured, days = {95, 97, 99, 100};
  Time cut;
  RetentionSettings settings;
  settings.archive_bytes = 25;
  settings.archive = std::nullopt;
  RetentionKeeper::Parts parts{disk,
                               clock,
                               log,
                               metrics,
                               "retention",
                               {{"archive", &Horizons::archive,
                                 [&](Time before, size_t) -> Result<uint64_t> {
                                   cut = before;
                                   return uint64_t{0};
                                 },
                                 4}},
                               []() -> Result<Time> { return Time{INT64_MAX}; },
                               [&]() -> Result<std::vector<int64_t>> { return days; },
                               [&](int64_t day) -> Result<uint64_t> {
                                 measured.push_back(day);
                                 return uint64_t{10};
                               }};
  const auto keeper = *RetentionKeeper::open(std::move(parts), settings);
  const auto pass = [&] {
    measured.clear();
    clock.advance(settings.every);
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(keeper->step().ok());
      clock.advance(Duration::millis(1));
    }
    std::sort(measured.begin(), measured.end());
  };
  pass();
  EXPECT_EQ(measured, days);
  EXPECT_EQ(cut, Time{} + Duration::days(98));
  days = {99, 100};
  pass();
  EXPECT_EQ(measured, days) << "they may still grow";
  EXPECT_EQ(cut, Time{} + Duration::days(98));
}

}  // namespace
}  // namespace bonafide::control
