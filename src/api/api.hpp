#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/access.hpp"
#include "api/registry.hpp"
#include "api/route.hpp"
#include "api/service.hpp"
#include "api/settings.hpp"
#include "env/clock.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"
#include "net/http.hpp"

namespace bonafide::api {

/// The HTTP API: what is asked is checked here and put to the Service. docs/api.md describes it call by call.
/// Used by net::HttpFront, on the server's thread; outlives the server and the callbacks it has given to the
/// service.
class Api final : public net::HttpHandler {
 public:
  Api(const ApiSettings& settings, Access access, Service& service, env::Clock& clock, env::Logger& logger,
      env::Metrics& metrics);

  Verdict on_head(const net::Request& head, uint64_t body_bytes) override;
  void on_request(net::Request request, net::Reply reply) override;
  net::Response refuse(int status, std::string_view why) override;
  void on_answered(int status, Duration took) override;

  /// All calls there are.
  static std::vector<DescribedCall> calls();

 private:
  struct Route;
  struct Call {
    net::Request& request;
    std::vector<std::string> arguments;  ///< what stood in place of those in braces
    net::Reply reply;
    Access::Caller caller;
    const Route& route;
  };
  struct Route {
    std::string_view method, path;  ///< "{id}" stands for any one segment
    void (Api::*run)(Call&) = nullptr;
    Operation operation = {};
    bool takes_message = false;
    bool everybody = false;                ///< needs no token
    RegistryOperation registry = nullptr;  ///< instead of run: a call of the schema registry
    size_t body_bytes = 0;                 ///< it takes a body that is no message, of at most so many bytes
  };
  struct Match {
    const Route* route = nullptr;
    std::vector<std::string> arguments;
    std::string allowed;  ///< methods, where the path is known and the method is not
  };
  static const std::vector<Route>& routes();
  static std::vector<Route> own_routes();
  static Match match(const net::Request& request);
  void run_registry(Call& call, RegistryOperation operation);
  static net::Response not_matched(const net::Request& request, const Match& match);

  void post_message(Call& call);
  void post_score(Call& call);
  void get_message(Call& call);
  void get_raw(Call& call);
  void post_feedback(Call& call);
  void post_reprocess(Call& call);
  void get_reprocess(Call& call);
  void post_cancel_reprocess(Call& call);
  void get_export(Call& call);
  void get_search(Call& call);
  void get_stats(Call& call);
  void post_reindex(Call& call);
  void get_status(Call& call);
  void get_ledger(Call& call);
  void post_verify(Call& call);
  void get_parked(Call& call);
  void get_parked_record(Call& call);
  void post_retry(Call& call);
  void post_drop(Call& call);
  void get_tenants(Call& call);
  void get_tenant(Call& call);
  void put_tenant(Call& call);
  void delete_tenant(Call& call);
  void get_tail(Call& call);
  void get_events(Call& call);
  void get_openapi(Call& call);
  void get_metrics(Call& call);
  void get_livez(Call& call);
  void get_readyz(Call& call);

  struct Posted {
    Submission submission;
    Duration wait;
  };
  /// The submission with its body; answers and gives nothing where it cannot be taken.
  std::optional<Posted> take_submission(Call& call) const;
  Result<Posted> read_submission(const net::Request& head, const Route& route,
                                 const Access::Caller& caller) const;
  void await_verdicts(const Receipt& receipt, Time until, const net::Reply& reply);
  net::Response late_response(const Receipt& receipt, const std::vector<Decision>& decisions);
  /// Answers with what the service says.
  Service::Answer answer_to(Call& call);
  Service::Source stream_to(Call& call, std::string content_type, bool endless = false);
  net::Response failure(std::string_view path, const Error& error);
  void settle_parked(Call& call, Service::ParkedAction action);
  void with_tenants(Call& call, std::function<Result<std::string>(TenantAdmin&)> work);

  const ApiSettings settings_;
  const Access access_;
  Service& service_;
  env::Clock& clock_;
  env::Logger& logger_;
  env::Metrics& metrics_;
  env::Histogram& seconds_;
  env::Counter& late_answers_;
  std::map<int, env::Counter*> responses_;  // by status; on the server's thread only
};

}  // namespace bonafide::api
