#include "api/api.hpp"

#include <algorithm>

#include "api/parameters.hpp"
#include "api/problem.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace bonafide::api {
namespace {

// Calls without a message take no body; so much is read to say so in peace.
constexpr size_t small_body_bytes = 4096;
constexpr size_t max_page = 10'000;
constexpr size_t max_found = 1000;  // messages of one page of a search
constexpr size_t max_query_bytes = 2000;
constexpr size_t max_parked_id_bytes = 200;
constexpr std::string_view json_lines_type = "application/x-ndjson";

// The search query as forms write it: a plus sign stands for a space. Most clients encode words so, and no
// query needs the sign itself, which is %2B.
std::string words_of(const net::Request& request) {
  const size_t question = request.target.find('?');
  if (question == std::string::npos) return "";
  for (const auto pair : split(std::string_view(request.target).substr(question + 1), '&')) {
    if (!pair.starts_with("q=")) continue;
    std::string words(pair.substr(2));
    std::ranges::replace(words, '+', ' ');
    return net::percent_decode(words).value_or("");
  }
  return "";
}

net::Response health_response(const Health& health) {
  JsonWriter json;
  json.begin_object().member("status", health.ok ? "ok" : "failing").key("checks").begin_object();
  for (const auto& [what, how] : health.lines) json.member(what, how);
  json.end_object().end_object().end_line();
  return json_response(json.take(), health.ok ? 200 : 503);
}

}  // namespace

Api::Api(const ApiSettings& settings, Access access, Service& service, env::Clock& clock, env::Logger& logger,
         env::Metrics& metrics)
    : settings_(settings),
      access_(std::move(access)),
      service_(service),
      clock_(clock),
      logger_(logger),
      metrics_(metrics),
      seconds_(metrics.histogram("bonafide_http_request_seconds",
                                 "From the first byte of a request to its answer.")),
      late_answers_(metrics.counter("bonafide_late_answers_total",
                                    "Callers who waited for a verdict that did not fall in time.")) {}

// ---- which call it is

Api::Match Api::match(const net::Request& request) {
  Match match;
  const auto wanted = split(request.path, '/');
  const std::string_view method =
      request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  for (const Route& route : routes()) {
    const auto has = split(route.path, '/');
    const auto fits = [](std::string_view pattern, std::string_view segment) {
      return pattern == segment || (pattern.starts_with('{') && !segment.empty());
    };
    if (!std::ranges::equal(has, wanted, fits)) continue;
    if (route.method != method) {
      match.allowed += (match.allowed.empty() ? "" : ", ") + std::string(route.method);
      if (route.method == "GET") match.allowed += ", HEAD";
      continue;
    }
    match.arguments.clear();
    for (size_t i = 0; i < has.size(); ++i) {
      if (!has[i].starts_with('{')) continue;
      const auto argument = net::percent_decode(wanted[i]);
      if (!argument.ok()) return match;
      match.arguments.push_back(*argument);
    }
    match.route = &route;
    return match;
  }
  return match;
}

net::Response Api::not_matched(const net::Request& request, const Match& match) {
  const std::string path = clean_text(request.path, 200);
  if (!match.allowed.empty()) {
    net::Response response =
        problem(405, path + " takes " + match.allowed + ", not " + clean_text(request.method, 40));
    response.headers.emplace_back("Allow", match.allowed);
    return response;
  }
  std::vector<std::string> known;
  for (const Route& route : routes()) known.emplace_back(route.path);
  const std::string likely = closest(path, known);
  return problem(404, "there is no " + path + (likely.empty() ? "" : "; do you mean " + likely + "?"));
}

net::HttpHandler::Verdict Api::on_head(const net::Request& head, uint64_t body_bytes) {
  const Match found = match(head);
  auto admitted = access_.admit(head, found.route != nullptr && found.route->everybody);
  if (auto* refusal = std::get_if<net::Response>(&admitted)) return std::move(*refusal);
  if (found.route == nullptr) return not_matched(head, found);
  if (found.route->registry != nullptr) return registry_body_bytes;
  if (found.route->body_bytes > 0) return found.route->body_bytes;
  if (!found.route->takes_message) return small_body_bytes;
  // Whatever can be refused is refused before fifty megabytes have come.
  const auto submission = read_submission(head, *found.route, std::get<Access::Caller>(admitted));
  if (!submission.ok()) return problem(submission.error());
  const auto admission = service_.admit(body_bytes == unknown_length ? 0 : body_bytes);
  if (!admission.now) return problem(Error{admission.cause, admission.reason}, admission.retry_after);
  return settings_.max_message_bytes;
}

