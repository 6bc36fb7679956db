#include "trust/features.hpp"

#include <algorithm>

#include "base/math.hpp"
#include "base/text.hpp"
#include "mail/domain.hpp"
#include "trust/enrich.hpp"

namespace bonafide::trust {
namespace {

using mail::Evidence;
using mail::Reading;

constexpr double max_familiar = 1.5, max_contrary = 4;
constexpr int64_t impersonated_messages = 5, impersonated_days = 3;  // to be sure
constexpr int64_t suspected_messages = 2;                            // to wonder

constexpr std::array<std::string_view, extra_count> extra_names = {
    "seniority",     "days",           "organisation",    "relation_in",     "relation_out",   "dkim_aligned",
    "spf_aligned",   "dmarc_fail",     "spf_fail",        "reputation_good", "reputation_bad", "helo_odd",
    "helo_own",      "envelope_other", "reply_elsewhere", "common_network",  "common_helo",    "common_id",
    "common_mailer", "name_claims",    "free_mail",       "disposable",      "malformed",      "own_domain"};

double units(int64_t milli) { return static_cast<double>(milli) / 1000; }
double log_1p(double x) { return repeatable_log(1 + x); }

int64_t count_of(const Evidence* evidence, std::string_view field) {
  const auto* reading = find(evidence, field);
  return reading == nullptr ? 0 : reading->count;
}
// Back-off without anything to fit: what is rare in a history that has shown little variety is unlikely, what
// a history has shown much variety in may well vary again (Chen and Goodman 1998 on such estimates).
double level(const Reading* reading, double parent) {
  if (reading == nullptr) return parent;
  const double n = units(reading->count), total = units(reading->total);
  const double a = 0.5 * std::min(static_cast<double>(reading->distinct), total + 0.5) + 0.25;
  return (n + a * parent) / (total + a);
}

// How common a value is among the other senders.
double common(const Reading* reading, bool counted_here) {
  if (reading == nullptr) return 0.2 / 20;
  const double own = counted_here ? 1 : 0;
  const double with = std::max(0.0, static_cast<double>(reading->count) - own);
  const double all = std::max(with, static_cast<double>(reading->total) - own);
  return (with + 0.2) / (all + 20);
}

double others(const Reading* reading, bool counted_here) {
  if (reading == nullptr) return 0;
  return std::max(0.0, static_cast<double>(reading->count) - (counted_here ? 1 : 0));
}

class Finder {
 public:
  Finder(const mail::Received& received, const mail::Enrichment& enrichment,
         const std::vector<Evidence>& evidence)
      : received_(received),
        enrichment_(enrichment),
        evidence_(evidence),
        values_(trait_values(enrichment)) {}

  Findings run() {
    from_ = sender_of(*received_.facts);
    if (from_ != nullptr) from_domain_ = mail::organisational_domain(from_->domain);
    recipients_ = recipient_organisations();
    out_.no_sender = from_ == nullptr;
    out_.aligned = enrichment_.dkim_aligned || enrichment_.spf_aligned;
    out_.unknown =
        std::any_of(evidence_.begin(), evidence_.end(), [](const Evidence& e) { return !e.known; });
    out_.address = find(evidence_, "address");
    out_.organisation = find(evidence_, "organisation");
    out_.address_traits = trait_readings(out_.address);
    out_.organisation_traits = trait_readings(out_.organisation);
    out_.population = trait_readings(find(evidence_, "population"));
    standing();
    relation();
    weigh_traits();
    weigh_extras();
    resemblance();
    impersonation();
    diversion();
    for (const auto& hit : enrichment_.references) {
      if (hit.role == "blocked" && out_.blocked == nullptr) out_.blocked = &hit;
      if (hit.role == "disposable") set(Extra::disposable, 1);
    }
    return std::move(out_);
  }

 private:
  void set(Extra which, double value) { out_.features[extra(which)] = value; }
  std::string_view value(TraitId id) const { return values_[static_cast<size_t>(id)].value_or(""); }
  static const Reading* at(const TraitReadings& readings, TraitId id) {
    return readings[static_cast<size_t>(id)];
  }

