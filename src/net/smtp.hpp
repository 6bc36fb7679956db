#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/time.hpp"
#include "net/address.hpp"

// SMTP (RFC 5321) and LMTP (RFC 2033) in plain types: what a handler sees and answers.
namespace bonafide::net {

enum class SmtpProtocol { smtp, lmtp };

struct SmtpReply {
  int code = 250;      ///< RFC 5321 section 4.2
  std::string status;  ///< RFC 3463, "2.1.0"; "" = none
  std::string text;    ///< one line
};

/// What a relay says of the client it got a message from (Postfix's XFORWARD). "" = it does not know.
struct SmtpForwarded {
  std::string name, port, protocol, helo, ident, source;
  std::optional<IpAddress> address;
};

/// One message as it was handed over.
struct SmtpMail {
  Peer peer;
  std::string helo;                        ///< what the peer calls itself
  std::optional<SmtpForwarded> forwarded;  ///< from a relay that may say so, and did
  std::string mail_from;                   ///< "" for the null sender
  std::vector<std::string> rcpt_to;        ///< those that were accepted, in their order
  uint64_t announced_bytes = 0;            ///< SIZE=; 0 = not said
  bool utf8 = false;                       ///< SMTPUTF8
  std::string raw;                         ///< after dot-unstuffing; no bare CR or LF in it
};

/// The way to answer one message: a handle that may be copied, kept and used from any thread. The first
/// answer counts. When the last copy goes without one, the message is refused for now (451).
class SmtpAnswer {
 public:
  class State;
  explicit SmtpAnswer(std::shared_ptr<State> state) : state_(std::move(state)) {}
  /// One reply for all recipients, or, for LMTP, one for each in their order.
  void send(std::vector<SmtpReply> replies) const;

 private:
  std::shared_ptr<State> state_;
};

/// What stands behind a door. Called on the server's thread, must not block.
class SmtpHandler {
 public:
  virtual ~SmtpHandler() = default;
  using Refusal = std::optional<SmtpReply>;  ///< nothing = go on
  /// May this peer speak here? A refusal ends the connection.
  virtual Refusal on_connect(const Peer& peer) = 0;
  /// Is this peer's word (XFORWARD) taken on where its mail comes from?
  virtual bool is_relay(const Peer& peer) = 0;
  /// Is mail taken now? Asked at MAIL FROM, before anything of it is read.
  virtual Refusal on_mail(const SmtpMail& mail) = 0;
  /// Is mail for `recipient` taken? Asked for each, before it is added to the mail.
  virtual Refusal on_recipient(const SmtpMail& mail, const std::string& recipient) = 0;
  /// The whole message.
  virtual void on_message(SmtpMail mail, SmtpAnswer answer) = 0;
  /// For counting: a reply that refuses (4yz or 5yz) is on its way.
  virtual void on_refused(int code) = 0;
  /// For counting: a message was answered, so long after its last byte.
  virtual void on_answered(Duration took) = 0;
};

/// Bounds on everything a peer controls.
struct SmtpLimits {
  std::string name = "bonafide.localhost";  ///< what the door calls itself
  size_t line_bytes = 4096;                 ///< of a command line, with its end (RFC 5321: at least 512)
  size_t skipped_bytes = size_t{64} << 10;  ///< of a line that is too long, before the connection is closed
  size_t address_bytes = 512;               ///< RFC 5321 section 4.5.3.1 with room for UTF-8
  size_t message_bytes = size_t{50} << 20;
  size_t messages_bytes = size_t{256} << 20;  ///< held by all connections of a front together
  size_t recipients = 100;
  size_t bad_commands = 20;                      ///< since the last message that was taken
  size_t commands = 2000;                        ///< likewise, of all
  size_t sessions = 200;                         ///< connections of a front at one time
  size_t pipelined_bytes = size_t{64} << 10;     ///< read ahead
  size_t output_bytes = size_t{16} << 10;        ///< replies the peer has not taken; then no command is read
  Duration command = Duration::seconds(300);     ///< until the next command is whole (RFC 5321: 5 minutes)
  Duration data_idle = Duration::seconds(60);    ///< without a byte of the message
  Duration data_whole = Duration::seconds(600);  ///< from DATA to its end
  Duration answer = Duration::seconds(25);       ///< until the handler has answered: 451
};

}  // namespace bonafide::net