void Api::on_request(net::Request request, net::Reply reply) {
  Match found = match(request);
  auto admitted = access_.admit(request, found.route != nullptr && found.route->everybody);
  if (auto* refusal = std::get_if<net::Response>(&admitted)) return reply.send(std::move(*refusal));
  if (found.route == nullptr) return reply.send(not_matched(request, found));
  const bool takes_body =
      found.route->takes_message || found.route->registry != nullptr || found.route->body_bytes > 0;
  if (!takes_body && !request.body.empty()) {
    return reply.send(problem(400, clean_text(request.path, 200) + " takes no body"));
  }
  Call call{request, std::move(found.arguments), std::move(reply), std::get<Access::Caller>(admitted),
            *found.route};
  if (found.route->registry != nullptr) return run_registry(call, found.route->registry);
  (this->*found.route->run)(call);
}

// The registry's calls answer as Confluent's server does, so that its clients understand refusals too.
void Api::run_registry(Call& call, RegistryOperation operation) {
  const std::string* accept = call.request.header("accept");
  const std::string* type = call.request.header("content-type");
  const bool sends = call.request.method == "POST" || call.request.method == "PUT";
  if (sends && !is_registry_type(type)) {
    return call.reply.send(registry_response(
        RegistryRefusal{415, 415,
                        "send application/vnd.schemaregistry.v1+json, not " + clean_text(*type, 100)},
        accept));
  }
  RegistryCall asked{std::move(call.arguments), std::move(call.request.query), std::move(call.request.body)};
  service_.with_registry([this, operation, asked = std::move(asked), reply = call.reply,
                          accept = accept != nullptr ? *accept : std::string(),
                          path = clean_text(call.request.path, 200)](avro::Registry& registry) {
    RegistryAnswer answer = operation(registry, asked);
    if (const auto* refusal = std::get_if<RegistryRefusal>(&answer); refusal && refusal->status == 500) {
      logger_.error("api.failed", {{"path", path}, {"error", refusal->message}});
    }
    reply.send(registry_response(std::move(answer), &accept));
  });
}

net::Response Api::refuse(int status, std::string_view why) { return problem(status, why); }

void Api::on_answered(int status, Duration took) {
  // Asked for once a status: the registry takes a lock.
  env::Counter*& counter = responses_[status];
  if (counter == nullptr) {
    counter = &metrics_.counter("bonafide_http_responses_total", "HTTP responses by status.",
                                {{"reason", std::to_string(status)}});
  }
  counter->add();
  seconds_.observe(took);
}

// ---- answers

net::Response Api::failure(std::string_view path, const Error& error) {
  if (status_of(error.cause) == 500) {
    logger_.error(
        "api.failed",
        {{"path", clean_text(path, 200)}, {"cause", to_string(error.cause)}, {"error", error.message}});
  }
  return problem(error);
}

Service::Answer Api::answer_to(Call& call) {
  return [this, reply = call.reply, path = call.request.path](Result<std::string> answer) {
    reply.send(answer.ok() ? json_response(std::move(*answer) + "\n") : failure(path, answer.error()));
  };
}

Service::Source Api::stream_to(Call& call, std::string content_type, bool endless) {
  return [this, reply = call.reply, path = call.request.path, endless,
          content_type = std::move(content_type)](Result<std::shared_ptr<net::BodySource>> source) {
    if (!source.ok()) return reply.send(failure(path, source.error()));
    net::Response response;
    response.headers = {{"Content-Type", content_type}, {"Cache-Control", "no-store"}};
    response.stream = *source;
    response.endless = endless;
    reply.send(std::move(response));
  };
}

// ---- the calls; POST /v1/messages is in messages.cpp

void Api::get_message(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  const bool rescore = parameters.flag("rescore");
  const auto id = EventId::parse(call.arguments[0]);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  if (!id.ok()) return call.reply.send(problem(id.error()));
  service_.message(*id, rescore, answer_to(call));
}

void Api::get_raw(Call& call) {
  const Parameters parameters(call.request.query, call.route.operation.query);
  const auto id = EventId::parse(call.arguments[0]);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  if (!id.ok()) return call.reply.send(problem(id.error()));
  service_.raw(*id, stream_to(call, "message/rfc822"));
}