  void standing() {
    if (is_known(out_.address, known_messages, known_days)) {
      out_.standing = Standing::address;
      out_.unit = out_.address;
    } else if (is_known(out_.organisation, known_organisation_messages, known_organisation_days)) {
      out_.standing = Standing::organisation;
      out_.unit = out_.organisation;
    }
  }

  // The closer the claimed relation, the more an impostor gains: the recipient who knows the sender best
  // decides.
  void relation() {
    int64_t best = 0;
    for (const auto& evidence : evidence_) {
      if (evidence.kind != "relation") continue;
      const int64_t weight = count_of(&evidence, "messages") + 4 * count_of(&evidence, "outbound");
      if (weight <= best) continue;
      best = weight;
      out_.relation = &evidence;
    }
  }

  // Is this value of this trait among the population counts because of the sender itself?
  bool counted_here(TraitId id) const {
    const auto* reading = at(enrichment_.free_mail ? out_.address_traits : out_.organisation_traits, id);
    return reading != nullptr && reading->count > 0;
  }

  void weigh_traits() {
    for (const auto& trait : trait_table()) {
      const size_t i = static_cast<size_t>(trait.id);
      const Reading* address = out_.address_traits[i];
      const Reading* organisation = out_.organisation_traits[i];
      if (!values_[i] || (address == nullptr && organisation == nullptr)) continue;
      const double p0 = common(out_.population[i], counted_here(trait.id));
      const double ratio = repeatable_log(level(address, level(organisation, p0)) / p0);
      // One sighting of a rare value looks like proof: an attacker's own domain is as rare.
      const double seen = (address == nullptr ? 0 : units(address->count)) +
                          (organisation == nullptr ? 0 : units(organisation->count) / 2);
      const double limit = std::min(max_familiar, log_1p(seen));
      out_.features[familiar(trait.id)] = std::clamp(ratio, 0.0, limit);
      out_.features[contrary(trait.id)] = std::clamp(-ratio, 0.0, max_contrary);
    }
  }

  void weigh_extras() {
    set(Extra::seniority, std::min(5.0, log_1p(units(count_of(out_.address, "messages")))));
    const auto* messages = find(out_.address, "messages");
    set(Extra::days,
        std::min(3.5, log_1p(messages == nullptr ? 0 : static_cast<double>(messages->distinct))));
    set(Extra::organisation, std::min(6.0, log_1p(units(count_of(out_.organisation, "messages")))));
    set(Extra::relation_in, std::min(4.0, log_1p(units(count_of(out_.relation, "messages")))));
    const int64_t written = std::max(count_of(out_.relation, "outbound"), count_of(out_.address, "outbound"));
    set(Extra::relation_out, std::min(3.0, log_1p(units(written))));
    set(Extra::dkim_aligned, enrichment_.dkim_aligned ? 1 : 0);
    set(Extra::spf_aligned, enrichment_.spf_aligned ? 1 : 0);
    weigh_failures();
    out_.own_domain =
        !out_.aligned && !enrichment_.via_list && from_ != nullptr && claims_recipients_domain();
    set(Extra::own_domain, out_.own_domain ? 1 : 0);
    weigh_machinery();
    set(Extra::reply_elsewhere, reply_elsewhere() ? 1 : 0);
    const std::string claimed = from_ == nullptr ? "" : address_in_name(from_->display_name);
    const bool claims = !claimed.empty() && mail::organisational_domain(claimed) != from_domain_;
    out_.name_claims = claims && !enrichment_.via_list && out_.standing == Standing::stranger;
    set(Extra::name_claims, out_.name_claims ? 1 : 0);
    set(Extra::free_mail, enrichment_.free_mail ? 1 : 0);
    const auto& facts = *received_.facts;
    set(Extra::malformed,
        (facts.from.size() > 1 ? 1 : 0) + (facts.date ? 0 : 1) + (facts.message_id.empty() ? 1 : 0));
  }

  void weigh_failures() {
    bool dmarc = false, spf = false;
    for (const auto& method : received_.facts->authentication.methods) {
      dmarc = dmarc || (method.method == "dmarc" && method.result == "fail");
      spf = spf || (method.method == "spf" && (method.result == "fail" || method.result == "softfail"));
    }
    set(Extra::dmarc_fail, dmarc ? 1 : 0);
    set(Extra::spf_fail, spf ? 1 : 0);
    out_.failed = dmarc || spf;
  }

