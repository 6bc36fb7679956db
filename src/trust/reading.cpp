#include "trust/reading.hpp"

#include <algorithm>
#include <span>

#include "base/hash.hpp"
#include "base/math.hpp"
#include "base/text.hpp"
#include "mail/domain.hpp"
#include "trust/enrich.hpp"
#include "trust/lookalike.hpp"

namespace bonafide::trust {
namespace {

using flow::History;
using mail::Evidence;
using mail::Reading;

constexpr int64_t half_life_days = 180;
constexpr int weight_bits = 20;
constexpr size_t weight_days = 20 * half_life_days;  // later a count is below a millionth
constexpr int64_t max_count = 1'000'000;             // of one bucket: keeps all sums far from overflow
constexpr int64_t tenant_cap = 30;  // messages of one tenant that count in a shared reputation

std::array<int64_t, weight_days> make_weights() {
  std::array<int64_t, weight_days> weights{};
  const double ln_2 = repeatable_log(2);
  for (size_t day = 0; day < weight_days; ++day) {
    const double left = repeatable_exp(-ln_2 * static_cast<double>(day) / half_life_days);
    weights[day] = static_cast<int64_t>(left * (1 << weight_bits) + 0.5);
  }
  return weights;
}

using Weights = std::array<int64_t, weight_days>;
const Weights& weights() {
  static const Weights table = make_weights();
  return table;
}

int64_t weight(const Weights& table, int64_t age_days) {
  if (age_days >= static_cast<int64_t>(weight_days)) return 0;
  return table[static_cast<size_t>(std::max<int64_t>(age_days, 0))];
}

int64_t clamped(int64_t n) { return std::clamp<int64_t>(n, 0, max_count); }

// Thousandths, from weights in 2^-20.
int64_t to_milli(int64_t weighted) { return (weighted * 125) >> (weight_bits - 3); }

enum class Bucket { period, day };

int64_t decayed(const History::Field& field, int32_t today, Bucket kind) {
  const Weights& table = weights();
  int64_t sum = 0;
  for (const auto& bucket : field.buckets) {
    const int64_t day =
        kind == Bucket::day ? bucket.bucket : int64_t{bucket.bucket} * period_days + period_days / 2;
    sum += clamped(bucket.n) * weight(table, today - day);
  }
  return to_milli(sum);
}

int64_t decayed(const History& history, std::string_view field, int32_t today, Bucket kind) {
  const auto* found = history.find(field);
  return found == nullptr ? 0 : decayed(*found, today, kind);
}

// The field of a value among those of its group; null if the group has none.
const History::Field* find_value(std::span<const History::Field> group, std::string_view value) {
  const auto value_of = [](const History::Field& field) { return std::string_view(field.name).substr(1); };
  const auto at = std::lower_bound(
      group.begin(), group.end(), value,
      [&](const History::Field& field, std::string_view wanted) { return value_of(field) < wanted; });
  return at != group.end() && value_of(*at) == value ? &*at : nullptr;
}

int64_t plain(const History& history, std::string_view field) {
  const auto* found = history.find(field);
  return found == nullptr ? 0 : found->total();
}

int64_t days(const History& history, std::string_view field) {
  const auto* found = history.find(field);
  return found == nullptr ? 0 : static_cast<int64_t>(found->buckets.size());
}

// Clocks are changed by an hour twice a year: half of what the zones an hour away have, is this one's too.
int64_t summer_time(std::span<const History::Field> zones, std::string_view zone, int32_t today) {
  const auto minutes = zone_minutes(zone);
  if (!minutes) return 0;
  int64_t count = 0;
  for (const int32_t shift : {-60, 60}) {
    const auto* other = find_value(zones, zone_text(*minutes + shift));
    if (other != nullptr) count = std::max(count, decayed(*other, today, Bucket::period));
  }
  return count / 2;
}

// What a history says of one trait. The most frequent other value is named where the message's own is rare.
Reading trait_reading(const History& history, const TraitInfo& trait, std::string_view value, int64_t total,
                      int32_t today) {
  Reading reading;
  reading.field = trait.name;
  reading.total = total;
  const auto fields = history.group(trait.code);
  reading.distinct = static_cast<int64_t>(fields.size());
  const auto* own = find_value(fields, value);
  if (own != nullptr) reading.count = decayed(*own, today, Bucket::period);
  if (trait.id == TraitId::zone) reading.count = std::max(reading.count, summer_time(fields, value, today));
  if (2 * reading.count >= total) return reading;
  for (const auto& field : fields) {
    if (field.name.size() < 2 || &field == own) continue;
    const int64_t count = decayed(field, today, Bucket::period);
    if (count <= reading.usual_count) continue;
    reading.usual_count = count;
    reading.usual = field.name.substr(1);
  }
  if (reading.usual_count <= reading.count) {
    reading.usual.clear();
    reading.usual_count = 0;
  }
  return reading;
}

class Reader {
 public:
  Reader(mail::EnrichedView enriched, const flow::Answers& answers)
      : enriched_(enriched),
        answers_(answers),
        values_(trait_values(enriched.enrichment)),
        today_(day_of(enriched.received.received_at)) {}

