#include "trust/learn.hpp"

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "mail/domain.hpp"
#include "trust/enrich.hpp"
#include "trust/keys.hpp"
#include "trust/lookalike.hpp"
#include "trust/reading.hpp"
#include "trust/revise.hpp"

namespace bonafide::trust {
namespace {

using flow::Delta;
using mail::Evidence;
using mail::Reading;

constexpr size_t max_recipients = 16;

bool has_passed(std::string_view lesson) { return lesson == "full" || lesson == "address"; }

bool unseen(const TraitReadings& readings, TraitId id) {
  const auto* reading = readings[static_cast<size_t>(id)];
  return reading != nullptr && reading->count == 0;
}

// Without authentication, and not by any way this sender is known to use.
bool contradicts(const Findings& findings) {
  if (findings.aligned) return false;
  if (findings.own_domain) return true;
  if (findings.standing == Standing::stranger) return findings.failed;
  const bool own = findings.standing == Standing::address;
  const auto& seen = own ? findings.address_traits : findings.organisation_traits;
  const bool new_network = unseen(seen, TraitId::network), new_helo = unseen(seen, TraitId::helo);
  if (new_network && new_helo) return true;
  const auto* messages = find(findings.unit, "messages");
  const auto* aligned = find(findings.unit, "aligned");
  const bool always_aligned =
      messages != nullptr && aligned != nullptr && 10 * aligned->count >= 8 * messages->count;
  return always_aligned && (new_network || new_helo || unseen(seen, TraitId::dkim));
}

class Folding {
 public:
  Folding(const mail::Scored& scored, std::string_view lesson)
      : received_(scored.received),
        enrichment_(scored.basis ? scored.basis->enrichment : scored.enrichment),
        evidence_(scored.basis ? scored.basis->evidence : scored.score.evidence),
        lesson_(lesson),
        values_(trait_values(enrichment_)),
        period_(period_of(received_.received_at)),
        day_(day_of(received_.received_at)) {}

  std::vector<Delta> run() {
    deltas_.reserve(24);
    if (lesson_ == "relation") {
      outbound();
    } else if (lesson_ == "unvouched") {
      unvouched();
    } else if (has_passed(lesson_)) {
      vouched(lesson_ == "full");
    }
    return std::move(deltas_);
  }

 private:
  Delta& on(Kind kind, std::string_view subject) {
    deltas_.push_back({history_key(received_.tenant, kind, subject), {}});
    return deltas_.back();
  }
  static void add(Delta& delta, std::string field, int32_t bucket) {
    delta.increments.push_back({std::move(field), bucket, 1});
  }

  void vouched(bool full) {
    for (const auto& identity : enrichment_.identities) {
      const Kind kind = kind_of(identity.kind);
      if (kind == Kind::address) {
        Delta& delta = behaviour(kind, identity.subject);
        add(delta, std::string(lessons_field),
            lesson_bucket(received_.received_at, received_.message_key.data));
      } else if (full) {
        teach(kind, identity.subject);
      }
    }
    if (!full) return;
    population();
    index();
  }

  void teach(Kind kind, const std::string& subject) {
    if (kind == Kind::organisation) behaviour(kind, subject);
    if (kind == Kind::person) add(on(kind, subject), person_group + address(), day_);
    if (kind == Kind::relation) add(on(kind, subject), std::string(days_field), day_);
    if (is_shared(kind) && sender_is_known())
      add(on(kind, subject), good_group + tenant_tag(received_.tenant), day_);
  }

  // One message in the history of an address or organisation.
  Delta& behaviour(Kind kind, const std::string& subject) {
    Delta& delta = on(kind, subject);
    delta.increments.reserve(trait_count + 4);
    for (const auto& trait : trait_table()) {
      if (const auto& value = values_[static_cast<size_t>(trait.id)])
        add(delta, field_name(trait.code, *value), period_);
    }
    add(delta, std::string(messages_field), period_);
    add(delta, std::string(days_field), day_);
    if (enrichment_.dkim_aligned || enrichment_.spf_aligned) add(delta, std::string(aligned_field), period_);
    return delta;
  }

  std::string address() const {
    const auto* from = sender_of(*received_.facts);
    return from == nullptr ? "" : from->key();
  }

  const Evidence* unit() const { return find(evidence_, enrichment_.free_mail ? "address" : "organisation"); }

  bool sender_is_known() const { return is_known(find(evidence_, "address"), known_messages, known_days); }

  // The first time a sender shows a value, the value has one identity more.
  void population() {
    const Evidence* sender = unit();
    if (sender == nullptr || !sender->known) return;
    const auto seen = trait_readings(sender);
    Delta totals{history_key(received_.tenant, Kind::totals, ""), {}};
    for (const auto& trait : trait_table()) {
      const size_t i = static_cast<size_t>(trait.id);
      if (!values_[i] || (seen[i] != nullptr && seen[i]->count > 0)) continue;
      add(totals, field_name(trait.code, trait.few_values ? *values_[i] : "#"), period_);
      if (trait.few_values) continue;
      deltas_.push_back({population_key(received_.tenant, trait.code, *values_[i]), {}});
      add(deltas_.back(), std::string(count_field), period_);
    }
    if (!totals.increments.empty()) deltas_.push_back(std::move(totals));
  }

