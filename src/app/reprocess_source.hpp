#pragma once
#include <functional>
#include <string>

#include "control/reprocess/reprocessor.hpp"
#include "env/clock.hpp"
#include "mail/codec.hpp"
#include "stores/blobs.hpp"
#include "stores/sqlite/row_store.hpp"

namespace bonafide::app {

/// Where a reprocess reads: the rows, in the order of their ids, then the archive for what the rows do not
/// keep any more. Of each message the revision that was scored first: what the door took, or a retry. Parked
/// messages are passed over; they are retried where they are parked.
class ReprocessSource {
 public:
  struct Parts {
    stores::Rows& rows;
    stores::BlobStore& archive;
    const mail::EventCodec& codec;
    env::Clock& clock;
    std::function<Time()> rows_horizon;  ///< what was accepted before is not in the rows
  };
  explicit ReprocessSource(Parts parts) : parts_(std::move(parts)) {}

  using Page = control::Reprocessor::Page;
  /// The cursor is "rows:" or "archive:" and a place there.
  Result<Page> read(const control::ReprocessRun& run, size_t most);
  Result<uint64_t> count(const control::ReprocessPlan& plan);

 private:
  Result<Page> read_rows(const control::ReprocessRun& run, const std::string& cursor, size_t most);
  Result<Page> read_archive(const control::ReprocessRun& run, const std::string& cursor, size_t most);
  Status read_file(const control::ReprocessRun& run, const std::string& path, size_t first, size_t most,
                   Page& page);
  void add(const control::ReprocessRun& run, const mail::Scored& event, std::string framed, Page& page);

  Parts parts_;
};

}  // namespace bonafide::app
