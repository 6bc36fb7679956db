#include "api/problem.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace bonafide::api {

net::Response problem(int status, std::string_view detail) {
  JsonWriter json;
  json.begin_object().member("type", "about:blank").member("title", net::reason_phrase(status));
  json.member("status", status).member("detail", detail).end_object().end_line();
  net::Response response;
  response.status = status;
  response.headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}};
  response.body = json.take();
  return response;
}

int status_of(Cause cause) {
  switch (cause) {
    case Cause::invalid:
      return 400;
    case Cause::not_found:
      return 404;
    case Cause::conflict:
      return 409;
    case Cause::exhausted:
      return 429;
    case Cause::unavailable:
    case Cause::fenced:
      return 503;
    case Cause::damaged:
    case Cause::internal:
      break;
  }
  return 500;
}

Cause cause_of(int status) {
  switch (status) {
    case 404:
      return Cause::not_found;
    case 409:
      return Cause::conflict;
    case 429:
      return Cause::exhausted;
    case 408:
    case 502:
    case 503:
    case 504:
      return Cause::unavailable;
    default:
      return status >= 500 ? Cause::internal : Cause::invalid;
  }
}

net::Response problem(const Error& error, Duration retry_after) {
  const int status = status_of(error.cause);
  net::Response response = problem(status, error.message);
  if (status == 429 || status == 503) {
    const int64_t seconds = std::max<int64_t>((retry_after.us + 999'999) / 1'000'000, 1);
    response.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  return response;
}

net::Response json_response(std::string body, int status) {
  net::Response response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

}  // namespace bonafide::api
