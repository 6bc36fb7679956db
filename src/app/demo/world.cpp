#include "app/demo/world.hpp"

#include <algorithm>
#include <array>

namespace bonafide::app::demo {
namespace {

constexpr std::array<std::string_view, static_cast<size_t>(Scenario::count)> scenario_names{
    "internal",
    "outbound",
    "partner",
    "freemail",
    "newsletter",
    "mailing_list",
    "list_rewritten",
    "transactional",
    "ticket",
    "partner_system",
    "shared_mailbox",
    "web_form",
    "first_contact",
    "auto_reply",
    "private_address",
    "provider_move_signed",
    "provider_move_unsigned",
    "new_colleague",
    "travel",
    "forwarder",
    "mailer_update",
    "blind_spoof",
    "lookalike_domain",
    "display_name",
    "reply_to_diversion",
    "same_infrastructure",
    "account_takeover",
    "hijacked_thread"};

constexpr std::array<std::string_view, 12> roles{"Engineering", "Purchasing", "Sales",      "Accounts",
                                                 "Quality",     "Logistics",  "Management", "Support",
                                                 "Service",     "Marketing",  "Research",   "Production"};
// Programs of people who have one of their own choice.
constexpr std::array<MailerKind, 6> desktop_mailers{MailerKind::outlook,     MailerKind::apple_mail,
                                                    MailerKind::thunderbird, MailerKind::roundcube,
                                                    MailerKind::evolution,   MailerKind::mutt};

/// Builds the world step by step; each step draws from the same dice.
class Builder {
 public:
  Builder(uint64_t seed, uint32_t people) : dice_(derive(seed, "world")), people_(people) {
    for (uint32_t i = 0; i < network_count; ++i) order_.push_back(i);
    for (size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[dice_.below(i)]);
  }

  World build() {
    add_company();
    add_carriers();
    add_staff();
    add_partners();
    add_free_mail();
    add_newsletters();
    add_lists();
    add_automata();
    add_partner_systems();
    add_shared_senders();
    world_.networks_used = next_network_;
    return std::move(world_);
  }

 private:
  uint32_t network() {
    return network_number(next_network_ < network_count ? order_[next_network_++] : next_network_++);
  }

  uint32_t provider(std::string domain, HostNames names, Path path, uint32_t networks, uint32_t hosts,
                    Zone zone, bool ipv6 = false) {
    Provider made{std::move(domain), names, path, {}, hosts, ipv6, zone, 0};
    for (uint32_t i = 0; i < networks; ++i) made.networks.push_back(network());
    return world_.add(std::move(made));
  }

  void add_company() {
    constexpr std::array<KnownName, 4> companies{{{"Norrvik Instruments", "norrvik.example"},
                                                  {"Talbrook Metering", "talbrook.example"},
                                                  {"Sannwald Messtechnik", "sannwald.example"},
                                                  {"Isera Gauges", "isera.example"}}};
    const KnownName& company = dice_.of(companies);
    world_.company_name = company.name;
    world_.company_domain = company.domain;
    world_.edge = "mx." + world_.company_domain;
    const uint32_t own =
        provider(world_.company_domain, HostNames::fixed, Path::submission, 1, 1, Zone::berlin);
    world_.providers[own].networks[0] = (192U << 24) | (0U << 16) | (2U << 8);
    world_.office_network = world_.providers[own].networks[0];
    world_.vpn_network = (198U << 24) | (51U << 16) | (100U << 8);
    world_.add(MailDomain{world_.company_domain, own, own, '~', Signing::own, Policy::none, "n1"});
    for (int i = 0; i < 60; ++i) world_.access_networks.push_back(network());
    for (int i = 0; i < 24; ++i) world_.travel_networks.push_back(network());
  }

