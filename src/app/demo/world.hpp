#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/demo/infrastructure.hpp"
#include "app/demo/mailer.hpp"
#include "app/demo/names.hpp"
#include "app/demo/texts.hpp"

// The company, everybody it has to do with, and the servers of all: as they are before the first message.
namespace bonafide::app::demo {

/// What a message is an example of. Those from blind_spoof on are attacks.
enum class Scenario : uint8_t {
  internal,
  outbound,
  partner,
  freemail,
  newsletter,
  mailing_list,
  list_rewritten,
  transactional,
  ticket,
  partner_system,
  shared_mailbox,
  web_form,
  first_contact,
  auto_reply,
  private_address,
  provider_move_signed,
  provider_move_unsigned,
  new_colleague,
  travel,
  forwarder,
  mailer_update,
  blind_spoof,
  lookalike_domain,
  display_name,
  reply_to_diversion,
  same_infrastructure,
  account_takeover,
  hijacked_thread,
  count,
};
std::string_view to_string(Scenario scenario);
/// Nothing if there is no such scenario.
std::optional<Scenario> parse_scenario(std::string_view name);
constexpr bool is_attack(Scenario scenario) { return scenario >= Scenario::blind_spoof; }

/// Somebody, or something, with an address.
struct Mailbox {
  std::string name;  ///< shown name, UTF-8
  std::string local;
  uint32_t domain = 0;
  Zone zone = Zone::utc;
  Language language = Language::english;
  Rhythm rhythm = Rhythm::office;
  MailerKind mailer = MailerKind::thunderbird;
  uint8_t version = 0;
  std::optional<MailerKind> phone;
  bool html = false;
  uint32_t access = 0;  ///< /24 of the line to the provider
  std::string role;     ///< for the signature
  std::string phone_number;
  std::string reply_to;               ///< always sets this Reply-To; "" = none
  std::optional<uint32_t> forwarder;  ///< provider whose server passes the mail on
  bool new_colleague = false;
  Scenario change = Scenario::partner;  ///< a benign change that counts …
  Time change_until;                    ///< … for messages before this
  Time travels_until;
};

struct Organisation {
  std::string name;
  uint32_t domain = 0;
  std::vector<uint32_t> people;
  Culture culture;
  Time moved_at{INT64_MIN / 2};
};

/// A member of the staff and somebody outside who write to each other.
struct Tie {
  uint32_t outside = 0, inside = 0;
  uint32_t weight = 1;
};

/// Who sends the same thing to many.
struct Newsletter {
  uint32_t mailbox = 0;
  std::vector<uint32_t> readers;
  int issue_weekday = 0;
  int64_t issue_minute = 0;
  bool daily = false;
  uint32_t esp = 0;
};

struct MailingList {
  std::string id, address, name, tag;
  uint32_t domain = 0, provider = 0;
  bool rewrites_from = false;  ///< "X via list" where the author's domain has a policy
  bool breaks_dkim = false;    ///< tag in the subject, footer in the body
  std::vector<uint32_t> posters, readers;
};

/// Something that writes by itself: a shop, a bank, a monitor, a partner's accounting.
struct Automaton {
  uint32_t mailbox = 0;
  Topic topic = Topic::report;
  std::vector<uint32_t> readers;
  uint32_t weight = 1;
  Scenario scenario = Scenario::transactional;
};

/// An address of an organisation that several of its people write from, each with a program of their own.
struct SharedMailbox {
  uint32_t mailbox = 0;
  std::vector<uint32_t> people, readers;
};

struct World {
  std::vector<Provider> providers;
  std::vector<MailDomain> domains;
  std::vector<Mailbox> mailboxes;
  std::vector<Organisation> partners;
  std::vector<Tie> ties;
  std::vector<Newsletter> newsletters;
  std::vector<MailingList> lists;
  std::vector<Automaton> automata;  ///< banks, shops, monitors, partners' systems
  std::vector<Automaton> tickets;   ///< ticket systems
  std::vector<SharedMailbox> shared_senders;
  uint32_t web_form = 0;                 ///< mailbox of the contact form
  std::vector<uint32_t> staff;           ///< mailboxes
  std::vector<uint32_t> private_people;  ///< free-mail mailboxes with ties
  std::vector<std::pair<uint32_t, uint32_t>>
      private_addresses;                 ///< person, the same person's free-mail mailbox
  std::vector<uint32_t> shared_inboxes;  ///< info@, accounts@
  std::vector<uint32_t> free_mail_domains, free_mail_providers;
  std::vector<uint32_t> rented_providers, hosting_providers, cloud_providers, forwarders;
  std::vector<uint32_t> esps;
  uint32_t office_network = 0, vpn_network = 0;  ///< the company's own
  std::string company_name, company_domain, edge;
  uint32_t networks_used = 0;
  std::vector<uint32_t> access_networks, travel_networks;

  [[nodiscard]] std::string address(uint32_t mailbox) const {
    const Mailbox& box = mailboxes[mailbox];
    return box.local + "@" + domains[box.domain].name;
  }
  [[nodiscard]] bool is_staff(uint32_t mailbox) const { return mailboxes[mailbox].domain == 0; }
  [[nodiscard]] bool is_free_mail(const Mailbox& box) const {
    return std::ranges::find(free_mail_domains, box.domain) != free_mail_domains.end();
  }
  uint32_t add(Mailbox box);
  uint32_t add(MailDomain domain);
  uint32_t add(Provider provider);
};

/// `people` on the staff, 20 to 200.
World build_world(uint64_t seed, uint32_t people);
/// Somebody new at a domain: name, habits and program drawn, not yet in the world.
Mailbox draw_mailbox(Dice& dice, const World& world, const Culture& culture, uint32_t domain);
/// A company nobody has heard of with servers somewhere; the domain is added to the world.
uint32_t add_stranger_domain(Dice& dice, World& world, const StrangerName& name);

}  // namespace bonafide::app::demo
