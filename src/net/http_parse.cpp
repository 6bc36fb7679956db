#include "net/http_parse.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bonafide::net {
namespace {

bool is_token_char(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_token_char); }

// Field values and targets hold no control characters; a tab may stand in a value.
bool is_control(char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; }

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

using Trouble = std::optional<HttpRefusal>;

HttpRefusal refused(int status, std::string why) { return {status, std::move(why)}; }

// The host of "host:port", "[::1]:port" or without a port. Nothing if it is malformed.
std::optional<std::string> host_of(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  if (!host.empty() && host.front() == '[') {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    if (!IpAddress::parse(host).ok()) return std::nullopt;
    if (!port.empty() && port.front() != ':') return std::nullopt;
  } else {
    const size_t colon = host.find(':');
    port = colon == std::string_view::npos ? std::string_view() : host.substr(colon);
    host = host.substr(0, colon);
    const auto fits = [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; };
    if (!std::ranges::all_of(host, fits)) return std::nullopt;
  }
  if (host.empty()) return std::nullopt;
  if (!port.empty()) port.remove_prefix(1);
  if (port.size() > 5 || !std::ranges::all_of(port, is_digit)) return std::nullopt;
  return ascii_lower(host);
}

Trouble parse_target(std::string_view target, Request& request) {
  if (std::ranges::any_of(target, [](char c) { return is_control(c) || static_cast<uint8_t>(c) > 0x7E; })) {
    return refused(400, "the request target holds a character that must be percent-encoded");
  }
  request.target = target;
  if (starts_ignoring_case(target, "http://")) {
    const size_t slash = target.find('/', 7);
    const auto host = host_of(target.substr(7, slash == std::string_view::npos ? slash : slash - 7));
    if (!host) return refused(400, "the request target names no proper host");
    request.host = *host;
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  if (target.empty() || (target.front() != '/' && !(target == "*" && request.method == "OPTIONS"))) {
    return refused(400, "the request target must begin with \"/\"");
  }
  target = target.substr(0, target.find('#'));
  const size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question == std::string_view::npos) return std::nullopt;
  auto query = parse_query(target.substr(question + 1));
  if (!query.ok()) return refused(400, "in the query: " + query.error().message);
  request.query = std::move(query).value();
  return std::nullopt;
}

Trouble parse_request_line(std::string_view line, HttpHead& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return refused(400, "the request line is not \"METHOD target HTTP/1.1\"");
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method) || method.size() > 32) return refused(400, "the method is not a token");
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' ||
      !is_digit(version[7])) {
    return refused(400, "the request line does not end in an HTTP version");
  }
  if (version[5] != '1') return refused(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  head.minor_version = version[7] == '0' ? 0 : 1;
  if (target.find(' ') != std::string_view::npos) return refused(400, "the request target holds a space");
  head.request.method = method;
  return parse_target(target, head.request);
}

Trouble parse_header(std::string_view line, Request& request) {
  if (line.front() == ' ' || line.front() == '\t') return refused(400, "a folded header line is not allowed");
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return refused(400, "a header line has no colon");
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name))
    return refused(400, "a header name is not a token (no space may stand before the colon)");
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (std::ranges::any_of(value, [](char c) { return is_control(c) && c != '\t'; })) {
    return refused(400, "a header value holds a control character");
  }
  request.headers.emplace_back(ascii_lower(name), std::string(value));
  return std::nullopt;
}

Trouble parse_host(HttpHead& head) {
  Request& request = head.request;
  const std::string* only = nullptr;
  for (const auto& [name, value] : request.headers) {
    if (name != "host") continue;
    if (only != nullptr) return refused(400, "there is more than one Host header");
    only = &value;
  }
  if (only == nullptr) {
    if (head.minor_version == 0) return std::nullopt;
    return refused(400, "the Host header is missing");
  }
  const auto host = host_of(*only);
  if (!host) return refused(400, "the Host header is malformed");
  if (request.host.empty()) request.host = *host;
  return std::nullopt;
}

// How long the body is. RFC 9112 section 6.3, without its leniency.
Trouble parse_length(HttpHead& head) {
  bool has_length = false;
  for (const auto& [name, value] : head.request.headers) {
    if (name == "content-length") {
      if (has_length) return refused(400, "there is more than one Content-Length header");
      has_length = true;
      if (value.empty() || value.size() > 18 || !std::ranges::all_of(value, is_digit)) {
        return refused(400, "Content-Length is not a number of bytes");
      }
      for (const char c : value)
        head.content_length = head.content_length * 10 + static_cast<uint64_t>(c - '0');
    } else if (name == "transfer-encoding") {
      if (head.chunked) return refused(400, "there is more than one Transfer-Encoding header");
      if (head.minor_version == 0) return refused(400, "HTTP/1.0 has no Transfer-Encoding");
      if (!equals_ignoring_case(value, "chunked"))
        return refused(501, "the only transfer coding taken is \"chunked\"");
      head.chunked = true;
    }
  }
  if (has_length && head.chunked)
    return refused(400, "Content-Length and Transfer-Encoding exclude each other");
  return std::nullopt;
}

