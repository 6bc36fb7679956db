#include "app/demo/planner.hpp"

#include <algorithm>

namespace bonafide::app::demo {

Planner::Planner(const Settings& settings)
    : settings_(settings),
      dice_(derive(settings.seed, "plan")),
      world_(build_world(settings.seed, settings.people)) {
  for (size_t i = 0; i < world_.staff.size(); ++i)
    staff_weights_.push_back(static_cast<uint32_t>(dice_.between(2, 12)));
  for (const Tie& tie : world_.ties) tie_weights_.push_back(tie.weight);
  // A local day may begin 14 hours before the UTC day of the same number.
  const int64_t first = settings_.start.day() - 1;
  at(Time::from_seconds(first * 86'400) - Duration::hours(14), What::day, static_cast<uint32_t>(first));
  if (settings_.change_every > Duration{} && !settings_.changes.empty())
    at(settings_.start + Duration::days(16), What::change);
  at(settings_.start + Duration::days(9), What::travel);
  for (const StoryEvent& told : settings_.story) {
    const Duration apart{told.over.us / static_cast<int64_t>(std::max<uint32_t>(told.count, 1))};
    for (uint32_t i = 0; i < told.count; ++i) {
      at(settings_.start + told.after + Duration::micros(apart.us * i),
         is_attack(told.what) ? What::attack : What::change, static_cast<uint32_t>(told.what), 1);
    }
  }
}

void Planner::at(Time when, What what, uint32_t a, uint32_t b, std::shared_ptr<Thread> thread) {
  queue_.push(Event{when, order_++, what, a, b, std::move(thread)});
}

void Planner::next(Draft& draft) {
  while (true) {
    const Event event = queue_.top();
    queue_.pop();
    const bool message = event.what != What::day && event.what != What::change &&
                         event.what != What::travel && event.what != What::spf_fixed &&
                         event.what != What::list_start;
    if (message && event.at < settings_.start) continue;
    now_ = event.at;
    draft = Draft{};
    draft.at = std::max(event.at, last_ + Duration::micros(1));
    draft.seed = derive(settings_.seed, "draft", number_);
    if (!happen(event, draft)) continue;
    last_ = draft.at;
    draft.number = number_++;
    return;
  }
}

bool Planner::happen(const Event& event, Draft& draft) {
  switch (event.what) {
    case What::day:
      plan_day(event.a);
      return false;
    case What::internal:
      return start_internal(event, draft);
    case What::external:
      return start_external(event, draft);
    case What::answer:
      return answer(event, draft);
    case What::issue:
      return issue(event, draft);
    case What::list_start:
      return start_list_thread(event);
    case What::list_copy:
      return list_copy(event, draft);
    case What::automaton:
      return automaton(event, draft);
    case What::ticket:
      return ticket(event, draft);
    case What::web_form:
      return web_form(event, draft);
    case What::shared_mail:
      return shared_mail(event, draft);
    case What::first_contact:
      return first_contact(event, draft);
    case What::private_mail:
      return private_mail(event, draft);
    case What::auto_reply:
      return auto_reply(event, draft);
    case What::attack:
      return attack(event, draft);
    case What::announcement:
      return announcement(event, draft);
    case What::change:
      if (event.b == 1) {  // as the story tells
        make_change(static_cast<Scenario>(event.a));
      } else {
        change();
      }
      return false;
    case What::travel:
      start_travel();
      at(now_ + Duration::hours(dice_.between(30, 80)), What::travel);
      return false;
    case What::spf_fixed:
      world_.domains[event.a].authorised = world_.domains[event.a].provider;
      return false;
  }
  return false;
}

Time Planner::moment(Zone zone, int64_t day, int64_t minute) {
  return from_local(zone, day, minute) + Duration::micros(dice_.between(0, 59'999'999));
}

Time Planner::moment(const Mailbox& box, int64_t day) {
  const int64_t minute = draw_minute(dice_, box.rhythm);
  return moment(box.zone, day, minute);
}

int64_t Planner::share(int64_t permille, Rhythm rhythm, int64_t day) {
  const int64_t mean = static_cast<int64_t>(settings_.messages_per_day) * permille * day_share(rhythm, day) /
                       1000;  // in thousandths
  return dice_.count(mean * dice_.between(850, 1150) / 1000);
}

bool Planner::on_leave(uint32_t mailbox, Time when) const {
  return derive(mailbox, "leave", static_cast<uint64_t>(when.day() / 11) ^ settings_.seed) % 14 == 0;
}

void Planner::plan_day(int64_t day) {
  plan_people(day);
  plan_machines(day);
  plan_attacks(day);
  at(Time::from_seconds((day + 1) * 86'400) - Duration::hours(14), What::day, static_cast<uint32_t>(day + 1));
}

/// Shares of what begins; answers follow from it and make about as much again.
void Planner::plan_people(int64_t day) {
  for (int64_t n = share(136, Rhythm::office, day); n > 0; --n) {
    const auto who = world_.staff[dice_.weighted(staff_weights_)];
    at(moment(world_.mailboxes[who], day), What::internal, who);
  }
  for (int64_t n = share(196, Rhythm::office, 0); n > 0; --n) {
    const auto tie = static_cast<uint32_t>(dice_.weighted(tie_weights_));
    const bool outside = dice_.permille(560);
    const Mailbox& author = world_.mailboxes[outside ? world_.ties[tie].outside : world_.ties[tie].inside];
    if (dice_.permille(day_share(author.rhythm, day)))
      at(moment(author, day), What::external, tie, outside ? 1 : 0);
  }
  for (int64_t n = share(6, Rhythm::home, day); n > 0; --n) {
    const auto which = static_cast<uint32_t>(dice_.below(world_.private_addresses.size()));
    at(moment(world_.mailboxes[world_.private_addresses[which].second], day), What::private_mail, which);
  }
  for (int64_t n = share(22, Rhythm::business, day); n > 0; --n) {
    const int64_t minute = draw_minute(dice_, Rhythm::business);
    at(moment(Zone::berlin, day, minute), What::first_contact);
  }
  for (uint32_t list = 0; list < world_.lists.size(); ++list) {
    for (int64_t n = share(5, Rhythm::late, day); n > 0; --n) {
      const uint32_t author = dice_.of(world_.lists[list].posters);
      at(moment(world_.mailboxes[author], day), What::list_start, list, author);
    }
  }
}

void Planner::plan_machines(int64_t day) {
  for (uint32_t i = 0; i < world_.newsletters.size(); ++i) {
    const Newsletter& letter = world_.newsletters[i];
    const int today = weekday(day);
    if (letter.daily ? today > 4 : today != letter.issue_weekday) continue;
    Time when = from_local(Zone::berlin, day, letter.issue_minute);
    for (uint32_t reader = 0; reader < letter.readers.size(); ++reader) {
      when = when + Duration::millis(dice_.between(300, 45'000));
      at(when, What::issue, i, reader);
    }
  }
  std::vector<uint32_t> weights;
  weights.reserve(world_.automata.size());
  for (const Automaton& automaton : world_.automata) weights.push_back(automaton.weight);
  for (int64_t n = share(100, Rhythm::business, 0); n > 0; --n) {
    const auto which = static_cast<uint32_t>(dice_.weighted(weights));
    const Mailbox& box = world_.mailboxes[world_.automata[which].mailbox];
    if (dice_.permille(day_share(box.rhythm, day))) at(moment(box, day), What::automaton, which);
  }
  for (int64_t n = share(26, Rhythm::business, day); n > 0; --n) {
    const auto which = static_cast<uint32_t>(dice_.below(world_.tickets.size()));
    at(moment(world_.mailboxes[world_.tickets[which].mailbox], day), What::ticket, which);
  }
  for (int64_t n = share(9, Rhythm::home, day); n > 0; --n) {
    at(moment(world_.mailboxes[world_.web_form], day), What::web_form);
  }
  for (int64_t n = share(12, Rhythm::office, day); n > 0; --n) {
    const auto which = static_cast<uint32_t>(dice_.below(world_.shared_senders.size()));
    at(moment(world_.mailboxes[world_.shared_senders[which].mailbox], day), What::shared_mail, which);
  }
}

void Planner::plan_attacks(int64_t day) {
  const Time quiet_until = settings_.start + settings_.quiet;
  if (settings_.attacks.empty() || Time::from_seconds((day + 1) * 86'400) < quiet_until) return;
  const int64_t share_today = (day_share(Rhythm::business, day) + 1000) / 2;  // attackers keep weekends less
  // A wave has 1.3 messages on average.
  int64_t waves = dice_.count(static_cast<int64_t>(settings_.attacks_per_day) * share_today * 10 / 13);
  std::vector<uint32_t> weights;
  weights.reserve(settings_.attacks.size());
  for (const Share& kind : settings_.attacks) weights.push_back(kind.weight);
  for (; waves > 0; --waves) {
    const auto kind = static_cast<uint32_t>(settings_.attacks[dice_.weighted(weights)].scenario);
    const Rhythm rhythm = dice_.permille(700) ? Rhythm::business : Rhythm::home;
    const int64_t minute = draw_minute(dice_, rhythm);
    Time when = moment(Zone::berlin, day, minute);
    const int64_t targets = dice_.permille(780) ? 1 : dice_.between(2, 3);
    const uint64_t wave = dice_.next();
    for (int64_t i = 0; i < targets; ++i) {
      if (when >= quiet_until) at(when, What::attack, kind, static_cast<uint32_t>(wave));
      when = when + Duration::millis(dice_.between(2'000, 900'000));
    }
  }
}

}  // namespace bonafide::app::demo
