#include "app/demo/company.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "app/demo/calendar.hpp"
#include "base/hash.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"
#include "mail/domain.hpp"
#include "mail/parse/parse.hpp"

namespace bonafide::app::demo {
namespace {

Settings settings_of(uint64_t seed) {
  Settings settings;
  settings.seed = seed;
  settings.start = *parse_rfc3339("2026-02-02T00:00:00Z");  // a Monday; summer time comes within
  return settings;
}

uint64_t hash_of(const SimulatedMessage& message) {
  uint64_t hash = hash64(message.raw, static_cast<uint64_t>(message.at.us));
  hash = hash64(message.envelope.client_ip + message.envelope.helo + message.envelope.mail_from, hash);
  return hash64(join(message.envelope.rcpt_to, ",") + std::string(message.scenario), hash);
}

mail::Parsed parsed(const SimulatedMessage& message) {
  static mail::Parser parser;
  mail::Parsed out;
  parser.parse(message.raw, {mail::Edge::Mode::auto_, 0, {}}, out);
  return out;
}

/// Runs over some weeks, with attacks from the second on; a small company unless told otherwise.
template <class See>
void for_weeks(uint64_t seed, int weeks, See see, uint32_t messages_per_day = 300) {
  Settings settings = settings_of(seed);
  settings.quiet = Duration::days(7);
  settings.messages_per_day = messages_per_day;
  Company company(settings);
  SimulatedMessage message;
  while (company.next_at() < settings.start + Duration::days(int64_t{7} * weeks)) {
    company.next(message);
    see(message);
  }
}

/// As for_weeks(), without writing the messages, of a company of the usual size.
template <class See>
void plan_weeks(uint64_t seed, int weeks, See see) {
  Settings settings = settings_of(seed);
  settings.quiet = Duration::days(7);
  Planner planner(settings);
  Draft draft;
  for (planner.next(draft); draft.at < settings.start + Duration::days(int64_t{7} * weeks);
       planner.next(draft))
    see(draft);
}

TEST(Company, the_same_seed_gives_the_same_bytes) {
  Company one(settings_of(5));
  Company other(settings_of(5));
  Company stranger(settings_of(6));
  bool differs = false;
  for (int i = 0; i < 2000; ++i) {
    const auto a = one.next();
    ASSERT_EQ(hash_of(a), hash_of(other.next())) << "message " << i;
    differs = differs || hash_of(a) != hash_of(stranger.next());
  }
  EXPECT_TRUE(differs);
}

TEST(Company, a_seed_means_the_same_on_every_machine) {
  Company company(settings_of(1));
  uint64_t hash = 0;
  for (int i = 0; i < 5000; ++i) hash = hash * 0x9E3779B97F4A7C15 + hash_of(company.next());
  // Changes whenever the simulation does; it must not change with compiler, build type or machine.
  EXPECT_EQ(to_hex(std::string(reinterpret_cast<const char*>(&hash), 8)), "1ab70f80d79575cb");
}

TEST(Company, can_be_resumed_at_any_message) {
  Company whole(settings_of(3));
  std::vector<uint64_t> hashes;
  hashes.reserve(4000);
  for (int i = 0; i < 4000; ++i) hashes.push_back(hash_of(whole.next()));
  for (const uint64_t from : {0U, 1U, 999U, 3990U}) {
    Company resumed(settings_of(3));
    resumed.skip_to(from);
    EXPECT_EQ(resumed.next_number(), from);
    for (uint64_t i = from; i < std::min<uint64_t>(from + 10, hashes.size()); ++i) {
      const auto message = resumed.next();
      EXPECT_EQ(message.number, i);
      EXPECT_EQ(hash_of(message), hashes[i]);
    }
  }
}

TEST(Company, messages_come_in_time_order_and_when_announced) {
  Company company(settings_of(2));
  Time last = settings_of(2).start - Duration::micros(1);
  for (uint64_t i = 0; i < 6'000; ++i) {
    const Time announced = company.next_at();
    const auto message = company.next();
    ASSERT_EQ(message.at, announced);
    ASSERT_GT(message.at, last);
    ASSERT_EQ(message.number, i);
    last = message.at;
  }
  const Time target = last + Duration::days(3);
  company.skip_until(target);
  EXPECT_GE(company.next_at(), target);
  EXPECT_LT(company.next_at(), target + Duration::hours(12));
}

TEST(Company, rates_are_those_of_an_office) {
  std::map<int64_t, int> days;
  std::map<mail::Direction, int> directions;
  int64_t count = 0, attacks = 0, night = 0;
  plan_weeks(4, 6, [&](const Draft& draft) {
    ++days[local_day(Zone::berlin, draft.at)];
    ++directions[draft.direction];
    if (is_attack(draft.scenario)) ++attacks;
    if (local_minute(Zone::berlin, draft.at) < 6 * 60) ++night;
    ++count;
  });
  for (const auto& [day, messages] : days) {
    if (day < settings_of(4).start.day() + 2 || day > settings_of(4).start.day() + 40) continue;
    if (weekday(day) >= 5) {
      EXPECT_LT(messages, 700) << "weekend day " << day;
      EXPECT_GT(messages, 60);
    } else {
      EXPECT_GT(messages, 1400) << "working day " << day;
      EXPECT_LT(messages, 2600);
    }
  }
  EXPECT_LT(night * 100 / count, 15);
  EXPECT_GT(int64_t{directions[mail::Direction::inbound]} * 100 / count, 45);
  EXPECT_GT(int64_t{directions[mail::Direction::outbound]} * 100 / count, 10);
  EXPECT_GT(int64_t{directions[mail::Direction::internal]} * 100 / count, 10);
  const double attacks_a_working_day = static_cast<double>(attacks) / 25;  // five of the six weeks
  EXPECT_GT(attacks_a_working_day, 17);
  EXPECT_LT(attacks_a_working_day, 36);
}

TEST(Company, sizes_are_those_of_an_office) {
  Company company(settings_of(4));
  int64_t bytes = 0;
  constexpr int count = 6000;
  for (int i = 0; i < count; ++i) {
    const auto size = company.next().raw.size();
    ASSERT_GT(size, 600U);
    ASSERT_LT(size, 64'000U);
    bytes += static_cast<int64_t>(size);
  }
  EXPECT_GT(bytes / count, 5'000);
  EXPECT_LT(bytes / count, 10'000);
}

TEST(Company, keeps_quiet_at_first) {
  Settings settings = settings_of(9);
  settings.quiet = Duration::days(10);
  Planner planner(settings);
  Draft draft;
  Time first{INT64_MAX};
  do {
    planner.next(draft);
    if (is_attack(draft.scenario)) first = std::min(first, draft.at);
  } while (draft.at < settings.start + Duration::days(14));
  EXPECT_GE(first, settings.start + settings.quiet);
  EXPECT_LT(first, settings.start + Duration::days(13));
}

TEST(Company, every_scenario_comes_up) {
  std::set<Scenario> seen;
  plan_weeks(1, 17, [&](const Draft& draft) { seen.insert(draft.scenario); });
  for (int i = 0; i < static_cast<int>(Scenario::count); ++i) {
    EXPECT_TRUE(seen.count(static_cast<Scenario>(i))) << to_string(static_cast<Scenario>(i));
  }
}

TEST(Company, the_label_is_attack_for_attacks_alone) {
  for_weeks(1, 2, [&](const SimulatedMessage& message) {
    const auto kinds = Settings::usual_attacks();
    const bool attack = std::ranges::any_of(
        kinds, [&](const Share& kind) { return to_string(kind.scenario) == message.scenario; });
    ASSERT_EQ(message.label == "attack", attack) << message.scenario;
  });
}

TEST(Company, messages_are_well_formed_and_say_what_the_session_said) {
  Company company(settings_of(1));
  for_weeks(1, 4, [&](const SimulatedMessage& message) {
    if (message.number % 3 != 0) return;
    const auto found = parsed(message);
    ASSERT_TRUE(found.facts.malformed.empty()) << found.facts.malformed[0] << "\n"
                                               << message.raw.substr(0, 3000);
    ASSERT_TRUE(found.facts.cuts.empty()) << found.facts.cuts[0].what;
    ASSERT_EQ(found.envelope.client_ip, message.envelope.client_ip);
    ASSERT_EQ(found.envelope.helo, ascii_lower(message.envelope.helo));
    ASSERT_EQ(found.envelope.mail_from, message.envelope.mail_from);
    if (message.envelope.rcpt_to.size() == 1) {
      ASSERT_EQ(found.envelope.rcpt_to, message.envelope.rcpt_to);
    }
    ASSERT_TRUE(found.facts.authentication.believed);
    ASSERT_EQ(found.facts.authentication.authserv_id, company.edge());
    ASSERT_EQ(found.facts.from.size(), 1U);
    ASSERT_TRUE(found.facts.from[0].usable());
    ASSERT_FALSE(found.facts.message_id.empty());
    ASSERT_TRUE(found.facts.date.has_value());
    ASSERT_TRUE(found.edge_time.has_value());
    ASSERT_EQ(found.edge_time->seconds(), message.at.seconds());
    ASSERT_FALSE(found.facts.excerpt.empty());
    for (const auto& part : found.facts.parts)
      ASSERT_GT(part.size_bytes, 0) << part.type << "\n" << message.raw;
    for (const auto& link : found.facts.links) {
      ASSERT_TRUE(link.host.ends_with(".example") || link.host.ends_with(".test")) << link.url;
    }
    ASSERT_TRUE(found.facts.from[0].domain.ends_with(".example") ||
                found.facts.from[0].domain.ends_with(".test"));
    const auto ip = IpAddress::parse(message.envelope.client_ip);
    ASSERT_TRUE(ip.ok());
    ASSERT_TRUE(
        IpRange::parse("198.18.0.0/15")->contains(*ip) || IpRange::parse("192.0.2.0/24")->contains(*ip) ||
        IpRange::parse("198.51.100.0/24")->contains(*ip) || IpRange::parse("203.0.113.0/24")->contains(*ip) ||
        IpRange::parse("2001:db8::/32")->contains(*ip))
        << message.envelope.client_ip;
  });
}

TEST(Company, own_people_send_from_own_networks_and_others_do_not) {
  const Company company(settings_of(1));
  std::vector<IpRange> own;
  for (const auto& network : company.networks()) own.push_back(*IpRange::parse(network));
  const std::string domain = "@" + company.domain();
  for_weeks(1, 2, [&](const SimulatedMessage& message) {
    const auto ip = *IpAddress::parse(message.envelope.client_ip);
    const bool inside =
        std::any_of(own.begin(), own.end(), [&](const IpRange& range) { return range.contains(ip); });
    ASSERT_EQ(inside, message.direction != mail::Direction::inbound);
    const auto is_own = [&](const std::string& address) { return address.ends_with(domain); };
    const auto& to = message.envelope.rcpt_to;
    ASSERT_FALSE(to.empty());
    if (message.direction != mail::Direction::outbound) {
      ASSERT_TRUE(std::all_of(to.begin(), to.end(), is_own)) << join(to, " ");
    } else {
      ASSERT_FALSE(std::all_of(to.begin(), to.end(), is_own));
    }
  });
}

/// Marks of how a message was made that a classifier could learn by heart.
std::set<std::string> marks_of(const SimulatedMessage& message) {
  std::set<std::string> marks;
  const size_t end = message.raw.find("\r\n\r\n");
  for (const auto line : split(std::string_view(message.raw).substr(0, end), '\n')) {
    if (line.empty() || is_space(line[0])) continue;
    marks.insert("header " + std::string(line.substr(0, line.find(':'))));
  }
  const auto found = parsed(message);
  std::string helo;  // its form: digits and names of hosts apart
  for (const char c : message.envelope.helo) helo += is_digit(c) ? '0' : c;
  marks.insert("helo " + mail::organisational_domain(helo));
  marks.insert("structure " + found.facts.structure);
  marks.insert("mailer " + found.facts.mailer);
  for (const auto& part : found.facts.parts)
    marks.insert("part " + part.type + " " + part.disposition + " " + part.charset);
  for (const auto& method : found.facts.authentication.methods)
    marks.insert("auth " + method.method + "=" + method.result);
  std::string id;
  for (const char c : found.facts.message_id.substr(0, found.facts.message_id.find('@'))) {
    if (!is_alpha(c) && !is_digit(c)) id += c;
  }
  if (id.find_first_of("-_") == std::string::npos) marks.insert("id " + id);
  return marks;
}

TEST(Company, nothing_in_a_message_gives_its_label_away) {
  std::map<std::string, std::array<int, 2>> marks;
  std::array<int, 2> totals{};
  for_weeks(1, 8, [&](const SimulatedMessage& message) {
    const bool attack = message.label == "attack";
    if (message.direction != mail::Direction::inbound || (!attack && message.number % 2 != 0)) return;
    ++totals[attack];
    for (const auto& mark : marks_of(message)) ++marks[mark][attack];
    for (const std::string_view word :
         {"attack", "spoof", "impost", "lookalike", "phish", "scenario", "simulat"}) {
      ASSERT_EQ(message.raw.find(word), std::string::npos) << word << "\n" << message.raw;
    }
  });
  ASSERT_GT(totals[1], 400);
  for (const auto& [mark, counts] : marks) {
    if (counts[1] >= 8) {
      EXPECT_GT(counts[0], 0) << mark << " is in " << counts[1] << " attacks and in no ham";
    }
  }
}

TEST(Company, look_alikes_are_not_the_real_domains_and_spoofs_are) {
  std::set<std::string> known;
  int spoofs = 0, spoofs_of_known = 0, others = 0, hijacked = 0;
  plan_weeks(8, 8, [&](const Draft& draft) {
    if (draft.direction != mail::Direction::inbound) return;
    if (!is_attack(draft.scenario)) {
      known.insert(draft.from.address);
    } else if (draft.scenario == Scenario::hijacked_thread) {  // either way
      ++hijacked;
      EXPECT_FALSE(draft.in_reply_to.empty());
      EXPECT_TRUE(draft.quote.has_value());
    } else if (draft.scenario != Scenario::lookalike_domain && draft.scenario != Scenario::display_name) {
      ++spoofs;
      if (known.count(draft.from.address)) ++spoofs_of_known;
      if (draft.scenario == Scenario::reply_to_diversion) {
        EXPECT_TRUE(draft.reply_to.has_value());
      }
    } else {
      ++others;
      EXPECT_FALSE(known.count(draft.from.address)) << draft.from.address;
    }
  });
  EXPECT_GT(others, 100);
  EXPECT_GT(hijacked, 10);
  EXPECT_GT(spoofs, 100);
  EXPECT_GT(spoofs_of_known * 100 / spoofs,
            75);  // the rest pretends to be staff, who never write from outside
}

TEST(Company, who_has_the_account_or_its_provider_passes_as_its_owner_does) {
  int taken_over = 0, passed = 0, shared = 0;
  std::map<std::string, std::set<uint32_t>> carriers;
  plan_weeks(8, 12, [&](const Draft& draft) {
    if (draft.direction != mail::Direction::inbound) return;
    auto& usual = carriers[draft.from.address];
    if (draft.scenario == Scenario::account_takeover) {
      ++taken_over;
      if (draft.authentication.dmarc == "pass" || draft.authentication.dmarc == "none") ++passed;
      EXPECT_FALSE(draft.reply_to.has_value());
    } else if (draft.scenario == Scenario::same_infrastructure) {
      ++shared;
      if (!usual.empty()) {
        EXPECT_TRUE(usual.count(draft.origin)) << draft.from.address;
      }
    } else if (!is_attack(draft.scenario)) {
      usual.insert(draft.origin);
    }
  });
  EXPECT_GT(taken_over, 20);
  EXPECT_GT(passed * 100 / taken_over, 80);
  EXPECT_GT(shared, 20);
}

TEST(Company, threads_answer_messages_that_were_sent) {
  std::set<std::string> ids;
  int answers = 0;
  plan_weeks(1, 3, [&](const Draft& draft) {
    ids.insert(draft.message_id);
    if (draft.scenario != Scenario::partner || draft.in_reply_to.empty()) return;
    ++answers;
    EXPECT_TRUE(ids.count(draft.in_reply_to));
    EXPECT_EQ(draft.references.back(), draft.in_reply_to);
  });
  EXPECT_GT(answers, 500);
}

TEST(Pace, never_runs_ahead_of_the_wall) {
  const Time simulated = Time::from_seconds(1'000'000);
  const Time wall = simulated + Duration::days(30);
  const Pace pace(simulated, wall, 60);
  EXPECT_EQ(pace.due(simulated), wall);
  EXPECT_EQ(pace.due(simulated + Duration::hours(1)), wall + Duration::minutes(1));
  const Time late = simulated + Duration::days(40);
  EXPECT_EQ(pace.due(late), late);  // caught up: from here on at the wall's own speed
}

TEST(Calendar, knows_summer_time) {
  EXPECT_EQ(offset_minutes(Zone::berlin, *parse_rfc3339("2026-03-29T00:59:59Z")), 60);
  EXPECT_EQ(offset_minutes(Zone::berlin, *parse_rfc3339("2026-03-29T01:00:00Z")), 120);
  EXPECT_EQ(offset_minutes(Zone::berlin, *parse_rfc3339("2026-10-25T01:00:00Z")), 60);
  EXPECT_EQ(offset_minutes(Zone::new_york, *parse_rfc3339("2026-03-08T06:59:59Z")), -300);
  EXPECT_EQ(offset_minutes(Zone::new_york, *parse_rfc3339("2026-03-08T07:00:00Z")), -240);
  EXPECT_EQ(offset_minutes(Zone::new_york, *parse_rfc3339("2026-11-01T06:00:00Z")), -300);
  EXPECT_EQ(offset_minutes(Zone::kolkata, *parse_rfc3339("2026-07-01T00:00:00Z")), 330);
  std::string date;
  append_date(date, *parse_rfc3339("2024-02-29T23:30:00Z"), 330);
  EXPECT_EQ(date, "Fri, 01 Mar 2024 05:00:00 +0530");
}

}  // namespace
}  // namespace bonafide::app::demo
