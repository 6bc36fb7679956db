// The calls that make new revisions: feedback and reprocess.
#include "api/api.hpp"
#include "api/parameters.hpp"
#include "api/problem.hpp"
#include "avro/json.hpp"
#include "base/text.hpp"

namespace bonafide::api {
namespace {

constexpr int max_depth = 8;

// {"judgement":"good"}, and nothing else.
Result<Judgement> judgement_of(const std::string& body) {
  const std::string example = "; send {\"judgement\":\"good\"} or {\"judgement\":\"bad\"}";
  const auto json = avro::parse_json(body, max_depth);
  if (!json.ok()) return Error{Cause::invalid, "the body is not JSON: " + json.error().message + example};
  if (json->kind != avro::Json::Kind::object)
    return Error{Cause::invalid,
                 "the body is " + std::string(describe(json->kind)) + ", not an object" + example};
  for (const auto& key : json->keys) {
    if (key != "judgement")
      return Error{Cause::invalid, "there is no member \"" + clean_text(key, 40) + "\"" + example};
  }
  const avro::Json* judgement = json->find("judgement");
  if (judgement == nullptr || judgement->kind != avro::Json::Kind::string)
    return Error{Cause::invalid, "the member \"judgement\" is missing, or is not a string" + example};
  if (judgement->text == "good") return Judgement::good;
  if (judgement->text == "bad") return Judgement::bad;
  return Error{Cause::invalid, "there is no judgement \"" + clean_text(judgement->text, 40) + "\"" + example};
}

}  // namespace

void Api::post_feedback(Call& call) {
  const Parameters parameters(call.request.query, call.route.operation.query);
  const auto id = EventId::parse(call.arguments[0]);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  if (!id.ok()) return call.reply.send(problem(id.error()));
  const auto judgement = judgement_of(call.request.body);
  if (!judgement.ok()) return call.reply.send(problem(judgement.error()));
  service_.judge(*id, *judgement,
                 [this, reply = call.reply, path = call.request.path](Result<Judged> judged) {
                   if (!judged.ok()) return reply.send(failure(path, judged.error()));
                   reply.send(json_response(judged->json + "\n", judged->applied ? 200 : 202));
                 });
}

void Api::post_reprocess(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  ReprocessQuery query;
  const auto from = parameters.time("from"), to = parameters.time("to");
  if (!from) parameters.refuse("from", "is missing: give the time of acceptance, like 2026-01-31T00:00:00Z");
  if (!to) parameters.refuse("to", "is missing: give the time of acceptance, like 2026-01-31T00:00:00Z");
  query.step = parameters.choice("step", {"enrich", "score"});
  query.tenant = parameters.text("tenant", 253).value_or("");
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  query.from = *from, query.to = *to;
  service_.reprocess(query, [this, reply = call.reply, path = call.request.path](Result<std::string> state) {
    if (!state.ok()) return reply.send(failure(path, state.error()));
    reply.send(json_response(*state + "\n", 202));
  });
}

void Api::get_reprocess(Call& call) {
  const Parameters parameters(call.request.query, call.route.operation.query);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  service_.reprocess_state(answer_to(call));
}

void Api::post_cancel_reprocess(Call& call) {
  const Parameters parameters(call.request.query, call.route.operation.query);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  service_.cancel_reprocess(answer_to(call));
}

}  // namespace bonafide::api
