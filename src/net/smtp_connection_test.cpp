#include "net/smtp_connection.hpp"

#include <deque>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "env/sim/clock.hpp"

namespace bonafide::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// Holds tasks until the test runs them: the moment an answer arrives is the test's choice.
class HeldLink final : public Link {
 public:
  void post(std::function<void(Time now)> task) override { tasks.push_back(std::move(task)); }
  std::deque<std::function<void(Time)>> tasks;
};

class TestDoor final : public SmtpHandler {
 public:
  Refusal on_connect(const Peer&) override { return connect_refusal; }
  bool is_relay(const Peer&) override { return relay; }
  Refusal on_mail(const SmtpMail&) override { return mail_refusal; }
  Refusal on_recipient(const SmtpMail&, const std::string& recipient) override {
    if (recipient.ends_with("@nowhere.example")) return SmtpReply{550, "5.1.2", "no such domain"};
    return std::nullopt;
  }
  void on_message(SmtpMail mail, SmtpAnswer answer) override {
    mails.push_back(std::move(mail));
    if (hold) return answers.push_back(std::move(answer));
    if (drop) return;
    std::vector<SmtpReply> replies;
    for (const auto& to : mails.back().rcpt_to) {
      if (!each) break;
      replies.push_back(to.starts_with("full") ? SmtpReply{452, "4.2.2", to + " is full"}
                                               : SmtpReply{250, "2.1.5", to + " id " + number()});
    }
    if (replies.empty()) replies.push_back({250, "2.0.0", "id " + number()});
    answer.send(std::move(replies));
  }
  void on_refused(int code) override { refused.push_back(code); }
  void on_answered(Duration took) override { answered.push_back(took); }
  [[nodiscard]] std::string number() const { return std::to_string(mails.size()); }

  Refusal connect_refusal, mail_refusal;
  bool relay = false, hold = false, drop = false, each = false;
  std::vector<SmtpMail> mails;
  std::vector<SmtpAnswer> answers;
  std::vector<int> refused;
  std::vector<Duration> answered;
};

/// A door with one session, driven by hand.
class Session {
 public:
  explicit Session(SmtpProtocol protocol = SmtpProtocol::smtp, SmtpLimits limits = {})
      : front(protocol, door, std::move(limits)) {}
  void open() {
    machine = std::make_unique<SmtpConnection>(front, Peer{}, link);
    machine->on_open(clock.steady());
  }
  /// What the machine says to `bytes`, given as fast as it takes them, at most `piece` at a time.
  std::string say(std::string_view bytes, size_t piece = std::string::npos) {
    std::string out = collect();
    while (!bytes.empty() && machine->wants_input()) {
      const std::string_view part = bytes.substr(0, piece);
      bytes.remove_prefix(part.size());
      machine->on_bytes(part, clock.steady());
      out += collect();
    }
    return out;
  }
  std::string collect() {
    std::string all, out;
    for (;;) {
      if (machine->take_output(out, clock.steady())) {
        all += std::exchange(out, {});
      } else if (!link->tasks.empty()) {
        auto task = std::move(link->tasks.front());
        link->tasks.pop_front();
        task(clock.steady());
      } else {
        return all;
      }
    }
  }
  /// Time passes up to the machine's deadline.
  std::string expire() {
    clock.advance(*machine->deadline() - clock.steady());
    machine->on_time(clock.steady());
    return collect();
  }

  TestDoor door;
  SmtpFront front;
  env::sim::ManualClock clock;
  std::shared_ptr<HeldLink> link = std::make_shared<HeldLink>();
  std::unique_ptr<SmtpConnection> machine;
};