  /// Those who carry mail for others.
  void add_carriers() {
    world_.cloud_providers = {
        provider("cloudoffice.example", HostNames::cloud, Path::cloud, 14, 160, Zone::utc),
        provider("workmail.example", HostNames::web, Path::web, 10, 90, Zone::new_york)};
    world_.providers[world_.cloud_providers[1]].ipv6 = true;
    world_.hosting_providers = {
        provider("hostkontor.example", HostNames::numbered, Path::submission, 4, 24, Zone::berlin),
        provider("webhaus.example", HostNames::numbered, Path::script, 3, 12, Zone::berlin),
        provider("bluecrate.example", HostNames::numbered, Path::submission, 4, 20, Zone::new_york)};
    for (const char* name : {"rackbarn.example", "nimbus-hosts.example", "vpsdock.test", "serverloft.example",
                             "quickrack.test"}) {
      world_.rented_providers.push_back(provider(name, HostNames::rented, Path::none, 12, 600, Zone::utc));
    }
    world_.rented_providers.push_back(
        provider("dsl.netline.example", HostNames::bare, Path::none, 12, 400, Zone::utc));
    world_.esps = {provider("mailpigeon.example", HostNames::bulk, Path::bulk, 5, 40, Zone::utc),
                   provider("sendwell.example", HostNames::bulk, Path::bulk, 4, 30, Zone::utc)};
    world_.forwarders = {provider("alumni-net.example", HostNames::numbered, Path::none, 1, 3, Zone::london),
                         provider("guild-mail.example", HostNames::fixed, Path::none, 1, 1, Zone::berlin)};
  }

  void add_staff() {
    const auto all = cultures();
    for (uint32_t i = 0; i < people_; ++i) {
      const Culture& culture = i % 3 == 0 ? all[dice_.below(2)] : all[dice_.below(all.size())];
      Mailbox box = draw_mailbox(dice_, world_, culture, 0);
      box.zone = dice_.permille(900) ? Zone::berlin : Zone::london;
      box.language = dice_.permille(150) ? Language::german : Language::english;
      box.mailer = i % 2 == 0   ? MailerKind::outlook
                   : i % 5 == 0 ? MailerKind::apple_mail
                                : MailerKind::thunderbird;
      box.html = mailer(box.mailer).html;
      if (dice_.permille(600)) box.phone = i % 3 == 0 ? MailerKind::k9 : MailerKind::iphone;
      world_.staff.push_back(world_.add(std::move(box)));
    }
    for (const char* local : {"info", "accounts", "jobs"}) {
      Mailbox box;
      box.name = world_.company_name;
      box.local = local;
      box.zone = Zone::berlin;
      box.mailer = MailerKind::roundcube;
      box.access = world_.office_network;
      world_.shared_inboxes.push_back(world_.add(std::move(box)));
    }
  }

  /// The way an organisation's mail goes: own server, cloud, or a hoster.
  MailDomain draw_domain(std::string name, size_t i, const Culture& culture) {
    MailDomain domain;
    domain.name = std::move(name);
    switch (i % 6) {
      case 0:
        domain.provider = provider(domain.name, HostNames::fixed, Path::submission, 1,
                                   dice_.permille(300) ? 2 : 1, culture.zone);
        break;
      case 3:
        domain.provider = provider(domain.name, HostNames::fixed, Path::gateway, 1, 2, culture.zone);
        break;
      case 1:
      case 4:
        domain.provider = world_.cloud_providers[0];
        break;
      case 2:
        domain.provider = world_.cloud_providers[1];
        break;
      default:
        domain.provider = world_.hosting_providers[dice_.below(world_.hosting_providers.size())];
        break;
    }
    const bool hosted = i % 6 == 5;
    domain.spf_all = hosted && dice_.permille(400) ? '\0'
                     : dice_.permille(400)         ? '-'
                     : dice_.permille(850)         ? '~'
                                                   : '?';
    if (hosted || i % 12 == 0) {
      domain.signing = dice_.permille(250) ? Signing::provider : Signing::none;
    } else {
      domain.signing = i % 6 == 1 && dice_.permille(350) ? Signing::provider
                       : dice_.permille(150)             ? Signing::both
                                                         : Signing::own;
    }
    domain.selector = draw_selector(dice_);
    const int64_t policy = dice_.between(0, 99);
    domain.policy = policy < 35   ? Policy::unpublished
                    : policy < 70 ? Policy::none
                    : policy < 85 ? Policy::quarantine
                                  : Policy::reject;
    // Nobody rejects what they themselves cannot prove.
    if (domain.signing != Signing::own && domain.signing != Signing::both && domain.policy > Policy::none)
      domain.policy = Policy::none;
    return domain;
  }

  static std::string draw_selector(Dice& dice) {
    constexpr std::array<std::string_view, 6> selectors{"selector1", "s1", "mail", "dkim", "default", "k1"};
    if (dice.permille(250)) return "s" + dice.text(digits, 8);
    return std::string(dice.of(selectors));
  }

