#include "flow/memory_state.hpp"

#include "flow/contract/state_contract.hpp"

namespace bonafide::flow::contract {
namespace {

class MemoryStateHarness final : public StateHarness {
 public:
  State& state() override { return state_; }
  void crash() override { state_.lose(); }

 private:
  MemoryState state_;
};

INSTANTIATE_TEST_SUITE_P(Memory, StateContract,
                         testing::Values(StateCase{"memory",
                                                   [] { return std::make_unique<MemoryStateHarness>(); }}),
                         state_case_name);

TEST(History, AnAdditionAndItsOppositeLeaveNoTrace) {
  History history;
  history.add({"Ta", 3, 2});
  const History before = history;
  history.add({"Ta", 4, 1});
  history.add({"Tb", 3, 5});
  history.add({"#d", 9, -1});
  EXPECT_NE(history, before);
  history.add({"#d", 9, 1});
  history.add({"Tb", 3, -5});
  history.add({"Ta", 4, -1});
  EXPECT_EQ(history, before) << "also where the opposite came first";
  history.add({"Tc", 1, 0});
  EXPECT_EQ(history, before);
  history.add({"Ta", 3, -2});
  EXPECT_TRUE(history.empty());
}

TEST(History, BucketsThatAreAddedUpToNothingGo) {
  History history;
  history.add({"#d", 0, -1});
  for (int32_t bucket = 1; bucket <= static_cast<int32_t>(History::max_buckets); ++bucket)
    history.add({"#d", bucket, 1});
  const auto* field = history.find("#d");
  ASSERT_NE(field, nullptr);
  EXPECT_EQ(field->buckets.size(), History::max_buckets - 1);
  EXPECT_EQ(field->buckets.front().bucket, 2);
  std::string bytes;
  history.encode(bytes);
  EXPECT_EQ(*History::decode(bytes), history);
}

}  // namespace
}  // namespace bonafide::flow::contract