  std::vector<Evidence> all() {
    std::vector<Evidence> out;
    out.reserve(enriched_.enrichment.identities.size() + 2);
    for (const auto& identity : enriched_.enrichment.identities) out.push_back(of_identity(identity));
    out.push_back(population());
    out.push_back(lookalikes());
    return out;
  }

 private:
  const History* next() {
    const size_t at = next_++;
    return at < answers_.size() ? answers_[at].get() : nullptr;
  }

  Evidence of_identity(const mail::Identity& identity) {
    Evidence evidence{identity.kind, identity.subject, true, {}};
    const History* history = next();
    evidence.known = history != nullptr;
    if (history == nullptr) return evidence;
    switch (kind_of(identity.kind)) {
      case Kind::address:
        behaviour(*history, evidence.readings);
        way(*history, evidence.readings);
        break;
      case Kind::organisation:
        behaviour(*history, evidence.readings);
        break;
      case Kind::person:
        person(*history, evidence.readings);
        break;
      case Kind::relation:
        relation(*history, evidence.readings);
        break;
      default:
        reputation(*history, evidence.readings);
        break;
    }
    return evidence;
  }

  void behaviour(const History& history, std::vector<Reading>& out) {
    out.reserve(trait_count + 4);
    const int64_t total = decayed(history, messages_field, today_, Bucket::period);
    const auto* messages = history.find(messages_field);
    int64_t age = 0;
    if (messages != nullptr)
      age = std::max<int64_t>(0, today_ - int64_t{messages->buckets.front().bucket} * period_days);
    out.push_back({"messages", total, plain(history, messages_field), days(history, days_field), "", 0});
    if (age > 0) out.push_back({"age", age, 0, 0, "", 0});
    out.push_back({"aligned", decayed(history, aligned_field, today_, Bucket::period),
                   plain(history, aligned_field), 0, "", 0});
    if (const int64_t n = plain(history, outbound_field); n > 0) {
      out.push_back({"outbound", decayed(history, outbound_field, today_, Bucket::day), n,
                     days(history, outbound_field), "", 0});
    }
    if (total == 0) return;
    for (const auto& trait : trait_table()) {
      const auto& value = values_[static_cast<size_t>(trait.id)];
      if (value) out.push_back(trait_reading(history, trait, *value, total, today_));
    }
  }

