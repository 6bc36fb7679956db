#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/address.hpp"

// HTTP (RFC 9110, RFC 9112) in plain types: what a handler sees and answers.
namespace bonafide::net {

/// Names in lower case, in their order; a name may come more than once.
using Headers = std::vector<std::pair<std::string, std::string>>;
/// Decoded names and values, in their order.
using Query = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string target;  ///< as sent
  std::string path;    ///< of the target, as sent: not decoded, begins with "/" (or is "*")
  Query query;         ///< decoded by RFC 3986: "%2B" and "+" are both a plus sign
  Headers headers;
  std::string host;  ///< of the Host header (or the absolute target), without port, lower case
  std::string body;
  Peer peer;
  Time begun_at;  ///< steady; when its first byte came

  /// The first header of that (lower-case) name, or nullptr.
  [[nodiscard]] const std::string* header(std::string_view name) const;
};

/// A body that is made while it is being sent. The machine asks for the next piece only when the one before
/// is on its way, so a slow reader slows the source. Destroyed when all is sent or the other side has gone.
class BodySource {
 public:
  virtual ~BodySource() = default;
  struct Piece {
    std::string bytes;  ///< may be empty
    bool last = false;
  };
  using Done = std::function<void(Result<Piece>)>;
  /// Asks for the next piece: calls `done` exactly once, now or later, from any thread; may outlive the
  /// source. An error breaks the connection off, so that the other side sees that the body is not whole. Not
  /// called again before `done`.
  virtual void pull(Done done) = 0;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  std::shared_ptr<BodySource> stream;  ///< instead of body; sent in chunks
  bool endless = false;                ///< the stream ends when the other side sends no more
  bool close = false;                  ///< close the connection after it
  /// Called when this becomes the answer, on the server's thread. For counting: one that was set for later
  /// may never be sent.
  std::function<void()> when_sent = {};
};

/// "Not Found" for 404; "" for one not in RFC 9110.
std::string_view reason_phrase(int status);

/// The way to answer one request: a handle that may be copied, kept and used from any thread. The first
/// answer counts, later ones are ignored. When the last copy goes without an answer and without one set for
/// later, the answer is 500.
class Reply {
 public:
  class State;
  explicit Reply(std::shared_ptr<State> state) : state_(std::move(state)) {}

  void send(Response response) const;
  /// Unless something else is sent before `at` (steady), `response` is sent then. A later call replaces it.
  void send_at(Time at, Response response) const;
  /// The request is answered, or whoever asked has gone: further work is for nobody.
  [[nodiscard]] bool settled() const;

 private:
  std::shared_ptr<State> state_;
};

/// What the application is. Called on the server's thread, must not block.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// The head of a request is here, its body is not. `body_bytes` is what Content-Length says, 0 without a
  /// body, unknown when it comes in chunks. Answers with the largest body it takes, or with a response, which
  /// is sent without reading the body.
  static constexpr uint64_t unknown_length = ~uint64_t{0};
  using Verdict = std::variant<size_t, Response>;
  virtual Verdict on_head(const Request& head, uint64_t body_bytes) = 0;
  /// The whole request.
  virtual void on_request(Request request, Reply reply) = 0;
  /// The response to a request that the machine refuses by itself.
  virtual Response refuse(int status, std::string_view why) = 0;
  /// A response is on its way. For counting.
  virtual void on_answered(int status, Duration took) = 0;
};

struct HttpLimits {
  size_t request_line_bytes = size_t{16} << 10;
  size_t head_bytes = size_t{48} << 10;  ///< request line and headers together
  size_t headers = 100;
  size_t pipelined_bytes = size_t{64} << 10;         ///< read ahead while a request is being answered
  size_t bodies_bytes = size_t{256} << 20;           ///< all bodies of all connections of a front together
  Duration head_timeout = Duration::seconds(10);     ///< from the first byte of a head to its last
  Duration body_idle = Duration::seconds(15);        ///< without a byte of the body
  Duration body_timeout = Duration::seconds(300);    ///< from the head to the last byte of the body
  Duration handler_timeout = Duration::seconds(60);  ///< until the handler has answered: 504
  Duration send_idle = Duration::seconds(30);        ///< without the other side reading
  Duration keep_alive = Duration::seconds(60);       ///< between requests
};

// Helpers for handlers and clients.

/// Errors: invalid (a bad escape, or a NUL).
Result<std::string> percent_decode(std::string_view text);
/// Everything but letters, digits and "-._~" as %XX.
std::string percent_encode(std::string_view text);
/// "a=1&b=2". A part without "=" has an empty value. Errors: invalid.
Result<Query> parse_query(std::string_view text);

}  // namespace bonafide::net
