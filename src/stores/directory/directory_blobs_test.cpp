#include "stores/directory/directory_blobs.hpp"

#include <filesystem>

#include <unistd.h>

#include "env/real/files.hpp"
#include "env/sim/files.hpp"
#include "stores/blobs_contract.hpp"

namespace bonafide::stores {
namespace {

class SimHarness final : public BlobsHarness {
 public:
  BlobStore& blobs() override { return *blobs_; }
  void crash() override {
    blobs_.reset();
    files_.crash();
    blobs_.emplace(files_, "data/archive");
  }

 private:
  env::sim::SimFiles files_{7};
  std::optional<DirectoryBlobs> blobs_{std::in_place, files_, "data/archive"};
};

class RealHarness final : public BlobsHarness {
 public:
  RealHarness() { std::filesystem::remove_all(root_); }
  ~RealHarness() override { std::filesystem::remove_all(root_); }
  BlobStore& blobs() override { return *blobs_; }
  void crash() override { blobs_.emplace(files_, root_); }

 private:
  const std::string root_ =
      (std::filesystem::temp_directory_path() / ("bonafide-blobs-" + std::to_string(::getpid()))).string();
  env::RealFiles files_;
  std::optional<DirectoryBlobs> blobs_{std::in_place, files_, root_};
};

INSTANTIATE_TEST_SUITE_P(Directory, BlobsContract,
                         testing::Values(BlobsCase{"sim", [] { return std::make_unique<SimHarness>(); }},
                                         BlobsCase{"real", [] { return std::make_unique<RealHarness>(); }}),
                         blobs_case_name);

// The power goes at every moment of writing: the blob is the old one or the new one, never a mixture.
TEST(DirectoryBlobs, WheneverThePowerGoesABlobIsOldOrNew) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    for (uint64_t moment = 0; moment < 8; ++moment) {
      env::sim::SimFiles files(seed);
      const std::string before(3000, 'a'), after(5000, 'b');
      {
        DirectoryBlobs blobs(files, "x");
        ASSERT_TRUE(blobs.write("y/z", before).ok());
        files.power_off_after(moment);
        (void)blobs.write("y/z", after).ok();
      }
      files.crash();
      DirectoryBlobs blobs(files, "x");
      ASSERT_TRUE(blobs.sweep().ok());
      const auto read = blobs.read("y/z");
      ASSERT_TRUE(read.ok()) << read.error().message;
      EXPECT_TRUE(*read == before || *read == after) << "seed " << seed << ", moment " << moment;
      EXPECT_EQ(blobs.list("", "", 10)->size(), 1U);
    }
  }
}

}  // namespace
}  // namespace bonafide::stores
