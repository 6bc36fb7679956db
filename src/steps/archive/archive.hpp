#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "steps/archive/file_reader.hpp"

namespace bonafide::steps {

/// The archive for reading, beside the sink and in other processes. What is handed in outlives it.
class Archive {
 public:
  Archive(stores::BlobStore& blobs, const mail::EventCodec& codec) : blobs_(blobs), codec_(codec) {}

  struct Query {
    std::optional<std::string> tenant = {};  ///< none: all
    Time from = {INT64_MIN};                 ///< event time (received_at)
    Time before = {INT64_MAX};
  };
  /// Events of a tenant by day of acceptance, in a day by stream and position; several tenants one after the
  /// other. `each` returns false to end it. Files whose event times lie outside are not opened.
  Status scan(const Query& query, const std::function<bool(const ArchivedEvent&)>& each,
              const stores::OnDamage& on_damage);

  struct Found {
    uint64_t files = 0, events = 0, bytes = 0;
    uint64_t unfinished =
        0;  ///< indexes whose file the power has taken before it was seen; its events come again
  };
  /// Reads every live byte. `each` (may be empty) is told of every sound event. Names damaged bytes and the
  /// events they cost, files that are gone, files that do not belong there.
  Result<Found> verify(const std::function<void(const ArchivedEvent&)>& each,
                       const stores::OnDamage& on_damage);

  /// Removes whole days of acceptance before `day`, at most `most` files and indexes. Returns how many; fewer
  /// than `most`: that was all.
  Result<uint64_t> remove_before(int64_t day, size_t most = SIZE_MAX);
  /// Days of acceptance (since 1970-01-01) that have anything, oldest first.
  Result<std::vector<int64_t>> days();
  /// What a day's files take, of all tenants.
  Result<uint64_t> bytes_of(int64_t day);

 private:
  /// Days before this are being removed; "" if none ever were. Errors: damaged.
  Result<std::string> read_retention();

  Status keep_from(const std::string& day);
  Status for_each_day(const std::function<Result<bool>(const std::string& folder, int64_t day)>& each);
  using EachPath = std::function<Result<bool>(const std::string& path)>;
  Status for_each_path(const std::string& prefix, const EachPath& each);
  Status verify_file(const std::string& path, Found& found,
                     const std::function<void(const ArchivedEvent&)>& each,
                     const stores::OnDamage& on_damage);
  Status verify_index(const std::string& path, Found& found, const stores::OnDamage& on_damage);

  stores::BlobStore& blobs_;
  const mail::EventCodec& codec_;
};

}  // namespace bonafide::steps