  // Unvouched messages that came the same way, and whether this very message has taught before.
  void way(const History& history, std::vector<Reading>& out) {
    if (const auto* field = find_value(history.group(way_group), way_of(values_))) {
      const int64_t span = int64_t{field->buckets.back().bucket} - field->buckets.front().bucket;
      out.push_back({"way", field->total(), span, static_cast<int64_t>(field->buckets.size()), "", 0});
    }
    const auto* lessons = history.find(lessons_field);
    if (lessons == nullptr) return;
    const int32_t mine = lesson_bucket(enriched_.received.received_at, enriched_.received.message_key.data);
    const bool repeated = std::any_of(lessons->buckets.begin(), lessons->buckets.end(),
                                      [&](const History::Bucket& b) { return same_message(b.bucket, mine); });
    if (repeated) out.push_back({"repeat", 1, 1, 1, "", 0});
  }

  // The addresses a display name was seen with: this one, the one to answer to, and the best known of other
  // organisations.
  void person(const History& history, std::vector<Reading>& out) {
    constexpr size_t max_others = 3;
    const auto* from = sender_of(*enriched_.received.facts);
    const std::string mine = from == nullptr ? "" : from->key();
    const auto& reply_to = enriched_.received.facts->reply_to;
    const std::string answer = reply_to.empty() ? "" : reply_to.front().key();
    std::vector<const History::Field*> others;
    for (const auto& field : history.group(person_group)) {
      const std::string_view address = std::string_view(field.name).substr(1);
      const auto seen = static_cast<int64_t>(field.buckets.size());
      if (address.empty()) continue;
      if (address == mine) out.push_back({"this", field.total(), 0, seen, "", 0});
      if (address == answer && answer != mine) out.push_back({"reply_to", field.total(), 0, seen, "", 0});
      if (address != mine && !same_organisation(address)) others.push_back(&field);
    }
    std::stable_sort(others.begin(), others.end(),
                     [](const auto* a, const auto* b) { return a->total() > b->total(); });
    for (size_t i = 0; i < others.size() && i < max_others; ++i) {
      const auto& field = *others[i];
      out.push_back(
          {"other", field.total(), 0, static_cast<int64_t>(field.buckets.size()), field.name.substr(1), 0});
    }
  }

  bool same_organisation(std::string_view address) const {
    if (enriched_.enrichment.free_mail) return false;
    const std::string_view domain = address.substr(std::min(address.rfind('@'), address.size() - 1) + 1);
    return mail::organisational_domain(domain) == enriched_.enrichment.from_organisation;
  }

  void relation(const History& history, std::vector<Reading>& out) {
    const int64_t in = plain(history, days_field), sent = plain(history, outbound_field);
    if (in > 0)
      out.push_back({"messages", decayed(history, days_field, today_, Bucket::day), in,
                     days(history, days_field), "", 0});
    if (sent > 0) {
      out.push_back({"outbound", decayed(history, outbound_field, today_, Bucket::day), sent,
                     days(history, outbound_field), "", 0});
    }
  }

  int64_t capped(const History& history, char group) const {
    int64_t sum = 0;
    for (const auto& field : history.group(group)) {
      if (field.name.size() > 1) sum += std::min(decayed(field, today_, Bucket::day), tenant_cap * 1000);
    }
    return sum;
  }

  void reputation(const History& history, std::vector<Reading>& out) {
    const int64_t good = capped(history, good_group), bad = capped(history, bad_group);
    if (good + bad > 0) out.push_back({"reputation", good, good + bad, 0, "", 0});
  }

  Evidence population() {
    Evidence evidence{"population", "", true, {}};
    const History* totals = next();
    evidence.known = totals != nullptr;
    evidence.readings.reserve(trait_count);
    for (const auto& trait : trait_table()) {
      const auto& value = values_[static_cast<size_t>(trait.id)];
      if (!value) continue;
      const History* history = trait.few_values ? totals : next();
      if (history == nullptr || totals == nullptr) {
        evidence.known = false;
        continue;
      }
      Reading reading{std::string(trait.name), 0, 0, 0, "", 0};
      const auto group = totals->group(trait.code);
      for (const auto& field : group) reading.total += field.total();
      if (!trait.few_values) {
        reading.count = plain(*history, count_field);
      } else if (const auto* own = find_value(group, *value)) {
        reading.count = own->total();
      }
      evidence.readings.push_back(std::move(reading));
    }
    return evidence;
  }

