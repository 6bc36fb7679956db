#include "app/tenant_book.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "env/sim/clock.hpp"
#include "env/sim/files.hpp"

namespace bonafide::app {
namespace {

class TenantBookTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(open().ok()); }
  Status open(std::vector<mail::TenantDefinition> configured = {}) {
    book_.reset();
    BONAFIDE_ASSIGN(book_, TenantBook::open("data/tenants", std::move(configured), {files_, clock_, log_}));
    return Ok{};
  }
  [[nodiscard]] std::string of(const char* address) const {
    return book_->tenants().get()->of_recipient(address);
  }

  env::sim::SimFiles files_;
  env::sim::ManualClock clock_;
  env::NoLogger log_;
  std::unique_ptr<TenantBook> book_;
};

constexpr const char* acme =
    R"({"domains":["Acme.example"],"networks":["192.0.2.0/28"],"people":["Ann Smith <ann@acme.example>"]})";

TEST_F(TenantBookTest, WhatIsPutIsInForceAndThereAfterAPowerCut) {
  EXPECT_EQ(of("a@acme.example"), "default");
  const auto put = book_->put("acme", acme, true);
  ASSERT_TRUE(put.ok()) << put.error().message;
  EXPECT_NE(put->find(R"("source":"added")"), std::string::npos) << *put;
  EXPECT_EQ(of("a@acme.example"), "acme");
  EXPECT_EQ(of("a@elsewhere.example"), "") << "with a tenant there is no default any more";
  EXPECT_FALSE(book_->directories().get()->of("acme").empty());
  files_.crash();
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(of("a@acme.example"), "acme");
  EXPECT_FALSE(book_->directories().get()->of("acme").empty());
  EXPECT_EQ(*book_->show("acme"), *put);
  EXPECT_EQ(book_->put("acme", acme, true).error().cause, Cause::conflict);
  // What is shown can be put again.
  EXPECT_TRUE(book_->put("acme", *put, false).ok());
}

// At whatever call the power goes: afterwards a tenant is as it was or as it should be, and never damaged.
TEST_F(TenantBookTest, AtAnyMomentTheOldOrTheNewOneIsWhole) {
  for (uint64_t calls = 0;; ++calls) {
    env::sim::SimFiles files(calls + 1);
    auto made = TenantBook::open("data/tenants", {}, {files, clock_, log_});
    ASSERT_TRUE(made.ok() && (*made)->put("acme", R"({"domains":["old.example"]})", true).ok());
    files.power_off_after(calls);
    const bool said = (*made)->put("acme", R"({"domains":["new.example"]})", false).ok();
    const bool cut = files.powered_off();
    files.crash();
    const auto again = TenantBook::open("data/tenants", {}, {files, clock_, log_});
    ASSERT_TRUE(again.ok()) << calls << ": " << again.error().message;
    const auto tenants = (*again)->tenants().get();
    const bool is_new = tenants->of_recipient("a@new.example") == "acme";
    EXPECT_NE(is_new, tenants->of_recipient("a@old.example") == "acme") << calls;
    EXPECT_TRUE(is_new || !said) << "acknowledged, after " << calls << " calls";
    if (!cut) break;
  }
}

TEST_F(TenantBookTest, WhatWasRemovedIsNobodysAlsoAfterARestart) {
  ASSERT_TRUE(book_->put("acme", acme, true).ok());
  ASSERT_TRUE(book_->remove("acme").ok());
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_EQ(of("a@acme.example"), "");
    EXPECT_EQ(book_->tenants().get()->removed_of("a@acme.example"), "acme");
    EXPECT_EQ(of("a@elsewhere.example"), "default");
    EXPECT_EQ(book_->show("acme").error().cause, Cause::not_found);
    EXPECT_EQ(book_->remove("acme").error().cause, Cause::not_found);
    EXPECT_NE(book_->list()->find(R"("removed":[{"name":"acme")"), std::string::npos);
    files_.crash();
    ASSERT_TRUE(open().ok());
  }
  // Another may have the domain, and the same may come back.
  ASSERT_TRUE(book_->put("zeta", R"({"domains":["acme.example"]})", true).ok());
  EXPECT_EQ(of("a@acme.example"), "zeta");
  EXPECT_EQ(book_->put("acme", acme, true).error().cause, Cause::conflict);
}

