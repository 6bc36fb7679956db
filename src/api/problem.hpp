#pragma once
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http.hpp"

namespace bonafide::api {

/// An error as application/problem+json (RFC 9457): {"type","title","status","detail"}.
net::Response problem(int status, std::string_view detail);
/// The status that belongs to a cause: invalid 400, not_found 404, conflict 409, exhausted 429, unavailable
/// and fenced 503 (429 and 503 with Retry-After), damaged and internal 500.
int status_of(Cause cause);
/// The cause that belongs to a status, for the other side.
Cause cause_of(int status);
net::Response problem(const Error& error, Duration retry_after = Duration::seconds(1));

/// 200 with a JSON body.
net::Response json_response(std::string body, int status = 200);

}  // namespace bonafide::api
