#include "api/client.hpp"

#include <memory>

#include <curl/curl.h>

#include "api/problem.hpp"
#include "avro/json.hpp"
#include "base/text.hpp"

namespace bonafide::api {
namespace {

constexpr size_t max_problem_bytes = size_t{64} << 10;
constexpr Duration connect_timeout = Duration::seconds(5);

struct CurlClose {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, CurlClose>;
using HeaderList = std::unique_ptr<curl_slist, CurlClose>;

// One exchange: the body of a good answer goes to `take`, that of a refusal into `problem`.
struct Exchange {
  CURL* handle = nullptr;
  const Client::Take* take = nullptr;
  std::string problem;
  bool stopped = false;
};

size_t on_body(char* bytes, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const ByteView piece(bytes, size * count);
  long status = 0;
  curl_easy_getinfo(exchange.handle, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 300) {
    exchange.problem +=
        piece.substr(0, max_problem_bytes - std::min(max_problem_bytes, exchange.problem.size()));
    return piece.size();
  }
  if ((*exchange.take)(piece)) return piece.size();
  exchange.stopped = true;
  return 0;
}

std::string url_of(const ClientTarget& target, const std::string& path, const net::Query& query) {
  std::string url = target.url.starts_with("unix:") ? "http://localhost" : target.url;
  while (url.ends_with('/')) url.pop_back();
  url += path;
  char separator = '?';
  for (const auto& [name, value] : query) {
    url += std::exchange(separator, '&') + net::percent_encode(name) + "=" + net::percent_encode(value);
  }
  return url;
}

// What the service says is wrong: the detail of its problem document, or the bare text of whoever answered
// instead.
Error refusal_of(long status, const std::string& body) {
  std::string detail;
  const auto json = avro::parse_json(body, 16);
  if (json.ok()) {
    const avro::Json* found = json->find("detail");
    if (found != nullptr && found->kind == avro::Json::Kind::string) detail = clean_text(found->text, 2000);
  }
  if (detail.empty()) detail = "status " + std::to_string(status) + ": " + clean_text(body, 200);
  return {cause_of(static_cast<int>(status)), detail};
}

void set_common(CURL* handle, const ClientTarget& target, const std::string& url) {
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOPROXY,
                   "*");  // the service is near; a proxy of the environment is for elsewhere
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.in_millis()));
  if (target.url.starts_with("unix:"))
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, target.url.c_str() + 5);
}

void set_method(CURL* handle, const std::string& method, const std::string& body) {
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method.c_str());
  if (method == "GET") return;
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
}

bool add_header(HeaderList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return false;
  static_cast<void>(list.release());
  list.reset(longer);
  return true;
}

struct Asked {
  std::string method, path, body, content_type;
  net::Query query;
  Duration timeout;  ///< zero = none
};

Result<int> exchange_with(const ClientTarget& target, const Asked& asked, const Client::Take& take) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  const Handle handle(ready == CURLE_OK ? curl_easy_init() : nullptr);
  if (!handle) return {Cause::internal, "the HTTP client (libcurl) cannot be started"};
  Exchange exchange;
  exchange.handle = handle.get();
  exchange.take = &take;
  const std::string url = url_of(target, asked.path, asked.query);
  set_common(handle.get(), target, url);
  set_method(handle.get(), asked.method, asked.body);
  if (asked.timeout.us > 0) {
    curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(asked.timeout.in_millis()));
  }
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &exchange);
  HeaderList headers;
  bool fine = add_header(
      headers, asked.content_type.empty() ? "Content-Type:" : "Content-Type: " + asked.content_type);
  fine = fine && add_header(headers, "Expect:");
  if (!target.token.empty()) fine = fine && add_header(headers, "Authorization: Bearer " + target.token);
  if (!fine) return {Cause::internal, "out of memory"};
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());

  const CURLcode code = curl_easy_perform(handle.get());
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  if (exchange.stopped) return static_cast<int>(status);
  if (code != CURLE_OK) {
    const std::string what = status == 0 ? "does not answer" : "broke its answer off";
    return {Cause::unavailable,
            "the service at " + target.url + " " + what + " (" + curl_easy_strerror(code) + ")"};
  }
  if (status >= 300) return refusal_of(status, exchange.problem);
  return static_cast<int>(status);
}

}  // namespace

Client::Client(ClientTarget target, Duration timeout) : target_(std::move(target)), timeout_(timeout) {}

Result<Client::Answer> Client::call(const std::string& method, const std::string& path,
                                    const net::Query& query, const std::string& body,
                                    const std::string& content_type) {
  Answer answer;
  bool too_large = false;
  const auto status =
      exchange_with(target_, {method, path, body, content_type, query, timeout_}, [&](ByteView piece) {
        too_large = answer.body.size() + piece.size() > max_answer_bytes;
        if (!too_large) answer.body += piece;
        return !too_large;
      });
  if (!status.ok()) return status.error();
  if (too_large)
    return {Cause::exhausted,
            path + ": the answer has more than " + std::to_string(max_answer_bytes) + " bytes"};
  answer.status = *status;
  return answer;
}

Result<std::string> Client::get(const std::string& path, const net::Query& query) {
  BONAFIDE_ASSIGN(Answer answer, call("GET", path, query));
  return std::move(answer.body);
}

Result<std::string> Client::post(const std::string& path, const net::Query& query) {
  BONAFIDE_ASSIGN(Answer answer, call("POST", path, query));
  return std::move(answer.body);
}

Status Client::stream(const std::string& method, const std::string& path, const net::Query& query,
                      const Take& take) {
  const auto status = exchange_with(target_, {method, path, "", "", query, Duration{}}, take);
  if (!status.ok()) return status.error();
  return Ok{};
}

}  // namespace bonafide::api