TEST_F(TenantBookTest, RefusalsSayWhatIsWrongAndChangeNothing) {
  ASSERT_TRUE(book_->put("acme", acme, true).ok());
  const auto refuses = [&](const char* name, const char* json, const char* words) {
    const auto put = book_->put(name, json, false);
    ASSERT_FALSE(put.ok()) << json;
    EXPECT_NE(put.error().message.find(words), std::string::npos) << put.error().message;
  };
  refuses("..", "{}", "tenant name");
  refuses("zeta", "[]", "a tenant is a JSON object");
  refuses("zeta", "{", "1:2");
  refuses("zeta", R"({"domain":["z.example"]})", "do you mean \"domains\"");
  refuses("zeta", R"({"domains":"z.example"})", "a list of texts");
  refuses("zeta", R"({"domains":["acme.example"]})", "belongs to tenant acme already");
  refuses("zeta", R"({"networks":["10.0.0.0/99"]})", "networks");
  refuses("zeta", R"({"people":[{"name":"Ann"}]})", "people");
  refuses("zeta", R"({"name":"other"})", "name");
  EXPECT_EQ(book_->show("zeta").error().cause, Cause::not_found);
  EXPECT_EQ(files_.list("data/tenants")->size(), 1U);
}

TEST_F(TenantBookTest, WhatTheConfigurationSaysStaysAndCounts) {
  ASSERT_TRUE(book_->put("acme", acme, true).ok());
  ASSERT_TRUE(book_->put("zeta", R"({"domains":["zeta.example","z.example"]})", true).ok());
  ASSERT_TRUE(open({{"acme", {"acme.example"}}, {"other", {"z.example"}}}).ok());
  EXPECT_EQ(of("a@z.example"), "other");
  EXPECT_EQ(of("a@zeta.example"), "zeta");
  EXPECT_EQ(book_->problems().size(), 2U);
  EXPECT_NE(book_->show("acme")->find(R"("source":"configuration")"), std::string::npos);
  EXPECT_EQ(book_->remove("acme").error().cause, Cause::conflict);
  EXPECT_EQ(book_->put("acme", acme, false).error().cause, Cause::conflict);
  EXPECT_FALSE(open({{"a", {"x.example"}}, {"b", {"x.example"}}}).ok());
}

TEST_F(TenantBookTest, ADamagedFileIsNamedAndNotPassedOver) {
  ASSERT_TRUE(book_->put("acme", acme, true).ok());
  std::string text = *files_.read_file("data/tenants/acme.json");
  text[text.find("acme.example")] = 'b';
  ASSERT_TRUE(files_.write_file("data/tenants/acme.json", text).ok());
  std::vector<std::string> found;
  ASSERT_TRUE(book_->verify([&](const stores::Damage& damage) { found.push_back(damage.place); }).ok());
  EXPECT_EQ(found, std::vector<std::string>{"data/tenants/acme.json"});
  const Status opened = open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().cause, Cause::damaged);
  EXPECT_NE(opened.error().message.find("acme.json is damaged"), std::string::npos);
}

// For the thread sanitizer too: whoever looks sees one whole state or the other.
TEST_F(TenantBookTest, ReadersSeeAChangeWhole) {
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0}, seen{0};
  std::vector<std::thread> readers;
  readers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto tenants = book_->tenants().get();
        if (tenants->of_recipient("a@x.example") != tenants->of_recipient("a@y.example")) ++torn;
        ++seen;
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    const bool first = i % 2 == 0;
    ASSERT_TRUE(book_
                    ->put("acme",
                          first ? R"({"domains":["x.example","y.example"]})" : R"({"domains":["z.example"]})",
                          false)
                    .ok());
  }
  while (seen < 100) std::this_thread::yield();
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace bonafide::app