  void add_partners() {
    const auto all = cultures();
    size_t i = 0;
    for (const KnownName& known : partner_names()) {
      const Culture& culture = all[i % all.size()];
      Organisation partner{std::string(known.name),
                           world_.add(draw_domain(std::string(known.domain), i, culture)),
                           {},
                           culture};
      const int64_t count = dice_.between(2, 7);
      for (int64_t p = 0; p < count; ++p) {
        partner.people.push_back(world_.add(draw_mailbox(dice_, world_, culture, partner.domain)));
      }
      if (dice_.permille(150)) {  // somebody who has answers sent elsewhere, as a habit
        Mailbox& box = world_.mailboxes[partner.people[0]];
        box.reply_to = "office@" + world_.domains[box.domain].name;
      }
      if (i == 4 || i == 11) misconfigure(world_.domains[partner.domain], i == 4 ? '-' : '?');
      if (i % 6 == 2) {  // one of its people writes to an old address of the reader
        world_.mailboxes[partner.people.back()].forwarder = dice_.of(world_.forwarders);
      }
      for (const uint32_t person : partner.people) add_ties(person, 60);
      world_.partners.push_back(std::move(partner));
      ++i;
    }
  }

  /// Its SPF record does not name the servers that send, and nobody has noticed.
  void misconfigure(MailDomain& domain, char qualifier) const {
    domain.spf_all = qualifier;
    domain.authorised = world_.forwarders[0];
  }

  void add_ties(uint32_t outside, uint32_t most) {
    const int64_t count = dice_.between(1, 4);
    for (int64_t i = 0; i < count; ++i) {
      world_.ties.push_back(
          {outside, dice_.of(world_.staff), most / static_cast<uint32_t>(dice_.between(1, 12)) + 1});
    }
  }

  void add_free_mail() {
    constexpr std::array<std::string_view, 3> names{"freemail.example", "postbox.example", "webmail.test"};
    for (size_t i = 0; i < names.size(); ++i) {
      const uint32_t made = provider(std::string(names[i]), HostNames::web, i == 2 ? Path::script : Path::web,
                                     5, 60, i == 0 ? Zone::utc : Zone::berlin);
      world_.free_mail_providers.push_back(made);
      world_.free_mail_domains.push_back(
          world_.add(MailDomain{std::string(names[i]), made, made, i == 0 ? '~' : '-', Signing::own,
                                i == 1 ? Policy::reject : Policy::none, "2024"}));
    }
    const auto all = cultures();
    for (int i = 0; i < 36; ++i) {
      const uint32_t made = world_.add(draw_free_mailbox(all[dice_.below(all.size())]));
      world_.private_people.push_back(made);
      add_ties(made, 14);
    }
    // Some write to their own company, or to their business friends, from home.
    for (size_t i = 0; i < 9; ++i) {
      const uint32_t person = i < 6 ? dice_.of(world_.staff) : world_.partners[i].people[0];
      Mailbox box = draw_free_mailbox(all[0]);
      const Mailbox& known = world_.mailboxes[person];
      box.name = known.name;
      box.local = known.local + dice_.text(digits, 2);
      box.zone = known.zone;
      box.language = known.language;
      world_.private_addresses.emplace_back(person, world_.add(std::move(box)));
    }
  }

  Mailbox draw_free_mailbox(const Culture& culture) {
    const uint32_t home = dice_.of(world_.free_mail_domains);
    Mailbox box = draw_mailbox(dice_, world_, culture, home);
    box.rhythm = Rhythm::home;
    box.role.clear();
    if (dice_.permille(500)) box.local += dice_.text(digits, 2);
    return box;
  }

  std::vector<uint32_t> some_staff(int64_t low, int64_t high) {
    std::vector<uint32_t> some;
    for (int64_t n = dice_.between(low, high); n > 0; --n) some.push_back(dice_.of(world_.staff));
    std::sort(some.begin(), some.end());
    some.erase(std::unique(some.begin(), some.end()), some.end());
    return some;
  }

