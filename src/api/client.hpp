#pragma once
#include <functional>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http.hpp"

namespace bonafide::api {

/// Where a service answers.
struct ClientTarget {
  std::string url;    ///< "http://127.0.0.1:8025", or "unix:/path/to/socket"
  std::string token;  ///< "" if none is needed
};

/// Asks a running service, blocking: for the command line. Errors are the service's own words (RFC 9457
/// details), by the cause that belongs to the status; unavailable when it does not answer. One thread at a
/// time.
class Client {
 public:
  static constexpr size_t max_answer_bytes = size_t{256} << 20;

  explicit Client(ClientTarget target, Duration timeout = Duration::seconds(60));

  struct Answer {  // NOLINT(clang-analyzer-core.uninitialized.Assign): misreads the variant in Result
    int status = 0;
    std::string body;
  };
  /// Any call whose answer fits in memory (max_answer_bytes).
  Result<Answer> call(const std::string& method, const std::string& path, const net::Query& query = {},
                      const std::string& body = "", const std::string& content_type = "");
  /// The body of GET, or of POST without a body.
  Result<std::string> get(const std::string& path, const net::Query& query = {});
  Result<std::string> post(const std::string& path, const net::Query& query = {});

  /// Gives the body piece by piece to `take` as it comes, however long it takes; `take` ends it by returning
  /// false, which is no error. Errors: as above; unavailable when the body breaks off.
  using Take = std::function<bool(ByteView)>;
  Status stream(const std::string& method, const std::string& path, const net::Query& query,
                const Take& take);

 private:
  const ClientTarget target_;
  const Duration timeout_;
};

}  // namespace bonafide::api
