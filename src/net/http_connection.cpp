#include "net/http_connection.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>

#include "base/text.hpp"

namespace bonafide::net {
namespace {

// A streamed body is asked for more while less than this waits to be sent.
constexpr size_t stream_ahead_bytes = size_t{64} << 10;
// Space for a body is taken as it arrives; at once only up to this, whatever the client announces.
constexpr size_t believed_body_bytes = size_t{1} << 20;
constexpr int max_empty_lines = 2;

// The connection whose handler runs on this thread now: its answers need no detour.
thread_local HttpConnection* handling_now = nullptr;

std::string http_date(Time time) {
  static constexpr std::array<const char*, 7> days = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Civil c = to_civil(time);
  const auto two = [](int n) {
    return std::string{static_cast<char>('0' + n / 10), static_cast<char>('0' + n % 10)};
  };
  const auto weekday = static_cast<size_t>(((time.day() % 7) + 7) % 7);
  return std::string(days[weekday]) + ", " + two(c.day) + " " + months[static_cast<size_t>(c.month - 1)] +
         " " + std::to_string(c.year) + " " + two(c.hour) + ":" + two(c.minute) + ":" + two(c.second) +
         " GMT";
}

// A header must not be able to begin another one, whoever made its value.
std::string one_line(std::string_view value) {
  std::string line(value);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; }, ' ');
  return line;
}

std::string chunk_head(size_t size) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  return std::string(digits.data(), end) + "\r\n";
}

}  // namespace

// ---- what connections share

HttpFront::HttpFront(HttpHandler& handler, HttpLimits limits, env::Clock& clock)
    : handler_(handler), limits_(limits), clock_(clock) {}

ConnectionFactory HttpFront::factory() {
  return [this](const Peer& peer, std::shared_ptr<Link> link) -> std::unique_ptr<Connection> {
    return std::make_unique<HttpConnection>(*this, peer, std::move(link));
  };
}

const std::string& HttpFront::date() {
  const Time now = clock_.now();
  if (now.seconds() != date_second_) {
    date_second_ = now.seconds();
    date_ = http_date(now);
  }
  return date_;
}

bool HttpFront::reserve(size_t bytes) {
  if (bytes > limits_.bodies_bytes - held_bytes_) return false;
  held_bytes_ += bytes;
  return true;
}

// ---- answers from anywhere

class Reply::State {
 public:
  State(std::shared_ptr<Link> link, HttpConnection& connection, uint64_t request, Time now)
      : link_(std::move(link)), connection_(connection), request_(request), handed_at_(now) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (settle() || has_fallback_) return;
    run([request = request_](HttpConnection& connection, Time now) {
      connection.answer_refusal(request, 500, "the request was dropped without an answer", now);
    });
  }

  void send(Response response) {
    if (settle()) return;
    run([request = request_, response = std::move(response)](HttpConnection& connection, Time now) mutable {
      connection.answer(request, std::move(response), now);
    });
  }
  void send_at(Time at, Response response) {
    if (settled()) return;
    has_fallback_ = true;
    run([request = request_, at, response = std::move(response)](HttpConnection& connection, Time) mutable {
      connection.answer_at(request, at, std::move(response));
    });
  }
  /// Was it settled before?
  bool settle() { return settled_.exchange(true); }
  [[nodiscard]] bool settled() const { return settled_.load(); }

 private:
  template <class Task>
  void run(Task task) {
    // The link drops the task when the connection has gone, so the reference is good whenever it is used.
    if (handling_now == &connection_) return task(connection_, handed_at_);
    link_->post(
        [&connection = connection_, task = std::move(task)](Time now) mutable { task(connection, now); });
  }

  const std::shared_ptr<Link> link_;
  HttpConnection& connection_;
  const uint64_t request_;
  const Time handed_at_;
  std::atomic<bool> settled_{false}, has_fallback_{false};
};

void Reply::send(Response response) const { state_->send(std::move(response)); }
void Reply::send_at(Time at, Response response) const { state_->send_at(at, std::move(response)); }
bool Reply::settled() const { return state_->settled(); }

// ---- the machine

