#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "trust/enrich.hpp"
#include "trust/learn.hpp"
#include "trust/score.hpp"

// Stories for tests: a tenant's mail, one message after the other, each scored and then learned from.
namespace bonafide::trust::test {

/// How a sender sends.
struct Sender {
  std::string name = "Billing Acme", local = "billing", domain = "acme.example";
  std::string client_ip = "198.51.100.7", helo = "mail.acme.example";
  std::string signer = "acme.example";  ///< DKIM pass, "" for none
  std::string spf = "pass", envelope_domain = "acme.example";
  std::string mailer = "Outlook 16.0",
              header_order = "from:to:subject:date:message-id:mime-version:content-type";
  std::string origin_ip = "203.0.113.9", relay = "mail.acme.example", submission = "ESMTPSA";
  std::string message_id_domain = "acme.example";
  int32_t zone_minutes = 60;
  std::string structure = "alternative(plain,html)";
};

/// A message of `sender` on a day (at nine, UTC) to ann@tenant.example.
inline mail::Received message(const Sender& sender, int64_t day, std::string_view key = "") {
  static int counter = 0;
  mail::Received received;
  received.tenant = "default";
  constexpr int64_t first_day = 1'700'000'000 / 86'400;
  received.received_at = Time::from_seconds((first_day + day) * 86'400 + int64_t{9} * 3600);
  const std::string id = key.empty() ? "key" + std::to_string(++counter) : std::string(key);
  received.message_key.data = std::string(view(sha256(id)));
  received.envelope = {
      sender.client_ip, sender.helo, sender.local + "@" + sender.envelope_domain, {"ann@tenant.example"}};
  auto& facts = received.facts.edit();
  facts.from = {{sender.name, sender.local, sender.domain}};
  facts.header_order = sender.header_order;
  facts.message_id = std::to_string(20'240'000'000'000 + day) + ".42@" + sender.message_id_domain;
  facts.date = received.received_at;
  facts.date_offset_minutes = sender.zone_minutes;
  facts.mailer = sender.mailer;
  facts.structure = sender.structure;
  facts.received = {
      {sender.helo, "", sender.client_ip, "mx.tenant.example", "ESMTP", received.received_at, true},
      {"pc", "", sender.origin_ip, sender.relay, sender.submission, received.received_at, false}};
  auto& authentication = facts.authentication;
  authentication = {true, "mx.tenant.example", {{"spf", sender.spf, sender.envelope_domain, ""}}};
  if (!sender.signer.empty()) authentication.methods.push_back({"dkim", "pass", sender.signer, "s1"});
  return received;
}

/// One tenant's history in memory.
class Story {
 public:
  mail::Scored score(mail::Received received) const {
    mail::Enriched enriched{std::move(received), {}};
    enriched.enrichment = enrich(enriched.received, reference);
    mail::Scored scored;
    scored.score = trust::score(enriched, answers(questions(enriched)), model);
    scored.received = std::move(enriched.received);
    scored.enrichment = std::move(enriched.enrichment);
    return scored;
  }
  void learn(const mail::Scored& scored) {
    for (const auto& delta : deltas(scored)) {
      for (const auto& increment : delta.increments) histories[delta.key].add(increment);
    }
  }
  /// Scores, then learns.
  mail::Scored take(mail::Received received) {
    auto scored = score(std::move(received));
    learn(scored);
    return scored;
  }
  /// `count` messages, one every `step` days from `day` on.
  void past(const Sender& sender, int count, int64_t day = 0, int64_t step = 2) {
    for (int i = 0; i < count; ++i) take(message(sender, day + i * step));
  }
  flow::Answers answers(const std::vector<std::string>& keys) const {
    flow::Answers out;
    for (const auto& key : keys) {
      const auto at = histories.find(key);
      out.push_back(std::make_shared<flow::History>(at == histories.end() ? flow::History() : at->second));
    }
    return out;
  }

  std::map<std::string, flow::History> histories;
  ReferenceData reference;
  Model model = Model::built_in();
};

/// A company's usual surroundings: a dozen other senders with places and habits of their own.
inline void populate(Story& story) {
  for (int i = 0; i < 12; ++i) {
    const std::string n = std::to_string(i);
    Sender other;
    // Names that share no words, so that nobody looks like anybody else.
    static constexpr std::string_view names[] = {"quartz", "lumen",  "harbour", "willow",
                                                 "copper", "meadow", "falcon",  "timber",
                                                 "orchid", "zephyr", "basalt",  "juniper"};
    const std::string name(names[i]);
    other.name = "Person " + name;
    other.local = "info" + n;
    other.domain = other.envelope_domain = other.signer = other.message_id_domain = name + ".example";
    other.helo = other.relay = "mx." + name + ".example";
    other.client_ip = "192.0." + std::to_string(10 + i) + ".5";
    other.origin_ip = "100.70." + n + ".2";
    other.mailer = i % 2 == 0 ? "Thunderbird" : "Apple Mail";
    other.header_order = i % 3 == 0 ? "date:from:to:subject:message-id" : "from:date:subject:to:message-id";
    other.zone_minutes = i % 4 * 60;
    story.past(other, 6, i % 3, 3);
  }
}

/// Somebody else's machine, by which a stranger may send in any name.
inline Sender elsewhere(const Sender& victim) {
  Sender sender = victim;
  sender.client_ip = "185.10.20.30";
  sender.helo = "vps77.hoster.example";
  sender.signer = "";
  sender.spf = "fail";
  sender.mailer = "";
  sender.header_order = "mime-version:content-type:date:message-id:from:to:subject";
  sender.relay = "localhost";
  sender.submission = "HTTP";
  sender.origin_ip = "45.60.70.80";
  sender.message_id_domain = "vps77.hoster.example";
  sender.zone_minutes = 0;
  sender.structure = "html";
  return sender;
}

inline bool says(const mail::Scored& scored, std::string_view text, int sign = 0) {
  for (const auto& reason : scored.score.reasons) {
    const bool fits = sign == 0 || (sign > 0 ? reason.weight > 0 : reason.weight < 0);
    if (fits && reason.text.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace bonafide::trust::test
