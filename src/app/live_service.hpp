#pragma once
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "api/api.hpp"
#include "app/configuration.hpp"
#include "app/files_door.hpp"
#include "app/installation.hpp"
#include "app/mail_door.hpp"
#include "app/runner.hpp"
#include "app/service.hpp"
#include "env/real/event_wake.hpp"
#include "env/real/loop_thread.hpp"
#include "env/real/signals.hpp"
#include "net/http_connection.hpp"
#include "net/server.hpp"

namespace bonafide::app {

/// A whole service in this process: the pipeline on threads, the API, heartbeats; from start() to stop().
class LiveService {
 public:
  explicit LiveService(const Common& common);
  ~LiveService();

  /// Opens the folder and everything in it. `adjust` may change the configuration before (the demo does).
  /// Errors: conflict (another process holds the folder), invalid (configuration, binding), those of the
  /// parts.
  Status open(const std::optional<std::string>& listen,
              const std::function<void(Configuration&)>& adjust = {});
  /// Starts threads and doors, and writes where it answers into the data folder.
  Status start();
  /// Waits for Ctrl-C (or SIGTERM), a failure of a job, or until `until` (steady). True: go on; false: it is
  /// time to stop.
  bool wait(std::optional<Time> until = std::nullopt);
  /// Doors first, then what has been accepted is finished, then everything is brought to the disk.
  Status stop();

  Pipeline& pipeline() { return *pipeline_; }
  Installation& world() { return world_; }
  const Configuration& configuration() const { return configuration_; }
  Runner& runner() { return *runner_; }
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const MailDoors& mail_doors() const { return *mail_doors_; }
  [[nodiscard]] bool interrupted() const;

 private:
  Status open_api();
  Status open_mail_doors();
  void start_heartbeats();

  Common common_;
  Installation world_;
  Configuration configuration_;
  std::optional<DataFolder> folder_;
  env::EventWake wake_;
  env::StopSignals signals_{wake_};
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<Runner> runner_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<net::HttpFront> front_;
  std::unique_ptr<net::Server> server_;
  std::thread server_thread_;
  std::unique_ptr<MailDoors> mail_doors_;
  std::unique_ptr<FilesDoor> files_door_;
  std::unique_ptr<env::LoopThread> heartbeats_;
  Time heartbeat_due_, rates_due_;
  std::string url_, token_;
};

}  // namespace bonafide::app
