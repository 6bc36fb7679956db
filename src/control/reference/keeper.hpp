#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/current.hpp"
#include "env/clock.hpp"
#include "env/files.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"
#include "flow/step.hpp"
#include "trust/reference.hpp"

namespace bonafide::control {

/// Tells one content of a file from the next without reading it.
struct FileStamp {
  uint64_t inode = 0, size = 0;
  Time modified;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Reads data sets again when their files change, and puts the new ones in the place of the old ones: a
/// message sees all of the old sets or all of the new ones, and none waits. A file is read when two looks,
/// one after the other, found it the same, so that one that is being written is not taken for whole; a broken
/// one is refused, said, and the set stays as it was. One thread steps it; sets() may be asked from any.
class ReferenceKeeper final : public flow::Stepper {
 public:
  struct Parts {
    env::Files& files;
    env::Clock& clock;
    env::Logger& log;
    env::Metrics& metrics;
    std::function<Result<FileStamp>(const std::string& path)> stamp;
    Current<trust::ReferenceData>&
        current;  ///< its first sets are those of the sources; what stands behind stays
  };
  ReferenceKeeper(Parts parts, std::vector<trust::ListSource> sources, Duration every);

  [[nodiscard]] const char* name() const override { return "reference"; }
  /// Never fails: what could not be read is said, and looked at again when it changes.
  Result<flow::Progress> step() override;
  [[nodiscard]] Time due() const override { return due_; }

  /// How a data set stands.
  struct State {
    std::string name, path;
    trust::ListRole role = trust::ListRole::blocked;
    std::string version;  ///< in use
    size_t entries = 0;
    std::optional<Time> modified;  ///< its file, when it was read
    std::string problem;           ///< why the file as it is now is not in use; "" if it is
  };
  [[nodiscard]] std::vector<State> sets() const;

 private:
  struct Watched {
    trust::ListSource source;
    std::optional<FileStamp> seen;    // at the last look
    std::optional<FileStamp> judged;  // read and taken, or refused
    std::optional<Time> modified;
    std::string problem;
  };
  void look(size_t which);
  void read(Watched& file, size_t which, const FileStamp& stamp);
  void refuse(Watched& file, const std::string& why);

  Parts parts_;
  const Duration every_;
  env::Counter& reloads_;
  env::Counter& failures_;
  env::Gauge& broken_;
  mutable std::mutex mutex_;  // guards watched_
  std::vector<Watched> watched_;
  Time due_;
  size_t next_ = 0;
};

}  // namespace bonafide::control
