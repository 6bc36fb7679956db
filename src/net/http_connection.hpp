#pragma once
#include <memory>
#include <optional>
#include <string>

#include "env/clock.hpp"
#include "net/connection.hpp"
#include "net/http.hpp"
#include "net/http_parse.hpp"

namespace bonafide::net {

/// What all connections of one HTTP door share. Lives longer than the server that uses its factory(). Used on
/// the server's thread only.
class HttpFront {
 public:
  /// `clock` gives the wall time for the Date header.
  HttpFront(HttpHandler& handler, HttpLimits limits, env::Clock& clock);
  [[nodiscard]] ConnectionFactory factory();

  [[nodiscard]] HttpHandler& handler() { return handler_; }
  [[nodiscard]] const HttpLimits& limits() const { return limits_; }
  /// "Thu, 01 Jan 2026 00:00:00 GMT" (RFC 9110 section 5.6.7).
  const std::string& date();

  /// Bytes of bodies held at this moment. False = no room for `bytes` more.
  bool reserve(size_t bytes);
  void release(size_t bytes) { held_bytes_ -= bytes; }
  [[nodiscard]] size_t held_bytes() const { return held_bytes_; }

 private:
  HttpHandler& handler_;
  HttpLimits limits_;
  env::Clock& clock_;
  size_t held_bytes_ = 0;
  int64_t date_second_ = -1;
  std::string date_;
};

/// One HTTP/1.1 connection. Requests are answered one after the other, in order; what a client sends ahead
/// waits, bounded. Malformed input is answered and the connection closed.
class HttpConnection final : public Connection {
 public:
  HttpConnection(HttpFront& front, Peer peer, std::shared_ptr<Link> link);
  ~HttpConnection() override;

  void on_open(Time now) override;
  void on_bytes(ByteView bytes, Time now) override;
  void on_end(Time now) override;
  void on_time(Time now) override;
  void on_drain(Time now) override;
  [[nodiscard]] std::optional<Time> deadline() const override;
  [[nodiscard]] bool wants_input() const override;
  bool take_output(std::string& out, Time now) override;
  [[nodiscard]] bool closed() const override { return state_ == State::closed; }

 private:
  friend class Reply::State;
  enum class State { head, body, handling, streaming, closed };

  /// Does what can be done with the input and answers that are here.
  void advance(Time now);
  bool read_head(Time now);
  bool read_body(Time now);
  void begin_request(HttpHead head, Time now);
  void hand_over(Time now);
  /// Refuses what is being read and closes.
  void refuse(const HttpRefusal& refusal, Time now);
  void answer(uint64_t request, Response response, Time now);
  void answer_at(uint64_t request, Time at, Response response);
  /// Answers by ourselves: with what the handler says to such a refusal.
  void answer_refusal(uint64_t request, int status, std::string_view why, Time now);
  void write_response(Response response, Time now);
  void append_head(const Response& response);
  void pull();
  void on_piece(uint64_t request, Result<BodySource::Piece> piece, Time now);
  void finish_request(Time now);
  void leave_endless(Time now);
  void close() { state_ = State::closed; }
  [[nodiscard]] std::string_view unread() const { return std::string_view(in_).substr(at_); }
  void consume(size_t bytes);
  void release_body();

  HttpFront& front_;
  const Peer peer_;
  const std::shared_ptr<Link> link_;

  State state_ = State::head;
  bool advancing_ = false, ended_ = false, draining_ = false;
  std::string in_;  ///< received; what is before at_ is used up
  size_t at_ = 0;
  size_t searched_ = 0;  ///< bytes of unread() in which no end of the head was found
  std::string out_;
  int empty_lines_ = 0;  ///< before the request line

  // The request under way.
  uint64_t request_number_ = 0;
  HttpHead head_;
  std::optional<ChunkedReader> chunks_;
  size_t max_body_ = 0, reserved_ = 0;
  Time begun_at_;  ///< of the request; between requests: of the waiting
  Time body_begun_at_, last_input_, handed_at_;
  std::weak_ptr<Reply::State> reply_;
  std::optional<Response> answer_;
  std::optional<std::pair<Time, Response>> fallback_;
  bool close_after_ = false, head_only_ = false;
  int status_ = 0;
  std::shared_ptr<BodySource> stream_;
  bool chunked_reply_ = false, pulling_ = false, endless_ = false;
};

}  // namespace bonafide::net
