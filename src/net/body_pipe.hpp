#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace bonafide::net {

/// A bounded pipe from a thread that makes text (a long check, an export) to the connection that sends it.
/// The writer is held back while the other side reads slowly, and told when nobody reads any more.
class BodyPipe {
 public:
  explicit BodyPipe(size_t max_bytes = size_t{1} << 20);
  /// Ends the body as if it had failed, unless finish() was called.
  ~BodyPipe();
  BodyPipe(const BodyPipe&) = delete;
  BodyPipe& operator=(const BodyPipe&) = delete;

  /// The other end, for Response::stream. Once.
  [[nodiscard]] std::shared_ptr<BodySource> reader();
  /// Blocks while `max_bytes` wait to be read. False: nobody reads any more, stop.
  bool write(std::string_view bytes);
  /// Would write() have to wait?
  [[nodiscard]] bool full() const;
  /// From the writer's side: further bytes are for nobody, whoever still reads. Lets a write() go.
  void abandon();
  /// Nobody reads any more: further work is for nobody.
  [[nodiscard]] bool abandoned() const;
  /// The body is whole.
  void finish();
  /// The body cannot be finished; what was written before is still sent.
  void fail(Error error);

 private:
  struct Shared;
  class Reader;
  std::shared_ptr<Shared> shared_;
};

}  // namespace bonafide::net
