#pragma once
#include <atomic>
#include <string>

#include "env/files.hpp"
#include "stores/blobs.hpp"

namespace bonafide::stores {

/// Blobs as files below a folder. What is being written stands in its sub-folder "_aside" until it is whole
/// and synced.
class DirectoryBlobs final : public BlobStore {
 public:
  /// The folder is made when the first blob is written. `files` outlives the store.
  DirectoryBlobs(env::Files& files, std::string folder) : files_(files), folder_(std::move(folder)) {}

  Result<std::unique_ptr<BlobWriter>> put(size_t head_bytes) override;
  Status write(const std::string& name, ByteView bytes) override;
  Result<std::unique_ptr<Blob>> open(const std::string& name) override;
  Result<std::vector<std::string>> list(const std::string& prefix, const std::string& after,
                                        size_t limit) override;
  Result<std::vector<std::string>> folders(const std::string& prefix) override;
  Status remove(const std::string& name) override;
  Status sweep() override;

 private:
  struct Listing;
  [[nodiscard]] std::string path_of(const std::string& name) const { return folder_ + "/" + name; }
  Status list_folder(const std::string& below, Listing& listing);

  env::Files& files_;
  const std::string folder_;
  std::atomic<uint64_t> next_aside_{0};
};

}  // namespace bonafide::stores
