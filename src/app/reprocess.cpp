#include <chrono>
#include <thread>

#include "app/service.hpp"
#include "base/json.hpp"

// The reprocess as the API and the command line see it.
namespace bonafide::app {
namespace {

std::string run_json(const control::ReprocessRun& run) {
  JsonWriter json;
  json.begin_object().member("state", control::to_string(run.state));
  if (run.state == control::RunState::none) return json.end_object().take();
  json.member("run", run.number)
      .member("from", run.plan.from)
      .member("to", run.plan.to)
      .member("step", run.plan.step);
  if (!run.plan.tenant.empty()) json.member("tenant", run.plan.tenant);
  json.member("messages", run.messages).member("of", run.of).member("damaged", run.damaged);
  json.member("started_at", run.started_at);
  if (run.state != control::RunState::running) json.member("ended_at", run.ended_at);
  return json.end_object().take();
}

}  // namespace

void Service::reprocess(const api::ReprocessQuery& query, Answer answer) {
  tasks_.run([this, query, answer = std::move(answer)] {
    if (!pipeline_.group_reading(mail::Reprocess::topic)) {
      return answer({Cause::unavailable,
                     "the topology has no worker that reads mail.reprocess: let score read it (`also`)"});
    }
    const auto run = pipeline_.reprocessor().start({query.from, query.to, query.step, query.tenant});
    run.ok() ? answer(run_json(*run)) : answer(run.error());
  });
}

void Service::reprocess_state(Answer answer) { answer(run_json(pipeline_.reprocessor().run())); }

void Service::cancel_reprocess(Answer answer) {
  tasks_.run([this, answer = std::move(answer)] {
    const auto run = pipeline_.reprocessor().cancel();
    run.ok() ? answer(run_json(*run)) : answer(run.error());
  });
}

Status Service::finish_reprocess() {
  while (pipeline_.reprocessor().run().state == control::RunState::running) {
    BONAFIDE_ASSIGN(const bool worked, pipeline_.step_jobs());
    if (!worked) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return Ok{};
}

}  // namespace bonafide::app
