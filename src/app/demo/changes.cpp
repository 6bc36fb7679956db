// Planner: what changes at the others without harm.
#include <algorithm>
#include <array>

#include "app/demo/planner.hpp"

namespace bonafide::app::demo {
namespace {

constexpr Duration noticed = Duration::days(14);  // so long a message counts as an example of the change

}  // namespace

std::vector<Scenario> Settings::usual_changes() {
  return {
      Scenario::mailer_update, Scenario::new_colleague, Scenario::provider_move_signed,  Scenario::forwarder,
      Scenario::mailer_update, Scenario::new_colleague, Scenario::provider_move_unsigned};
}

bool is_change(Scenario scenario) {
  return scenario >= Scenario::provider_move_signed && scenario <= Scenario::mailer_update;
}

void Planner::change() {
  make_change(settings_.changes[changes_made_++ % settings_.changes.size()]);
  const int64_t hours = settings_.change_every.us / Duration::hours(1).us;
  at(now_ + Duration::hours(dice_.between(hours * 3 / 5, hours * 7 / 5)), What::change);
}

void Planner::make_change(Scenario kind) {
  switch (kind) {
    case Scenario::new_colleague:
      return new_colleague();
    case Scenario::provider_move_signed:
      return move_provider(true);
    case Scenario::provider_move_unsigned:
      return move_provider(false);
    case Scenario::forwarder:
      return start_forwarding();
    case Scenario::travel:
      return start_travel();
    default:
      return update_mailers();
  }
}

/// A partner's mail goes to other servers. Its own signature goes on, or there never was one.
void Planner::move_provider(bool with_signature) {
  std::vector<Organisation*> able;
  for (Organisation& partner : world_.partners) {
    const Signing signing = world_.domains[partner.domain].signing;
    const bool signs = signing == Signing::own || signing == Signing::both;
    if (signs == with_signature && now_ - partner.moved_at > Duration::days(60)) able.push_back(&partner);
  }
  if (able.empty()) return;
  Organisation& partner = *able[dice_.below(able.size())];
  MailDomain& domain = world_.domains[partner.domain];
  const uint32_t before = domain.provider;
  while (domain.provider == before) {
    domain.provider =
        dice_.permille(500) ? dice_.of(world_.cloud_providers) : dice_.of(world_.hosting_providers);
  }
  partner.moved_at = now_;
  domain.selector = "sel" + dice_.text(digits, 3);
  if (domain.spf_all != 0 && dice_.permille(300)) {  // the record in DNS is forgotten for some days
    at(now_ + Duration::hours(dice_.between(20, 90)), What::spf_fixed, partner.domain);
  } else {
    domain.authorised = domain.provider;
  }
  const Path path = world_.providers[domain.provider].path;
  for (const uint32_t person : partner.people) {
    Mailbox& box = world_.mailboxes[person];
    if (path == Path::cloud) box.mailer = MailerKind::office_cloud;
    if (path == Path::web) box.mailer = MailerKind::workmail_web;
    if ((path != Path::cloud && box.mailer == MailerKind::office_cloud) ||
        (path != Path::web && box.mailer == MailerKind::workmail_web)) {
      box.mailer = MailerKind::outlook;
    }
    box.html = mailer(box.mailer).html;
    box.change = with_signature ? Scenario::provider_move_signed : Scenario::provider_move_unsigned;
    box.change_until = now_ + noticed;
  }
  // Half of them say so; a few hours after the fact counts too.
  if (dice_.permille(500))
    at(now_ + Duration::hours(dice_.between(1, 30)), What::announcement, partner.people[0], 0);
}

void Planner::new_colleague() {
  Organisation& partner = world_.partners[dice_.below(world_.partners.size())];
  Mailbox box = draw_mailbox(dice_, world_, partner.culture, partner.domain);
  box.change = Scenario::new_colleague;
  box.change_until = now_ + noticed;
  const uint32_t made = world_.add(std::move(box));
  const uint32_t before = partner.people[0];
  partner.people.push_back(made);
  const size_t ties = world_.ties.size();
  for (size_t i = 0; i < ties; ++i) {
    if (world_.ties[i].outside != before) continue;
    world_.ties.push_back({made, world_.ties[i].inside, static_cast<uint32_t>(dice_.between(4, 30))});
    tie_weights_.push_back(world_.ties.back().weight);
  }
  at(moment(world_.mailboxes[made], now_.day() + 1), What::announcement, made, 1);
}

/// Somebody's mail begins to come by way of an old address of its reader.
void Planner::start_forwarding() {
  const Tie& tie = world_.ties[dice_.weighted(tie_weights_)];
  Mailbox& box = world_.mailboxes[tie.outside];
  if (box.forwarder) {
    box.forwarder.reset();
    return;
  }
  box.forwarder = dice_.of(world_.forwarders);
  box.change = Scenario::forwarder;
  box.change_until = now_ + noticed;
}

/// A partner's people get a new version of their program, a few of them another program.
void Planner::update_mailers() {
  Organisation& partner = world_.partners[dice_.below(world_.partners.size())];
  for (const uint32_t person : partner.people) {
    Mailbox& box = world_.mailboxes[person];
    const auto versions = mailer(box.mailer).versions.size();
    if (box.version + 1U < versions) {
      ++box.version;
    } else if (box.mailer != MailerKind::office_cloud && box.mailer != MailerKind::workmail_web) {
      box.mailer = box.mailer == MailerKind::thunderbird ? MailerKind::outlook : MailerKind::thunderbird;
      box.version = 0;
      box.html = mailer(box.mailer).html;
    } else {
      continue;
    }
    box.change = Scenario::mailer_update;
    box.change_until = now_ + noticed;
  }
}

void Planner::start_travel() {
  const Tie& tie = world_.ties[dice_.weighted(tie_weights_)];
  const uint32_t who = dice_.permille(700) ? tie.outside : tie.inside;
  world_.mailboxes[who].travels_until = now_ + Duration::days(dice_.between(3, 9));
}

}  // namespace bonafide::app::demo
