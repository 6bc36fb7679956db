#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "api/service.hpp"
#include "app/feedback.hpp"
#include "app/live_views.hpp"
#include "app/measures.hpp"
#include "app/pipeline.hpp"
#include "app/produced_body.hpp"
#include "app/runner.hpp"

namespace bonafide::app {

/// The API's service on an embedded pipeline; also what the command line asks when no service runs (then
/// without a runner).
class Service final : public api::Service {
 public:
  struct Settings {
    mail::Edge edge;  ///< what live doors believe of the headers
    /// A step that makes no progress for so long; it must show within 5 s, also to who asks every second.
    Duration unhealthy_after = Duration::seconds(4);
    Duration late_after = Duration::seconds(30);  ///< a live message, or heartbeat, that waits for so long
    size_t max_views = 32;                        ///< streams that are watched at one time
  };
  Service(Settings settings, Pipeline& pipeline, Outside outside, const Runner* runner);

  Admission admit(size_t bytes) override;
  void submit(api::Submission submission, std::function<void(Result<api::Receipt>)> done) override;
  void await_verdict(const EventId& id, Time until, std::function<void(api::Decision)> told) override;
  void score(api::Submission submission, Answer answer) override;
  void message(const EventId& id, bool rescore, Answer answer) override;
  void raw(const EventId& id, Source source) override;
  void judge(const EventId& id, api::Judgement judgement,
             std::function<void(Result<api::Judged>)> done) override;
  void status(Answer answer) override;
  void ledger(const api::LedgerQuery& query, Answer answer) override;
  void parked(const api::ParkedQuery& query, Answer answer) override;
  void parked_record(const std::string& id, bool reveal, Answer answer) override;
  void settle_parked(const std::string& id, ParkedAction action, Answer answer) override;
  void export_rows(const api::ExportQuery& query, Source source) override;
  void verify(bool quick, Source source) override;
  void search(const api::SearchQuery& query, Answer answer) override;
  void stats(const api::StatsQuery& query, Answer answer) override;
  void reindex(Source source) override;
  void tail(const api::TailQuery& query, Source source) override;
  void with_registry(std::function<void(avro::Registry&)> work) override;
  void with_tenants(std::function<void(api::TenantAdmin&)> work) override;
  std::string metrics() override { return outside_.metrics.exposition(); }
  api::Health alive() override;
  api::Health ready() override;

  void reprocess(const api::ReprocessQuery& query, Answer answer) override;
  void reprocess_state(Answer answer) override;
  void cancel_reprocess(Answer answer) override;
  /// Before the pipeline stops: takes no judgement any more.
  void stop_taking() { feedback_.stop(); }
  /// Where nobody else steps the jobs: until the reprocess that is under way has ended.
  Status finish_reprocess();

  static api::Decision decision_of(const mail::Scored& scored);
  /// Takes the counters for what went by of late: to be called every Recent::every.
  void measure() { measures_.sample(outside_.clock.steady()); }
  /// Who watches a stream is told that it ends.
  void close_views() { views_.close(); }

 private:
  Result<mail::Scored> stored(const EventId& id);
  Result<std::string> message_json(const EventId& id, bool rescore);
  Result<std::string> status_json();
  Result<std::vector<std::string>> problems();
  Result<std::string> parked_json(const api::ParkedQuery& query);
  Status put_back(const stores::ParkedItem& item);
  Result<std::string> settle_parked_json(const std::string& id, ParkedAction action);

  Settings settings_;
  Pipeline& pipeline_;
  Outside outside_;
  const Runner* runner_;
  std::mutex parser_mutex_;
  mail::Parser parser_;
  Measures measures_;
  const Time started_;
  std::atomic<bool> verifying_{false};
  FeedbackDesk feedback_;
  BodyProducers bodies_;
  LiveViews views_;
  TaskThread search_tasks_;  // a count over millions must not hold up the others
  TaskThread tasks_;         // last: its tasks use the rest
};

/// Progress of the stores behind the log, in records: what has been accepted and is not in the rows yet.
Result<uint64_t> backlog_records(Pipeline& pipeline);

}  // namespace bonafide::app
