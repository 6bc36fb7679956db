// Planner: people who write to each other.
#include <algorithm>
#include <array>

#include "app/demo/planner.hpp"

namespace bonafide::app::demo {
namespace {

constexpr size_t most_posts = 12;
constexpr size_t most_references = 10;

struct FileKind {
  std::string_view extension, type;
  int64_t least, most;  // lines of base64
};
constexpr std::array<FileKind, 6> file_kinds{{
    {"pdf", "application/pdf", 60, 520},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", 150, 420},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 90, 380},
    {"png", "image/png", 40, 480},
    {"zip", "application/zip", 120, 560},
    {"jpg", "image/jpeg", 180, 600},
}};
constexpr std::array<uint32_t, 6> file_weights{48, 14, 14, 10, 5, 9};

}  // namespace

Topic Planner::draw_topic() {
  constexpr std::array<Topic, 9> topics{Topic::project, Topic::meeting,  Topic::question,
                                        Topic::invoice, Topic::document, Topic::favour,
                                        Topic::thanks,  Topic::travel,   Topic::account};
  constexpr std::array<uint32_t, 9> weights{30, 14, 20, 15, 11, 4, 5, 4, 2};
  return topics[dice_.weighted(weights)];
}

std::shared_ptr<Thread> Planner::new_thread(Topic topic, Language language, std::vector<uint32_t> members) {
  auto thread = std::make_shared<Thread>();
  thread->topic = topic;
  thread->language = language;
  thread->subject = draw_subject(dice_, topic, language);
  thread->members = std::move(members);
  thread->urgent = topic == Topic::favour && dice_.permille(120);
  return thread;
}

/// Everything the author's program and habits decide.
void Planner::write_as(Draft& draft, uint32_t author, Time when) {
  const Mailbox& box = world_.mailboxes[author];
  draft.from = {box.name, world_.address(author)};
  draft.written_at = when - Duration::micros(dice_.between(1'200'000, 9'000'000));
  draft.zone = box.zone;
  draft.mailer = box.mailer;
  draft.version = box.version;
  draft.html = box.html;
  draft.access = box.access;
  const bool travels = when < box.travels_until;
  if (box.phone && dice_.permille(travels ? 600 : 150)) {
    draft.mailer = *box.phone;
    draft.version = static_cast<uint8_t>(derive(author, "phone") % mailer(draft.mailer).versions.size());
    draft.html = mailer(draft.mailer).html;
    draft.access =
        world_.access_networks[(box.access / 256 + dice_.below(3)) % world_.access_networks.size()];
  }
  if (travels) {
    const uint64_t trip = derive(author, "trip", static_cast<uint64_t>(box.travels_until.us));
    constexpr std::array<Zone, 5> away{Zone::new_york, Zone::tokyo, Zone::dubai, Zone::london,
                                       Zone::sao_paulo};
    draft.zone = away[trip % away.size()];
    draft.access = world_.travel_networks[(trip >> 8) % world_.travel_networks.size()];
  }
  if (!box.reply_to.empty()) draft.reply_to = Party{box.name, box.reply_to};
  if (!box.role.empty() && dice_.permille(700)) {
    draft.signature = {box.name, box.role};
    if (dice_.permille(600)) draft.signature.push_back(box.phone_number);
  }
  draft.logo =
      draft.html && derive(box.domain, "logo") % 3 == 0 && !draft.signature.empty() && dice_.permille(500);
  if (derive(author, "organization") % 9 == 0) draft.organization = world_.domains[box.domain].name;
}

void Planner::attach(Draft& draft, int64_t permille) {
  if (!dice_.permille(permille)) return;
  const int64_t count = dice_.permille(850) ? 1 : 2;
  for (int64_t i = 0; i < count; ++i) {
    const FileKind& kind = file_kinds[dice_.weighted(file_weights)];
    draft.attachments.push_back({draw_file_name(dice_, kind.extension), std::string(kind.type),
                                 static_cast<size_t>(dice_.between(kind.least, kind.most) / count)});
  }
}

void Planner::say(Draft& draft, Topic topic, Language language) {
  draft.topic = topic;
  draft.language = language;
  draft.text_seed = dice_.next();
  draft.paragraphs = static_cast<int>(dice_.between(1, 3));
  if (dice_.permille(200)) draft.paragraphs += static_cast<int>(dice_.between(1, 6));
  draft.greets = dice_.permille(750);
  const bool files = topic == Topic::invoice || topic == Topic::document || topic == Topic::application ||
                     topic == Topic::offer;
  attach(draft, files ? 520 : 120);
  const bool links =
      topic == Topic::document || topic == Topic::account || topic == Topic::news || topic == Topic::order;
  if (dice_.permille(links ? 650 : 90)) draft.links = static_cast<int>(dice_.between(1, 3));
}

/// Makes the draft the next post of a thread.
void Planner::post(Draft& draft, uint32_t author, const std::shared_ptr<Thread>& thread, Time when) {
  write_as(draft, author, when);
  const bool first = thread->posts.empty();
  say(draft, first ? thread->topic : dice_.permille(300) ? Topic::thanks : thread->topic, thread->language);
  draft.subject = first ? thread->subject : std::string(answer_prefix(thread->language)) + thread->subject;
  draft.urgent = thread->urgent;
  if (!first) {
    draft.in_reply_to = thread->posts.back().message_id;
    for (const Post& earlier : thread->posts) draft.references.push_back(earlier.message_id);
    if (draft.references.size() > most_references) draft.references.erase(draft.references.begin() + 1);
    draft.greets = draft.greets && dice_.permille(500);
    draft.attachments.clear();
    attach(draft, 90);
    if (dice_.permille(820)) draft.quote = thread->posts.back();
  }
  // To whom: the one who is answered, the others in copy.
  for (const uint32_t member : thread->members) {
    if (member == author) continue;
    const Party party{world_.mailboxes[member].name, world_.address(member)};
    const bool addressed =
        first ? draft.to.empty() : member == thread->last_author || thread->last_author == author;
    (addressed && draft.to.empty() ? draft.to : draft.cc).push_back(party);
  }
  if (draft.to.empty() && !draft.cc.empty()) std::swap(draft.to, draft.cc);
  if (draft.to.size() > 1) {
    draft.cc.assign(draft.to.begin() + 1, draft.to.end());
    draft.to.resize(1);
  }
  if (draft.links > 0) {
    draft.link_host = dice_.permille(500) ? "share.cloudoffice.example"
                                          : "www." + world_.domains[world_.mailboxes[author].domain].name;
  }
  if (world_.is_staff(author)) {
    submit(draft, author);
  } else {
    deliver(draft, author);
  }
  thread->last_author = author;
  thread->posts.push_back({draft.message_id, draft.from.name, draft.text_seed, draft.written_at,
                           offset_minutes(draft.zone, draft.written_at), draft.topic, draft.language,
                           draft.paragraphs});
  plan_answer(thread, author, when);
}

void Planner::plan_answer(const std::shared_ptr<Thread>& thread, uint32_t author, Time when) {
  const auto posts = static_cast<int64_t>(thread->posts.size());
  if (thread->posts.size() >= most_posts || !dice_.permille(std::max<int64_t>(620 - 55 * posts, 200))) return;
  std::vector<uint32_t> others;
  for (const uint32_t member : thread->members) {
    if (member != author) others.push_back(member);
  }
  if (others.empty()) return;
  const uint32_t who = others[dice_.permille(750) ? 0 : dice_.below(others.size())];
  constexpr std::array<int64_t, 12> minutes{2, 4, 7, 12, 20, 35, 60, 110, 180, 330, 900, 1900};
  const int64_t delay = dice_.of(minutes);
  Time then = when + Duration::seconds(delay * dice_.between(40, 80));
  const Mailbox& box = world_.mailboxes[who];
  for (int tries = 0;
       tries < 10 && !awake(box.rhythm, local_day(box.zone, then), local_minute(box.zone, then)); ++tries) {
    const int64_t tomorrow = local_day(box.zone, then) + (local_minute(box.zone, then) < 8 * 60 ? 0 : 1);
    then = moment(box.zone, tomorrow, dice_.between(int64_t{8} * 60, int64_t{10} * 60));
  }
  at(std::max(then, when + Duration::seconds(30)), What::answer, who, author, thread);
}

bool Planner::start_internal(const Event& event, Draft& draft) {
  const uint32_t author = event.a;
  if (on_leave(author, event.at)) return false;
  std::vector<uint32_t> members{author};
  // Neighbours in the list are of one team.
  const auto place = static_cast<int64_t>(std::find(world_.staff.begin(), world_.staff.end(), author) -
                                          world_.staff.begin());
  const auto size = static_cast<int64_t>(world_.staff.size());
  for (int64_t n = dice_.permille(700) ? 1 : dice_.between(2, 4); n > 0; --n) {
    const int64_t other =
        dice_.permille(700) ? (place + dice_.between(1, 5)) % size : dice_.between(0, size - 1);
    const uint32_t member = world_.staff[static_cast<size_t>(other)];
    if (std::find(members.begin(), members.end(), member) == members.end()) members.push_back(member);
  }
  if (members.size() < 2) return false;
  post(draft, author, new_thread(draw_topic(), world_.mailboxes[author].language, std::move(members)),
       event.at);
  return true;
}

bool Planner::start_external(const Event& event, Draft& draft) {
  const Tie& tie = world_.ties[event.a];
  const uint32_t author = event.b == 1 ? tie.outside : tie.inside;
  if (on_leave(author, event.at)) return false;
  std::vector<uint32_t> members{author, event.b == 1 ? tie.inside : tie.outside};
  if (dice_.permille(220)) members.push_back(dice_.of(world_.staff));
  if (dice_.permille(180)) {  // a colleague of the one outside
    for (const Organisation& partner : world_.partners) {
      if (partner.domain == world_.mailboxes[tie.outside].domain) members.push_back(dice_.of(partner.people));
    }
  }
  std::vector<uint32_t> once;
  for (const uint32_t member : members) {
    if (std::find(once.begin(), once.end(), member) == once.end()) once.push_back(member);
  }
  auto thread = new_thread(draw_topic(), world_.mailboxes[tie.outside].language, std::move(once));
  post(draft, author, thread, event.at);
  constexpr size_t remembered = 48;
  if (recent_threads_.size() < remembered) recent_threads_.emplace_back();
  recent_threads_[threads_seen_++ % remembered] = std::move(thread);
  return true;
}

bool Planner::answer(const Event& event, Draft& draft) {
  const uint32_t author = event.a;
  if (on_leave(author, event.at)) {
    if (dice_.permille(500))
      at(event.at + Duration::seconds(3), What::auto_reply, author, event.b, event.thread);
    return false;
  }
  post(draft, author, event.thread, event.at);
  return true;
}

bool Planner::auto_reply(const Event& event, Draft& draft) {
  write_as(draft, event.a, event.at);
  const Thread& thread = *event.thread;
  say(draft, Topic::absence, Language::english);
  draft.links = 0;
  draft.attachments.clear();
  draft.paragraphs = 1;
  draft.subject = "Automatic reply: " + thread.subject;
  draft.in_reply_to = thread.posts.back().message_id;
  draft.references = {draft.in_reply_to};
  draft.auto_submitted = "auto-replied";
  draft.to = {Party{world_.mailboxes[event.b].name, world_.address(event.b)}};
  if (world_.is_staff(event.a)) {
    submit(draft, event.a);
  } else {
    if (!world_.is_staff(event.b)) return false;
    deliver(draft, event.a);
    draft.mail_from.clear();
    draft.scenario = Scenario::auto_reply;
  }
  return true;
}

/// From home, to a colleague or a business friend.
bool Planner::private_mail(const Event& event, Draft& draft) {
  const auto [person, home] = world_.private_addresses[event.a];
  uint32_t reader = dice_.of(world_.staff);
  for (const Tie& tie : world_.ties) {
    if (tie.outside == person) reader = tie.inside;
  }
  if (reader == person) return false;
  post(draft, home, new_thread(draw_topic(), Language::english, {home, reader}), event.at);
  draft.scenario = Scenario::private_address;
  return true;
}

/// Somebody nobody here has met. Some of them come to stay.
bool Planner::first_contact(const Event& event, Draft& draft) {
  const auto all = cultures();
  const Culture& culture = all[dice_.below(all.size())];
  const bool person = dice_.permille(350);
  const StrangerName name = draw_stranger(dice_);
  const uint32_t domain =
      person ? dice_.of(world_.free_mail_domains) : add_stranger_domain(dice_, world_, name);
  Mailbox box = draw_mailbox(dice_, world_, culture, domain);
  if (!person && world_.providers[world_.domains[domain].provider].names == HostNames::rented) {
    constexpr std::array<MailerKind, 5> own{MailerKind::phpmailer, MailerKind::script, MailerKind::roundcube,
                                            MailerKind::outlook, MailerKind::thunderbird};
    box.mailer = dice_.of(own);
    box.html = mailer(box.mailer).html;
  }
  box.version = static_cast<uint8_t>(dice_.below(mailer(box.mailer).versions.size()));
  if (dice_.permille(60)) {
    box.reply_to = box.local + dice_.form("%d2@");
    box.reply_to += world_.domains[dice_.of(world_.free_mail_domains)].name;
  }
  const uint32_t author = world_.add(std::move(box));
  constexpr std::array<Topic, 8> topics{Topic::offer,    Topic::application, Topic::question, Topic::invoice,
                                        Topic::document, Topic::favour,      Topic::account,  Topic::project};
  constexpr std::array<uint32_t, 8> weights{34, 12, 22, 10, 9, 4, 4, 5};
  const uint32_t reader = dice_.permille(350) ? dice_.of(world_.shared_inboxes) : dice_.of(world_.staff);
  post(draft, author,
       new_thread(topics[dice_.weighted(weights)], world_.mailboxes[author].language, {author, reader}),
       event.at);
  draft.scenario = Scenario::first_contact;
  if (dice_.permille(80)) {  // answers something that was said elsewhere
    draft.in_reply_to = make_message_id(MailerKind::thunderbird, dice_, event.at, world_.company_domain,
                                        world_.company_domain);
    draft.references = {draft.in_reply_to};
    draft.subject = "Re: " + draft.subject;
  }
  if (dice_.permille(200)) {
    const auto weight = static_cast<uint32_t>(dice_.between(1, 5));
    world_.ties.push_back({author, dice_.of(world_.staff), weight});
    tie_weights_.push_back(weight);
  }
  return true;
}

/// A partner's word before it moves its mail, or a new colleague's first message.
bool Planner::announcement(const Event& event, Draft& draft) {
  const bool moves = event.b == 0;
  std::vector<uint32_t> members{event.a};
  for (const Tie& tie : world_.ties) {
    const bool known = moves ? world_.mailboxes[tie.outside].domain == world_.mailboxes[event.a].domain
                             : tie.outside == event.a;
    if (known && std::find(members.begin(), members.end(), tie.inside) == members.end())
      members.push_back(tie.inside);
  }
  if (members.size() < 2) return false;
  post(draft, event.a,
       new_thread(moves ? Topic::moving : Topic::introduction, Language::english, std::move(members)),
       event.at);
  return true;
}

}  // namespace bonafide::app::demo