  void weigh_machinery() {
    const auto* network = find(find(evidence_, "network"), "reputation");
    const auto* ip = find(find(evidence_, "ip"), "reputation");
    const double good = network == nullptr ? 0 : units(network->count);
    const double bad = (network == nullptr ? 0 : units(network->total - network->count)) +
                       (ip == nullptr ? 0 : units(ip->total - ip->count));
    set(Extra::reputation_good, std::min(4.0, log_1p(good)));
    set(Extra::reputation_bad, std::clamp(log_1p(bad) - log_1p(good), 0.0, 4.0));
    const auto helo = value(TraitId::helo);
    const bool odd = helo.find('.') == std::string_view::npos;
    set(Extra::helo_odd, odd ? 1 : 0);
    set(Extra::helo_own, !odd && helo == from_domain_ ? 1 : 0);
    const auto envelope = value(TraitId::spf);
    const bool other = !envelope.empty() && envelope != "<>" && envelope.substr(1) != from_domain_;
    set(Extra::envelope_other, other && !enrichment_.via_list ? 1 : 0);
    const auto commonness = [&](TraitId id) {
      return std::min(5.0, log_1p(others(at(out_.population, id), counted_here(id))));
    };
    set(Extra::common_network, commonness(TraitId::network));
    set(Extra::common_helo, odd ? 0 : commonness(TraitId::helo));
    set(Extra::common_id, commonness(TraitId::message_id));
    set(Extra::common_mailer, value(TraitId::mailer) == "none" ? 0 : commonness(TraitId::mailer));
  }

  // The organisations written to; free mail providers are none.
  std::vector<std::string> recipient_organisations() const {
    std::vector<std::string> out;
    for (const auto& recipient : received_.envelope.rcpt_to) {
      const size_t at = recipient.rfind('@');
      if (at == std::string::npos || out.size() >= max_relations) continue;
      std::string own = mail::organisational_domain(ascii_lower(recipient.substr(at + 1)));
      if (!mail::is_free_mail(own) && std::find(out.begin(), out.end(), own) == out.end())
        out.push_back(std::move(own));
    }
    return out;
  }

  bool claims_recipients_domain() const {
    return std::find(recipients_.begin(), recipients_.end(), from_domain_) != recipients_.end();
  }

  // Answers would go to somebody this sender was never seen with.
  bool reply_elsewhere() const {
    const auto target = value(TraitId::reply_to);
    if (target.empty() || target == "none" || target == "same" || target == "=" || enrichment_.via_list)
      return false;
    const auto seen = [&](const TraitReadings& readings) {
      const auto* reading = at(readings, TraitId::reply_to);
      return reading != nullptr && reading->count > 0;
    };
    if (seen(out_.address_traits) || seen(out_.organisation_traits)) return false;
    return find(find(evidence_, "person"), "reply_to") == nullptr;
  }

  void diversion() {
    if (out_.standing == Standing::stranger || !reply_elsewhere()) return;
    const auto& target = received_.facts->reply_to.front();
    out_.diverted = mail::is_free_mail(target.domain) || !target.usable();
  }

  // Signed or sent by the resembled organisation itself: a sister domain.
  bool vouched_by(std::string_view organisation) const {
    for (const auto& method : received_.facts->authentication.methods) {
      if (method.method == "dkim" && method.result == "pass" &&
          mail::organisational_domain(method.domain) == organisation)
        return true;
    }
    return value(TraitId::spf) == "+" + std::string(organisation);
  }

  void resemblance() {
    if (out_.standing != Standing::stranger || from_ == nullptr) return;
    for (const auto& own : recipients_) consider(own, nullptr);
    if (written_to()) return;
    if (const auto* candidates = find(evidence_, "lookalike")) {
      for (const auto& reading : candidates->readings) consider(reading.field, &reading);
    }
    // Where the display name is known from is worth a look even if the names are short.
    if (const auto* person = find(evidence_, "person")) {
      for (const auto& reading : person->readings) {
        if (reading.field == "other") consider(home_of(reading.usual), &reading);
      }
    }
  }