HttpConnection::HttpConnection(HttpFront& front, Peer peer, std::shared_ptr<Link> link)
    : front_(front), peer_(std::move(peer)), link_(std::move(link)) {}

HttpConnection::~HttpConnection() {
  if (const auto reply = reply_.lock()) reply->settle();
  release_body();
}

void HttpConnection::on_open(Time now) { begun_at_ = now; }

void HttpConnection::on_bytes(ByteView bytes, Time now) {
  if (closed() || bytes.empty()) return;
  if (state_ == State::head && unread().empty()) begun_at_ = now;
  last_input_ = now;
  in_ += bytes;
  advance(now);
}

void HttpConnection::on_end(Time now) {
  ended_ = true;
  // What is cut off in the middle is never handled.
  if (state_ == State::head || state_ == State::body) close();
  if (state_ == State::streaming) leave_endless(now);
  advance(now);
}

/// Whoever has left an answer without an end is not written to any more.
void HttpConnection::leave_endless(Time now) {
  if (!endless_ || !ended_) return;
  close_after_ = true;
  finish_request(now);
}

void HttpConnection::on_drain(Time now) {
  draining_ = true;
  if (state_ == State::head && unread().empty()) close();
  advance(now);
}

std::optional<Time> HttpConnection::deadline() const {
  const HttpLimits& limits = front_.limits();
  switch (state_) {
    case State::head:
      return begun_at_ + (unread().empty() && request_number_ > 0 ? limits.keep_alive : limits.head_timeout);
    case State::body:
      return std::min(last_input_ + limits.body_idle, body_begun_at_ + limits.body_timeout);
    case State::handling: {
      const Time last = handed_at_ + limits.handler_timeout;
      return fallback_ ? std::min(fallback_->first, last) : last;
    }
    case State::streaming:
    case State::closed:
      break;
  }
  return std::nullopt;
}

void HttpConnection::on_time(Time now) {
  const auto due = deadline();
  if (!due || now < *due) return;
  if (state_ == State::head && unread().empty()) {
    close();
  } else if (state_ == State::head) {
    refuse({408, "the head of the request did not come in time"}, now);
  } else if (state_ == State::body) {
    refuse({408, "the body of the request did not come in time"}, now);
  } else if (fallback_ && fallback_->first <= now) {
    answer(request_number_, std::move(fallback_->second), now);
  } else {
    answer_refusal(request_number_, 504, "the request was not answered in time", now);
  }
}

bool HttpConnection::wants_input() const {
  if (ended_ || state_ == State::closed) return false;
  return state_ == State::head || state_ == State::body || unread().size() < front_.limits().pipelined_bytes;
}

bool HttpConnection::take_output(std::string& out, Time now) {
  if (out_.empty()) return false;
  out.clear();
  out.swap(out_);
  advance(now);
  return true;
}

void HttpConnection::advance(Time now) {
  if (advancing_) return;
  advancing_ = true;
  bool more = true;
  while (more) {
    switch (state_) {
      case State::head:
        more = read_head(now);
        break;
      case State::body:
        more = read_body(now);
        break;
      case State::handling:
        more = answer_.has_value();
        if (more) write_response(std::move(*std::exchange(answer_, std::nullopt)), now);
        break;
      case State::streaming:
        more = false;
        pull();
        break;
      case State::closed:
        more = false;
        break;
    }
  }
  advancing_ = false;
}

void HttpConnection::consume(size_t bytes) {
  at_ += bytes;
  if (at_ == in_.size()) {
    in_.clear();
    at_ = 0;
  } else if (at_ >= stream_ahead_bytes) {
    in_.erase(0, at_);
    at_ = 0;
  }
}

