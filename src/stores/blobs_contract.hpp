#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "stores/blobs.hpp"

/// The suite every BlobStore passes. To hold a store to it:
///
///     #include "stores/blobs_contract.hpp"
///     INSTANTIATE_TEST_SUITE_P(Directory, BlobsContract, testing::Values(BlobsCase{"directory",
///     make_harness}), blobs_case_name);
///
/// in namespace bonafide::stores of a *_test.cpp.
namespace bonafide::stores {

class BlobsHarness {
 public:
  virtual ~BlobsHarness() = default;
  virtual BlobStore& blobs() = 0;
  /// Power cut and restart; blobs() is a new object or as good as one. The test has let go of writers and
  /// blobs.
  virtual void crash() = 0;
};

struct BlobsCase {
  std::string name;
  std::function<std::unique_ptr<BlobsHarness>()> make;
};
inline std::string blobs_case_name(const testing::TestParamInfo<BlobsCase>& info) { return info.param.name; }
inline void PrintTo(const BlobsCase& blobs_case, std::ostream* out) { *out << blobs_case.name; }

class BlobsContract : public testing::TestWithParam<BlobsCase> {
 protected:
  void SetUp() override { harness_ = GetParam().make(); }
  BlobsHarness& harness() { return *harness_; }
  BlobStore& blobs() { return harness_->blobs(); }
  void put(const std::string& name, const std::string& bytes) {
    const auto done = blobs().write(name, bytes);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  std::string get(const std::string& name) {
    const auto read = blobs().read(name);
    EXPECT_TRUE(read.ok()) << read.error().message;
    return read.value_or("");
  }
  std::vector<std::string> list(const std::string& prefix, const std::string& after = "",
                                size_t limit = 1000) {
    const auto names = blobs().list(prefix, after, limit);
    EXPECT_TRUE(names.ok()) << names.error().message;
    return names.value_or({});
  }

 private:
  std::unique_ptr<BlobsHarness> harness_;
};

using Names = std::vector<std::string>;

TEST_P(BlobsContract, ABlobIsWholeOrNotThere) {
  auto writer = blobs().put(4);
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*writer)->append("body ").ok());
  ASSERT_TRUE((*writer)->append("goes on").ok());
  EXPECT_TRUE(list("").empty());
  ASSERT_TRUE((*writer)->finish("a/b.txt", "HEAD").ok());
  writer = Error{};
  EXPECT_EQ(get("a/b.txt"), "HEADbody goes on");
  EXPECT_EQ(list(""), Names{"a/b.txt"});
  const auto blob = blobs().open("a/b.txt");
  ASSERT_TRUE(blob.ok());
  EXPECT_EQ(*(*blob)->size(), 16U);
  EXPECT_EQ(*(*blob)->read_at(4, 4), "body");
  EXPECT_EQ(*(*blob)->read_at(14, 100), "on");
}

TEST_P(BlobsContract, WhatIsNotFinishedNeverWas) {
  {
    auto writer = blobs().put(0);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->append("half").ok());
  }
  EXPECT_TRUE(list("").empty());
  {
    auto writer = blobs().put(0);
    ASSERT_TRUE((*writer)->append("half").ok());
    writer = Error{};
  }
  harness().crash();
  ASSERT_TRUE(blobs().sweep().ok());
  EXPECT_TRUE(list("").empty());
  put("x", "1");
  EXPECT_EQ(list(""), Names{"x"});
}

TEST_P(BlobsContract, WhatIsFinishedSurvives) {
  put("a/one", "1");
  put("a/one", "replaced");
  put("b/two", std::string(100'000, 'x'));
  harness().crash();
  EXPECT_EQ(get("a/one"), "replaced");
  EXPECT_EQ(get("b/two").size(), 100'000U);
}

TEST_P(BlobsContract, NamesComeInByteOrderAndByPage) {
  const Names all = {"a", "b-c/1", "b/1", "b/2", "b/c/3", "b0", "c.d/e.f/g", "z"};
  for (auto name = all.rbegin(); name != all.rend(); ++name) put(*name, *name);
  EXPECT_EQ(list(""), all);
  EXPECT_EQ(list("b"), (Names{"b-c/1", "b/1", "b/2", "b/c/3", "b0"}));
  EXPECT_EQ(list("b/"), (Names{"b/1", "b/2", "b/c/3"}));
  EXPECT_EQ(list("b/c/"), Names{"b/c/3"});
  EXPECT_TRUE(list("nothing/").empty());
  for (size_t limit = 1; limit < 4; ++limit) {
    Names paged;
    for (std::string after;;) {
      const Names page = list("", after, limit);
      if (page.empty()) break;
      paged.insert(paged.end(), page.begin(), page.end());
      after = page.back();
    }
    EXPECT_EQ(paged, all);
  }
  EXPECT_EQ(*blobs().folders(""), (Names{"b", "b-c", "c.d"}));
  EXPECT_EQ(*blobs().folders("b/"), Names{"c"});
}

TEST_P(BlobsContract, RemovingAndWhatIsNotThere) {
  put("a/one", "1");
  ASSERT_TRUE(blobs().remove("a/one").ok());
  EXPECT_EQ(blobs().open("a/one").error().cause, Cause::not_found);
  EXPECT_EQ(blobs().remove("a/one").error().cause, Cause::not_found);
  EXPECT_TRUE(list("").empty());
  harness().crash();
  EXPECT_TRUE(list("").empty());
}

TEST_P(BlobsContract, NamesThatLeadElsewhereAreRefused) {
  for (const std::string name :
       {"", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a b", "a\nb", "caf\xC3\xA9"}) {
    EXPECT_EQ(blobs().write(name, "x").error().cause, Cause::invalid) << name;
    EXPECT_EQ(blobs().open(name).error().cause, Cause::invalid) << name;
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BlobsContract);

}  // namespace bonafide::stores