Trouble parse_connection(HttpHead& head) {
  head.keep_alive = head.minor_version == 1;
  for (const auto& [name, value] : head.request.headers) {
    if (name == "connection") {
      for (const std::string_view part : split(value, ',')) {
        const std::string_view option = trim_blanks(part);
        if (equals_ignoring_case(option, "close")) head.keep_alive = false;
        if (equals_ignoring_case(option, "keep-alive") && head.minor_version == 0) head.keep_alive = true;
      }
    } else if (name == "expect" && head.minor_version == 1) {
      if (!equals_ignoring_case(value, "100-continue"))
        return refused(417, "the only expectation known is 100-continue");
      head.expects_continue = true;
    }
  }
  return std::nullopt;
}

// The next line of `text`, taken off it. Nothing where a CR or LF stands alone.
std::optional<std::string_view> take_line(std::string_view& text) {
  const size_t end = std::min(text.find_first_of("\r\n"), text.size());
  const std::string_view line = text.substr(0, end);
  if (end == text.size()) {
    text = {};
    return line;
  }
  if (text.substr(end, 2) != "\r\n") return std::nullopt;
  text.remove_prefix(end + 2);
  return line;
}

}  // namespace

std::variant<HttpHead, HttpRefusal> parse_head(std::string_view text, const HttpLimits& limits) {
  static constexpr std::string_view lone_line_end = "a line end is not CR LF";
  HttpHead head;
  const auto first = take_line(text);
  if (!first) return refused(400, std::string(lone_line_end));
  if (first->size() > limits.request_line_bytes) {
    return refused(414,
                   "the request line is longer than " + std::to_string(limits.request_line_bytes) + " bytes");
  }
  if (auto trouble = parse_request_line(*first, head)) return *trouble;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (!line) return refused(400, std::string(lone_line_end));
    if (line->empty()) return refused(400, "an empty line stands inside the headers");
    if (head.request.headers.size() == limits.headers) {
      return refused(431, "there are more than " + std::to_string(limits.headers) + " headers");
    }
    if (auto trouble = parse_header(*line, head.request)) return *trouble;
  }
  for (const auto step : {parse_host, parse_length, parse_connection}) {
    if (auto trouble = step(head)) return *trouble;
  }
  return head;
}

// ---- chunked bodies

void ChunkedReader::on_size(std::string_view line) {
  const std::string_view digits = trim_blanks(line.substr(0, line.find(';')));
  // Sixteen digits could overflow what is announced; fifteen are 2^60.
  if (digits.empty() || digits.size() > 15) {
    refusal_ = refused(400, "a chunk size is malformed");
    return;
  }
  uint64_t size = 0;
  for (const char c : digits) {
    const char lower = ascii_lower(c);
    if (!is_digit(c) && (lower < 'a' || lower > 'f')) {
      refusal_ = refused(400, "a chunk size is not hexadecimal");
      return;
    }
    size = size * 16 + static_cast<uint64_t>(is_digit(c) ? c - '0' : lower - 'a' + 10);
  }
  if (size > max_body_ - std::min<uint64_t>(announced_, max_body_)) {
    refusal_ = refused(413, "the body is larger than " + std::to_string(max_body_) + " bytes");
    return;
  }
  announced_ += size;
  left_ = size;
  state_ = size == 0 ? State::trailer : State::data;
}

void ChunkedReader::on_line(std::string_view line) {
  if (state_ == State::size) {
    on_size(line);
  } else if (state_ == State::data_end) {
    if (line.empty()) {
      state_ = State::size;
    } else {
      refusal_ = refused(400, "a chunk is longer than its size");
    }
  } else if (line.empty()) {
    state_ = State::done;
  }
}

size_t ChunkedReader::read_line(std::string_view input) {
  const size_t end = input.find('\n');
  const size_t used = end == std::string_view::npos ? input.size() : end + 1;
  line_ += input.substr(0, used);
  trailer_bytes_ += state_ == State::trailer ? used : 0;
  if (line_.size() > max_line && state_ != State::trailer) {
    refusal_ = refused(400, "a chunk size line is longer than " + std::to_string(max_line) + " bytes");
  } else if (trailer_bytes_ > max_trailer_bytes) {
    refusal_ = refused(431, "the trailers are longer than " + std::to_string(max_trailer_bytes) + " bytes");
  } else if (end != std::string_view::npos) {
    const size_t carriage = line_.find('\r');
    if (carriage + 2 != line_.size()) {
      refusal_ = refused(400, "a line end of the chunked body is not CR LF");
    } else {
      on_line(std::string_view(line_).substr(0, carriage));
    }
    line_.clear();
  }
  return used;
}

size_t ChunkedReader::read(std::string_view input, std::string& body, size_t max_body) {
  max_body_ = max_body;
  size_t used = 0;
  while (used < input.size() && state_ != State::done && !refusal_) {
    if (state_ != State::data) {
      used += read_line(input.substr(used));
      continue;
    }
    const size_t count = std::min<uint64_t>(left_, input.size() - used);
    body += input.substr(used, count);
    used += count;
    left_ -= count;
    if (left_ == 0) state_ = State::data_end;
  }
  return used;
}

}  // namespace bonafide::net
