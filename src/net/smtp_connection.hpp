#pragma once
#include <memory>
#include <optional>
#include <string>

#include "net/connection.hpp"
#include "net/smtp.hpp"
#include "net/smtp_parse.hpp"

namespace bonafide::net {

/// What all connections of one mail door share. Lives longer than the server that uses its factory(). Used on
/// the server's thread only.
class SmtpFront {
 public:
  SmtpFront(SmtpProtocol protocol, SmtpHandler& handler, SmtpLimits limits)
      : protocol_(protocol), handler_(handler), limits_(std::move(limits)) {}
  [[nodiscard]] ConnectionFactory factory();

  [[nodiscard]] SmtpProtocol protocol() const { return protocol_; }
  [[nodiscard]] SmtpHandler& handler() { return handler_; }
  [[nodiscard]] const SmtpLimits& limits() const { return limits_; }

  /// Bytes of messages held at this moment. False = no room for `bytes` more.
  bool reserve(size_t bytes);
  void release(size_t bytes) { held_bytes_ -= bytes; }
  [[nodiscard]] size_t held_bytes() const { return held_bytes_; }
  [[nodiscard]] size_t sessions() const { return sessions_; }

 private:
  friend class SmtpConnection;
  const SmtpProtocol protocol_;
  SmtpHandler& handler_;
  const SmtpLimits limits_;
  size_t held_bytes_ = 0, sessions_ = 0;
};

/// One SMTP or LMTP session, the server's side. Commands are answered one after the other, in order, whether
/// they come one by one or in groups (RFC 2920); while a message waits for its answer nothing more is read.
class SmtpConnection final : public Connection {
 public:
  SmtpConnection(SmtpFront& front, Peer peer, std::shared_ptr<Link> link);
  ~SmtpConnection() override;

  void on_open(Time now) override;
  void on_bytes(ByteView bytes, Time now) override;
  void on_end(Time now) override;
  void on_time(Time now) override;
  void on_drain(Time now) override;
  [[nodiscard]] std::optional<Time> deadline() const override;
  [[nodiscard]] bool wants_input() const override;
  bool take_output(std::string& out, Time now) override;
  [[nodiscard]] bool closed() const override { return state_ == State::closed; }

 private:
  friend class SmtpAnswer::State;
  enum class State { command, data, chunk, waiting, closed };
  struct Verb;
  static const Verb* find_verb(std::string_view name, SmtpProtocol protocol);

  void advance(Time now);
  // These give false when more input is needed.
  bool read_command(Time now);
  bool skip_line(size_t bytes, bool whole, Time now);
  bool read_data(Time now);
  bool read_chunk(Time now);
  void handle_line(std::string_view line);

  void say_hello(std::string_view arguments, bool extended);
  void on_helo(std::string_view arguments) { say_hello(arguments, false); }
  void on_ehlo(std::string_view arguments) { say_hello(arguments, true); }
  void on_mail(std::string_view arguments);
  void on_rcpt(std::string_view arguments);
  void on_data(std::string_view arguments);
  void on_bdat(std::string_view arguments);
  void on_xforward(std::string_view arguments);
  void on_rset(std::string_view arguments);
  void on_noop(std::string_view arguments);
  void on_vrfy(std::string_view arguments);
  void on_help(std::string_view arguments);
  void on_quit(std::string_view arguments);
  void on_not_offered(std::string_view arguments);

  /// Takes MAIL's parameters into `mail`; else the reply that refuses them.
  SmtpHandler::Refusal take_parameters(const SmtpPath& path, SmtpMail& mail) const;
  /// May the message itself come now? Else the reply that refuses it.
  [[nodiscard]] SmtpHandler::Refusal not_ready_for_message() const;
  /// What is wrong with what has come of the message.
  SmtpHandler::Refusal fault_of_message();
  void keep_room();
  void end_message(Time now);
  void answer(uint64_t message, std::vector<SmtpReply> replies, Time now);
  void reset_transaction();

  void reply(const SmtpReply& reply);
  /// The client's mistake: counted, and too many of them end the session.
  void bad(const SmtpReply& reply);
  /// One for each recipient where the protocol wants it.
  void reply_for_message(const std::vector<SmtpReply>& replies);
  void end_session(const SmtpReply& last);
  [[nodiscard]] bool output_full() const { return out_.size() >= front_.limits().output_bytes; }
  [[nodiscard]] std::string_view unread() const { return std::string_view(in_).substr(at_); }
  void consume(size_t bytes);

  SmtpFront& front_;
  const Peer peer_;
  const std::shared_ptr<Link> link_;

  State state_ = State::command;
  bool ended_ = false, draining_ = false, relay_ = false;
  std::string in_;  ///< received; what is before at_ is used up
  size_t at_ = 0;
  std::string out_;
  size_t skipped_ = 0;  ///< bytes of a line that is too long
  size_t bad_commands_ = 0, commands_ = 0;
  Time since_;  ///< of waiting for a command, of the message, of waiting for its answer
  Time last_input_;

  // The session and the transaction under way.
  std::string helo_;
  std::optional<SmtpForwarded> forwarded_;
  std::optional<SmtpMail> mail_;  ///< since MAIL
  size_t recipients_ = 0;
  bool recipient_refused_ = false;
  std::optional<SmtpLines> lines_;  ///< since DATA or the first BDAT
  SmtpDots dots_;
  uint64_t chunk_left_ = 0;
  bool chunk_last_ = false;
  SmtpHandler::Refusal chunk_refusal_;
  bool no_room_ = false;
  size_t reserved_ = 0;
  uint64_t message_ = 0;  ///< counts the messages handed over
};

}  // namespace bonafide::net
