#include "app/service.hpp"

#include "app/event_json.hpp"
#include "app/export.hpp"
#include "app/scoring.hpp"
#include "app/search.hpp"
#include "app/tail.hpp"
#include "app/verify.hpp"
#include "base/json.hpp"
#include "steps/collect/raw.hpp"
#include "trust/score.hpp"

namespace bonafide::app {
namespace {

std::vector<std::string> worker_names(const Pipeline& pipeline) {
  std::vector<std::string> names;
  for (const auto* workers : {&pipeline.processors(), &pipeline.sinks()}) {
    for (const auto* worker : *workers) names.emplace_back(worker->name());
  }
  return names;
}

}  // namespace

Service::Service(Settings settings, Pipeline& pipeline, Outside outside, const Runner* runner)
    : settings_(std::move(settings)),
      pipeline_(pipeline),
      outside_(outside),
      runner_(runner),
      measures_(outside.metrics, worker_names(pipeline)),
      started_(outside.clock.now()),
      feedback_(pipeline, outside, runner == nullptr),
      views_(settings_.max_views, outside.logger, outside.metrics) {}

Service::Admission Service::admit(size_t bytes) {
  auto admission = pipeline_.collector().admit(bytes);
  return {admission.now, admission.retry_after, std::move(admission.reason), admission.cause};
}

void Service::submit(api::Submission posted, std::function<void(Result<api::Receipt>)> done) {
  steps::Submission submission;
  submission.raw = posted.raw;
  submission.door = "http";
  submission.tenant = std::move(posted.tenant);
  submission.envelope.client_ip = posted.client_ip ? posted.client_ip->text() : "";
  submission.envelope.helo = std::move(posted.helo);
  submission.envelope.mail_from = posted.mail_from.value_or("");
  submission.envelope.rcpt_to = std::move(posted.rcpt_to);
  submission.session_known = posted.client_ip.has_value() && posted.mail_from.has_value();
  submission.received_at = posted.received_at;
  submission.edge = settings_.edge;
  const std::lock_guard lock(parser_mutex_);
  pipeline_.collector().submit(parser_, submission,
                               [done = std::move(done)](const Result<steps::Receipt>& receipt) {
                                 if (!receipt.ok()) return done(receipt.error());
                                 done(api::Receipt{receipt->id, receipt->duplicate, receipt->ids});
                               });
}

api::Decision Service::decision_of(const mail::Scored& scored) {
  api::Decision decision;
  decision.id = scored.received.id;
  decision.verdict = avro::symbol_of(mail::shown_verdict(scored));
  decision.attack = avro::symbol_of(scored.score.attack);
  decision.trust = scored.score.trust;
  for (const auto& reason : scored.score.reasons) decision.reasons.push_back({reason.text, reason.weight});
  return decision;
}

void Service::await_verdict(const EventId& id, Time until, std::function<void(api::Decision)> told) {
  // It may have fallen long ago (a repeat), or be about to: whoever is first tells, once.
  const auto said = std::make_shared<std::atomic<bool>>(false);
  const auto once = [said, told = std::move(told)](const mail::Scored& scored) {
    if (!said->exchange(true)) told(decision_of(scored));
  };
  pipeline_.verdicts().await(
      id, until, [once](const std::shared_ptr<const steps::ScoredPayload>& scored) { once(scored->event); });
  if (said->load()) return;
  tasks_.run([this, id, once] {
    if (const auto scored = stored(id); scored.ok()) once(*scored);
  });
}

Result<mail::Scored> Service::stored(const EventId& id) {
  BONAFIDE_ASSIGN(const auto row, pipeline_.rows().rows().get(id));
  mail::Scored scored;
  BONAFIDE_TRY(pipeline_.codec().decode(row.event, scored));
  return scored;
}

Result<std::string> Service::message_json(const EventId& id, bool rescore) {
  BONAFIDE_ASSIGN(const auto row, pipeline_.rows().rows().get(id));
  mail::Scored scored;
  BONAFIDE_TRY(pipeline_.codec().decode(row.event, scored));
  BONAFIDE_ASSIGN(const auto framed, avro::unframe(row.event));
  std::string answer = full_json(scored, framed.id);
  if (!rescore) return answer;
  answer.pop_back();  // the object goes on
  JsonWriter json(std::move(answer));
  const mail::Score again = trust::rescore(scored, pipeline_.model());
  std::string before, after;
  avro::encode(scored.score, before);
  avro::encode(again, after);
  json.key("rescored").begin_object();
  json.member("trust", again.trust)
      .member("verdict", avro::symbol_of(mail::shown(scored.received.direction, again.verdict)))
      .member("same", before == after);
  return json.end_object().end_object().take();
}

void Service::score(api::Submission submission, Answer answer) {
  const ScoringParts parts{pipeline_.reference(), pipeline_.tenant_book().directories().get(),
                           pipeline_.model(), &pipeline_.history()};
  tasks_.run(
      [parts, submission = std::move(submission), now = outside_.clock.now(), answer = std::move(answer)] {
        mail::Parser parser;
        answer(scored_json(score_once(parser, submission.raw, submission.tenant, parts, now)));
      });
}

void Service::message(const EventId& id, bool rescore, Answer answer) {
  tasks_.run([this, id, rescore, answer = std::move(answer)] { answer(message_json(id, rescore)); });
}

void Service::raw(const EventId& id, Source source) {
  tasks_.run([this, id, source = std::move(source)] {
    // Asked before the body begins, so that what is not there is answered as such.
    const auto nothing = [](const std::string&) { return false; };
    if (const Status there = steps::read_raw(pipeline_.raw().rows(), id, nothing); !there.ok())
      return source(there.error());
    source(bodies_.start([this, id](const BodyProducers::Put& put) {
      return steps::read_raw(pipeline_.raw().rows(), id, put);
    }));
  });
}

void Service::status(Answer answer) {
  tasks_.run([this, answer = std::move(answer)] { answer(status_json()); });
}

api::Health Service::alive() {
  api::Health health;
  if (runner_ == nullptr) return health;
  for (const auto& stuck : runner_->stuck(settings_.unhealthy_after)) {
    health.ok = false;
    health.lines.emplace_back(stuck.worker, "no progress for " + std::to_string(stuck.since.us / 1'000'000) +
                                                " s (" + stuck.doing + ")");
  }
  if (const auto failure = runner_->failure()) {
    health.ok = false;
    health.lines.emplace_back("process", failure->message);
  }
  return health;
}

api::Health Service::ready() {
  api::Health health = alive();
  const auto admission = admit(0);
  if (!admission.now) {
    health.ok = false;
    health.lines.emplace_back("door", admission.reason);
  }
  return health;
}

void Service::ledger(const api::LedgerQuery& query, Answer answer) {
  tasks_.run([this, query, answer = std::move(answer)] { answer(ledger_json(pipeline_, query)); });
}

void Service::export_rows(const api::ExportQuery& query, Source source) {
  source(bodies_.start(
      [this, query](const BodyProducers::Put& put) { return produce_export(pipeline_, query, put); }));
}

void Service::verify(bool quick, Source source) {
  if (verifying_.exchange(true))
    return source({Cause::conflict, "a verification is under way; wait for its end"});
  source(bodies_.start([this, quick](const BodyProducers::Put& put) {
    Status done = produce_verification(pipeline_, quick, put);
    verifying_ = false;
    return done;
  }));
}

void Service::search(const api::SearchQuery& query, Answer answer) {
  search_tasks_.run(
      [this, query, answer = std::move(answer)] { answer(search_json(pipeline_, outside_.clock, query)); });
}

void Service::stats(const api::StatsQuery& query, Answer answer) {
  search_tasks_.run([this, query, answer = std::move(answer)] { answer(stats_json(pipeline_, query)); });
}

void Service::tail(const api::TailQuery& query, Source source) {
  tasks_.run([this, query, source = std::move(source)] {
    const auto tail = Tail::open(pipeline_, outside_.clock, query);
    if (!tail.ok()) return source(tail.error());
    source(views_.start([tail = *tail](const LiveViews::Put& put, const std::function<bool()>& closing) {
      return tail->show(put, closing);
    }));
  });
}

void Service::with_registry(std::function<void(avro::Registry&)> work) {
  tasks_.run([this, work = std::move(work)] { work(pipeline_.schemas()); });
}

void Service::with_tenants(std::function<void(api::TenantAdmin&)> work) {
  tasks_.run([this, work = std::move(work)] { work(pipeline_.tenant_book()); });
}

void Service::reindex(Source source) {
  source(bodies_.start(
      [this](const BodyProducers::Put& put) { return produce_reindex(pipeline_, runner_ == nullptr, put); }));
}

}  // namespace bonafide::app
