#pragma once
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "app/pipeline.hpp"
#include "mail/parse/parse.hpp"
#include "net/server.hpp"
#include "net/smtp_connection.hpp"

namespace bonafide::app {

/// One mail door: SMTP or LMTP.
struct MailDoorSettings {
  net::SmtpProtocol protocol = net::SmtpProtocol::smtp;
  std::vector<std::string> listen;  ///< addresses as net::Address reads them; none = the door is shut
  bool listen_is_default = true;    ///< nobody asked for these addresses
  std::string host_name;            ///< what the door calls itself
  std::vector<std::string> allow;   ///< CIDR ranges that may speak here, beside this machine
  std::vector<std::string> relays;  ///< CIDR ranges whose XFORWARD is believed
  std::vector<std::string> copy_to;
  std::string copy_domain;
  std::string tenant;  ///< whose all mail of this door is; "" = from the recipients
  size_t max_connections = 200;
  size_t max_message_bytes = size_t{50} << 20;
  mail::Edge edge;  ///< what is believed of the headers

  [[nodiscard]] std::string name() const { return protocol == net::SmtpProtocol::lmtp ? "lmtp" : "smtp"; }
};

/// What stands behind one mail door: the collector, with the envelope of the session.
class MailDoor final : public net::SmtpHandler {
 public:
  /// Errors: invalid (a bad range; a door open to other machines without `allow`).
  static Result<std::unique_ptr<MailDoor>> make(MailDoorSettings settings, Pipeline& pipeline,
                                                env::Metrics& metrics);

  Refusal on_connect(const net::Peer& peer) override;
  bool is_relay(const net::Peer& peer) override;
  Refusal on_mail(const net::SmtpMail& mail) override;
  Refusal on_recipient(const net::SmtpMail& mail, const std::string& recipient) override;
  void on_message(net::SmtpMail mail, net::SmtpAnswer answer) override;
  void on_refused(int code) override;
  void on_answered(Duration took) override { answer_seconds_.observe(took); }

  [[nodiscard]] const MailDoorSettings& settings() const { return settings_; }
  [[nodiscard]] const std::vector<net::Address>& addresses() const { return addresses_; }
  [[nodiscard]] net::SmtpLimits limits() const;

 private:
  MailDoor(MailDoorSettings settings, Pipeline& pipeline, env::Metrics& metrics);
  Status read_addresses();
  /// The recipient that was meant: nothing for an address that only asks for a copy.
  [[nodiscard]] std::optional<std::string> meant(const std::string& recipient) const;
  [[nodiscard]] steps::Submission submission_of(const net::SmtpMail& mail);
  /// The refusal where the door's own tenant is not there, or all recipients are those of removed ones.
  [[nodiscard]] Refusal no_tenant(const steps::Tenants& tenants) const;
  [[nodiscard]] Refusal nobodys(const steps::Tenants& tenants, const steps::Submission& submission) const;

  const MailDoorSettings settings_;
  Pipeline& pipeline_;
  env::Metrics& metrics_;
  std::vector<net::Address> addresses_;
  std::vector<IpRange> allow_, relays_;
  mail::Parser parser_;
  env::Counter& accepted_;
  env::Histogram& answer_seconds_;
  std::map<int, env::Counter*> refused_;  // by code; on the server's thread only
};

/// All mail doors, on a thread of their own: mail that comes in does not keep the API waiting.
class MailDoors {
 public:
  /// Listens. Errors: invalid, conflict (an address is taken).
  static Result<std::unique_ptr<MailDoors>> open(const std::vector<MailDoorSettings>& settings,
                                                 Pipeline& pipeline, Outside outside);
  ~MailDoors() { stop(); }
  MailDoors(const MailDoors&) = delete;
  MailDoors& operator=(const MailDoors&) = delete;

  void start();
  /// Takes nothing new, answers what has been handed over, ends.
  void stop();
  /// Door → where it listens; the first of its addresses.
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& addresses() const {
    return addresses_;
  }

 private:
  MailDoors() = default;

  std::vector<std::unique_ptr<MailDoor>> doors_;
  std::vector<std::unique_ptr<net::SmtpFront>> fronts_;
  std::unique_ptr<net::Server> server_;
  std::thread thread_;
  std::vector<std::pair<std::string, std::string>> addresses_;
};

}  // namespace bonafide::app