// Looks for the empty line; refuses what can be refused before it has come. False = more input is needed, or
// closed.
bool HttpConnection::read_head(Time now) {
  while (unread().starts_with("\r\n") && empty_lines_ < max_empty_lines) {
    ++empty_lines_;
    consume(2);
    searched_ = 0;
  }
  const std::string_view text = unread();
  if (text.empty()) return false;
  // A TLS greeting, an empty line too many, or no HTTP at all: nothing to wait for.
  if (!is_alpha(text.front()) && text != "\r") {
    refuse({400, "this is not the beginning of an HTTP request"}, now);
    return false;
  }
  const HttpLimits& limits = front_.limits();
  size_t end = text.find('\n', searched_);
  bool whole = false;
  for (; end != std::string_view::npos; end = text.find('\n', end + 1)) {
    if (end == 0 || text[end - 1] != '\r') {
      refuse({400, "a line end is not CR LF"}, now);
      return false;
    }
    whole = end >= 3 && text[end - 2] == '\n';
    if (whole) break;
  }
  searched_ = text.size();
  if ((whole ? end : text.size()) > limits.head_bytes) {
    refuse({431, "the headers are longer than " + std::to_string(limits.head_bytes) + " bytes"}, now);
    return false;
  }
  if (!whole) {
    if (text.size() > limits.request_line_bytes && text.find('\n') == std::string_view::npos) {
      refuse({414, "the request line is longer than " + std::to_string(limits.request_line_bytes) + " bytes"},
             now);
    }
    return false;
  }
  auto parsed = parse_head(text.substr(0, end - 3), limits);
  consume(end + 1);
  searched_ = 0;
  empty_lines_ = 0;
  if (auto* refusal = std::get_if<HttpRefusal>(&parsed)) {
    refuse(*refusal, now);
    return false;
  }
  begin_request(std::move(std::get<HttpHead>(parsed)), now);
  return true;
}

// The head is good: asks the handler what body it takes.
void HttpConnection::begin_request(HttpHead head, Time now) {
  ++request_number_;
  head_ = std::move(head);
  head_only_ = head_.request.method == "HEAD";
  close_after_ = !head_.keep_alive;
  head_.request.peer = peer_;
  head_.request.begun_at = begun_at_;
  const bool has_body = head_.chunked || head_.content_length > 0;
  auto verdict = front_.handler().on_head(head_.request,
                                          head_.chunked ? HttpHandler::unknown_length : head_.content_length);
  if (auto* refused = std::get_if<Response>(&verdict)) {
    // A body that is on its way and not read would be taken for the next request.
    if (has_body) refused->close = true;
    write_response(std::move(*refused), now);
    return;
  }
  max_body_ = std::get<size_t>(verdict);
  if (!head_.chunked && head_.content_length > max_body_) {
    refuse({413, "the body has " + std::to_string(head_.content_length) + " bytes; the most taken is " +
                     std::to_string(max_body_)},
           now);
    return;
  }
  if (!has_body) return hand_over(now);
  state_ = State::body;
  body_begun_at_ = last_input_ = now;
  chunks_.reset();
  if (head_.chunked) {
    chunks_.emplace();
  } else {
    head_.request.body.reserve(std::min<uint64_t>(head_.content_length, believed_body_bytes));
  }
  if (head_.expects_continue && unread().empty()) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
}

bool HttpConnection::read_body(Time now) {
  std::string& body = head_.request.body;
  const size_t before = body.size();
  if (chunks_) {
    consume(chunks_->read(unread(), body, max_body_));
  } else {
    const size_t count = std::min<uint64_t>(head_.content_length - body.size(), unread().size());
    body += unread().substr(0, count);
    consume(count);
  }
  const size_t grown = body.size() - before;
  if (!front_.reserve(grown)) {
    refuse({503, "too many large bodies are being read; try again"}, now);
    return false;
  }
  reserved_ += grown;
  if (chunks_ && chunks_->refusal()) {
    refuse(*chunks_->refusal(), now);
    return false;
  }
  if (chunks_ ? !chunks_->done() : body.size() < head_.content_length) return false;
  hand_over(now);
  return true;
}

void HttpConnection::hand_over(Time now) {
  state_ = State::handling;
  handed_at_ = now;
  answer_.reset();
  fallback_.reset();
  auto state = std::make_shared<Reply::State>(link_, *this, request_number_, now);
  reply_ = state;
  HttpConnection* const before = std::exchange(handling_now, this);
  front_.handler().on_request(std::move(head_.request), Reply(std::move(state)));
  handling_now = before;
}

