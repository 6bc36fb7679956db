// SMTP and LMTP from anybody: no input crashes the machine, holds more than its limits, or is answered
// differently when it arrives in other pieces (what two readers read differently is what messages are
// smuggled with).
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "env/sim/clock.hpp"
#include "net/smtp_connection.hpp"

namespace {

using namespace bonafide;
using namespace bonafide::net;

constexpr size_t message_bytes = 2048;

void expect(bool truth, const char* what) {
  if (truth) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

class Recorder final : public SmtpHandler {
 public:
  Refusal on_connect(const Peer&) override { return std::nullopt; }
  bool is_relay(const Peer&) override { return true; }
  Refusal on_mail(const SmtpMail& mail) override {
    if (mail.mail_from.starts_with("later")) return SmtpReply{452, "4.3.1", "later"};
    return std::nullopt;
  }
  Refusal on_recipient(const SmtpMail&, const std::string& recipient) override {
    if (recipient.starts_with("nobody")) return SmtpReply{550, "5.1.1", "nobody"};
    return std::nullopt;
  }
  void on_message(SmtpMail mail, SmtpAnswer answer) override {
    expect(mail.raw.size() <= message_bytes, "a message above the limit");
    expect(!mail.rcpt_to.empty() && mail.rcpt_to.size() <= 3, "recipients");
    for (size_t i = 0; i < mail.raw.size(); ++i) {
      expect(mail.raw[i] != '\n' || (i > 0 && mail.raw[i - 1] == '\r'), "a bare LF was taken");
      expect(mail.raw[i] != '\r' || (i + 1 < mail.raw.size() && mail.raw[i + 1] == '\n'),
             "a bare CR was taken");
    }
    seen += mail.helo + "|" + mail.mail_from;
    for (const auto& to : mail.rcpt_to) seen += "|" + to;
    if (mail.forwarded) seen += "|" + mail.forwarded->name + mail.forwarded->helo;
    seen += "\n" + mail.raw + "\n";
    std::vector<SmtpReply> each(mail.rcpt_to.size(), SmtpReply{250, "2.0.0", "taken"});
    if (mail.raw.size() % 3 == 1) each = {{451, "4.3.0", "later"}};
    if (mail.raw.size() % 3 != 2) answer.send(std::move(each));
  }
  void on_refused(int) override {}
  void on_answered(Duration) override {}
  std::string seen;
};

class Tasks final : public Link {
 public:
  void post(std::function<void(Time)> task) override { waiting.push_back(std::move(task)); }
  std::deque<std::function<void(Time)>> waiting;
};

/// Every line of the server's is a reply with a code, and ends in CR LF.
void check_replies(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find("\r\n");
    expect(end != std::string_view::npos && end >= 4, "a reply without its end");
    const std::string_view line = text.substr(0, end);
    expect(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'), "a reply without a code");
    expect(line.find_first_of("\r\n") == std::string_view::npos, "a line end in a reply");
    text.remove_prefix(end + 2);
  }
}

// Feeds `bytes` in pieces whose sizes come from `sizes`; returns what was answered, and the messages as they
// were understood.
std::string understood(SmtpProtocol protocol, std::string_view bytes, std::string_view sizes) {
  env::sim::ManualClock clock;
  Recorder handler;
  SmtpLimits limits;
  limits.line_bytes = 256;
  limits.skipped_bytes = 512;
  limits.message_bytes = message_bytes;
  limits.recipients = 3;
  limits.output_bytes = 200;
  SmtpFront front(protocol, handler, limits);
  auto link = std::make_shared<Tasks>();
  std::string said;
  {
    SmtpConnection machine(front, Peer{}, link);
    std::string out;
    const auto settle = [&] {
      for (bool more = true; more;) {
        more = machine.take_output(out, clock.steady());
        said += std::exchange(out, {});
        while (!link->waiting.empty()) {
          auto task = std::move(link->waiting.front());
          link->waiting.pop_front();
          task(clock.steady());
          more = true;
        }
      }
    };
    machine.on_open(clock.steady());
    settle();
    size_t turn = 0;
    while (!bytes.empty() && machine.wants_input()) {
      const size_t wanted =
          sizes.empty() ? bytes.size() : 1 + static_cast<uint8_t>(sizes[turn++ % sizes.size()]);
      const std::string_view piece = bytes.substr(0, wanted);
      bytes.remove_prefix(piece.size());
      machine.on_bytes(piece, clock.steady());
      settle();
    }
    expect(machine.closed() || machine.wants_input(), "a session that neither reads nor ends");
    // Time passes until it gives up: it always does.
    for (int i = 0; i < 10 && !machine.closed(); ++i) {
      const auto due = machine.deadline();
      expect(due.has_value(), "an open session without a deadline");
      clock.advance(*due - clock.steady());
      machine.on_time(clock.steady());
      settle();
    }
    expect(machine.closed(), "a session that does not end");
  }
  expect(front.held_bytes() == 0 && front.sessions() == 0, "something is held after the end");
  check_replies(said);
  return said + handler.seen;
}

// Commands that cannot end the session or begin a message are answered with one reply each.
void check_one_reply_each(SmtpProtocol protocol, std::string_view bytes) {
  env::sim::ManualClock clock;
  Recorder handler;
  SmtpFront front(protocol, handler, SmtpLimits{});
  SmtpConnection machine(front, Peer{}, std::make_shared<Tasks>());
  std::string out;
  machine.on_open(clock.steady());
  machine.take_output(out, clock.steady());
  while (!bytes.empty() && !machine.closed()) {
    const size_t end = std::min(bytes.find('\n'), std::min<size_t>(bytes.size(), 1000));
    std::string line(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    std::erase(line, '\r');
    if ((line.size() >= 4 && (line[0] | 0x20) == 'd') || (line[0] | 0x20) == 'b') continue;  // DATA, BDAT
    out.clear();
    machine.on_bytes(line + "\r\n", clock.steady());
    machine.take_output(out, clock.steady());
    size_t finals = 0;
    for (size_t at = 0; at < out.size(); at = out.find("\r\n", at) + 2) finals += out[at + 3] == ' ' ? 1 : 0;
    expect(finals == 1, "a command without its one reply");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto first = static_cast<uint8_t>(input[0]);
  const auto protocol = (first & 0x80) != 0 ? SmtpProtocol::lmtp : SmtpProtocol::smtp;
  const size_t control = std::min<size_t>(first % 8, size - 1);
  const std::string_view sizes = input.substr(1, control);
  // The way to a message is given, so that what comes of it is found.
  std::string bytes;
  if ((first & 0x40) != 0)
    bytes = std::string(protocol == SmtpProtocol::lmtp ? "LHLO" : "EHLO") +
            " x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\n";
  if ((first & 0x20) != 0) bytes += "DATA\r\n";
  bytes += input.substr(1 + control);
  const std::string whole = understood(protocol, bytes, {});
  expect(understood(protocol, bytes, std::string_view("\0", 1)) == whole, "read differently byte by byte");
  expect(understood(protocol, bytes, sizes) == whole, "read differently in pieces");
  check_one_reply_each(protocol, input.substr(1 + control));
  return 0;
}