/// A conversation as text: lines of the client begin with "C ", of the server with "S ". `set_up` prepares
/// the door. It is held again in pieces of several sizes and with all of the client's lines at once: what is
/// said must be the same.
void hold(std::string_view text, SmtpProtocol protocol = SmtpProtocol::smtp,
          const std::function<void(Session&)>& set_up = {}, const SmtpLimits& limits = {}) {
  std::vector<std::pair<std::string, std::string>> turns = {{"", ""}};
  std::string whole_client, whole_server;
  for (const std::string_view line : split(text, '\n')) {
    if (line.size() < 2) continue;
    const std::string rest = std::string(line.substr(2)) + "\r\n";
    if (line.front() == 'C') {
      if (!turns.back().second.empty()) turns.emplace_back();
      turns.back().first += rest;
      whole_client += rest;
    } else {
      turns.back().second += rest;
      whole_server += rest;
    }
  }
  const auto fresh = [&] {
    auto session = std::make_unique<Session>(protocol, limits);
    if (set_up) set_up(*session);
    session->open();
    return session;
  };
  auto one_by_one = fresh();
  for (const auto& [client, server] : turns) EXPECT_EQ(one_by_one->say(client), server) << "after " << client;
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, size_t{64}, std::string::npos}) {
    auto session = fresh();
    EXPECT_EQ(session->say(whole_client, piece), whole_server) << "in pieces of " << piece;
    ASSERT_EQ(session->door.mails.size(), one_by_one->door.mails.size());
    for (size_t i = 0; i < session->door.mails.size(); ++i)
      EXPECT_EQ(session->door.mails[i].raw, one_by_one->door.mails[i].raw);
    EXPECT_EQ(session->front.held_bytes(), 0U);
  }
}

constexpr std::string_view begin = "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n";

/// The reply to a message with these bytes between DATA and whatever they end with.
std::string reply_to_data(std::string_view bytes, size_t piece, std::string* raw = nullptr) {
  Session session;
  session.open();
  session.say(std::string(begin) + "DATA\r\n");
  std::string reply = session.say(bytes, piece);
  if (raw != nullptr && !session.door.mails.empty()) *raw = session.door.mails[0].raw;
  return reply;
}

// ---- dialogues

TEST(Smtp, TakesAMessage) {
  hold(R"(
S 220 bonafide.localhost ESMTP Bonafide
C EHLO client.example
S 250-bonafide.localhost
S 250-PIPELINING
S 250-8BITMIME
S 250-SMTPUTF8
S 250-ENHANCEDSTATUSCODES
S 250-CHUNKING
S 250 SIZE 52428800
C MAIL FROM:<ann@acme.example> SIZE=120 BODY=8BITMIME
S 250 2.1.0 sender taken
C RCPT TO:<bob@home.example>
S 250 2.1.5 recipient taken
C RCPT TO:<@relay.example,@other.example:"b o b"@home.example>
S 250 2.1.5 recipient taken
C DATA
S 354 send the message; a line with a dot alone ends it
C Subject: x
C
C ..two dots
C .one dot
C .
S 250 2.0.0 id 1
C QUIT
S 221 2.0.0 bye
)");
}

TEST(Smtp, TakesSeveralMessagesInASession) {
  hold(R"(
S 220 bonafide.localhost ESMTP Bonafide
C HELO client.example
S 250 bonafide.localhost
C mail from:<>
S 250 2.1.0 sender taken
C rcpt to:<postmaster>
S 250 2.1.5 recipient taken
C data
S 354 send the message; a line with a dot alone ends it
C .
S 250 2.0.0 id 1
C MAIL FROM: <a@[192.0.2.1]>
S 250 2.1.0 sender taken
C RCPT TO:<a@b.example>
S 250 2.1.5 recipient taken
C RSET
S 250 2.0.0 forgotten
C RCPT TO:<a@b.example>
S 503 5.5.1 recipients come after MAIL and before the message
C MAIL FROM:<a@b.example>
S 250 2.1.0 sender taken
C RCPT TO:<a@b.example>
S 250 2.1.5 recipient taken
C DATA
S 354 send the message; a line with a dot alone ends it
C two
C .
S 250 2.0.0 id 2
C NOOP ignored
S 250 2.0.0 nothing done
C VRFY bob
S 252 2.1.5 addresses are not looked up; send the message
)");
}

