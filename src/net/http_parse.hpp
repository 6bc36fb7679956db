#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"

// The strict reading of HTTP/1 messages (RFC 9112). Whatever two implementations might read differently is
// refused, so that nothing can be smuggled past a proxy: bare CR or LF, folded headers, space before a colon,
// Content-Length that is odd or comes twice or together with Transfer-Encoding, any coding but "chunked".
namespace bonafide::net {

/// Why a request is refused: an HTTP status and what was wrong.
struct HttpRefusal {
  int status = 400;
  std::string why;
};

struct HttpHead {
  Request request;
  int minor_version = 1;  ///< HTTP/1.x
  bool keep_alive = true;
  bool chunked = false;
  uint64_t content_length = 0;
  bool expects_continue = false;
};

/// Parses a whole head, without the empty line that ends it. Every line ends in CRLF.
std::variant<HttpHead, HttpRefusal> parse_head(std::string_view head, const HttpLimits& limits);

/// Takes the body out of the chunked coding (RFC 9112 section 7.1), bytes at a time. Extensions and trailers
/// are read over.
class ChunkedReader {
 public:
  static constexpr size_t max_line = 256, max_trailer_bytes = 8192;

  /// Reads from `input`, appends what is body to `body` (which may reach `max_body` bytes); returns how many
  /// bytes of `input` are used up. Stops after the last chunk and its trailers.
  size_t read(std::string_view input, std::string& body, size_t max_body);
  [[nodiscard]] bool done() const { return state_ == State::done; }
  /// Set once the input cannot be read on: 400, or 413 when the body is too large.
  [[nodiscard]] const std::optional<HttpRefusal>& refusal() const { return refusal_; }

 private:
  enum class State { size, data, data_end, trailer, done };
  void on_line(std::string_view line);
  void on_size(std::string_view line);
  /// One line end or piece of a line out of `input`; returns bytes used.
  size_t read_line(std::string_view input);

  State state_ = State::size;
  std::string line_;
  uint64_t left_ = 0;
  uint64_t announced_ = 0;
  size_t max_body_ = 0;
  size_t trailer_bytes_ = 0;
  std::optional<HttpRefusal> refusal_;
};

}  // namespace bonafide::net
