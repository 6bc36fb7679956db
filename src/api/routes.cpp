#include "api/api.hpp"
#include "api/problem.hpp"

// Every call: how it is asked for, what it is, and who answers it. One entry each; the OpenAPI document, the
// reading of the query, "404, do you mean …" and "405, it takes …" follow from it.
namespace bonafide::api {
namespace {

using Type = QueryParameter::Type;
using Parameters = std::vector<QueryParameter>;

constexpr std::string_view json_lines = "application/x-ndjson";
constexpr size_t feedback_body_bytes = 4096;
constexpr std::string_view raw_message = "message/rfc822";

QueryParameter text(std::string_view name, std::string_view what, size_t most = 1000) {
  return {name, Type::text, what, most};
}
QueryParameter time(std::string_view name, std::string_view what) { return {name, Type::time, what}; }
QueryParameter flag(std::string_view name, std::string_view what) { return {name, Type::flag, what}; }
QueryParameter count(std::string_view name, std::string_view what, size_t most = 0) {
  return {name, Type::count, what, most};
}

const QueryParameter tenant = text("tenant", "of this tenant alone", 253);
const QueryParameter words = {"q", Type::words, "what is searched, docs/search.md", 2000};
const QueryParameter cursor = text("cursor", "next_cursor of the page before");
const QueryParameter reveal = flag("reveal", "local parts of addresses in full");

Parameters envelope() {
  return {text("tenant", "whose mail it is; found from the recipients if absent", 100),
          text("mail_from", "envelope sender; empty or <> is the null sender", 512),
          {"rcpt_to", Type::text, "envelope recipient", 512, {}, true},
          text("client_ip", "of the SMTP client; from trusted callers", 64),
          text("helo", "of the SMTP client; from trusted callers", 255),
          time("received_at", "when it came in; from trusted callers"),
          {"wait", Type::duration, "how long to wait for the verdict, 30s at most"}};
}

Parameters filter(Parameters more) {
  Parameters all = {tenant,
                    text("verdict", "trusted, suspicious, untrusted, none; several with commas", 100),
                    text("sender", "an address, or a domain with those below it"),
                    text("id", "of this event alone", 40),
                    reveal,
                    count("limit", "end after so many"),
                    text("after", "behind the record that had this \"at\"", 4000)};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

std::vector<Api::Route> Api::own_routes() {
  return {
      {.method = "POST",
       .path = "/v1/messages",
       .run = &Api::post_message,
       .operation = {"mail",
                     "a message to be scored and stored",
                     envelope(),
                     {{200, "its verdict, which was waited for", "application/json", "Decision"},
                      {202, "it is synced", "application/json", "Receipt"}},
                     raw_message,
                     "Bytes"},
       .takes_message = true},
      {.method = "POST",
       .path = "/v1/score",
       .run = &Api::post_score,
       .operation = {"mail",
                     "what would be said of a message; nothing is stored or learned",
                     envelope(),
                     {{200, "as a stored message, without id", "application/json", "Document"}},
                     raw_message,
                     "Bytes"},
       .takes_message = true},
      {.method = "GET",
       .path = "/v1/messages/{id}",
       .run = &Api::get_message,
       .operation = {"mail",
                     "a stored message with reasons, evidence and hop times",
                     {flag("rescore", "score it again from its evidence")},
                     {{200, "the message", "application/json", "Message"}}}},
      {.method = "GET",
       .path = "/v1/messages/{id}/raw",
       .run = &Api::get_raw,
       .operation = {"mail",
                     "its bytes as they were received, where door.keep_raw keeps them",
                     {},
                     {{200, "the bytes", raw_message, "Bytes"}}}},
      {.method = "POST",
       .path = "/v1/messages/{id}/feedback",
       .run = &Api::post_feedback,
       .operation = {"mail",
                     "says what a message is: good or bad",
                     {},
                     {{200, "the row has it", "application/json", "Judged"},
                      {202, "it is durable, the row follows", "application/json", "Judged"}},
                     "application/json",
                     "Feedback"},
       .body_bytes = feedback_body_bytes},
      {.method = "GET",
       .path = "/v1/export",
       .run = &Api::get_export,
       .operation =
           {"mail",
            "all rows in the order of their ids",
            {{"format", Type::choice, "JSON lines, or an Avro object container file", 0, {"jsonl", "avro"}},
             time("from", "accepted at or after"),
             time("to", "accepted before"),
             text("tenant", "of this tenant alone", 100),
             text("cursor", "id of the last row you have", 40),
             count("limit", "so many rows")},
            {{200, "the rows", json_lines, "JsonLines"},
             {200, "the rows", "application/octet-stream", "Bytes"}}}},
      {.method = "GET",
       .path = "/v1/search",
       .run = &Api::get_search,
       .operation = {"search",
                     "messages, newest first",
                     {words, time("from", "received at or after"), time("to", "received before"),
                      text("sender", "of the sender"), text("recipient", "of a recipient"),
                      text("verdict", "trusted, suspicious, untrusted or none"),
                      text("attack", "a kind of attack"), tenant, count("limit", "of a page", 1000),
                      text("cursor", "next_cursor of the page before", 40)},
                     {{200, "a page", "application/json", "Found"}}}},
      {.method = "GET",
       .path = "/v1/stats",
       .run = &Api::get_stats,
       .operation = {"search",
                     "counts, made when asked",
                     {{"group_by",
                       Type::choice,
                       "what is counted",
                       0,
                       {"hour", "day", "domain", "verdict", "attack", "direction", "judgement", "tenant"}},
                      text("tz", "whose hours and days (IANA name)", 64),
                      words,
                      time("from", "received at or after"),
                      time("to", "received before"),
                      tenant,
                      count("limit", "groups", 10'000)},
                     {{200, "the counts", "application/json", "Stats"}}}},
      {.method = "POST",
       .path = "/v1/reindex",
       .run = &Api::post_reindex,
       .operation =
           {"search", "builds the search index anew", {}, {{200, "progress", json_lines, "JsonLines"}}}},
      {.method = "GET",
       .path = "/v1/streams/{stream}/tail",
       .run = &Api::get_tail,
       .operation = {"live",
                     "the records of a stream, as they are synced",
                     filter({text("from", "beginning, now, or a time: accepted at or after", 40),
                             count("last", "begin with so many of the newest", 1000),
                             flag("follow", "go on with what comes"), flag("full", "the whole event")}),
                     {{200, "one record a line", json_lines, "JsonLines"}}}},
      {.method = "GET",
       .path = "/v1/events",
       .run = &Api::get_events,
       .operation = {"live",
                     "server-sent events: verdicts as they fall",
                     filter({}),
                     {{200, "without an end; Last-Event-ID goes on behind an event", "text/event-stream",
                       "Text"}}}},
      {.method = "POST",
       .path = "/v1/reprocess",
       .run = &Api::post_reprocess,
       .operation = {"operations",
                     "stored messages through the pipeline again, as new revisions",
                     {time("from", "accepted at or after; must be given"),
                      time("to", "accepted before; must be given"),
                      {"step", Type::choice, "from which step on", 0, {"enrich", "score"}},
                      tenant},
                     {{202, "it is durable, and goes on by itself", "application/json", "ReprocessState"}}}},
      {.method = "GET",
       .path = "/v1/reprocess",
       .run = &Api::get_reprocess,
       .operation = {"operations",
                     "how far the last one has come",
                     {},
                     {{200, "its state", "application/json", "ReprocessState"}}}},
      {.method = "POST",
       .path = "/v1/reprocess/cancel",
       .run = &Api::post_cancel_reprocess,
       .operation = {"operations",
                     "ends the one that is under way",
                     {},
                     {{200, "its state", "application/json", "ReprocessState"}}}},
      {.method = "GET",
       .path = "/v1/status",
       .run = &Api::get_status,
       .operation = {"operations",
                     "is all well, and what of late",
                     {},
                     {{200, "how it is", "application/json", "Status"}}}},
      {.method = "GET",
       .path = "/v1/ledger",
       .run = &Api::get_ledger,
       .operation = {"operations",
                     "per hop, tenant and minute: what came, what went, what is under way",
                     {time("from", "accepted at or after"), time("to", "accepted before"),
                      text("tenant", "of this tenant alone", 100),
                      text("hop", "door, score, import or archive", 100), count("limit", "of a page", 10'000),
                      cursor},
                     {{200, "a page", "application/json", "Ledger"}}}},
      {.method = "POST",
       .path = "/v1/verify",
       .run = &Api::post_verify,
       .operation = {"operations",
                     "compares every store with the journal and reads every live byte",
                     {flag("quick", "the balances only")},
                     {{200, "findings, and the result in the last line", json_lines, "JsonLines"}}}},
      {.method = "GET",
       .path = "/v1/parked",
       .run = &Api::get_parked,
       .operation = {"operations",
                     "records that a step could not process",
                     {count("limit", "of a page", 10'000), cursor, reveal, tenant},
                     {{200, "a page", "application/json", "Parked"}}}},
      {.method = "GET",
       .path = "/v1/parked/{id}",
       .run = &Api::get_parked_record,
       .operation = {"operations",
                     "one of them",
                     {flag("reveal", "key and payload in full")},
                     {{200, "the record", "application/json", "ParkedRecord"}}}},
      {.method = "POST",
       .path = "/v1/parked/{id}/retry",
       .run = &Api::post_retry,
       .operation = {"operations",
                     "puts it back; its result is a new revision",
                     {},
                     {{200, "done", "application/json", "Settled"}}}},
      {.method = "POST",
       .path = "/v1/parked/{id}/drop",
       .run = &Api::post_drop,
       .operation = {"operations", "gives it up", {}, {{200, "done", "application/json", "Settled"}}}},
      {.method = "GET",
       .path = "/v1/tenants",
       .run = &Api::get_tenants,
       .operation = {"tenants",
                     "all tenants, and those that were removed",
                     {},
                     {{200, "the tenants", "application/json", "Document"}}}},
      {.method = "GET",
       .path = "/v1/tenants/{name}",
       .run = &Api::get_tenant,
       .operation = {"tenants", "one of them", {}, {{200, "the tenant", "application/json", "Tenant"}}}},
      {.method = "PUT",
       .path = "/v1/tenants/{name}",
       .run = &Api::put_tenant,
       .operation = {"tenants",
                     "makes or replaces it, in force and durable once answered",
                     {flag("only_new", "409 if it is there")},
                     {{200, "the tenant", "application/json", "Tenant"}},
                     "application/json",
                     "NewTenant"},
       .body_bytes = tenant_body_bytes},
      {.method = "DELETE",
       .path = "/v1/tenants/{name}",
       .run = &Api::delete_tenant,
       .operation = {"tenants", "removes it", {}, {{200, "done", "application/json", "Document"}}}},
      {.method = "GET",
       .path = "/v1/openapi.json",
       .run = &Api::get_openapi,
       .operation =
           {"operations", "this document", {}, {{200, "OpenAPI 3.1", "application/json", "Document"}}}},
      {.method = "GET",
       .path = "/metrics",
       .run = &Api::get_metrics,
       .operation = {"operations", "for Prometheus", {}, {{200, "text format 0.0.4", "text/plain", "Text"}}}},
      {.method = "GET",
       .path = "/livez",
       .run = &Api::get_livez,
       .operation = {"operations",
                     "does the process make progress",
                     {},
                     {{200, "yes", "application/json", "Health"}, {503, "no", "application/json", "Health"}}},
       .everybody = true},
      {.method = "GET",
       .path = "/readyz",
       .run = &Api::get_readyz,
       .operation = {"operations",
                     "does what it depends on answer",
                     {},
                     {{200, "yes", "application/json", "Health"}, {503, "no", "application/json", "Health"}}},
       .everybody = true},
  };
}

const std::vector<Api::Route>& Api::routes() {
  static const std::vector<Route> all = [] {
    std::vector<Route> routes = own_routes();
    for (const RegistryRoute& one : registry_routes()) {
      routes.push_back(
          {.method = one.method, .path = one.path, .operation = one.operation, .registry = one.run});
    }
    return routes;
  }();
  return all;
}

std::vector<DescribedCall> Api::calls() {
  std::vector<DescribedCall> calls;
  for (const Route& route : routes()) {
    const bool own = route.registry == nullptr;
    calls.push_back({route.method, route.path, route.operation, route.everybody,
                     own ? "Problem" : "RegistryError", own ? "application/problem+json" : registry_type});
  }
  return calls;
}

void Api::get_openapi(Call& call) {
  static const std::string document = openapi_document(calls());
  call.reply.send(json_response(document));
}

}  // namespace bonafide::api