  Evidence lookalikes() {
    Evidence evidence{"lookalike", std::string(from_domain_of(enriched_)), true, {}};
    for (; next_ < answers_.size();) {
      const History* history = next();
      if (history == nullptr) {
        evidence.known = false;
        continue;
      }
      for (const auto& field : history->group(look_group)) add_candidate(evidence, field);
    }
    return evidence;
  }

  void add_candidate(Evidence& evidence, const History::Field& field) {
    constexpr size_t max_candidates = 4;
    const std::string_view organisation = std::string_view(field.name).substr(1);
    if (organisation.empty() || evidence.readings.size() >= max_candidates ||
        find(&evidence, organisation) != nullptr)
      return;
    if (likeness(evidence.subject, organisation).resemblance == Resemblance::none) return;
    evidence.readings.push_back(
        {std::string(organisation), decayed(field, today_, Bucket::period), field.total(), 0, "", 0});
  }

  const mail::EnrichedView enriched_;
  const flow::Answers& answers_;
  TraitValues values_;
  int32_t today_;
  size_t next_ = 0;
};

}  // namespace

int64_t decayed_milli(int64_t n, int64_t age_days) {
  return to_milli(clamped(n) * weight(weights(), age_days));
}

std::vector<std::string> keys_to_ask(mail::EnrichedView enriched) {
  const std::string& tenant = enriched.received.tenant;
  std::vector<std::string> keys;
  keys.reserve(40);
  for (const auto& identity : enriched.enrichment.identities) {
    keys.push_back(history_key(tenant, kind_of(identity.kind), identity.subject));
  }
  keys.push_back(history_key(tenant, Kind::totals, ""));
  const auto values = trait_values(enriched.enrichment);
  for (const auto& trait : trait_table()) {
    const auto& value = values[static_cast<size_t>(trait.id)];
    if (value && !trait.few_values) keys.push_back(population_key(tenant, trait.code, *value));
  }
  if (!enriched.enrichment.free_mail) {
    for (const auto& [kind, subject] : look_questions(from_domain_of(enriched))) {
      keys.push_back(history_key(tenant, kind, subject));
    }
  }
  return keys;
}

std::vector<Evidence> read(mail::EnrichedView enriched, const flow::Answers& answers) {
  return Reader(enriched, answers).all();
}

const Evidence* find(const std::vector<Evidence>& evidence, std::string_view kind) {
  for (const auto& one : evidence) {
    if (one.kind == kind) return &one;
  }
  return nullptr;
}

const Reading* find(const Evidence* evidence, std::string_view field) {
  if (evidence == nullptr) return nullptr;
  for (const auto& reading : evidence->readings) {
    if (reading.field == field) return &reading;
  }
  return nullptr;
}

std::string way_of(const TraitValues& values) {
  std::string text;
  text.reserve(6 * (max_value_bytes + 1));
  for (const auto id :
       {TraitId::alignment, TraitId::dkim, TraitId::spf, TraitId::helo, TraitId::block, TraitId::reply_to}) {
    text += values[static_cast<size_t>(id)].value_or("");
    text += '\n';
  }
  std::string bytes;
  append_be64(bytes, hash64(text));
  return to_hex(std::string_view(bytes).substr(0, 4));
}

TraitReadings trait_readings(const Evidence* evidence) {
  TraitReadings out{};
  if (evidence == nullptr) return out;
  size_t guess = 0;
  for (const auto& reading : evidence->readings) {
    const size_t i = trait_at(reading.field, guess);
    if (i == trait_count) continue;
    out[i] = &reading;
    guess = i + 1;
  }
  return out;
}

std::string_view from_domain_of(mail::EnrichedView enriched) {
  const auto* from = sender_of(*enriched.received.facts);
  return from == nullptr ? std::string_view() : std::string_view(from->domain);
}

}  // namespace bonafide::trust
