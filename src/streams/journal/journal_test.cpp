#include "streams/journal/journal.hpp"

#include <gmock/gmock.h>

#include "streams/journal/test_world.hpp"

namespace bonafide::streams::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Journal, CarriesOnWhereItWasClosed) {
  World world;
  world.must_open();
  world.put("t", "1");
  ASSERT_TRUE(world.journal->close().ok());
  world.must_open();
  EXPECT_THAT(world.journal->opened().damages, IsEmpty());
  EXPECT_EQ(world.journal->opened().torn_bytes, 0U);
  world.put("t", "2");
  EXPECT_THAT(world.values("t"), ElementsAre("1", "2"));
}

TEST(Journal, ManySegmentsAreReadInOrderAfterARestart) {
  World world(1, 8 << 10);
  world.must_open();
  std::vector<std::string> expected;
  for (int i = 0; i < 200; ++i) {
    expected.push_back(std::to_string(i) + std::string(300, 'x'));
    world.put("t", expected.back());
  }
  EXPECT_EQ(world.values("t"), expected);
  ASSERT_TRUE(world.journal->close().ok());
  world.must_open();
  EXPECT_GT(world.journal->opened().segments, 5U);
  EXPECT_EQ(world.values("t"), expected);
}

}  // namespace
}  // namespace bonafide::streams::journal
