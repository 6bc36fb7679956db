#include "net/smtp_connection.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "base/text.hpp"

namespace bonafide::net {
namespace {

constexpr size_t max_reply_bytes = 480;  // RFC 5321 section 4.5.3.1.5: 512 with code and line end
constexpr size_t max_helo_bytes = 255;
constexpr size_t tidy_bytes = size_t{64} << 10;

// A browser that is made to speak to a mail port gives itself away by these.
constexpr std::array<std::string_view, 7> http_methods = {"GET",     "POST",   "PUT",    "HEAD",
                                                          "OPTIONS", "DELETE", "CONNECT"};

// A reply must not be able to begin another one, whoever made its text.
void append_line(std::string& out, const SmtpReply& reply, char separator, std::string_view text) {
  out += std::to_string(reply.code) + separator;
  if (!reply.status.empty()) out += reply.status + " ";
  for (const char c : text.substr(0, max_reply_bytes))
    out += static_cast<uint8_t>(c) < 0x20 || c == 0x7F ? ' ' : c;
  out += "\r\n";
}

SmtpReply too_large(size_t most) {
  return {552, "5.3.4", "the message is too large; at most " + std::to_string(most) + " bytes are taken"};
}
SmtpReply out_of_order(std::string text) { return {503, "5.5.1", std::move(text)}; }
const SmtpReply timed_out{421, "4.4.2", "nothing came in time; closing"};
const SmtpReply not_answered{451, "4.3.0", "the message could not be stored in time; send it again later"};

bool has_control(std::string_view line) {
  return std::ranges::any_of(line, [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

// ---- what connections share

ConnectionFactory SmtpFront::factory() {
  return [this](const Peer& peer, std::shared_ptr<Link> link) -> std::unique_ptr<Connection> {
    return std::make_unique<SmtpConnection>(*this, peer, std::move(link));
  };
}

bool SmtpFront::reserve(size_t bytes) {
  if (bytes > limits_.messages_bytes - held_bytes_) return false;
  held_bytes_ += bytes;
  return true;
}

// ---- answers from anywhere

class SmtpAnswer::State {
 public:
  State(std::shared_ptr<Link> link, SmtpConnection& connection, uint64_t message)
      : link_(std::move(link)), connection_(connection), message_(message) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { send({{451, "4.3.0", "the message was dropped without an answer; send it again"}}); }

  void send(std::vector<SmtpReply> replies) {
    if (settled_.exchange(true)) return;
    // The link drops the task when the connection has gone, so the reference is good whenever it is used.
    link_->post([&connection = connection_, message = message_, replies = std::move(replies)](Time now) {
      connection.answer(message, replies, now);
    });
  }

 private:
  const std::shared_ptr<Link> link_;
  SmtpConnection& connection_;
  const uint64_t message_;
  std::atomic<bool> settled_{false};
};

void SmtpAnswer::send(std::vector<SmtpReply> replies) const { state_->send(std::move(replies)); }

// ---- the machine

SmtpConnection::SmtpConnection(SmtpFront& front, Peer peer, std::shared_ptr<Link> link)
    : front_(front), peer_(std::move(peer)), link_(std::move(link)) {
  ++front_.sessions_;
}

SmtpConnection::~SmtpConnection() {
  front_.release(reserved_);
  --front_.sessions_;
}

void SmtpConnection::on_open(Time now) {
  since_ = now;
  if (front_.sessions_ > front_.limits().sessions)
    return end_session({421, "4.3.2", "too many connections; try again later"});
  if (const auto refusal = front_.handler().on_connect(peer_)) return end_session(*refusal);
  relay_ = front_.handler().is_relay(peer_);
  const bool lmtp = front_.protocol() == SmtpProtocol::lmtp;
  reply({220, "", front_.limits().name + (lmtp ? " LMTP Bonafide" : " ESMTP Bonafide")});
}

void SmtpConnection::on_bytes(ByteView bytes, Time now) {
  if (closed() || bytes.empty()) return;
  last_input_ = now;
  in_ += bytes;
  advance(now);
}

void SmtpConnection::on_end(Time now) {
  ended_ = true;
  advance(now);
}

void SmtpConnection::on_drain(Time now) {
  draining_ = true;
  advance(now);
}

std::optional<Time> SmtpConnection::deadline() const {
  const SmtpLimits& limits = front_.limits();
  switch (state_) {
    case State::command:
      return since_ + limits.command;
    case State::data:
    case State::chunk:
      return std::min(last_input_ + limits.data_idle, since_ + limits.data_whole);
    case State::waiting:
      return since_ + limits.answer;
    case State::closed:
      break;
  }
  return std::nullopt;
}

void SmtpConnection::on_time(Time now) {
  const auto due = deadline();
  if (!due || now < *due) return;
  if (state_ == State::waiting) return answer(message_, {not_answered}, now);
  end_session(timed_out);
}

bool SmtpConnection::wants_input() const {
  return !ended_ && state_ != State::closed && state_ != State::waiting && !output_full() &&
         unread().size() < front_.limits().pipelined_bytes;
}

bool SmtpConnection::take_output(std::string& out, Time now) {
  if (out_.empty()) return false;
  out.clear();
  out.swap(out_);
  advance(now);
  return true;
}

void SmtpConnection::advance(Time now) {
  bool more = true;
  while (more && !output_full()) {
    switch (state_) {
      case State::command:
        if (draining_) return end_session({421, "4.3.2", "the service is stopping; try again later"});
        more = read_command(now);
        break;
      case State::data:
        more = read_data(now);
        break;
      case State::chunk:
        more = read_chunk(now);
        break;
      case State::waiting:
      case State::closed:
        return;
    }
  }
  // What is cut off in the middle is never handled.
  if (ended_ && !more) state_ = State::closed;
}

void SmtpConnection::consume(size_t bytes) {
  at_ += bytes;
  if (at_ == in_.size()) {
    in_.clear();
    at_ = 0;
  } else if (at_ >= tidy_bytes) {
    in_.erase(0, at_);
    at_ = 0;
  }
}

// ---- replies

void SmtpConnection::reply(const SmtpReply& reply) {
  append_line(out_, reply, ' ', reply.text);
  if (reply.code >= 400) front_.handler().on_refused(reply.code);
}

void SmtpConnection::end_session(const SmtpReply& last) {
  reply(last);
  reset_transaction();
  state_ = State::closed;
}

void SmtpConnection::bad(const SmtpReply& refusal) {
  if (++bad_commands_ >= front_.limits().bad_commands)
    return end_session({421, "4.7.0", "too many errors; closing"});
  reply(refusal);
}

void SmtpConnection::reply_for_message(const std::vector<SmtpReply>& replies) {
  const size_t wanted = front_.protocol() == SmtpProtocol::lmtp ? recipients_ : 1;
  for (size_t i = 0; i < wanted; ++i) reply(replies.size() == wanted ? replies[i] : replies.front());
}

void SmtpConnection::reset_transaction() {
  mail_.reset();
  lines_.reset();
  forwarded_.reset();  // as Postfix has it: said anew for each message
  recipients_ = 0;
  recipient_refused_ = no_room_ = false;
  front_.release(std::exchange(reserved_, 0));
}

// ---- commands

bool SmtpConnection::read_command(Time now) {
  const std::string_view text = unread();
  if (text.empty()) return false;
  const size_t end = text.find('\n');
  const bool whole = end != std::string_view::npos;
  const size_t length = whole ? end + 1 : text.size();
  if (skipped_ > 0 || length > front_.limits().line_bytes) return skip_line(length, whole, now);
  if (!whole) return false;
  since_ = now;
  const std::string line(text.substr(0, length));
  consume(length);
  if (++commands_ > front_.limits().commands) {
    end_session({421, "4.7.0", "too many commands without a message; closing"});
  } else if (!line.ends_with("\r\n") || has_control(std::string_view(line).substr(0, line.size() - 2))) {
    bad({500, "5.5.2", "a command is one line of text that ends in CR LF"});
  } else {
    handle_line(std::string_view(line).substr(0, line.size() - 2));
  }
  return true;
}

bool SmtpConnection::skip_line(size_t bytes, bool whole, Time now) {
  const SmtpLimits& limits = front_.limits();
  const bool first = skipped_ == 0;
  skipped_ += bytes;
  consume(bytes);
  if (first) bad({500, "5.5.2", "the line is longer than " + std::to_string(limits.line_bytes) + " bytes"});
  if (closed()) return true;
  if (skipped_ > limits.skipped_bytes) {
    end_session({421, "4.7.0", "the line does not end; closing"});
  } else if (whole) {
    skipped_ = 0;
    since_ = now;
  }
  return true;
}

struct SmtpConnection::Verb {
  std::string_view name;
  void (SmtpConnection::*run)(std::string_view arguments);
  bool smtp = true, lmtp = true;
};

const SmtpConnection::Verb* SmtpConnection::find_verb(std::string_view name, SmtpProtocol protocol) {
  static constexpr std::array<Verb, 18> verbs = {{{"MAIL", &SmtpConnection::on_mail},
                                                  {"RCPT", &SmtpConnection::on_rcpt},
                                                  {"DATA", &SmtpConnection::on_data},
                                                  {"BDAT", &SmtpConnection::on_bdat},
                                                  {"EHLO", &SmtpConnection::on_ehlo, true, false},
                                                  {"HELO", &SmtpConnection::on_helo, true, false},
                                                  {"LHLO", &SmtpConnection::on_ehlo, false, true},
                                                  {"XFORWARD", &SmtpConnection::on_xforward},
                                                  {"RSET", &SmtpConnection::on_rset},
                                                  {"NOOP", &SmtpConnection::on_noop},
                                                  {"VRFY", &SmtpConnection::on_vrfy},
                                                  {"HELP", &SmtpConnection::on_help},
                                                  {"QUIT", &SmtpConnection::on_quit},
                                                  {"EXPN", &SmtpConnection::on_not_offered},
                                                  {"ETRN", &SmtpConnection::on_not_offered},
                                                  {"TURN", &SmtpConnection::on_not_offered},
                                                  {"AUTH", &SmtpConnection::on_not_offered},
                                                  {"STARTTLS", &SmtpConnection::on_not_offered}}};
  const auto* const verb = std::ranges::find(verbs, name, &Verb::name);
  if (verb == verbs.end()) return nullptr;
  return (protocol == SmtpProtocol::lmtp ? verb->lmtp : verb->smtp) ? verb : nullptr;
}

void SmtpConnection::handle_line(std::string_view line) {
  const SmtpCommand command = parse_command(line);
  if (const Verb* verb = find_verb(command.verb, front_.protocol()))
    return (this->*verb->run)(command.arguments);
  if (std::ranges::find(http_methods, command.verb) != http_methods.end())
    return end_session({421, "4.7.0", "this is a mail door, not a web server; closing"});
  const bool lmtp = front_.protocol() == SmtpProtocol::lmtp;
  bad({500, "5.5.1",
       std::string("this command is not known; ") +
           (lmtp ? "this is LMTP, which begins with LHLO" : "this is SMTP, which begins with EHLO")});
}

void SmtpConnection::say_hello(std::string_view arguments, bool extended) {
  if (arguments.empty() || arguments.size() > max_helo_bytes)
    return bad({501, "5.5.4", "your name must follow, with at most 255 bytes"});
  reset_transaction();
  helo_ = clean_text(arguments, max_helo_bytes);
  const SmtpLimits& limits = front_.limits();
  const SmtpReply plain{250, "", limits.name};
  if (!extended) return reply(plain);
  append_line(out_, plain, '-', limits.name);
  for (const char* extension : {"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING"})
    append_line(out_, plain, '-', extension);
  if (relay_) append_line(out_, plain, '-', "XFORWARD " + std::string(forwarded_attributes()));
  append_line(out_, plain, ' ', "SIZE " + std::to_string(limits.message_bytes));
}

SmtpHandler::Refusal SmtpConnection::take_parameters(const SmtpPath& path, SmtpMail& mail) const {
  for (const auto& [name, value] : path.parameters) {
    if (name == "SIZE") {
      const auto size = parse_int(value);
      if (!size.ok() || *size < 0) return SmtpReply{501, "5.5.4", "SIZE is no number of bytes"};
      mail.announced_bytes = static_cast<uint64_t>(*size);
    } else if (name == "BODY") {
      if (!equals_ignoring_case(value, "7BIT") && !equals_ignoring_case(value, "8BITMIME"))
        return SmtpReply{501, "5.5.4", "BODY is 7BIT or 8BITMIME"};
    } else if (name == "SMTPUTF8" && value.empty()) {
      mail.utf8 = true;
    } else {
      return SmtpReply{555, "5.5.4", "the parameter " + name + " is not known"};
    }
  }
  if (!path.ascii && !mail.utf8) return SmtpReply{553, "5.6.7", "such an address needs SMTPUTF8"};
  return std::nullopt;
}

void SmtpConnection::on_mail(std::string_view arguments) {
  const bool lmtp = front_.protocol() == SmtpProtocol::lmtp;
  if (helo_.empty()) return bad(out_of_order(lmtp ? "say LHLO first" : "say EHLO or HELO first"));
  if (mail_) return bad(out_of_order("a message is under way; RSET drops it"));
  auto parsed = parse_path(arguments, "FROM", front_.limits().address_bytes, "5.1.7");
  if (const auto* wrong = std::get_if<SmtpReply>(&parsed)) return bad(*wrong);
  auto& path = std::get<SmtpPath>(parsed);
  SmtpMail mail;
  if (const auto wrong = take_parameters(path, mail)) return bad(*wrong);
  if (mail.announced_bytes > front_.limits().message_bytes)
    return reply(too_large(front_.limits().message_bytes));
  mail.peer = peer_;
  mail.helo = helo_;
  mail.forwarded = forwarded_;
  mail.mail_from = std::move(path.address);
  if (const auto refusal = front_.handler().on_mail(mail)) return reply(*refusal);
  mail_ = std::move(mail);
  reply({250, "2.1.0", "sender taken"});
}

void SmtpConnection::on_rcpt(std::string_view arguments) {
  if (!mail_ || lines_) return bad(out_of_order("recipients come after MAIL and before the message"));
  const SmtpLimits& limits = front_.limits();
  auto parsed = parse_path(arguments, "TO", limits.address_bytes, "5.1.3");
  SmtpHandler::Refusal wrong;
  if (const auto* reply = std::get_if<SmtpReply>(&parsed)) {
    wrong = *reply;
  } else {
    const auto& path = std::get<SmtpPath>(parsed);
    if (path.address.empty()) wrong = SmtpReply{501, "5.1.3", "a recipient is not empty"};
    if (!path.parameters.empty()) wrong = SmtpReply{555, "5.5.4", "RCPT takes no parameters here"};
    if (!path.ascii && !mail_->utf8) wrong = SmtpReply{553, "5.6.7", "such an address needs SMTPUTF8"};
  }
  if (wrong) {
    recipient_refused_ = true;
    return bad(*wrong);
  }
  if (recipients_ >= limits.recipients)
    return reply({452, "4.5.3", "too many recipients; send to these first, then to the others"});
  std::string& recipient = std::get<SmtpPath>(parsed).address;
  if (const auto refusal = front_.handler().on_recipient(*mail_, recipient)) {
    recipient_refused_ = true;
    return refusal->code >= 500 ? bad(*refusal) : reply(*refusal);
  }
  mail_->rcpt_to.push_back(std::move(recipient));
  ++recipients_;
  reply({250, "2.1.5", "recipient taken"});
}

void SmtpConnection::on_xforward(std::string_view arguments) {
  if (!relay_) return bad({550, "5.7.0", "XFORWARD is taken from named relays only"});
  if (mail_) return bad(out_of_order("XFORWARD comes before MAIL"));
  auto parsed = parse_forwarded(arguments, forwarded_.value_or(SmtpForwarded{}));
  if (const auto* wrong = std::get_if<SmtpReply>(&parsed)) return bad(*wrong);
  forwarded_ = std::move(std::get<SmtpForwarded>(parsed));
  reply({250, "2.0.0", "taken"});
}

void SmtpConnection::on_rset(std::string_view arguments) {
  if (!arguments.empty()) return bad({501, "5.5.4", "RSET takes no argument"});
  reset_transaction();
  reply({250, "2.0.0", "forgotten"});
}

void SmtpConnection::on_noop(std::string_view) { reply({250, "2.0.0", "nothing done"}); }

void SmtpConnection::on_vrfy(std::string_view) {
  reply({252, "2.1.5", "addresses are not looked up; send the message"});
}

void SmtpConnection::on_help(std::string_view) {
  reply({214, "2.0.0", "RFC 5321 (SMTP) and RFC 2033 (LMTP) say how to hand over mail"});
}

void SmtpConnection::on_quit(std::string_view arguments) {
  if (!arguments.empty()) return bad({501, "5.5.4", "QUIT takes no argument"});
  end_session({221, "2.0.0", "bye"});
}

void SmtpConnection::on_not_offered(std::string_view) { bad({502, "5.5.1", "this is not offered here"}); }

// ---- the message

SmtpHandler::Refusal SmtpConnection::not_ready_for_message() const {
  if (!mail_) return out_of_order("the message comes after MAIL and RCPT");
  if (recipients_ > 0) return std::nullopt;
  // RFC 2033 section 4.2 wants 503 in any case.
  if (recipient_refused_ && front_.protocol() == SmtpProtocol::smtp)
    return SmtpReply{554, "5.5.1", "no recipient was taken"};
  return out_of_order("there is no recipient");
}

void SmtpConnection::on_data(std::string_view arguments) {
  if (!arguments.empty()) return bad({501, "5.5.4", "DATA takes no argument"});
  if (const auto refusal = not_ready_for_message()) return bad(*refusal);
  if (lines_) return bad(out_of_order("the message began with BDAT and goes on with it"));
  lines_.emplace(front_.limits().message_bytes);
  dots_ = {};
  last_input_ = since_;
  state_ = State::data;
  reply({354, "", "send the message; a line with a dot alone ends it"});
}

void SmtpConnection::on_bdat(std::string_view arguments) {
  const size_t space = arguments.find(' ');
  const auto size = parse_int(arguments.substr(0, space));
  const std::string_view word = space == std::string_view::npos ? "" : trim(arguments.substr(space));
  // Where the next command begins is not known, or too far away.
  if (!size.ok() || *size < 0 || !(word.empty() || equals_ignoring_case(word, "LAST")))
    return end_session({501, "5.5.4", "the form is: BDAT bytes [LAST]; closing"});
  if (static_cast<uint64_t>(*size) > 2 * front_.limits().message_bytes)
    return end_session(too_large(front_.limits().message_bytes));
  chunk_left_ = static_cast<uint64_t>(*size);
  chunk_last_ = !word.empty();
  chunk_refusal_ = not_ready_for_message();
  if (!chunk_refusal_ && !lines_) lines_.emplace(front_.limits().message_bytes);
  last_input_ = since_;
  state_ = State::chunk;
}

void SmtpConnection::keep_room() {
  const size_t held = lines_->held();
  if (held <= reserved_) return;
  if (front_.reserve(held - reserved_)) {
    reserved_ = held;
  } else {
    no_room_ = true;
    lines_->drop();
  }
}

SmtpHandler::Refusal SmtpConnection::fault_of_message() {
  if (lines_->bare_line_end()) return SmtpReply{550, "5.6.11", "a line of the message does not end in CR LF"};
  if (lines_->too_large()) return too_large(front_.limits().message_bytes);
  if (no_room_) return SmtpReply{451, "4.3.1", "too many messages are being received; send it again later"};
  return std::nullopt;
}

bool SmtpConnection::read_data(Time now) {
  if (unread().empty()) return false;
  consume(dots_.read(unread(), *lines_));
  keep_room();
  if (lines_->total() > 2 * front_.limits().message_bytes) {
    reply_for_message({too_large(front_.limits().message_bytes)});
    reset_transaction();
    state_ = State::closed;
    return true;
  }
  if (!dots_.done()) return false;
  end_message(now);
  return true;
}

bool SmtpConnection::read_chunk(Time now) {
  const std::string_view piece = unread().substr(0, std::min<uint64_t>(chunk_left_, unread().size()));
  if (!chunk_refusal_) {
    lines_->add(piece);
    keep_room();
  }
  chunk_left_ -= piece.size();
  consume(piece.size());
  if (chunk_left_ > 0) return false;
  state_ = State::command;
  since_ = now;
  if (chunk_refusal_) {
    bad(*std::exchange(chunk_refusal_, std::nullopt));
  } else if (chunk_last_) {
    end_message(now);
  } else if (const auto fault = fault_of_message()) {
    reset_transaction();
    reply(*fault);
  } else {
    reply({250, "2.0.0", "chunk taken"});
  }
  return true;
}

void SmtpConnection::end_message(Time now) {
  since_ = now;
  lines_->finish();
  if (const auto fault = fault_of_message()) {
    reply_for_message({*fault});
    reset_transaction();
    state_ = State::command;
    return;
  }
  state_ = State::waiting;
  mail_->raw = std::move(lines_->text());
  SmtpMail mail = std::move(*mail_);
  front_.handler().on_message(std::move(mail),
                              SmtpAnswer(std::make_shared<SmtpAnswer::State>(link_, *this, ++message_)));
}

void SmtpConnection::answer(uint64_t message, std::vector<SmtpReply> replies, Time now) {
  if (message != message_ || state_ != State::waiting) return;
  if (replies.empty()) replies = {not_answered};
  reply_for_message(replies);
  front_.handler().on_answered(now - since_);
  if (std::ranges::any_of(replies, [](const SmtpReply& reply) { return reply.code < 300; }))
    bad_commands_ = commands_ = 0;
  reset_transaction();
  since_ = now;
  state_ = State::command;
  advance(now);
}

}  // namespace bonafide::net