TEST(Smtp, RefusesWhatIsOutOfOrderOrMalformed) {
  hold(R"(
S 220 bonafide.localhost ESMTP Bonafide
C MAIL FROM:<a@b.example>
S 503 5.5.1 say EHLO or HELO first
C EHLO
S 501 5.5.4 your name must follow, with at most 255 bytes
C HELO x
S 250 bonafide.localhost
C DATA
S 503 5.5.1 the message comes after MAIL and RCPT
C MAIL TO:<a@b.example>
S 501 5.5.4 the argument must begin with FROM:<address>
C MAIL FROM:a@b.example
S 501 5.1.7 the address must stand as FROM:<address>
C MAIL FROM:<a@>
S 501 5.1.7 the address must stand as FROM:<address>
C MAIL FROM:<a@b.example> SIZE=many
S 501 5.5.4 SIZE is no number of bytes
C MAIL FROM:<a@b.example> SIZE=1 size=2
S 501 5.5.4 the parameters are not well formed
C MAIL FROM:<a@b.example> RET=HDRS
S 555 5.5.4 the parameter RET is not known
C MAIL FROM:<a@b.example> SIZE=52428801
S 552 5.3.4 the message is too large; at most 52428800 bytes are taken
C MAIL FROM:<ä@b.example>
S 553 5.6.7 such an address needs SMTPUTF8
C MAIL FROM:<ä@b.example> SMTPUTF8
S 250 2.1.0 sender taken
C MAIL FROM:<a@b.example>
S 503 5.5.1 a message is under way; RSET drops it
C DATA
S 503 5.5.1 there is no recipient
C RCPT TO:<a@nowhere.example>
S 550 5.1.2 no such domain
C RCPT TO:<>
S 501 5.1.3 a recipient is not empty
C DATA
S 554 5.5.1 no recipient was taken
C LHLO x
S 500 5.5.1 this command is not known; this is SMTP, which begins with EHLO
C STARTTLS
S 502 5.5.1 this is not offered here
)");
}

TEST(Smtp, LmtpAnswersForEachRecipient) {
  hold(R"(
S 220 bonafide.localhost LMTP Bonafide
C EHLO client.example
S 500 5.5.1 this command is not known; this is LMTP, which begins with LHLO
C LHLO client.example
S 250-bonafide.localhost
S 250-PIPELINING
S 250-8BITMIME
S 250-SMTPUTF8
S 250-ENHANCEDSTATUSCODES
S 250-CHUNKING
S 250 SIZE 52428800
C MAIL FROM:<ann@acme.example>
S 250 2.1.0 sender taken
C RCPT TO:<x@nowhere.example>
S 550 5.1.2 no such domain
C DATA
S 503 5.5.1 there is no recipient
C RCPT TO:<bob@home.example>
S 250 2.1.5 recipient taken
C RCPT TO:<full@home.example>
S 250 2.1.5 recipient taken
C RCPT TO:<eve@home.example>
S 250 2.1.5 recipient taken
C DATA
S 354 send the message; a line with a dot alone ends it
C x
C .
S 250 2.1.5 bob@home.example id 1
S 452 4.2.2 full@home.example is full
S 250 2.1.5 eve@home.example id 1
C QUIT
S 221 2.0.0 bye
)",
       SmtpProtocol::lmtp, [](Session& session) { session.door.each = true; });
}

TEST(Smtp, LmtpRepeatsARefusalForEachRecipient) {
  Session session(SmtpProtocol::lmtp);
  session.open();
  session.say("LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  const std::string refused = "550 5.6.11 a line of the message does not end in CR LF\r\n";
  EXPECT_EQ(session.say("bare\nline\r\n.\r\n"), refused + refused);
  EXPECT_THAT(session.door.mails, IsEmpty());
}

TEST(Smtp, ChunksMakeAMessage) {
  hold(R"(
S 220 bonafide.localhost ESMTP Bonafide
C HELO client.example
S 250 bonafide.localhost
C BDAT 3
C x
S 503 5.5.1 the message comes after MAIL and RCPT
C MAIL FROM:<a@b.example>
S 250 2.1.0 sender taken
C RCPT TO:<c@d.example>
S 250 2.1.5 recipient taken
C BDAT 6
C .
C .
S 250 2.0.0 chunk taken
C BDAT 0
S 250 2.0.0 chunk taken
C DATA
S 503 5.5.1 the message began with BDAT and goes on with it
C BDAT 4 LAST
C ab
S 250 2.0.0 id 1
C BDAT 1 FIRST
S 501 5.5.4 the form is: BDAT bytes [LAST]; closing
)",
       SmtpProtocol::smtp);
  Session session;
  session.open();
  session.say(std::string(begin) + "BDAT 4\r\n.\r\n.");
  session.say("BDAT 2\r\n\r\nBDAT 1 last\r\n\r");
  EXPECT_THAT(session.door.mails, IsEmpty()) << "a CR at the end is bare";
  EXPECT_THAT(session.door.refused, ElementsAre(550));
  session.say(std::string(begin.substr(begin.find("MAIL"))) + "BDAT 2\r\n.\rBDAT 5 LAST\r\n\n.\r\n\n");
  session.say(std::string(begin.substr(begin.find("MAIL"))) + "BDAT 2\r\n.\rBDAT 4 LAST\r\n\n.\r\n");
  EXPECT_THAT(session.door.refused, ElementsAre(550, 550));
  ASSERT_EQ(session.door.mails.size(), 1U);
  EXPECT_EQ(session.door.mails[0].raw, ".\r\n.\r\n");
}

