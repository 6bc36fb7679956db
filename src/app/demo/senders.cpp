// Planner: lists, newsletters and machines.
#include <algorithm>
#include <array>

#include "app/demo/planner.hpp"

namespace bonafide::app::demo {
namespace {

std::string local_of(const std::string& address) { return address.substr(0, address.rfind('@')); }

}  // namespace

bool Planner::issue(const Event& event, Draft& draft) {
  const Newsletter& letter = world_.newsletters[event.a];
  const uint32_t reader = letter.readers[event.b];
  const Mailbox& box = world_.mailboxes[letter.mailbox];
  const MailDomain& domain = world_.domains[box.domain];
  write_as(draft, letter.mailbox, event.at);
  draft.signature.clear();
  // All readers get the same issue.
  const auto number = static_cast<uint64_t>(event.at.day());
  Dice same(derive(settings_.seed, "issue", number * 64 + event.a));
  draft.topic = Topic::news;
  draft.text_seed = same.next();
  draft.paragraphs = static_cast<int>(same.between(9, 22));
  draft.subject = draw_subject(same, Topic::news, Language::english);
  draft.letter = true;
  draft.link_host = "link." + domain.name;
  draft.links = static_cast<int>(same.between(4, 9));
  draft.precedence = "bulk";
  draft.to = {Party{dice_.permille(300) ? world_.mailboxes[reader].name : "", world_.address(reader)}};
  draft.written_at = event.at - Duration::seconds(dice_.between(2, 6));
  draft.zone = Zone::utc;
  draft.mail_from = dice_.form("bounce+%x6.%x6-") + local_of(draft.to[0].address) + "=" +
                    world_.company_domain + "@em." + domain.name;
  deliver_from_domain(draft, domain);
  draft.message_id = make_message_id(MailerKind::bulk, dice_, draft.written_at, domain.name,
                                     world_.providers[letter.esp].domain);
  draft.scenario = Scenario::newsletter;
  return true;
}

/// A thread on a list, with all its posts; each goes to all readers.
bool Planner::start_list_thread(const Event& event) {
  const MailingList& list = world_.lists[event.a];
  auto thread = new_thread(Topic::list_talk, Language::english, {});
  Time when = event.at;
  uint32_t author = event.b;
  const int64_t posts = dice_.permille(350) ? 1 : dice_.between(2, 7);
  for (int64_t i = 0; i < posts; ++i) {
    const Mailbox& box = world_.mailboxes[author];
    const MailDomain& domain = world_.domains[box.domain];
    Post made;
    made.author = box.name;
    made.text_seed = dice_.next();
    made.at = when;
    made.offset = offset_minutes(box.zone, when);
    made.topic = Topic::list_talk;
    made.paragraphs =
        static_cast<int>(dice_.permille(800) ? dice_.between(2, 9) : dice_.between(10, 60));  // with a patch
    made.message_id =
        make_message_id(box.mailer, dice_, when, domain.name, world_.providers[domain.provider].domain);
    thread->posts.push_back(std::move(made));
    thread->members.push_back(author);
    Time copy = when + Duration::millis(dice_.between(4'000, 60'000));
    for (uint32_t reader = 0; reader < list.readers.size(); ++reader) {
      at(copy, What::list_copy, event.a, reader | static_cast<uint32_t>(i) << 8, thread);
      copy = copy + Duration::millis(dice_.between(20, 1'500));
    }
    author = dice_.of(list.posters);
    when = when + Duration::seconds(dice_.between(400, 40'000));
  }
  return false;
}

bool Planner::list_copy(const Event& event, Draft& draft) {
  const MailingList& list = world_.lists[event.a];
  const uint32_t reader = list.readers[event.b & 255];
  const size_t place = event.b >> 8;
  const Thread& thread = *event.thread;
  const Post& made = thread.posts[place];
  const uint32_t author = thread.members[place];
  const Mailbox& box = world_.mailboxes[author];
  const MailDomain& domain = world_.domains[box.domain];
  write_as(draft, author, event.at);
  draft.written_at = made.at;
  draft.mailer = box.mailer;
  draft.zone = box.zone;
  draft.html = false;
  draft.logo = false;
  draft.reply_to.reset();
  draft.topic = Topic::list_talk;
  draft.text_seed = made.text_seed;
  draft.paragraphs = made.paragraphs;
  draft.greets = false;
  draft.message_id = made.message_id;
  draft.subject = list.tag + (place > 0 ? "Re: " : "") + thread.subject;
  if (place > 0) {
    draft.in_reply_to = thread.posts[place - 1].message_id;
    for (size_t i = 0; i < place; ++i) draft.references.push_back(thread.posts[i].message_id);
    draft.quote = thread.posts[place - 1];
  }
  draft.to = {Party{list.name, list.address}};
  draft.list_id = list.id;
  draft.list_address = list.address;
  draft.list_name = list.name;
  draft.precedence = "list";
  draft.origin = domain.provider;
  draft.via = list.provider;
  draft.direction = mail::Direction::inbound;
  draft.rcpt_to = {world_.address(reader)};
  draft.mail_from = local_of(list.address) + "-bounces+" + world_.mailboxes[reader].local + "=" +
                    world_.company_domain + "@" + world_.domains[list.domain].name;

  Authentication& found = draft.authentication;
  found.spf = "pass";
  found.spf_domain = world_.domains[list.domain].name;
  sign(draft, domain);
  for (auto& signature : found.signatures) {
    if (list.breaks_dkim) signature.result = "fail";
  }
  const bool rewritten = list.rewrites_from && domain.policy > Policy::none;
  if (rewritten) {
    draft.reply_to = draft.from;
    draft.from = {box.name + " via " + list.name, list.address};
  }
  if (list.breaks_dkim)
    found.signatures.insert(found.signatures.begin(), {world_.domains[list.domain].name, "list", "pass"});
  trouble(draft);
  found.conclude(rewritten ? world_.domains[list.domain] : domain);
  draft.scenario = rewritten ? Scenario::list_rewritten : Scenario::mailing_list;
  return true;
}

bool Planner::automaton(const Event& event, Draft& draft) {
  const Automaton& machine = world_.automata[event.a];
  const Mailbox& box = world_.mailboxes[machine.mailbox];
  const uint32_t reader = dice_.of(machine.readers);
  write_as(draft, machine.mailbox, event.at);
  draft.signature.clear();
  say(draft, machine.topic, Language::english);
  draft.subject = draw_subject(dice_, machine.topic, Language::english);
  draft.to = {Party{dice_.permille(500) ? world_.mailboxes[reader].name : "", world_.address(reader)}};
  draft.link_host = "www." + world_.domains[box.domain].name;
  if (machine.topic == Topic::report) {
    draft.links = 0;
    draft.attachments.clear();
    draft.paragraphs += static_cast<int>(dice_.between(0, 8));
  }
  draft.auto_submitted = machine.topic == Topic::report ? "auto-generated" : "";
  deliver(draft, machine.mailbox);
  if (machine.topic == Topic::order) {  // bounces go to a place of their own
    draft.mail_from = "bounces@" + world_.domains[box.domain].name;
  }
  draft.scenario = draft.at < box.change_until ? box.change : machine.scenario;
  return true;
}

/// An agent of a supplier's help desk answers through the desk's system.
bool Planner::ticket(const Event& event, Draft& draft) {
  const Automaton& desk = world_.tickets[event.a];
  const uint32_t reader = dice_.of(desk.readers);
  const Mailbox& box = world_.mailboxes[desk.mailbox];
  write_as(draft, desk.mailbox, event.at);
  draft.signature.clear();
  say(draft, Topic::ticket, Language::english);
  draft.subject = draw_subject(dice_, Topic::ticket, Language::english);
  const std::string number = dice_.text(digits, 6);
  if (dice_.permille(600)) {
    const Culture& culture = cultures()[dice_.below(2)];
    draft.from.name = draw_person(dice_, culture).full() + " (" + box.name + ")";
  }
  draft.reply_to = Party{box.name, box.local + "+" + number + "@" + world_.domains[box.domain].name};
  draft.to = {Party{world_.mailboxes[reader].name, world_.address(reader)}};
  draft.link_host = "desk." + world_.domains[box.domain].name;
  draft.links = 1;
  deliver(draft, desk.mailbox);
  if (dice_.permille(600)) {
    draft.in_reply_to = "desk-5.0-" + number + "@" + world_.domains[box.domain].name;
    draft.references = {draft.in_reply_to};
  }
  draft.auto_submitted = "auto-generated";
  draft.scenario = Scenario::ticket;
  return true;
}

/// One of several who write from one address, with the program and the line of their own.
bool Planner::shared_mail(const Event& event, Draft& draft) {
  const SharedMailbox& shared = world_.shared_senders[event.a];
  const uint32_t writer = dice_.of(shared.people), reader = dice_.of(shared.readers);
  write_as(draft, writer, event.at);
  draft.from = {world_.mailboxes[shared.mailbox].name, world_.address(shared.mailbox)};
  draft.reply_to.reset();
  const Topic topic = draw_topic();
  say(draft, topic, Language::english);
  draft.subject = draw_subject(dice_, topic, Language::english);
  draft.link_host = "www." + world_.domains[world_.mailboxes[shared.mailbox].domain].name;
  draft.to = {Party{world_.mailboxes[reader].name, world_.address(reader)}};
  deliver(draft, shared.mailbox);
  draft.scenario = Scenario::shared_mailbox;
  return true;
}

/// The company's site sends what a visitor wrote; answers are to go to the visitor.
bool Planner::web_form(const Event& event, Draft& draft) {
  const auto all = cultures();
  const uint32_t home = dice_.of(world_.free_mail_domains);
  const Culture& culture = all[dice_.below(all.size())];
  const PersonName visitor = draw_person(dice_, culture);
  write_as(draft, world_.web_form, event.at);
  draft.signature.clear();
  say(draft, dice_.permille(700) ? Topic::question : Topic::ticket, Language::english);
  draft.subject = draw_subject(dice_, Topic::ticket, Language::english);
  draft.attachments.clear();
  draft.links = 0;
  draft.reply_to = Party{visitor.full(), address_form(visitor.given) + "." + address_form(visitor.family) +
                                             dice_.text(digits, 2) + "@" + world_.domains[home].name};
  if (dice_.permille(400)) draft.from.name = visitor.full();
  draft.to = {Party{"", world_.address(world_.shared_inboxes[0])}};
  deliver(draft, world_.web_form);
  draft.scenario = Scenario::web_form;
  return true;
}

}  // namespace bonafide::app::demo
