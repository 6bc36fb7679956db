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

}  // namespace
}  // namespace bonafide::flow::contract
