#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "env/sim/clock.hpp"
#include "net/smtp_connection.hpp"

// What the tests of mail doors share: a door that writes down what it gets, a session driven by hand, and
// conversations as text.
namespace bonafide::net {

/// Holds tasks until the test runs them: the moment an answer arrives is the test's choice.
class HeldMailLink final : public Link {
 public:
  void post(std::function<void(Time now)> task) override { tasks.push_back(std::move(task)); }
  std::deque<std::function<void(Time)>> tasks;
};

class TestMailDoor final : public SmtpHandler {
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
class MailSession {
 public:
  explicit MailSession(SmtpProtocol protocol = SmtpProtocol::smtp, SmtpLimits limits = {})
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

  TestMailDoor door;
  SmtpFront front;
  env::sim::ManualClock clock;
  std::shared_ptr<HeldMailLink> link = std::make_shared<HeldMailLink>();
  std::unique_ptr<SmtpConnection> machine;
};

/// A conversation as text: lines of the client begin with "C ", of the server with "S ". `set_up` prepares
/// the door. It is held again in pieces of several sizes and with all of the client's lines at once: what is
/// said must be the same.
inline void hold(std::string_view text, SmtpProtocol protocol = SmtpProtocol::smtp,
                 const std::function<void(MailSession&)>& set_up = {}, const SmtpLimits& limits = {}) {
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
    auto session = std::make_unique<MailSession>(protocol, limits);
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

inline constexpr std::string_view begin =
    "EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n";

}  // namespace bonafide::net