  void add_newsletters() {
    const auto brands = brand_names();
    for (size_t i = 0; i < 8; ++i) {
      MailDomain domain{std::string(brands[i].domain),
                        world_.esps[i % 2],
                        world_.esps[i % 2],
                        '~',
                        i % 3 == 0   ? Signing::both
                        : i % 3 == 1 ? Signing::own
                                     : Signing::provider,
                        i % 2 == 0 ? Policy::none : Policy::unpublished,
                        "mp" + std::to_string(i + 1)};
      Mailbox box;
      box.name = brands[i].name;
      box.local = i % 2 == 0 ? "news" : "hello";
      box.domain = world_.add(std::move(domain));
      box.mailer = MailerKind::bulk;
      box.rhythm = Rhythm::business;
      box.html = true;
      box.access = dice_.of(world_.access_networks);
      if (i % 3 == 0) box.reply_to = "reply@" + std::string(brands[i].domain);
      Newsletter letter;
      letter.esp = world_.esps[i % 2];
      letter.mailbox = world_.add(std::move(box));
      letter.readers = some_staff(8, 30);
      letter.issue_weekday = static_cast<int>(dice_.between(0, 4));
      letter.issue_minute = dice_.between(int64_t{6} * 60, int64_t{15} * 60);
      letter.daily = i % 4 == 2;
      world_.newsletters.push_back(std::move(letter));
    }
  }

  void add_lists() {
    const auto all = cultures();
    for (size_t i = 0; i < 2; ++i) {
      MailingList list;
      list.name = i == 0 ? "Open Gauge developers" : "Metrology forum";
      list.tag = i == 0 ? "" : "[metrology] ";
      const std::string domain = i == 0 ? "opengauge.example" : "metrology-forum.example";
      const std::string local = i == 0 ? "gauge-dev" : "metrology";
      const std::string host = "lists." + domain;
      list.address = local;
      list.address.append("@").append(host);
      list.id = local;
      list.id.append(".").append(host);
      list.provider = provider(host, HostNames::fixed, Path::none, 1, 1, i == 0 ? Zone::utc : Zone::new_york);
      list.domain = world_.add(MailDomain{"lists." + domain, list.provider, list.provider, '-', Signing::own,
                                          Policy::none, "list"});
      list.rewrites_from = i == 1;
      list.breaks_dkim = i == 1;
      for (int p = 0; p < 22; ++p) {
        const Culture& culture = all[dice_.below(all.size())];
        const StrangerName name = draw_stranger(dice_);
        const uint32_t home = dice_.permille(400) ? dice_.of(world_.free_mail_domains)
                                                  : add_stranger_domain(dice_, world_, name);
        Mailbox box = draw_mailbox(dice_, world_, culture, home);
        box.language = Language::english;
        box.mailer = dice_.permille(600) ? MailerKind::mutt : box.mailer;
        list.posters.push_back(world_.add(std::move(box)));
      }
      list.readers = some_staff(3, 4);
      world_.lists.push_back(std::move(list));
    }
  }

  uint32_t add_machine(std::string name, std::string local, std::string_view domain_name, size_t i,
                       MailerKind kind) {
    const auto known = std::find_if(world_.domains.begin(), world_.domains.end(),
                                    [&](const MailDomain& d) { return d.name == domain_name; });
    uint32_t domain = static_cast<uint32_t>(known - world_.domains.begin());
    if (known == world_.domains.end()) {
      MailDomain made = draw_domain(std::string(domain_name), i, cultures()[1]);
      for (const Provider& carrier : world_.providers) {  // a carrier sends its own mail
        if (carrier.domain == domain_name) made.provider = carrier.number;
      }
      domain = world_.add(std::move(made));
    }
    Mailbox box;
    box.name = std::move(name);
    box.local = std::move(local);
    box.domain = domain;
    box.zone = i % 2 == 0 ? Zone::berlin : Zone::utc;
    box.rhythm = Rhythm::business;
    box.mailer = kind;
    box.html = mailer(kind).html;
    box.access = world_.providers[world_.domains[domain].provider].networks[0];
    box.version = static_cast<uint8_t>(i % mailer(kind).versions.size());
    return world_.add(std::move(box));
  }

