#include "control/reference/keeper.hpp"

#include <gtest/gtest.h>

#include "env/sim/clock.hpp"
#include "env/sim/files.hpp"

namespace bonafide::control {
namespace {

class ErrorLog final : public env::Logger {
 public:
  void write(env::Level level, std::string_view event, std::initializer_list<env::Field>) override {
    if (level == env::Level::error) errors.emplace_back(event);
  }
  std::vector<std::string> errors;
};

class ReferenceKeeperTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(files_.make_folders("lists").ok());
    write("10.0.0.0/8\n");
    const auto data = trust::ReferenceData::load(files_, sources_);
    ASSERT_TRUE(data.ok());
    auto sets = data->sets();
    sets.push_back(std::make_shared<const trust::ReferenceList>(
        *trust::ReferenceList::parse("built-in", trust::ListRole::free_mail, "free.example\n", "here")));
    current_.set(trust::ReferenceData(std::move(sets)));
    keeper_.emplace(ReferenceKeeper::Parts{files_, clock_, log_, metrics_,
                                           [this](const std::string&) -> Result<FileStamp> {
                                             if (gone_)
                                               return Error{Cause::not_found, "nets.txt is not there"};
                                             return stamp_;
                                           },
                                           current_},
                    sources_, Duration::seconds(2));
  }
  void write(const std::string& text) {
    ASSERT_TRUE(files_.write_file("lists/nets.txt", text).ok());
    stamp_.size = text.size();
    stamp_.modified = stamp_.modified + Duration::seconds(1);
  }
  /// Two seconds later.
  void look() {
    clock_.advance(Duration::seconds(2));
    ASSERT_EQ(*keeper_->step(), flow::Progress::worked);
    EXPECT_EQ(*keeper_->step(), flow::Progress::idle);
  }
  [[nodiscard]] bool names(const char* address) const {
    return !current_.get()->sets()[0]->find(*IpAddress::parse(address)).empty();
  }
  uint64_t count(const char* name) { return metrics_.counter(name, "").value(); }

  env::sim::SimFiles files_;
  env::sim::ManualClock clock_;
  env::Metrics metrics_;
  ErrorLog log_;
  FileStamp stamp_{1, 0, Time::from_seconds(1'750'000'000)};
  bool gone_ = false;
  const std::vector<trust::ListSource> sources_ = {{"nets", trust::ListRole::blocked, "lists/nets.txt"}};
  Current<trust::ReferenceData> current_;
  std::optional<ReferenceKeeper> keeper_;
};

TEST_F(ReferenceKeeperTest, AChangedFileIsTakenWhenItHasComeToRest) {
  look();
  look();
  EXPECT_EQ(count("bonafide_reference_reloads_total"), 0U) << "it has not changed";
  const std::string before = keeper_->sets()[0].version;
  const auto held = current_.get();
  write("192.0.2.0/24\n");
  look();
  EXPECT_TRUE(names("10.1.2.3")) << "it may still be written";
  write("192.0.2.0/24\n198.51.100.0/24\n");
  look();
  EXPECT_TRUE(names("10.1.2.3"));
  look();
  EXPECT_FALSE(names("10.1.2.3"));
  EXPECT_TRUE(names("198.51.100.1"));
  EXPECT_FALSE(held->sets()[0]->find(*IpAddress::parse("10.1.2.3")).empty())
      << "who holds the old one keeps it";
  EXPECT_EQ(count("bonafide_reference_reloads_total"), 1U);
  const auto state = keeper_->sets()[0];
  EXPECT_NE(state.version, before);
  EXPECT_EQ(state.entries, 2U);
  EXPECT_EQ(state.modified, stamp_.modified);
  EXPECT_TRUE(current_.get()->is_free_mail("free.example")) << "what has no file stays";
}

TEST_F(ReferenceKeeperTest, ABrokenFileIsRefusedAndSaidUntilItIsMended) {
  write("10.0.0.0/99\n");
  look();
  look();
  EXPECT_TRUE(names("10.1.2.3")) << "the old one stays";
  EXPECT_NE(keeper_->sets()[0].problem.find("lists/nets.txt:1"), std::string::npos)
      << keeper_->sets()[0].problem;
  EXPECT_EQ(metrics_.gauge("bonafide_reference_broken", "").value(), 1);
  look();
  look();
  EXPECT_EQ(count("bonafide_reference_failures_total"), 1U) << "said once";
  EXPECT_EQ(log_.errors, std::vector<std::string>{"reference.refused"});
  write("192.0.2.0/24\n");
  look();
  look();
  EXPECT_TRUE(names("192.0.2.1"));
  EXPECT_EQ(keeper_->sets()[0].problem, "");
  EXPECT_EQ(metrics_.gauge("bonafide_reference_broken", "").value(), 0);
}

TEST_F(ReferenceKeeperTest, AFileThatIsGoneLeavesItsSetInUse) {
  look();
  look();
  gone_ = true;
  look();
  EXPECT_TRUE(names("10.1.2.3"));
  EXPECT_NE(keeper_->sets()[0].problem, "");
  gone_ = false;
  look();
  look();
  EXPECT_EQ(keeper_->sets()[0].problem, "") << "back as it was";
}

}  // namespace
}  // namespace bonafide::control
