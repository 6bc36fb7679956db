#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace bonafide::stores {

/// A blob that is being written. Dropped before finish(): it never was.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Status append(ByteView bytes) = 0;
  /// Fills the bytes reserved at the beginning with `head`, makes the blob durable, and only then lets it be
  /// seen as `name`, replacing what was there. Survives a power cut once this returns.
  virtual Status finish(const std::string& name, ByteView head) = 0;
};

/// A blob that is there.
class Blob {
 public:
  virtual ~Blob() = default;
  /// Up to `count` bytes at `offset`; fewer only at the end.
  virtual Result<std::string> read_at(uint64_t offset, size_t count) = 0;
  virtual Result<uint64_t> size() = 0;
};

/// Named, immutable blobs: a folder, an S3 bucket. Names are parts of letters, digits and "._-=%@+,~", at
/// most 255 bytes each and not "." or "..", with "/" between. One writing process; safe from several threads.
/// Contract: blobs_contract.hpp.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  /// `head_bytes` at the beginning are left out until the end. Errors: exhausted, unavailable.
  virtual Result<std::unique_ptr<BlobWriter>> put(size_t head_bytes) = 0;
  /// A small blob in one piece. Afterwards it is whole, old or new, also after a power cut.
  virtual Status write(const std::string& name, ByteView bytes) = 0;
  /// Errors: not_found.
  virtual Result<std::unique_ptr<Blob>> open(const std::string& name) = 0;
  /// Names that begin with `prefix` and come after `after`, in byte order, at most `limit`.
  virtual Result<std::vector<std::string>> list(const std::string& prefix, const std::string& after,
                                                size_t limit) = 0;
  /// The parts that follow `prefix` ("" or ending in "/") where names go on with "/" after them, in byte
  /// order, each once.
  virtual Result<std::vector<std::string>> folders(const std::string& prefix) = 0;
  /// Errors: not_found.
  virtual Status remove(const std::string& name) = 0;
  /// Removes what writers that were never finished have left. Called by the one writer before it begins.
  virtual Status sweep() = 0;

  /// Errors: invalid, saying what is wrong with the name.
  static Status check_name(const std::string& name);
  /// The whole of a small blob.
  Result<std::string> read(const std::string& name);
};

}  // namespace bonafide::stores
