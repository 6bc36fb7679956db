// POST /v1/messages: the front door.
#include <algorithm>
#include <mutex>

#include "api/api.hpp"
#include "api/parameters.hpp"
#include "api/problem.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace bonafide::api {
namespace {

// RFC 5321 section 4.5.3.1: 64 + 1 + 255 for an address, with room for UTF-8 (RFC 6531) in the local part.
constexpr size_t max_address_bytes = 512;
constexpr size_t max_name_bytes = 255;

// "<a@b>" as SMTP writes it, or the bare address.
std::string address_of(std::string address) {
  if (address.size() >= 2 && address.front() == '<' && address.back() == '>')
    return address.substr(1, address.size() - 2);
  return address;
}

std::string receipt_json(const Receipt& receipt) {
  JsonWriter json;
  json.begin_object().member("id", receipt.id.hex()).member("duplicate", receipt.duplicate);
  if (receipt.ids.size() > 1) {
    json.key("ids").begin_array();
    for (const EventId& id : receipt.ids) json.value(id.hex());
    json.end_array();
  }
  json.end_object().end_line();
  return json.take();
}

void write_decision(JsonWriter& json, const Decision& decision) {
  json.member("id", decision.id.hex()).member("verdict", decision.verdict).member("trust", decision.trust);
  json.member("attack", decision.attack).key("reasons").begin_array();
  for (const Reason& reason : decision.reasons) {
    json.begin_object().member("text", reason.text).member("weight", reason.weight).end_object();
  }
  json.end_array();
}

// The least trusted one speaks for all; where there are several, all of them stand below.
std::string decisions_json(const std::vector<Decision>& decisions, bool duplicate, bool late) {
  const auto worst = std::ranges::min_element(decisions, {}, &Decision::trust);
  JsonWriter json;
  json.begin_object();
  write_decision(json, *worst);
  json.member("duplicate", duplicate);
  if (late) json.member("late", true);
  if (decisions.size() > 1) {
    json.key("events").begin_array();
    for (const Decision& decision : decisions) {
      json.begin_object();
      write_decision(json, decision);
      json.end_object();
    }
    json.end_array();
  }
  json.end_object().end_line();
  return json.take();
}

// What is said of an event whose verdict has not fallen: the words of the schema, as for a message that could
// not be scored.
Decision late_decision(const EventId& id) {
  return {id, "suspicious", "unknown", 50, {{"late: no verdict in time; it is stored when it falls", 0}}};
}

// Verdicts of one message to one tenant or several, until the last has fallen.
struct Gathering {
  std::mutex mutex;
  std::vector<Decision> decisions;
  std::vector<EventId> wanted;

  // Those that have fallen, and for the others that they are late.
  [[nodiscard]] std::vector<Decision> with_late() const {
    std::vector<Decision> all = decisions;
    for (const EventId& id : wanted) {
      if (std::ranges::find(decisions, id, &Decision::id) == decisions.end())
        all.push_back(late_decision(id));
    }
    return all;
  }
};

}  // namespace

Result<Api::Posted> Api::read_submission(const net::Request& head, const Route& route,
                                         const Access::Caller& caller) const {
  const std::string* type = head.header("content-type");
  if (type != nullptr && starts_ignoring_case(*type, "multipart/form-data")) {
    return {Cause::invalid,
            "the body must be the message itself, not a form: curl --data-binary @message.eml"};
  }
  Parameters parameters(head.query, route.operation.query);
  Posted posted;
  Submission& submission = posted.submission;
  submission.tenant = parameters.text("tenant", 100).value_or("");
  if (auto from = parameters.text("mail_from", max_address_bytes))
    submission.mail_from = address_of(std::move(*from));
  for (std::string& to : parameters.texts("rcpt_to", settings_.max_recipients, max_address_bytes)) {
    submission.rcpt_to.push_back(address_of(std::move(to)));
    if (submission.rcpt_to.back().empty()) parameters.refuse("rcpt_to", "is empty");
  }
  submission.helo = parameters.text("helo", max_name_bytes).value_or("");
  submission.received_at = parameters.time("received_at");
  posted.wait = parameters.duration("wait", settings_.max_wait).value_or(Duration{});
  if (const auto ip = parameters.text("client_ip", 64)) {
    const auto parsed = IpAddress::parse(*ip);
    if (!parsed.ok()) parameters.refuse("client_ip", parsed.error().message);
    if (parsed.ok()) submission.client_ip = *parsed;
  }
  BONAFIDE_TRY(parameters.status());
  if (!caller.trusted && (submission.client_ip || submission.received_at || !submission.helo.empty())) {
    return {Cause::invalid,
            "client_ip, helo and received_at are taken from trusted callers only: see api.trust_*"};
  }
  return posted;
}

std::optional<Api::Posted> Api::take_submission(Call& call) const {
  auto posted = read_submission(call.request, call.route, call.caller);
  if (!posted.ok()) {
    call.reply.send(problem(posted.error()));
    return std::nullopt;
  }
  if (call.request.body.empty()) {
    call.reply.send(
        problem(400, "the body is empty: send the message itself, e.g. curl --data-binary @message.eml"));
    return std::nullopt;
  }
  posted->submission.raw = std::move(call.request.body);
  return std::move(*posted);
}

void Api::post_score(Call& call) {
  auto posted = take_submission(call);
  if (posted) service_.score(std::move(posted->submission), answer_to(call));
}

void Api::post_message(Call& call) {
  auto posted = take_submission(call);
  if (!posted) return;
  Submission submission = std::move(posted->submission);
  const Time until = clock_.steady() + std::min(posted->wait, settings_.deadline);
  const bool waits = posted->wait > Duration{};
  service_.submit(std::move(submission),
                  [this, reply = call.reply, waits, until](const Result<Receipt>& receipt) {
                    if (!receipt.ok()) return reply.send(failure("/v1/messages", receipt.error()));
                    if (!waits) return reply.send(json_response(receipt_json(*receipt), 202));
                    await_verdicts(*receipt, until, reply);
                  });
}

// The message is taken, and its verdict has not fallen in time: the policy of the configuration
// (architecture: the event, deadline).
net::Response Api::late_response(const Receipt& receipt, const std::vector<Decision>& decisions) {
  net::Response response;
  if (settings_.late == Late::suspicious) {
    response = json_response(decisions_json(decisions, receipt.duplicate, true));
  } else {
    response = problem(504, "no verdict in time; message " + receipt.id.hex() +
                                " is taken, and a repeat is answered with its verdict: send it again");
    response.headers.emplace_back("Retry-After", "1");
  }
  response.when_sent = [this, id = receipt.id] {
    late_answers_.add();
    logger_.warn("api.late", {{"id", id.hex()}});
  };
  return response;
}

void Api::await_verdicts(const Receipt& receipt, Time until, const net::Reply& reply) {
  auto gathering = std::make_shared<Gathering>();
  gathering->wanted = receipt.ids.empty() ? std::vector{receipt.id} : receipt.ids;
  reply.send_at(until, late_response(receipt, gathering->with_late()));
  for (const EventId& id : std::vector(gathering->wanted)) {
    service_.await_verdict(id, until, [this, gathering, reply, receipt, until](Decision decision) {
      const std::lock_guard lock(gathering->mutex);
      gathering->decisions.push_back(std::move(decision));
      if (gathering->decisions.size() < gathering->wanted.size()) {
        return reply.send_at(until, late_response(receipt, gathering->with_late()));
      }
      reply.send(json_response(decisions_json(gathering->decisions, receipt.duplicate, false)));
    });
  }
}

}  // namespace bonafide::api