  static std::string home_of(std::string_view address) {
    return mail::organisational_domain(address.substr(address.rfind('@') + 1));
  }
  bool written_to() const { return find(out_.address, "outbound") != nullptr; }

  void consider(const std::string& organisation, const Reading* reading) {
    if (out_.likeness_believed || mail::is_free_mail(from_->domain)) return;
    const Likeness found = likeness(from_->domain, organisation);
    if (found.resemblance == Resemblance::none || vouched_by(organisation)) return;
    const bool believed = !found.short_name || name_is_known_at(organisation);
    if (out_.likeness.resemblance != Resemblance::none && !believed) return;
    out_.likeness = found;
    out_.likeness_believed = believed;
    out_.resembled = organisation;
    out_.resembled_here = reading == nullptr;
  }

  bool name_is_known_at(std::string_view organisation) const {
    const auto* person = find(evidence_, "person");
    if (person == nullptr) return false;
    return std::any_of(person->readings.begin(), person->readings.end(), [&](const Reading& reading) {
      return reading.field == "other" && reading.count >= known_messages &&
             home_of(reading.usual) == organisation;
    });
  }

  // A stranger who bears the name of somebody known by another address, or of one of the tenant's own people.
  void impersonation() {
    if (out_.standing == Standing::address || from_ == nullptr) return;
    if (out_.standing == Standing::organisation && out_.aligned) return;
    if (written_to()) return;
    const auto* person = find(evidence_, "person");
    colleague();
    const auto* other = find(person, "other");
    if (other == nullptr || other->count < suspected_messages || speaks_for(other->usual)) return;
    out_.impersonated = other;
    const bool sure = other->count >= impersonated_messages && other->distinct >= impersonated_days;
    out_.impersonation_believed |=
        sure && is_full_name(person->subject) && enrichment_.free_mail && !is_promoted(out_);
  }

  // What the directory says needs no history. Namesakes elsewhere are likely only where a domain of their own
  // vouches for them.
  void colleague() {
    for (const auto& hit : enrichment_.references) {
      if (hit.role != colleague_role || speaks_for(hit.entry)) continue;
      out_.colleague = &hit;
      out_.impersonation_believed =
          is_full_name(hit.value) && (enrichment_.free_mail || !out_.aligned) && !is_promoted(out_);
    }
  }

  // Does the organisation of this address vouch for the message?
  bool speaks_for(std::string_view address) const {
    const std::string home = home_of(address);
    return vouched_by(home) && !mail::is_free_mail(home);
  }

  // More than a first name: two words, or a name in a script that writes it without a space.
  static bool is_full_name(std::string_view subject) {
    if (subject.find(' ') != std::string_view::npos) return true;
    const auto wide = std::count_if(subject.begin(), subject.end(),
                                    [](char c) { return static_cast<unsigned char>(c) >= 0xE0; });
    return wide >= 2;
  }

  const mail::Received& received_;
  const mail::Enrichment& enrichment_;
  const std::vector<Evidence>& evidence_;
  TraitValues values_;
  const mail::Address* from_ = nullptr;
  std::string from_domain_;              // organisational, also for free mail
  std::vector<std::string> recipients_;  // their organisations
  Findings out_;
};

}  // namespace

std::string feature_name(size_t feature) {
  if (feature < trait_count) return std::string(trait_table()[feature].name) + "+";
  if (feature < 2 * trait_count) return std::string(trait_table()[feature - trait_count].name) + "-";
  return std::string(extra_names[feature - 2 * trait_count]);
}

bool is_promoted(const Findings& findings) {
  const auto* way = find(findings.address, "way");
  const int64_t days = findings.aligned ? aligned_promotion_days : promotion_days;
  const int64_t span = findings.aligned ? aligned_promotion_span : promotion_span;
  return way != nullptr && way->distinct >= days && way->total >= span;
}

bool is_known(const Evidence* evidence, int64_t messages, int64_t days) {
  const auto* reading = find(evidence, "messages");
  return reading != nullptr && reading->total >= messages && reading->distinct >= days;
}

Findings find_out(const mail::Received& received, const mail::Enrichment& enrichment,
                  const std::vector<Evidence>& evidence) {
  return Finder(received, enrichment, evidence).run();
}

}  // namespace bonafide::trust
