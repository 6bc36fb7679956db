#include "app/live_service.hpp"

#include "base/text.hpp"
#include "env/real/signals.hpp"

namespace bonafide::app {
namespace {

constexpr Duration stop_patience = Duration::seconds(20);

std::string url_of(const net::Address& address) {
  if (address.is_unix()) return "unix:" + address.unix_path;
  net::Address reachable = address;
  // Bound to all addresses: the command line on this machine takes loopback.
  if (reachable.ip == *IpAddress::parse("0.0.0.0") || reachable.ip == IpAddress{})
    reachable.ip = *IpAddress::parse("127.0.0.1");
  return "http://" + reachable.text();
}

}  // namespace

LiveService::LiveService(const Common& common) : common_(common), world_(common) {}

LiveService::~LiveService() {
  if (server_thread_.joinable()) {
    server_->stop();
    server_thread_.join();
  }
}

Status LiveService::open(const std::optional<std::string>& listen,
                         const std::function<void(Configuration&)>& adjust) {
  BONAFIDE_ASSIGN(configuration_, load_configuration(world_.files, common_));
  if (listen) configuration_.api.listen = {*listen};
  // Whoever wants any free port for the API wants to run beside another: the same for doors nobody placed.
  if (listen && listen->ends_with(":0")) {
    for (auto& door : configuration_.mail_doors) {
      if (door.listen_is_default) door.listen = {"127.0.0.1:0"};
    }
  }
  if (adjust) adjust(configuration_);
  BONAFIDE_TRY(api::check_binding(configuration_.api));
  BONAFIDE_ASSIGN(folder_, world_.open(common_.data));
  BONAFIDE_ASSIGN(pipeline_, Pipeline::open(*folder_, configuration_.pipeline, world_.outside()));
  runner_ = std::make_unique<Runner>(*pipeline_, world_.outside(), wake_);
  service_ = std::make_unique<Service>(configuration_.service, *pipeline_, world_.outside(), runner_.get());
  BONAFIDE_TRY(open_api());
  return open_mail_doors();
}

Status LiveService::open_mail_doors() {
  BONAFIDE_ASSIGN(mail_doors_, MailDoors::open(configuration_.mail_doors, *pipeline_, world_.outside()));
  files_door_ = std::make_unique<FilesDoor>(configuration_.files_door, folder_->in("watched"), *pipeline_,
                                            world_.outside());
  return Ok{};
}

Status LiveService::open_api() {
  token_ = to_hex(world_.random.bytes(24));  // for the command line on this machine
  BONAFIDE_ASSIGN(auto access, api::Access::make(configuration_.api, world_.files, token_));
  api_ = std::make_unique<api::Api>(configuration_.api, std::move(access), *service_, world_.clock,
                                    *world_.logger, world_.metrics);
  front_ = std::make_unique<net::HttpFront>(*api_, api::http_limits(configuration_.api), world_.clock);
  net::ServerSettings settings;
  settings.max_connections = configuration_.api.max_connections;
  server_ = std::make_unique<net::Server>(settings, world_.clock, *world_.logger, world_.metrics);
  BONAFIDE_ASSIGN(const auto addresses, api::listen_addresses(configuration_.api));
  for (const auto& address : addresses) {
    BONAFIDE_ASSIGN(const auto chosen, server_->listen(address, "api", front_->factory()));
    if (url_.empty()) url_ = url_of(chosen);
  }
  return Ok{};
}

void LiveService::start_heartbeats() {
  heartbeats_ =
      std::make_unique<env::LoopThread>("heartbeat", world_.clock, [](const std::string&, const Error&) {});
  const auto add = [this](const char* name, Time& due, Duration every, std::function<void()> beat) {
    due = world_.clock.steady();
    heartbeats_->add({name,
                      [this, &due, every, beat = std::move(beat)]() -> Result<bool> {
                        if (world_.clock.steady() < due) return false;
                        due = world_.clock.steady() + every;
                        beat();
                        return true;
                      },
                      [&due] { return due; }});
  };
  add("rates", rates_due_, Recent::every, [this] { service_->measure(); });
  if (configuration_.heartbeat.us > 0) {
    add("heartbeat", heartbeat_due_, configuration_.heartbeat,
        [this] { pipeline_->collector().heartbeat(); });
  }
  heartbeats_->start();
}

Status LiveService::start() {
  env::ignore_broken_pipes();
  runner_->start();
  BONAFIDE_TRY(runner_->wait_until_ready());
  server_thread_ = std::thread([this] { server_->run(); });
  mail_doors_->start();
  files_door_->start();
  start_heartbeats();
  return folder_->announce(world_.files, {url_, token_, mail_doors_->addresses()});
}

bool LiveService::interrupted() const { return env::StopSignals::caught().has_value(); }

bool LiveService::wait(std::optional<Time> until) {
  for (;;) {
    if (interrupted() || runner_->failure()) return false;
    const Time now = world_.clock.steady();
    if (until && now >= *until) return true;
    wake_.wait(until ? std::optional(*until - now) : std::nullopt);
  }
}

Status LiveService::stop() {
  folder_->withdraw(world_.files);
  if (heartbeats_) heartbeats_->stop();
  mail_doors_->stop();
  files_door_->stop();
  service_->close_views();
  server_->stop();
  if (server_thread_.joinable()) server_thread_.join();
  service_->stop_taking();
  return runner_->stop(stop_patience);
}

}  // namespace bonafide::app