  void add_automata() {
    struct Entry {
      const char *name, *local, *domain;
      Topic topic;
      MailerKind kind;
      uint32_t weight;
      bool machine;
    };
    const std::array<Entry, 13> entries{{
        {"Sparhaven Bank", "notice", "sparhaven.example", Topic::account, MailerKind::script, 6, false},
        {"Sparhaven Bank", "statements", "sparhaven.example", Topic::invoice, MailerKind::script, 4, false},
        {"Bolt & Bracket", "orders", "boltandbracket.example", Topic::order, MailerKind::phpmailer, 10,
         false},
        {"Parcelfinch", "tracking", "parcelfinch.example", Topic::order, MailerKind::script, 14, false},
        {"Railhop", "tickets", "railhop.example", Topic::order, MailerKind::script, 6, false},
        {"Papierwerk", "shop", "papierwerk.example", Topic::order, MailerKind::phpmailer, 5, false},
        {"cloudoffice sharing", "share", "cloudoffice.example", Topic::document, MailerKind::office_cloud, 12,
         false},
        {"workmail security", "no-reply", "workmail.example", Topic::account, MailerKind::script, 3, false},
        {"Monitoring", "monitor", "raghunathan-optics.example", Topic::report, MailerKind::script, 12, true},
        {"backup", "root", "hostkontor.example", Topic::report, MailerKind::script, 10, true},
        {"Lift service", "alarm", "liftservice.example", Topic::report, MailerKind::script, 4, true},
        {"Skillbarn", "courses", "skillbarn.example", Topic::document, MailerKind::phpmailer, 3, false},
        {"Quillan Payroll", "payroll", "quillanstaffing.example", Topic::document, MailerKind::script, 3,
         false},
    }};
    size_t i = 0;
    for (const Entry& entry : entries) {
      const uint32_t made = add_machine(entry.name, entry.local, entry.domain, i++, entry.kind);
      if (entry.machine) world_.mailboxes[made].rhythm = Rhythm::machine;
      MailDomain& domain = world_.domains[world_.mailboxes[made].domain];
      if (entry.local == std::string_view("courses")) misconfigure(domain, '~');
      if (entry.local == std::string_view("alarm")) {  // boxes on telephone lines, without names
        domain.provider = domain.authorised =
            provider("dsl.netline.example", HostNames::bare, Path::none, 1, 9, Zone::utc);
        domain.signing = Signing::none;
      }
      world_.automata.push_back(
          {made, entry.topic, some_staff(2, 20), entry.weight, Scenario::transactional});
    }
    for (const auto& [name, local, domain] :
         {std::tuple{"Tellus Desk", "support", "tellusdesk.example"},
          std::tuple{"Baltica Support", "help", "balticasensor.example"}}) {
      const uint32_t made = add_machine(name, local, domain, i++, MailerKind::ticket);
      world_.tickets.push_back({made, Topic::ticket, some_staff(6, 14), 1, Scenario::ticket});
    }
    world_.web_form = add_machine("Website", "forms", "webhaus.example", 1, MailerKind::phpmailer);
  }

  /// Accounting and customer systems of partners: the partner's domain in From, somebody else's servers.
  void add_partner_systems() {
    struct Entry {
      const char *name, *local;
      Topic topic;
      MailerKind kind;
    };
    constexpr std::array<Entry, 4> entries{
        {{"Accounts", "invoices", Topic::invoice, MailerKind::script},
         {"Customer care", "service", Topic::ticket, MailerKind::phpmailer},
         {"Order desk", "orders", Topic::order, MailerKind::script},
         {"Documents", "documents", Topic::document, MailerKind::phpmailer}}};
    for (size_t i = 0; i < world_.partners.size(); i += 3) {
      const Organisation& partner = world_.partners[i];
      const Entry& entry = entries[i / 3 % entries.size()];
      // Another way of the same name: the SPF record names these servers too, and they have a key of their
      // own.
      MailDomain way = world_.domains[partner.domain];
      way.provider = i % 2 == 0 ? world_.esps[i / 3 % 2] : dice_.of(world_.hosting_providers);
      if (way.signing == Signing::own || way.signing == Signing::both)
        way.selector = "sys" + dice_.text(digits, 2);
      Mailbox box;
      box.name = partner.name + " " + entry.name;
      box.local = entry.local;
      box.domain = world_.add(std::move(way));
      box.zone = Zone::utc;
      box.rhythm = Rhythm::business;
      box.mailer = entry.kind;
      box.html = mailer(entry.kind).html;
      box.access = world_.providers[world_.domains[box.domain].provider].networks[0];
      world_.automata.push_back(
          {world_.add(std::move(box)), entry.topic, some_staff(2, 6), 3, Scenario::partner_system});
    }
  }

  /// sales@, office@: all of a partner's people write from it.
  void add_shared_senders() {
    constexpr std::array<std::string_view, 3> locals{"sales", "office", "team"};
    for (size_t i = 1; i < world_.partners.size(); i += 4) {
      const Organisation& partner = world_.partners[i];
      if (partner.people.size() < 2) continue;
      Mailbox box = world_.mailboxes[partner.people[0]];
      box.name = partner.name;
      box.local = locals[i / 4 % locals.size()];
      box.role.clear();
      box.reply_to.clear();
      box.forwarder.reset();
      world_.shared_senders.push_back({world_.add(std::move(box)), partner.people, some_staff(2, 5)});
    }
  }

