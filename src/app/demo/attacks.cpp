// Planner: those who pretend to be somebody else. They use the same carriers, programs and words as
// everybody; what gives them away is only that the pretended sender does not write like that.
#include <algorithm>
#include <array>

#include "app/demo/planner.hpp"

namespace bonafide::app::demo {
namespace {

constexpr std::array<MailerKind, 7> programs{
    MailerKind::phpmailer,  MailerKind::outlook,     MailerKind::roundcube, MailerKind::script,
    MailerKind::apple_mail, MailerKind::thunderbird, MailerKind::mutt};
constexpr std::array<uint32_t, 7> program_weights{30, 26, 14, 10, 9, 8, 3};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

/// A name that reads almost like `name`.
std::string lookalike(Dice& dice, const std::string& name) {
  const size_t dot = name.find('.');
  const std::string label = name.substr(0, dot);
  const std::string ending = name.substr(dot);
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> similar{
      {{"m", "rn"}, {"l", "1"}, {"o", "0"}, {"i", "l"}, {"rn", "m"}, {"vv", "w"}, {"w", "vv"}, {"e", "3"}}};
  constexpr std::array<std::string_view, 6> words{"mail", "billing", "office", "group", "secure", "intl"};
  for (int tries = 0; tries < 8; ++tries) {
    std::string made;
    const std::string word(dice.of(words));
    switch (dice.below(7)) {
      case 0:
      case 1: {
        const auto& [from, to] = dice.of(similar);
        made = replaced(label, from, to) + ending;
        break;
      }
      case 2:
        made = label;
        made.append("-").append(word).append(ending);
        break;
      case 3:
        made = label + (ending == ".test" ? ".example" : ".test");
        break;
      case 4: {
        const size_t at = 1 + dice.below(label.size() - 2);
        made = label.substr(0, at) + label.substr(at - 1) + ending;  // a letter twice
        break;
      }
      case 5: {
        std::string swapped = label;
        const size_t at = 1 + dice.below(label.size() - 2);
        std::swap(swapped[at], swapped[at + 1]);
        made = swapped + ending;
        break;
      }
      default:
        made = label;
        made.append(".").append(word).append(dice.form("-%l4.test"));
        break;
    }
    if (made != name) return made;
  }
  return label + "-mail" + ending;
}

}  // namespace

Planner::Victim Planner::draw_victim() {
  const int64_t kind = dice_.between(0, 99);
  if (kind < 16) {
    const Automaton& machine = dice_.of(world_.automata);
    return {machine.mailbox, dice_.of(machine.readers), true};
  }
  if (kind < 30) {  // one of the first four on the staff: they decide over money
    const uint32_t chief = world_.staff[dice_.below(4)];
    uint32_t reader = chief;
    while (reader == chief) reader = dice_.of(world_.staff);
    return {chief, reader, false};
  }
  const Tie& tie = world_.ties[dice_.weighted(tie_weights_)];
  return {tie.outside, dice_.permille(750) ? tie.inside : dice_.of(world_.staff), false};
}

/// Text, program and heads; not yet who it says it is from and how it comes.
void Planner::write_attack(Draft& draft, const Victim& victim, MailerKind kind, Time when) {
  const Mailbox& pretended = world_.mailboxes[victim.mailbox];
  constexpr std::array<Topic, 4> topics{Topic::invoice, Topic::document, Topic::account, Topic::favour};
  constexpr std::array<uint32_t, 4> person{40, 28, 5, 27};
  constexpr std::array<uint32_t, 4> machine{25, 30, 45, 0};
  const Topic topic = topics[dice_.weighted(victim.machine ? machine : person)];
  draft.written_at = when - Duration::micros(dice_.between(1'200'000, 9'000'000));
  draft.zone = dice_.permille(500)   ? pretended.zone
               : dice_.permille(400) ? Zone::utc
                                     : cultures()[dice_.below(cultures().size())].zone;
  draft.mailer = kind;
  draft.version = static_cast<uint8_t>(dice_.below(mailer(kind).versions.size()));
  draft.html = mailer(kind).html && dice_.permille(920);
  draft.access = dice_.of(world_.access_networks);
  say(draft, topic, pretended.language);
  draft.subject = draw_subject(dice_, topic, pretended.language);
  draft.urgent = topic == Topic::favour && dice_.permille(120);
  if (!victim.machine && dice_.permille(600)) {
    draft.signature = {pretended.name};
    if (!pretended.role.empty() && dice_.permille(700)) draft.signature.push_back(pretended.role);
  }
  if (dice_.permille(120)) {
    draft.in_reply_to = make_message_id(pretended.mailer, dice_, when - Duration::hours(dice_.between(2, 90)),
                                        world_.domains[pretended.domain].name,
                                        world_.providers[world_.domains[pretended.domain].provider].domain);
    draft.references = {draft.in_reply_to};
    draft.subject = std::string(answer_prefix(pretended.language)) + draft.subject;
  }
  if (draft.links > 0) {
    draft.link_host =
        dice_.permille(500) ? "share.cloudoffice.example" : "www." + draw_stranger(dice_).domain;
  }
  draft.to = {
      Party{dice_.permille(650) ? world_.mailboxes[victim.target].name : "", world_.address(victim.target)}};
}

Mailbox Planner::attacker_free_mail(const Mailbox& pretended) {
  Mailbox box;
  box.name = pretended.name;
  box.domain = dice_.of(world_.free_mail_domains);
  const Culture& culture = cultures()[dice_.below(cultures().size())];
  box.local = dice_.permille(600) ? pretended.local : address_form(draw_person(dice_, culture).full());
  const auto length = static_cast<size_t>(dice_.between(1, 3));
  dice_.append(box.local, digits, length);
  return box;
}

std::vector<Share> Settings::usual_attacks() {
  return {{Scenario::blind_spoof, 34},        {Scenario::lookalike_domain, 22},
          {Scenario::display_name, 20},       {Scenario::reply_to_diversion, 8},
          {Scenario::same_infrastructure, 6}, {Scenario::account_takeover, 6},
          {Scenario::hijacked_thread, 4}};
}

bool Planner::attack(const Event& event, Draft& draft) {
  const Victim victim = draw_victim();
  draft.scenario = static_cast<Scenario>(event.a);
  switch (draft.scenario) {
    case Scenario::lookalike_domain:
      lookalike_domain(draft, victim);
      break;
    case Scenario::display_name:
      display_name(draft, victim);
      break;
    case Scenario::reply_to_diversion:
      reply_to_diversion(draft, victim);
      break;
    case Scenario::same_infrastructure:
      same_infrastructure(draft, victim);
      break;
    case Scenario::account_takeover:
      account_takeover(draft, victim);
      break;
    case Scenario::hijacked_thread:
      hijacked_thread(draft, victim);
      break;
    default:
      blind_spoof(draft, victim);
      break;
  }
  return true;
}

/// Somebody who writes from outside.
Planner::Victim Planner::draw_victim_outside() {
  Victim victim = draw_victim();
  while (victim.machine || world_.is_staff(victim.mailbox)) victim = draw_victim();
  return victim;
}

/// The exact address from servers that have nothing to do with it.
void Planner::blind_spoof(Draft& draft, const Victim& victim) {
  const MailDomain& domain = world_.domains[world_.mailboxes[victim.mailbox].domain];
  write_attack(draft, victim, programs[dice_.weighted(program_weights)], draft.at);
  draft.from = {world_.mailboxes[victim.mailbox].name, world_.address(victim.mailbox)};
  MailDomain sender;
  sender.name = draw_stranger(dice_).domain;
  do {
    sender.provider =
        dice_.permille(650) ? dice_.of(world_.rented_providers) : dice_.of(world_.hosting_providers);
  } while (sender.provider == domain.provider);
  sender.authorised = sender.provider;
  sender.spf_all = dice_.permille(600) ? '~' : 0;
  sender.signing = dice_.permille(300) ? Signing::own : Signing::none;
  sender.selector = "default";
  const bool own_sender = dice_.permille(450);
  draft.mail_from = own_sender ? "www-data@" + sender.name : draft.from.address;
  if (own_sender && dice_.permille(500)) draft.mail_from = "info@" + sender.name;
  deliver_from_domain(draft, sender);
  Authentication& found = draft.authentication;
  if (!own_sender) {
    found.spf = domain.spf_all == '-'   ? "fail"
                : domain.spf_all == '~' ? "softfail"
                : domain.spf_all == '?' ? "neutral"
                                        : "none";
  }
  found.conclude(domain);
  if (dice_.permille(250)) {
    const Mailbox box = attacker_free_mail(world_.mailboxes[victim.mailbox]);
    draft.reply_to = Party{box.name, box.local + "@" + world_.domains[box.domain].name};
  }
  const bool careless = dice_.permille(500);  // the program takes the domain of From, or its own host's
  draft.message_id =
      make_message_id(draft.mailer, dice_, draft.written_at, careless ? domain.name : sender.name,
                      world_.providers[sender.provider].domain);
}

/// A name like `name`, and all that its new owner has set up for it.
MailDomain Planner::draw_lookalike(const std::string& name) {
  MailDomain domain;
  domain.name = lookalike(dice_, name);
  const int64_t kind = dice_.between(0, 99);
  domain.provider = kind < 40   ? dice_.of(world_.cloud_providers)
                    : kind < 70 ? dice_.of(world_.hosting_providers)
                    : kind < 90 ? dice_.of(world_.rented_providers)
                                : dice_.of(world_.esps);
  domain.authorised = domain.provider;
  domain.spf_all = dice_.permille(400) ? '-' : '~';
  domain.signing = dice_.permille(850) ? Signing::own : Signing::provider;
  domain.policy = dice_.permille(450)   ? Policy::unpublished
                  : dice_.permille(700) ? Policy::none
                                        : Policy::reject;
  domain.selector = dice_.permille(500) ? "default" : "s" + dice_.text(digits, 4);
  return domain;
}

/// A domain of the attacker's that reads like the real one, everything in order.
void Planner::lookalike_domain(Draft& draft, const Victim& victim) {
  const Mailbox& pretended = world_.mailboxes[victim.mailbox];
  if (world_.is_free_mail(pretended)) {  // nobody imitates a free-mail provider: the bank is a better prize
    lookalike_domain(draft, {world_.automata[0].mailbox, victim.target, true});
    return;
  }
  const MailDomain domain = draw_lookalike(world_.domains[pretended.domain].name);
  const Path path = world_.providers[domain.provider].path;
  const MailerKind kind_of_program = path == Path::cloud ? MailerKind::office_cloud
                                     : path == Path::web ? MailerKind::workmail_web
                                                         : programs[dice_.weighted(program_weights)];
  write_attack(draft, victim, kind_of_program, draft.at);
  draft.from = {pretended.name, pretended.local + "@" + domain.name};
  draft.mail_from = draft.from.address;
  deliver_from_domain(draft, domain);
  draft.message_id = make_message_id(draft.mailer, dice_, draft.written_at, domain.name,
                                     world_.providers[domain.provider].domain);
}

/// The name of somebody known at a free-mail address.
void Planner::display_name(Draft& draft, const Victim& victim) {
  Victim person = victim;
  if (victim.machine) person.mailbox = world_.staff[dice_.below(4)];
  const Mailbox box = attacker_free_mail(world_.mailboxes[person.mailbox]);
  const MailDomain& domain = world_.domains[box.domain];
  const bool web = world_.providers[domain.provider].path == Path::web;
  write_attack(draft, person, web && dice_.permille(800) ? MailerKind::postbox_web : MailerKind::iphone,
               draft.at);
  draft.from = {box.name, box.local + "@" + domain.name};
  draft.mail_from = draft.from.address;
  deliver_from_domain(draft, domain);
  draft.message_id = make_message_id(draft.mailer, dice_, draft.written_at, domain.name,
                                     world_.providers[domain.provider].domain);
}

/// As the real sender in almost all, but the answers are to go elsewhere.
void Planner::reply_to_diversion(Draft& draft, const Victim& victim) {
  Victim person = victim;
  while (world_.is_staff(person.mailbox)) person = draw_victim();  // it needs the way of somebody outside
  const Mailbox& pretended = world_.mailboxes[person.mailbox];
  const bool taken_over = dice_.permille(700);
  const MailDomain& real = world_.domains[pretended.domain];
  write_attack(draft, person, taken_over ? pretended.mailer : programs[dice_.weighted(program_weights)],
               draft.at);
  draft.version = taken_over ? pretended.version : draft.version;
  draft.html = taken_over ? pretended.html : draft.html;
  draft.zone = taken_over ? pretended.zone : draft.zone;
  draft.from = {pretended.name, world_.address(person.mailbox)};
  draft.mail_from = draft.from.address;
  deliver_from_domain(draft, real);
  if (!taken_over) {  // another customer of the same provider
    draft.authentication.signatures.clear();
    if (dice_.permille(500))
      draft.authentication.signatures.push_back({draw_stranger(dice_).domain, "default", "pass"});
    draft.authentication.conclude(real);
  }
  const Mailbox box = attacker_free_mail(pretended);
  draft.reply_to = Party{box.name, box.local + "@" + world_.domains[box.domain].name};
  draft.message_id = make_message_id(draft.mailer, dice_, draft.written_at, real.name,
                                     world_.providers[real.provider].domain);
}

/// The exact address, from another customer of the provider that carries the real one's mail.
void Planner::same_infrastructure(Draft& draft, const Victim& victim) {
  const auto is_shared = [&](const Victim& person) {
    const uint32_t carrier = world_.domains[world_.mailboxes[person.mailbox].domain].provider;
    const auto has = [&](const std::vector<uint32_t>& list) {
      return std::ranges::find(list, carrier) != list.end();
    };
    return has(world_.cloud_providers) || has(world_.hosting_providers);
  };
  Victim person = victim;
  while (person.machine || world_.is_staff(person.mailbox) || !is_shared(person)) person = draw_victim();
  const Mailbox& pretended = world_.mailboxes[person.mailbox];
  const MailDomain& real = world_.domains[pretended.domain];
  const Path path = world_.providers[real.provider].path;
  write_attack(draft, person,
               path == Path::cloud ? MailerKind::office_cloud
               : path == Path::web ? MailerKind::workmail_web
                                   : programs[dice_.weighted(program_weights)],
               draft.at);
  draft.from = {pretended.name, world_.address(person.mailbox)};
  // A cloud ties MAIL FROM to the account; a hoster lets its customers write what they like, and the SPF
  // record of the real domain names its servers.
  const std::string account = draw_stranger(dice_).domain;
  const bool free_choice = path != Path::cloud && path != Path::web;
  draft.mail_from = free_choice && dice_.permille(600) ? draft.from.address : "office@" + account;
  deliver_from_domain(draft, real);
  Authentication& found = draft.authentication;
  found.signatures.clear();
  if (dice_.permille(600)) found.signatures.push_back({account, "default", "pass"});
  found.conclude(real);
  draft.message_id = make_message_id(draft.mailer, dice_, draft.written_at, free_choice ? real.name : account,
                                     world_.providers[real.provider].domain);
}

/// With the account of the real sender: the same servers and signatures; the program, the line and the clock
/// are the attacker's.
void Planner::use_account(Draft& draft, const Victim& victim) {
  const Mailbox& owner = world_.mailboxes[victim.mailbox];
  const MailDomain& real = world_.domains[owner.domain];
  const Path path = world_.providers[real.provider].path;
  const bool web = path == Path::cloud || path == Path::web;
  const MailerKind program = web ? owner.mailer : programs[dice_.weighted(program_weights)];
  write_attack(draft, victim, program, draft.at);
  draft.access = dice_.of(world_.travel_networks);
  draft.zone = dice_.permille(600) ? Zone::utc : cultures()[dice_.below(cultures().size())].zone;
  draft.from = {owner.name, world_.address(victim.mailbox)};
  draft.mail_from = draft.from.address;
  deliver_from_domain(draft, real);
  draft.message_id = make_message_id(draft.mailer, dice_, draft.written_at, real.name,
                                     world_.providers[real.provider].domain);
}

void Planner::account_takeover(Draft& draft, const Victim& victim) {
  use_account(draft, victim.machine || world_.is_staff(victim.mailbox) ? draw_victim_outside() : victim);
}

/// The answer in a thread that is going on: from the account of one who takes part, or from a look-alike of
/// it.
void Planner::hijacked_thread(Draft& draft, const Victim& victim) {
  const size_t known = recent_threads_.size();
  const auto thread = known == 0 ? nullptr : recent_threads_[dice_.below(known)];
  Victim person = victim;
  bool outside = false, inside = false;
  for (const uint32_t member : thread ? thread->members : std::vector<uint32_t>{}) {
    const bool staff = world_.is_staff(member);
    if (staff && !inside) person.target = member;
    if (!staff && !outside) person.mailbox = member;
    (staff ? inside : outside) = true;
  }
  if (!outside || !inside) return account_takeover(draft, victim);
  person.machine = false;
  if (world_.is_free_mail(world_.mailboxes[person.mailbox]) || dice_.permille(500)) {
    use_account(draft, person);
  } else {
    lookalike_domain(draft, person);
  }
  const Post& last = thread->posts.back();
  draft.subject = std::string(answer_prefix(thread->language)) + thread->subject;
  draft.in_reply_to = last.message_id;
  draft.references.clear();
  for (const Post& post : thread->posts) draft.references.push_back(post.message_id);
  draft.quote = last;
}

}  // namespace bonafide::app::demo
