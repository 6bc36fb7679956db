#include "flow/contract/sink_contract.hpp"
#include "steps/archive/test_archive.hpp"

namespace bonafide::flow::contract {
namespace {

class ArchiveHarness final : public SinkHarness {
 public:
  Sink& sink() override { return archive_.sink(); }
  void crash() override {
    archive_.disk().crash();
    ASSERT_TRUE(archive_.restart()) << archive_.open_error_.message;
  }
  Record record(const std::string& id) override {
    return archive_.record(steps::TestArchive::event(id, "home.example"));
  }
  std::multiset<std::string> effects() override {
    std::multiset<std::string> out;
    const auto each = [&](const steps::ArchivedEvent& event) {
      out.insert(event.event.received.facts->message_id);
      return true;
    };
    EXPECT_TRUE(archive_.archive().scan({}, each, [](const stores::Damage& d) { FAIL() << d.what; }).ok());
    return out;
  }
  std::optional<Record> poison() override {
    Record record;
    record.value = SharedBytes(std::string("garbage"));
    return record;
  }

 private:
  steps::TestArchive archive_;
};

INSTANTIATE_TEST_SUITE_P(Archive, SinkContract,
                         testing::Values(SinkCase{"archive",
                                                  [] { return std::make_unique<ArchiveHarness>(); }}),
                         sink_case_name);

}  // namespace
}  // namespace bonafide::flow::contract