TEST(Smtp, ForwardedOriginIsTakenFromRelaysOnly) {
  const std::string text = R"(
S 220 bonafide.localhost ESMTP Bonafide
C HELO relay.example
S 250 bonafide.localhost
C XFORWARD NAME=spam+2Bham.example ADDR=IPV6:2001:db8::1 PROTO=ESMTP
S 250 2.0.0 taken
C XFORWARD HELO=[UNAVAILABLE] IDENT=4F5 SOURCE=REMOTE
S 250 2.0.0 taken
C XFORWARD ADDR=somewhere
S 501 5.5.4 ADDR is no IP address
C XFORWARD COLOUR=red
S 501 5.5.4 there is no attribute COLOUR
C XFORWARD NAME=a+0Ab
S 501 5.5.4 the value of NAME is not well formed
C MAIL FROM:<a@b.example>
S 250 2.1.0 sender taken
C XFORWARD NAME=x
S 503 5.5.1 XFORWARD comes before MAIL
)";
  hold(text, SmtpProtocol::smtp, [](Session& session) { session.door.relay = true; });
  Session session;
  session.door.relay = true;
  session.open();
  const std::string_view data = "DATA\r\n.\r\n";
  session.say("HELO r\r\nXFORWARD NAME=n.example ADDR=192.0.2.9 HELO=h.example PORT=2525\r\n");
  session.say(std::string("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n") + std::string(data));
  session.say(std::string("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n") + std::string(data));
  ASSERT_EQ(session.door.mails.size(), 2U);
  const auto& forwarded = session.door.mails[0].forwarded;
  ASSERT_TRUE(forwarded.has_value());
  EXPECT_EQ(forwarded->name + " " + forwarded->helo + " " + forwarded->port, "n.example h.example 2525");
  EXPECT_EQ(forwarded->address->text(), "192.0.2.9");
  EXPECT_FALSE(session.door.mails[1].forwarded.has_value()) << "it is said anew for each message";
  Session stranger;
  stranger.open();
  EXPECT_THAT(stranger.say("EHLO x\r\n"), testing::Not(HasSubstr("XFORWARD")));
  EXPECT_THAT(stranger.say("XFORWARD ADDR=192.0.2.9\r\n"), StartsWith("550 5.7.0"));
}

// ---- where a message ends

TEST(Smtp, OnlyADotBetweenWholeLineEndsEndsAMessage) {
  // Each is followed by commands that must not be run, then by a true end.
  for (const std::string_view smuggled :
       {std::string_view("\n.\n"), std::string_view("\r\n.\n"), std::string_view("\n.\r\n"),
        std::string_view("\r.\r"), std::string_view("\r\n.\r"), std::string_view("\r.\r\n"),
        std::string_view("\r\r\n.\r\r\n"), std::string_view("\n\r.\n\r")}) {
    const std::string bytes = "x" + std::string(smuggled) + "MAIL FROM:<evil@x.example>\r\n\r\n.\r\nNOOP\r\n";
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{3}, size_t{5}, std::string::npos}) {
      EXPECT_EQ(reply_to_data(bytes, piece),
                "550 5.6.11 a line of the message does not end in CR LF\r\n250 2.0.0 nothing done\r\n")
          << to_hex(smuggled) << " in pieces of " << piece;
    }
  }
}

TEST(Smtp, NulIsAByteOfAMessageAndEndsNothing) {
  const std::string bytes("a\r\n.\0\r\n\0.\r\n\r\n.\r\n", 17);
  for (const size_t piece : {size_t{1}, size_t{4}, std::string::npos}) {
    std::string raw;
    EXPECT_EQ(reply_to_data(bytes, piece, &raw), "250 2.0.0 id 1\r\n");
    EXPECT_EQ(raw, std::string("a\r\n\0\r\n\0.\r\n\r\n", 12));
  }
  Session session;
  session.open();
  EXPECT_THAT(session.say(std::string_view("NO\0OP\r\n", 7)), HasSubstr("500 5.5.2"));
}

