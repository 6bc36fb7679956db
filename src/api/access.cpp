#include "api/access.hpp"

#include <algorithm>

#include "api/problem.hpp"
#include "base/text.hpp"

namespace bonafide::api {
namespace {

bool same_in_constant_time(const Digest& a, const Digest& b) {
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference = static_cast<uint8_t>(difference | (a[i] ^ b[i]));
  return difference == 0;
}

// The token of "Bearer TOKEN" (RFC 6750), or "" for anything else.
std::string_view bearer_of(std::string_view authorization) {
  if (!starts_ignoring_case(authorization, "bearer ")) return {};
  return trim(authorization.substr(7));
}

// Is the page at `origin` our own, as the browser calls us?
bool is_own_origin(std::string_view origin, const net::Request& request) {
  const std::string* host = request.header("host");
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (host != nullptr && starts_ignoring_case(origin, scheme) &&
        equals_ignoring_case(origin.substr(scheme.size()), *host)) {
      return true;
    }
  }
  return false;
}

}  // namespace

Status Access::add_token(std::string_view token, const std::string& where) {
  if (token.size() < min_token_bytes) {
    return {Cause::invalid, where + ": a token has at least " + std::to_string(min_token_bytes) +
                                " characters; make one with: openssl rand -hex 32"};
  }
  if (!std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7F'; })) {
    return {Cause::invalid, where + ": a token holds only visible ASCII characters"};
  }
  tokens_.push_back(sha256(token));
  return Ok{};
}

Result<Access> Access::make(const ApiSettings& settings, env::Files& files, const std::string& own_token) {
  BONAFIDE_TRY(check_binding(settings));
  Access access;
  for (const std::string& name : settings.names) access.names_.push_back(ascii_lower(name));
  for (const std::string& text : settings.allow) {
    BONAFIDE_ASSIGN(const IpRange range, IpRange::parse(text));
    access.allow_.push_back(range);
  }
  access.trust_loopback_ = settings.trust_loopback;
  access.trust_token_ = settings.trust_token;
  access.trust_allowed_ = settings.trust_allowed;
  if (!settings.token_file.empty()) {
    const std::string where = "api.token_file " + settings.token_file;
    const auto text = files.read_file(settings.token_file);
    if (!text.ok()) return text.error().in(where);
    for (const std::string_view line : split(*text, '\n')) {
      const std::string_view token = trim(line);
      if (!token.empty() && token.front() != '#') BONAFIDE_TRY(access.add_token(token, where));
    }
    if (access.tokens_.empty())
      return {Cause::invalid, where + ": holds no token; put one in it, one a line"};
    access.token_required_ = true;
  }
  if (!own_token.empty()) BONAFIDE_TRY(access.add_token(own_token, "the service's own token"));
  return access;
}

bool Access::knows_host(const net::Request& request) const {
  if (request.host == "localhost" || std::ranges::find(names_, request.host) != names_.end()) return true;
  const auto ip = IpAddress::parse(request.host);
  if (!ip.ok()) return false;
  const net::Address& local = request.peer.local;
  return ip->is_loopback() || (!local.is_unix() && *ip == local.ip);
}

bool Access::knows_token(std::string_view token) const {
  const Digest given = sha256(token);
  bool known = false;
  for (const Digest& one : tokens_) known = same_in_constant_time(one, given) || known;
  return known;
}

std::variant<Access::Caller, net::Response> Access::admit(const net::Request& request, bool everybody) const {
  if (!knows_host(request)) {
    return problem(403, "the Host header says \"" + clean_text(request.host, 100) +
                            "\", which is no name of this service; add it to api.names if it is");
  }
  const std::string* origin = request.header("origin");
  if (origin != nullptr && !is_own_origin(*origin, request)) {
    return problem(
        403, "requests of web pages from elsewhere are refused (Origin: " + clean_text(*origin, 100) + ")");
  }
  if (everybody) return Caller{};
  const std::string* authorization = request.header("authorization");
  const bool with_token = authorization != nullptr && knows_token(bearer_of(*authorization));
  const net::Address& remote = request.peer.remote;
  const bool allowed = !remote.is_unix() && std::ranges::any_of(allow_, [&](const IpRange& range) {
    return range.contains(remote.ip);
  });
  if (authorization != nullptr && !with_token) {
    net::Response refusal = problem(401, "the bearer token is not known here");
    refusal.headers.emplace_back("WWW-Authenticate", "Bearer error=\"invalid_token\"");
    return refusal;
  }
  if (!with_token && !allowed && (token_required_ || !remote.is_local())) {
    if (!token_required_) return problem(403, remote.ip.text() + " is in none of the ranges of api.allow");
    net::Response refusal =
        problem(401, "a bearer token is needed: Authorization: Bearer TOKEN, one of api.token_file");
    refusal.headers.emplace_back("WWW-Authenticate", "Bearer");
    return refusal;
  }
  Caller caller;
  caller.trusted =
      (with_token && trust_token_) || (allowed && trust_allowed_) || (remote.is_local() && trust_loopback_);
  return caller;
}

}  // namespace bonafide::api
