#include "app/access.hpp"

#include <future>

#include "api/client.hpp"
#include "app/configuration.hpp"
#include "app/installation.hpp"
#include "app/service.hpp"
#include "base/text.hpp"

namespace bonafide::app {
namespace {

class RemoteAccess final : public Access {
 public:
  explicit RemoteAccess(const ServiceAddress& address) : client_({address.api, address.token}) {}

  Result<std::string> message(const EventId& id, bool rescore) override {
    return client_.get("/v1/messages/" + id.hex(), rescore ? net::Query{{"rescore", "1"}} : net::Query{});
  }
  Status raw(const EventId& id, const Take& take) override {
    return client_.stream("GET", "/v1/messages/" + id.hex() + "/raw", {}, take);
  }
  Result<std::string> judge(const EventId& id, api::Judgement judgement) override {
    const char* body =
        judgement == api::Judgement::good ? R"({"judgement":"good"})" : R"({"judgement":"bad"})";
    BONAFIDE_ASSIGN(auto answer, client_.call("POST", "/v1/messages/" + id.hex() + "/feedback", {}, body,
                                              "application/json"));
    return std::move(answer.body);
  }
  Result<std::string> status() override { return client_.get("/v1/status"); }
  Result<std::string> parked(const api::ParkedQuery& query) override {
    net::Query parameters{{"limit", std::to_string(query.limit)}};
    if (!query.cursor.empty()) parameters.emplace_back("cursor", query.cursor);
    add(parameters, "tenant", query.tenant);
    return client_.get("/v1/parked", parameters);
  }
  Result<std::string> parked_record(const std::string& id) override {
    return client_.get("/v1/parked/" + id, {{"reveal", "1"}});
  }
  Result<std::string> settle_parked(const std::string& id, api::Service::ParkedAction action) override {
    return client_.post("/v1/parked/" + id +
                        (action == api::Service::ParkedAction::retry ? "/retry" : "/drop"));
  }
  Status export_rows(const api::ExportQuery& query, const Take& take) override {
    net::Query parameters{{"format", query.format == api::ExportFormat::avro ? "avro" : "jsonl"}};
    if (query.from) parameters.emplace_back("from", format_rfc3339(*query.from));
    if (query.to) parameters.emplace_back("to", format_rfc3339(*query.to));
    add(parameters, "tenant", query.tenant);
    return client_.stream("GET", "/v1/export", parameters, take);
  }
  Status verify(bool quick, const Take& take) override {
    return client_.stream("POST", "/v1/verify", quick ? net::Query{{"quick", "1"}} : net::Query{}, take);
  }
  Result<std::string> search(const api::SearchQuery& query) override {
    net::Query parameters{{"q", query.text}, {"limit", std::to_string(query.limit)}};
    add(parameters, "tenant", query.tenant);
    add(parameters, "cursor", query.cursor);
    add(parameters, query.from, query.to);
    return client_.get("/v1/search", parameters);
  }
  Result<std::string> stats(const api::StatsQuery& query) override {
    net::Query parameters{
        {"group_by", query.group_by}, {"tz", query.tz}, {"limit", std::to_string(query.limit)}};
    add(parameters, "q", query.text);
    add(parameters, "tenant", query.tenant);
    add(parameters, query.from, query.to);
    return client_.get("/v1/stats", parameters);
  }
  Result<std::string> reprocess(const api::ReprocessQuery& query) override {
    net::Query parameters{{"step", query.step}};
    add(parameters, "tenant", query.tenant);
    add(parameters, query.from, query.to);
    return client_.post("/v1/reprocess", parameters);
  }
  Result<std::string> reprocess_state() override { return client_.get("/v1/reprocess"); }
  Result<std::string> cancel_reprocess() override { return client_.post("/v1/reprocess/cancel"); }
  Status reindex(const Take& take) override { return client_.stream("POST", "/v1/reindex", {}, take); }
  Status tail(const api::TailQuery& query, const Take& take) override {
    net::Query parameters;
    if (query.beginning) add(parameters, "from", "beginning");
    add(parameters, query.from, std::nullopt);
    if (query.last) add(parameters, "last", std::to_string(*query.last));
    if (query.limit) add(parameters, "limit", std::to_string(*query.limit));
    if (query.id) add(parameters, "id", query.id->hex());
    add(parameters, "after", query.after);
    add(parameters, "tenant", query.tenant);
    add(parameters, "sender", query.sender);
    add(parameters, "verdict", join(query.verdicts, ","));
    for (const auto& [name, set] :
         {std::pair("follow", query.follow), {"reveal", query.reveal}, {"full", query.full}})
      add(parameters, name, set ? "1" : "");
    return client_.stream("GET", "/v1/streams/" + net::percent_encode(query.stream) + "/tail", parameters,
                          take);
  }
  [[nodiscard]] bool running() const override { return true; }

 private:
  static void add(net::Query& parameters, const char* name, const std::string& value) {
    if (!value.empty()) parameters.emplace_back(name, value);
  }
  static void add(net::Query& parameters, const std::optional<Time>& from, const std::optional<Time>& to) {
    if (from) parameters.emplace_back("from", format_rfc3339(*from));
    if (to) parameters.emplace_back("to", format_rfc3339(*to));
  }
  api::Client client_;
};

class LocalAccess final : public Access {
 public:
  explicit LocalAccess(const Common& common) : world_(common) {}