TEST(Smtp, DotsAtTheBeginningOfLinesAreUnstuffed) {
  for (const auto& [sent, meant] :
       std::vector<std::pair<std::string, std::string>>{{".\r\n", ""},
                                                        {"\r\n.\r\n", "\r\n"},
                                                        {"..\r\n.\r\n", ".\r\n"},
                                                        {"...\r\na.b\r\n..\r\n.\r\n", "..\r\na.b\r\n.\r\n"},
                                                        {".x\r\n.\r\n", "x\r\n"}}) {
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{3}, std::string::npos}) {
      std::string raw = "none";
      EXPECT_EQ(reply_to_data(sent, piece, &raw), "250 2.0.0 id 1\r\n") << sent;
      EXPECT_EQ(raw, meant);
    }
  }
}

TEST(Smtp, ABareLineEndInACommandIsNoCommand) {
  Session session;
  session.open();
  session.say("HELO x\r\n");
  EXPECT_EQ(session.say("NOOP\nNOOP\rNOOP\r\n"),
            "500 5.5.2 a command is one line of text that ends in CR LF\r\n"
            "500 5.5.2 a command is one line of text that ends in CR LF\r\n");
}

// ---- bounds

TEST(Smtp, TooManyRecipientsAreForTheNextMessage) {
  Session session;
  session.open();
  session.say("HELO x\r\nMAIL FROM:<>\r\n");
  for (int i = 0; i < 100; ++i)
    EXPECT_THAT(session.say("RCPT TO:<u" + std::to_string(i) + "@b>\r\n"), StartsWith("250 "));
  EXPECT_THAT(session.say("RCPT TO:<more@b>\r\n"), StartsWith("452 4.5.3 "));
  EXPECT_THAT(session.say("DATA\r\n.\r\n"), HasSubstr("250 2.0.0 id 1"));
  EXPECT_EQ(session.door.mails[0].rcpt_to.size(), 100U);
}

TEST(Smtp, AMessageThatIsTooLargeIsReadAwayAndRefused) {
  SmtpLimits limits;
  limits.message_bytes = 100;
  std::string lines = "S 220 bonafide.localhost ESMTP Bonafide\nC HELO x\nS 250 bonafide.localhost\n";
  const std::string mail =
      "C MAIL FROM:<>\nS 250 2.1.0 sender taken\nC RCPT TO:<a@b>\nS 250 2.1.5 recipient taken\n"
      "C DATA\nS 354 send the message; a line with a dot alone ends it\n";
  lines += mail + "C " + std::string(98, 'x') + "\nC .\nS 250 2.0.0 id 1\n";
  lines += mail + "C " + std::string(99, 'x') +
           "\nC .\nS 552 5.3.4 the message is too large; at most 100 bytes are taken\n";
  lines += mail + "C " + std::string(300, 'x') +
           "\nC .\nS 552 5.3.4 the message is too large; at most 100 bytes are taken\n";
  hold(lines, SmtpProtocol::smtp, {}, limits);
}

TEST(Smtp, WhatAllSessionsHoldTogetherIsBounded) {
  SmtpLimits limits;
  limits.messages_bytes = 4000;
  Session session(SmtpProtocol::smtp, limits);
  session.open();
  session.say(std::string(begin) + "DATA\r\n");
  session.say(std::string(2000, 'x'));
  EXPECT_GE(session.front.held_bytes(), 2000U);
  session.say(std::string(3000, 'x'));
  EXPECT_THAT(session.say("\r\n.\r\n"), StartsWith("451 4.3.1 "));
  EXPECT_EQ(session.front.held_bytes(), 0U);
}

TEST(Smtp, ALineThatIsTooLongIsSkippedOnceAndEndsTheSessionWhenItDoesNotEnd) {
  SmtpLimits limits;
  limits.line_bytes = 20;
  limits.skipped_bytes = 60;
  const std::string greeting = "S 220 bonafide.localhost ESMTP Bonafide\n";
  hold(greeting + "C " + std::string(40, 'x') +
           "\nS 500 5.5.2 the line is longer than 20 bytes\nC NOOP\nS 250 2.0.0 nothing done\n",
       SmtpProtocol::smtp, {}, limits);
  hold(greeting + "C " + std::string(80, 'x') +
           "\nS 500 5.5.2 the line is longer than 20 bytes\nS 421 4.7.0 the line does not end; closing\n",
       SmtpProtocol::smtp, {}, limits);
}