  Dice dice_;
  uint32_t people_;
  World world_;
  std::vector<uint32_t> order_;  // of the networks: shuffled
  uint32_t next_network_ = 0;
};

}  // namespace

std::string_view to_string(Scenario scenario) { return scenario_names[static_cast<size_t>(scenario)]; }

std::optional<Scenario> parse_scenario(std::string_view name) {
  const auto found = std::ranges::find(scenario_names, name);
  if (found == scenario_names.end()) return std::nullopt;
  return static_cast<Scenario>(found - scenario_names.begin());
}

uint32_t World::add(Mailbox box) {
  mailboxes.push_back(std::move(box));
  return static_cast<uint32_t>(mailboxes.size() - 1);
}

uint32_t World::add(MailDomain domain) {
  domain.authorised = domain.provider;
  domains.push_back(std::move(domain));
  return static_cast<uint32_t>(domains.size() - 1);
}

uint32_t World::add(Provider provider) {
  provider.number = static_cast<uint32_t>(providers.size());
  providers.push_back(std::move(provider));
  return providers.back().number;
}

World build_world(uint64_t seed, uint32_t people) { return Builder(seed, people).build(); }

Mailbox draw_mailbox(Dice& dice, const World& world, const Culture& culture, uint32_t domain) {
  const PersonName name = draw_person(dice, culture);
  Mailbox box;
  box.name = name.full();
  const std::string given = address_form(name.given);
  const std::string family = address_form(name.family);
  // A house has one way to form addresses; free mail has all.
  const MailDomain& home = world.domains[domain];
  switch (derive(7, home.name) % 3) {
    case 0:
      box.local = given + "." + family;
      break;
    case 1:
      box.local = given.substr(0, 1) + "." + family;
      break;
    default:
      box.local = given.substr(0, 1) + family;
      break;
  }
  const auto taken = [&](const Mailbox& other) { return other.domain == domain && other.local == box.local; };
  while (std::any_of(world.mailboxes.begin(), world.mailboxes.end(), taken))
    box.local += dice.text("23456789", 1);
  box.domain = domain;
  box.zone = culture.zone;
  box.language = dice.permille(600) ? Language::english : culture.language;
  const int64_t rhythm = dice.between(0, 9);
  box.rhythm = rhythm < 6 ? Rhythm::office : rhythm < 8 ? Rhythm::early : Rhythm::late;
  const Path path = world.providers[home.provider].path;
  if (path == Path::cloud) {
    box.mailer = MailerKind::office_cloud;
  } else if (path == Path::web) {
    box.mailer = world.providers[home.provider].domain == "workmail.example" ? MailerKind::workmail_web
                                                                             : MailerKind::postbox_web;
  } else {
    box.mailer = dice.of(desktop_mailers);
  }
  box.version = static_cast<uint8_t>(dice.below(2));
  box.html = mailer(box.mailer).html && dice.permille(920);
  if (dice.permille(400)) box.phone = dice.permille(600) ? MailerKind::iphone : MailerKind::k9;
  box.access = dice.of(world.access_networks);
  box.role = dice.of(roles);
  box.phone_number = dice.form("+%D2 %d3 %d6");
  return box;
}

uint32_t add_stranger_domain(Dice& dice, World& world, const StrangerName& name) {
  MailDomain domain;
  domain.name = name.domain;
  const int64_t kind = dice.between(0, 99);
  domain.provider = kind < 30   ? dice.of(world.cloud_providers)
                    : kind < 60 ? dice.of(world.hosting_providers)
                    : kind < 70 ? dice.of(world.esps)
                                : dice.of(world.rented_providers);
  domain.spf_all = dice.permille(200) ? '\0' : dice.permille(300) ? '-' : dice.permille(800) ? '~' : '?';
  domain.signing = dice.permille(550) ? Signing::own : dice.permille(300) ? Signing::provider : Signing::none;
  domain.policy = dice.permille(500)   ? Policy::unpublished
                  : dice.permille(700) ? Policy::none
                                       : Policy::reject;
  if (domain.signing != Signing::own && domain.policy == Policy::reject) domain.policy = Policy::none;
  domain.selector = dice.permille(500) ? "default" : "s" + dice.text(digits, 4);
  return world.add(std::move(domain));
}

}  // namespace bonafide::app::demo
