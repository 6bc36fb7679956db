#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/smtp_test_session.hpp"

namespace bonafide::net {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Session = MailSession;

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
