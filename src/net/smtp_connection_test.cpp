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

}  // namespace
}  // namespace bonafide::net