void HttpConnection::refuse(const HttpRefusal& refusal, Time now) {
  Response response = front_.handler().refuse(refusal.status, refusal.why);
  response.close = true;
  if (refusal.status == 503) response.headers.emplace_back("Retry-After", "1");
  write_response(std::move(response), now);
}

void HttpConnection::answer(uint64_t request, Response response, Time now) {
  if (request != request_number_ || state_ != State::handling || answer_) return;
  answer_ = std::move(response);
  advance(now);
}

void HttpConnection::answer_at(uint64_t request, Time at, Response response) {
  if (request != request_number_ || state_ != State::handling || answer_) return;
  fallback_.emplace(at, std::move(response));
}

void HttpConnection::answer_refusal(uint64_t request, int status, std::string_view why, Time now) {
  answer(request, front_.handler().refuse(status, why), now);
}

void HttpConnection::append_head(const Response& response) {
  const bool has_length = !response.stream && response.status != 204 && response.status != 304;
  out_ += "HTTP/1.1 " + std::to_string(response.status) + " ";
  out_ += reason_phrase(response.status);
  out_ += "\r\nDate: " + front_.date() + "\r\n";
  for (const auto& [name, value] : response.headers) {
    out_ += one_line(name);
    out_ += ": ";
    out_ += one_line(value);
    out_ += "\r\n";
  }
  if (chunked_reply_) out_ += "Transfer-Encoding: chunked\r\n";
  if (has_length) out_ += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  if (close_after_) {
    out_ += "Connection: close\r\n";
  } else if (head_.minor_version == 0) {
    out_ += "Connection: keep-alive\r\n";
  }
  out_ += "\r\n";
}

void HttpConnection::write_response(Response response, Time now) {
  if (const auto reply = reply_.lock()) reply->settle();
  if (response.when_sent) response.when_sent();
  fallback_.reset();
  status_ = response.status;
  chunked_reply_ = response.stream && head_.minor_version == 1;
  // To HTTP/1.0 a streamed body ends where the connection does.
  close_after_ =
      close_after_ || response.close || draining_ || ended_ || (response.stream && !chunked_reply_);
  append_head(response);
  if (response.stream && !head_only_) {
    stream_ = std::move(response.stream);
    endless_ = response.endless;
    state_ = State::streaming;
    return leave_endless(now);
  }
  if (!head_only_ && response.status != 204 && response.status != 304) out_ += response.body;
  finish_request(now);
}

void HttpConnection::pull() {
  if (pulling_ || out_.size() >= stream_ahead_bytes) return;
  pulling_ = true;
  // The link drops the piece when the connection has gone.
  stream_->pull([this, link = link_, request = request_number_](Result<BodySource::Piece> piece) {
    link->post([this, request, piece = std::move(piece)](Time now) mutable {
      on_piece(request, std::move(piece), now);
    });
  });
}

void HttpConnection::on_piece(uint64_t request, Result<BodySource::Piece> piece, Time now) {
  if (request != request_number_ || state_ != State::streaming) return;
  pulling_ = false;
  if (!piece.ok()) {
    status_ = 500;
    close_after_ = true;  // without the last chunk: the other side sees that the body is cut off
    return finish_request(now);
  }
  if (!piece->bytes.empty()) {
    if (chunked_reply_) out_ += chunk_head(piece->bytes.size());
    out_ += piece->bytes;
    if (chunked_reply_) out_ += "\r\n";
  }
  if (piece->last) {
    if (chunked_reply_) out_ += "0\r\n\r\n";
    finish_request(now);
  }
  advance(now);
}

void HttpConnection::release_body() { front_.release(std::exchange(reserved_, 0)); }

void HttpConnection::finish_request(Time now) {
  release_body();
  stream_.reset();
  pulling_ = false;
  front_.handler().on_answered(status_, now - begun_at_);
  reply_.reset();
  head_ = {};
  head_only_ = false;
  begun_at_ = now;
  state_ = close_after_ ? State::closed : State::head;
}

}  // namespace bonafide::net