TEST(Smtp, TooManyBadCommandsEndTheSession) {
  SmtpLimits limits;
  limits.bad_commands = 3;
  hold(R"(
S 220 bonafide.localhost ESMTP Bonafide
C FOO
S 500 5.5.1 this command is not known; this is SMTP, which begins with EHLO
C RCPT TO:<x>
S 503 5.5.1 recipients come after MAIL and before the message
C BAR
S 421 4.7.0 too many errors; closing
C NOOP
)",
       SmtpProtocol::smtp, {}, limits);
  limits.bad_commands = 20;
  limits.commands = 2;
  Session session(SmtpProtocol::smtp, limits);
  session.open();
  EXPECT_THAT(session.say("NOOP\r\nNOOP\r\nNOOP\r\n"), HasSubstr("421 4.7.0 too many commands"));
  EXPECT_TRUE(session.machine->closed());
}

TEST(Smtp, AWebPageThatSpeaksToTheDoorIsCutOff) {
  Session session;
  session.open();
  EXPECT_THAT(session.say("POST / HTTP/1.1\r\nHost: localhost:2525\r\n\r\nMAIL FROM:<a@b>\r\n"),
              testing::EndsWith("421 4.7.0 this is a mail door, not a web server; closing\r\n"));
}

TEST(Smtp, RepliesThatNobodyReadsStopTheReading) {
  SmtpLimits limits;
  limits.output_bytes = 100;
  limits.pipelined_bytes = 1000;
  Session session(SmtpProtocol::smtp, limits);
  session.open();
  std::string many;
  for (int i = 0; i < 300; ++i) many += "NOOP\r\n";
  session.machine->on_bytes(many, session.clock.steady());
  EXPECT_FALSE(session.machine->wants_input());
  std::string out;
  session.machine->take_output(out, session.clock.steady());
  EXPECT_LT(out.size(), 200U);
  const std::string rest = session.collect();
  const std::string_view greeting = "220 bonafide.localhost ESMTP Bonafide\r\n",
                         each = "250 2.0.0 nothing done\r\n";
  EXPECT_EQ(out.size() + rest.size(), greeting.size() + 300 * each.size());
  EXPECT_TRUE(session.machine->wants_input());
}

TEST(Smtp, OneSessionTooManyIsToldSo) {
  SmtpLimits limits;
  limits.sessions = 1;
  Session session(SmtpProtocol::smtp, limits);
  session.open();
  SmtpConnection second(session.front, Peer{}, session.link);
  second.on_open(session.clock.steady());
  std::string out;
  second.take_output(out, session.clock.steady());
  EXPECT_THAT(out, StartsWith("421 4.3.2 "));
  EXPECT_TRUE(second.closed());
  EXPECT_FALSE(session.machine->closed());
}

// ---- answers, time and ends

TEST(Smtp, WhetherMailIsTakenIsSaidAtMailFrom) {
  Session session;
  session.door.mail_refusal = SmtpReply{452, "4.3.1", "behind"};
  session.open();
  EXPECT_THAT(session.say(begin), HasSubstr("452 4.3.1 behind\r\n503 5.5.1 "));
  session.door.mail_refusal.reset();
  EXPECT_THAT(session.say(begin), testing::EndsWith("250 2.1.5 recipient taken\r\n"));
  EXPECT_THAT(session.door.refused, ElementsAre(452, 503));
}

TEST(Smtp, NothingIsReadWhileAMessageWaitsForItsAnswer) {
  Session session;
  session.door.hold = true;
  session.open();
  session.say(std::string(begin) + "DATA\r\n");
  EXPECT_EQ(session.say("x\r\n.\r\nNOOP\r\n"), "");
  EXPECT_FALSE(session.machine->wants_input());
  session.clock.advance(Duration::millis(3));
  session.door.answers[0].send({{250, "2.0.0", "id\r\n250 faked"}});
  EXPECT_EQ(session.collect(), "250 2.0.0 id  250 faked\r\n250 2.0.0 nothing done\r\n");
  EXPECT_TRUE(session.machine->wants_input());
  EXPECT_THAT(session.door.answered, ElementsAre(Duration::millis(3)));
}