  Status open(const Common& common) {
    BONAFIDE_ASSIGN(const auto folder, world_.find(common.data));
    BONAFIDE_ASSIGN(auto configuration, load_configuration(world_.files, common));
    BONAFIDE_ASSIGN(pipeline_, Pipeline::open(folder, std::move(configuration.pipeline), world_.outside()));
    service_ = std::make_unique<Service>(configuration.service, *pipeline_, world_.outside(), nullptr);
    return Ok{};
  }

  Result<std::string> message(const EventId& id, bool rescore) override {
    return answer([&](auto done) { service_->message(id, rescore, done); });
  }
  Status raw(const EventId& id, const Take& take) override {
    return stream([&](auto source) { service_->raw(id, source); }, take);
  }
  Result<std::string> judge(const EventId& id, api::Judgement judgement) override {
    BONAFIDE_ASSIGN(auto judged,
                    promised<api::Judged>([&](auto done) { service_->judge(id, judgement, done); }));
    return std::move(judged.json);
  }
  Result<std::string> status() override {
    return answer([&](auto done) { service_->status(done); });
  }
  Result<std::string> parked(const api::ParkedQuery& query) override {
    return answer([&](auto done) { service_->parked(query, done); });
  }
  Result<std::string> parked_record(const std::string& id) override {
    return answer([&](auto done) { service_->parked_record(id, true, done); });
  }
  Result<std::string> settle_parked(const std::string& id, api::Service::ParkedAction action) override {
    return answer([&](auto done) { service_->settle_parked(id, action, done); });
  }
  Status export_rows(const api::ExportQuery& query, const Take& take) override {
    return stream([&](auto source) { service_->export_rows(query, source); }, take);
  }
  Status verify(bool quick, const Take& take) override {
    return stream([&](auto source) { service_->verify(quick, source); }, take);
  }
  // What a process that was killed had not brought into the index yet is brought there first.
  Result<std::string> search(const api::SearchQuery& query) override {
    BONAFIDE_TRY(pipeline_->catch_up_index());
    return answer([&](auto done) { service_->search(query, done); });
  }
  Result<std::string> stats(const api::StatsQuery& query) override {
    BONAFIDE_TRY(pipeline_->catch_up_index());
    return answer([&](auto done) { service_->stats(query, done); });
  }
  Result<std::string> reprocess(const api::ReprocessQuery& query) override {
    BONAFIDE_ASSIGN(auto begun, answer([&](auto done) { service_->reprocess(query, done); }));
    BONAFIDE_TRY(service_->finish_reprocess());
    BONAFIDE_TRY(pipeline_->catch_up_index());
    return reprocess_state();
  }
  Result<std::string> reprocess_state() override {
    return answer([&](auto done) { service_->reprocess_state(done); });
  }
  Result<std::string> cancel_reprocess() override {
    return answer([&](auto done) { service_->cancel_reprocess(done); });
  }
  Status reindex(const Take& take) override {
    return stream([&](auto source) { service_->reindex(source); }, take);
  }
  Status tail(const api::TailQuery& query, const Take& take) override {
    return stream([&](auto source) { service_->tail(query, source); }, take);
  }
  [[nodiscard]] bool running() const override { return false; }

 private:
  template <class T, class Ask>
  static Result<T> promised(Ask&& ask) {
    std::promise<Result<T>> promise;
    ask([&promise](Result<T> given) { promise.set_value(std::move(given)); });
    return promise.get_future().get();
  }
  template <class Ask>
  static Result<std::string> answer(Ask&& ask) {
    return promised<std::string>(std::forward<Ask>(ask));
  }

  template <class Ask>
  static Status stream(Ask&& ask, const Take& take) {
    std::promise<Result<std::shared_ptr<net::BodySource>>> promise;
    ask([&promise](Result<std::shared_ptr<net::BodySource>> given) { promise.set_value(std::move(given)); });
    BONAFIDE_ASSIGN(const auto source, promise.get_future().get());
    for (;;) {
      std::promise<Result<net::BodySource::Piece>> next;
      source->pull([&next](Result<net::BodySource::Piece> piece) { next.set_value(std::move(piece)); });
      BONAFIDE_ASSIGN(const auto piece, next.get_future().get());
      if (!piece.bytes.empty() && !take(piece.bytes)) return Ok{};
      if (piece.last) return Ok{};
    }
  }

  Installation world_;
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Service> service_;
};

}  // namespace

Result<std::unique_ptr<Access>> Access::open_running(const Common& common) {
  env::RealFiles files;
  BONAFIDE_ASSIGN(const auto folder, DataFolder::find(files, common.data));
  const auto address = folder.service(files);
  if (!address) return Error{Cause::unavailable, "no service runs in " + common.data};
  auto remote = std::make_unique<RemoteAccess>(*address);
  BONAFIDE_TRY(remote->status());
  return std::unique_ptr<Access>(std::move(remote));
}

Result<std::unique_ptr<Access>> Access::open(const Common& common) {
  auto remote = open_running(common);
  // Unavailable is also a stale address of a service that was killed: nobody answers there.
  if (remote.ok() || remote.error().cause != Cause::unavailable) return remote;
  auto local = std::make_unique<LocalAccess>(common);
  BONAFIDE_TRY(local->open(common));
  return std::unique_ptr<Access>(std::move(local));
}

}  // namespace bonafide::app
