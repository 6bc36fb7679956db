#include <filesystem>

#include <unistd.h>

#include "env/sim/clock.hpp"
#include "flow/contract/state_contract.hpp"
#include "stores/state/embedded_state.hpp"

namespace bonafide::flow::contract {
namespace {

namespace fs = std::filesystem;

class EmbeddedStateHarness final : public StateHarness {
 public:
  EmbeddedStateHarness() {
    static int made = 0;
    settings_.folder = (fs::temp_directory_path() / ("bonafide-state-contract-" + std::to_string(::getpid()) +
                                                     "-" + std::to_string(++made)))
                           .string();
    settings_.checkpoint_every = Duration::seconds(1);
    fs::remove_all(settings_.folder);
    open();
  }
  ~EmbeddedStateHarness() override {
    state_.reset();
    fs::remove_all(settings_.folder);
  }
  State& state() override { return *state_; }
  void settle() override {
    clock_.advance(Duration::seconds(1));
    EXPECT_TRUE(state_->settle(clock_.steady(), false).ok());
  }
  /// Closing writes nothing more: what is left is what a kill would leave.
  void crash() override { open(); }

 private:
  void open() {
    state_.reset();
    auto opened = stores::EmbeddedState::open(settings_, clock_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    state_ = std::move(opened).value();
  }
  env::sim::ManualClock clock_;
  stores::EmbeddedStateSettings settings_;
  std::unique_ptr<stores::EmbeddedState> state_;
};

INSTANTIATE_TEST_SUITE_P(Embedded, StateContract,
                         testing::Values(StateCase{"embedded",
                                                   [] { return std::make_unique<EmbeddedStateHarness>(); }}),
                         state_case_name);

}  // namespace
}  // namespace bonafide::flow::contract