void Api::get_export(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  ExportQuery query;
  const std::string format = parameters.choice("format", {"jsonl", "avro"});
  query.format = format == "avro" ? ExportFormat::avro : ExportFormat::json_lines;
  query.from = parameters.time("from");
  query.to = parameters.time("to");
  query.tenant = parameters.text("tenant", 100).value_or("");
  query.limit = parameters.count("limit", SIZE_MAX / 2);
  if (const auto cursor = parameters.text("cursor", 40)) {
    const auto id = EventId::parse(*cursor);
    if (!id.ok()) parameters.refuse("cursor", "is the id of the last row you have: " + id.error().message);
    if (id.ok()) query.after = *id;
  }
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  const bool avro = query.format == ExportFormat::avro;
  service_.export_rows(query,
                       stream_to(call, avro ? "application/octet-stream" : std::string(json_lines_type)));
}

void Api::get_search(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  SearchQuery query;
  if (parameters.text("q", max_query_bytes)) query.text = words_of(call.request);
  query.from = parameters.time("from");
  query.to = parameters.time("to");
  query.sender = parameters.text("sender").value_or("");
  query.recipient = parameters.text("recipient").value_or("");
  query.verdict = parameters.text("verdict").value_or("");
  query.attack = parameters.text("attack").value_or("");
  query.tenant = parameters.text("tenant", 253).value_or("");
  query.limit = parameters.count("limit", max_found).value_or(query.limit);
  query.cursor = parameters.text("cursor", 40).value_or("");
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  service_.search(query, answer_to(call));
}

void Api::get_stats(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  StatsQuery query;
  query.group_by = parameters.choice(
      "group_by", {"hour", "day", "domain", "verdict", "attack", "direction", "judgement", "tenant"});
  query.tz = parameters.text("tz", 64).value_or(query.tz);
  if (parameters.text("q", max_query_bytes)) query.text = words_of(call.request);
  query.from = parameters.time("from");
  query.to = parameters.time("to");
  query.tenant = parameters.text("tenant", 253).value_or("");
  query.limit = parameters.count("limit", max_page).value_or(query.limit);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  service_.stats(query, answer_to(call));
}

void Api::post_reindex(Call& call) {
  const Parameters parameters(call.request.query, call.route.operation.query);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  service_.reindex(stream_to(call, std::string(json_lines_type)));
}

void Api::get_status(Call& call) {
  const Parameters parameters(call.request.query, call.route.operation.query);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  service_.status(answer_to(call));
}

void Api::get_ledger(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  LedgerQuery query;
  query.from = parameters.time("from");
  query.to = parameters.time("to");
  query.tenant = parameters.text("tenant", 100).value_or("");
  query.hop = parameters.text("hop", 100).value_or("");
  query.limit = parameters.count("limit", max_page).value_or(query.limit);
  query.cursor = parameters.text("cursor").value_or("");
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  service_.ledger(query, answer_to(call));
}

void Api::post_verify(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  const bool quick = parameters.flag("quick");
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  service_.verify(quick, stream_to(call, std::string(json_lines_type)));
}

void Api::get_parked(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  ParkedQuery query;
  query.tenant = parameters.text("tenant", 253).value_or("");
  query.limit = parameters.count("limit", max_page).value_or(query.limit);
  query.cursor = parameters.text("cursor").value_or("");
  query.reveal = parameters.flag("reveal");
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  service_.parked(query, answer_to(call));
}

void Api::get_parked_record(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  const bool reveal = parameters.flag("reveal");
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  if (call.arguments[0].size() > max_parked_id_bytes)
    return call.reply.send(problem(400, "the id is too long"));
  service_.parked_record(call.arguments[0], reveal, answer_to(call));
}

void Api::settle_parked(Call& call, Service::ParkedAction action) {
  const Parameters parameters(call.request.query, call.route.operation.query);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  if (call.arguments[0].size() > max_parked_id_bytes)
    return call.reply.send(problem(400, "the id is too long"));
  service_.settle_parked(call.arguments[0], action, answer_to(call));
}

void Api::post_retry(Call& call) { settle_parked(call, Service::ParkedAction::retry); }
void Api::post_drop(Call& call) { settle_parked(call, Service::ParkedAction::drop); }

void Api::get_metrics(Call& call) {
  net::Response response;
  response.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}};
  response.body = service_.metrics();
  call.reply.send(std::move(response));
}

void Api::get_livez(Call& call) { call.reply.send(health_response(service_.alive())); }
void Api::get_readyz(Call& call) { call.reply.send(health_response(service_.ready())); }

}  // namespace bonafide::api