  // An organisation that has become known is entered where look-alikes are looked for: on its first messages
  // as such, and again whenever their number has doubled, so that an entry that was crowded out comes back.
  void index() {
    if (!is_known(unit(), known_organisation_messages, known_organisation_days)) return;
    const int64_t count = find(unit(), "messages")->total + 1;
    if (count > 4 * known_organisation_messages && (count & (count - 1)) != 0) return;
    const std::string organisation = mail::organisational_domain(sender_of(*received_.facts)->domain);
    for (const auto& [kind, subject] : look_index(organisation))
      add(on(kind, subject), look_group + organisation, period_);
  }

  void unvouched() {
    const std::string way = way_of(values_);
    for (const auto& identity : enrichment_.identities) {
      const Kind kind = kind_of(identity.kind);
      if (kind == Kind::address) {
        Delta& delta = on(kind, identity.subject);
        add(delta, way_group + way, day_);
        add(delta, std::string(lessons_field),
            lesson_bucket(received_.received_at, received_.message_key.data));
      } else if (is_shared(kind)) {
        add(on(kind, identity.subject), bad_group + tenant_tag(received_.tenant), day_);
      }
    }
  }

  // The names of those written to, as the writer knows them.
  std::string display_name(std::string_view recipient) const {
    for (const auto* list : {&received_.facts->to, &received_.facts->cc}) {
      for (const auto& to : *list) {
        if (to.key() == recipient) return to.display_name;
      }
    }
    return "";
  }

  void outbound() {
    const std::string writer = address();
    if (writer.empty()) return;
    const auto& recipients = received_.envelope.rcpt_to;
    for (size_t i = 0; i < recipients.size() && i < max_recipients; ++i) {
      const size_t at = recipients[i].rfind('@');
      const std::string domain =
          at == std::string::npos ? "" : mail::to_ascii_domain(recipients[i].substr(at + 1));
      if (domain.empty()) continue;
      const std::string correspondent = ascii_lower(recipients[i].substr(0, at)) + "@" + domain;
      add(on(Kind::address, correspondent), std::string(outbound_field), day_);
      add(on(Kind::relation, relation_subject(writer, correspondent)), std::string(outbound_field), day_);
      if (const auto person = person_subject(display_name(correspondent)); !person.empty()) {
        add(on(Kind::person, person), person_group + correspondent, day_);
      }
    }
    const auto* from = sender_of(*received_.facts);
    if (const auto person = person_subject(from->display_name); !person.empty()) {
      add(on(Kind::person, person), person_group + writer, day_);
    }
  }

  const mail::Received& received_;
  const mail::Enrichment& enrichment_;
  const std::vector<Evidence>& evidence_;
  std::string_view lesson_;
  TraitValues values_;
  int32_t period_, day_;
  std::vector<Delta> deltas_;
};

std::string_view taught_lesson(const mail::Scored& scored) {
  return scored.taught.empty() ? scored.score.lesson : scored.taught;
}

std::string_view lesson_under(const mail::Scored& scored, mail::Judgement judgement) {
  if (judgement == mail::Judgement::none) return taught_lesson(scored);
  const bool good = judgement == mail::Judgement::good;
  if (scored.received.direction != mail::Direction::inbound) return good ? "relation" : "none";
  const auto& evidence = scored.basis ? scored.basis->evidence : scored.score.evidence;
  const Evidence* address = find(evidence, "address");
  if (address == nullptr || !address->known || find(address, "repeat") != nullptr) return "none";
  return good ? "full" : "unvouched";
}

// What `now` adds and `before` does not, and the other way round; nothing of what both add.
std::vector<Delta> difference(const std::vector<Delta>& now, const std::vector<Delta>& before) {
  std::map<std::string, std::map<std::pair<std::string, int32_t>, int64_t>> sums;
  const auto count = [&sums](const std::vector<Delta>& deltas, int64_t sign) {
    for (const auto& delta : deltas) {
      auto& fields = sums[delta.key];
      for (const auto& one : delta.increments) fields[{one.field, one.bucket}] += sign * one.n;
    }
  };
  count(now, 1);
  count(before, -1);
  std::vector<Delta> out;
  for (const auto& [key, fields] : sums) {
    Delta delta{key, {}};
    for (const auto& [field, n] : fields) {
      if (n != 0) delta.increments.push_back({field.first, field.second, n});
    }
    if (!delta.increments.empty()) out.push_back(std::move(delta));
  }
  return out;
}

}  // namespace

std::string_view lesson_of(const Findings& findings) {
  if (findings.no_sender || find(findings.address, "repeat") != nullptr) return "none";
  if (findings.address == nullptr || !findings.address->known) return "none";
  const bool borrowed_name =
      findings.likeness_believed || findings.impersonation_believed || findings.diverted;
  if (!borrowed_name && !contradicts(findings)) return "full";
  return is_promoted(findings) ? "address" : "unvouched";
}

std::vector<flow::Delta> teaching(const mail::Scored& scored, mail::Judgement judgement) {
  return Folding(scored, lesson_under(scored, judgement)).run();
}

std::vector<flow::Delta> deltas(const mail::Scored& scored) {
  if (scored.received.kind != mail::Kind::message) return {};
  if (scored.revision == 0) {
    if (!scored.failure.empty()) return {};
    return Folding(scored, scored.score.lesson).run();
  }
  std::vector<Delta> all;
  if (scored.made_by == mail::MadeBy::feedback)
    all = difference(teaching(scored, scored.judgement), teaching(scored, scored.judgement_before));
  all.push_back(record_delta(scored));
  return all;
}

}  // namespace bonafide::trust