TEST(Smtp, AnAnswerThatDoesNotComeInTimeIsATemporaryFailure) {
  Session session;
  session.door.hold = true;
  session.open();
  session.say(std::string(begin) + "DATA\r\nx\r\n.\r\n");
  const Time asked = session.clock.steady();
  EXPECT_THAT(session.expire(), StartsWith("451 4.3.0 "));
  EXPECT_LT(session.clock.steady() - asked, Duration::seconds(30));
  session.say(std::string(begin.substr(begin.find("MAIL"))) + "DATA\r\ny\r\n.\r\n");
  session.door.answers[0].send({{250, "2.0.0", "late"}});
  EXPECT_EQ(session.collect(), "") << "a late answer is not that of the next message";
  session.door.answers[1].send({{250, "2.0.0", "second"}});
  EXPECT_EQ(session.collect(), "250 2.0.0 second\r\n");
}

TEST(Smtp, AMessageDroppedByItsHandlerIsATemporaryFailure) {
  Session session;
  session.door.drop = true;
  session.open();
  EXPECT_THAT(session.say(std::string(begin) + "DATA\r\n.\r\n"), HasSubstr("451 4.3.0 "));
}

TEST(Smtp, SlowCommandsAndMessagesAreCutOff) {
  Session session;
  session.open();
  session.collect();
  for (int i = 0; i < 29; ++i) {  // a byte every ten seconds does not move the deadline
    session.clock.advance(Duration::seconds(10));
    session.machine->on_time(session.clock.steady());
    EXPECT_EQ(session.say("N"), "");
  }
  EXPECT_EQ(session.expire(), "421 4.4.2 nothing came in time; closing\r\n");
  EXPECT_TRUE(session.machine->closed());

  Session idle;
  idle.open();
  idle.say(std::string(begin) + "DATA\r\n");
  idle.clock.advance(Duration::seconds(59));
  idle.machine->on_time(idle.clock.steady());
  idle.say("x");
  EXPECT_EQ(*idle.machine->deadline() - idle.clock.steady(), Duration::seconds(60));
  for (int i = 0; i < 20 && !idle.machine->closed(); ++i) {
    idle.clock.advance(Duration::seconds(50));
    idle.machine->on_time(idle.clock.steady());
    if (idle.machine->wants_input()) idle.say("x");
  }
  EXPECT_TRUE(idle.machine->closed()) << "a message that drips is not waited for";
  EXPECT_LE(idle.clock.steady(), Time{} + Duration::seconds(660));
  EXPECT_EQ(idle.front.held_bytes(), 0U);
}

TEST(Smtp, AMessageThatIsCutOffIsNotTaken) {
  Session session;
  session.open();
  session.say(std::string(begin) + "DATA\r\nx\r\n.\r");
  session.machine->on_end(session.clock.steady());
  EXPECT_TRUE(session.machine->closed());
  EXPECT_THAT(session.door.mails, IsEmpty());
}

TEST(Smtp, CommandsBeforeTheEndOfInputAreAnswered) {
  SmtpLimits limits;
  limits.output_bytes = 50;
  Session session(SmtpProtocol::smtp, limits);
  session.open();
  session.machine->on_bytes("NOOP\r\nNOOP\r\nNOOP\r\n", session.clock.steady());
  session.machine->on_end(session.clock.steady());
  const std::string said = session.collect();
  EXPECT_EQ(split(said, '\n').size(), 5U) << said;
  EXPECT_TRUE(session.machine->closed());
}

TEST(Smtp, OnDrainWhatIsUnderWayIsFinishedFirst) {
  Session idle;
  idle.open();
  idle.say(begin);
  idle.machine->on_drain(idle.clock.steady());
  EXPECT_EQ(idle.collect(), "421 4.3.2 the service is stopping; try again later\r\n");
  EXPECT_TRUE(idle.machine->closed());

  Session busy;
  busy.door.hold = true;
  busy.open();
  busy.say(std::string(begin) + "DATA\r\nx");
  busy.machine->on_drain(busy.clock.steady());
  EXPECT_FALSE(busy.machine->closed());
  EXPECT_EQ(busy.say("\r\n.\r\nNOOP\r\n"), "");
  busy.door.answers[0].send({{250, "2.0.0", "id"}});
  EXPECT_EQ(busy.collect(), "250 2.0.0 id\r\n421 4.3.2 the service is stopping; try again later\r\n");
  EXPECT_TRUE(busy.machine->closed());
}

}  // namespace
}  // namespace bonafide::net
