#pragma once
#include <atomic>
#include <functional>
#include <memory>

#include "app/produced_body.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"

namespace bonafide::app {

/// Streams that people watch: each on a thread of its own, so many at one time and no more. One who reads too
/// slowly is given up, so that nobody holds a segment of the log, or a place, for ever.
class LiveViews {
 public:
  static constexpr size_t bytes_ahead = size_t{256} << 10;  ///< made and not read yet, of each
  static constexpr Duration patience = Duration::seconds(30);

  using Put = BodyProducers::Put;
  /// Writes until put() gives false, or `closing` true.
  using Show = std::function<Status(const Put& put, const std::function<bool()>& closing)>;

  LiveViews(size_t most, env::Logger& logger, env::Metrics& metrics);

  /// Errors: exhausted (as many are being watched as may be).
  Result<std::shared_ptr<net::BodySource>> start(Show show);
  /// They end in order, each with its last chunk; later ones end at once.
  void close() { closing_ = true; }

 private:
  void count(int change);

  const size_t most_;
  env::Logger& logger_;
  env::Gauge& open_gauge_;
  env::Counter& slow_;
  std::atomic<size_t> open_{0};
  std::atomic<bool> closing_{false};
  BodyProducers bodies_;  // last: its threads use the rest
};

}  // namespace bonafide::app
