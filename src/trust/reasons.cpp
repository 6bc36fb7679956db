#include "trust/reasons.hpp"

#include <algorithm>
#include <initializer_list>

#include "base/text.hpp"
#include "trust/enrich.hpp"

namespace bonafide::trust {
namespace {

using mail::Reading;

// The pieces one after the other, in memory taken once.
std::string said(std::initializer_list<std::string_view> pieces) {
  size_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  std::string text;
  text.reserve(size);
  for (const auto piece : pieces) text += piece;
  return text;
}

std::string whole(int64_t milli) { return std::to_string((milli + 500) / 1000); }
std::string quoted(std::string_view text) { return said({"\"", text, "\""}); }

// How a value reads in a sentence.
std::string spoken(TraitId id, std::string_view value) {
  switch (id) {
    case TraitId::alignment:
      if (value == "none") return "nothing";
      if (value == "unchecked") return "nobody we believe";
      if (value == "dkim+spf") return "DKIM and SPF";
      return value == "dkim" ? "DKIM" : "SPF";
    case TraitId::dkim:
      if (value == "none") return "nobody";
      return value.starts_with('~') ? std::string(value.substr(1)) + " (not checked)" : std::string(value);
    case TraitId::spf:
      if (value == "<>") return "none (a bounce)";
      return std::string(value.substr(1)) + (value.front() == '+'   ? " (SPF passes)"
                                             : value.front() == '-' ? " (SPF does not pass)"
                                                                    : "");
    case TraitId::helo:
      if (value == "bare") return "a name without a domain";
      return value == "[ip]" ? "a bare address" : std::string(value);
    case TraitId::path:
      return value == "direct" ? "no other server" : std::string(value);
    case TraitId::reply_to:
      if (value == "none" || value == "same") return "its own address";
      return value == "=" ? "its own organisation" : std::string(value);
    case TraitId::message_id:
      return quoted(value);
    case TraitId::mailer:
      return value == "none" ? "a program that does not name itself" : quoted(value);
    case TraitId::composition:
      return quoted(value);
    case TraitId::hour: {
      const bool weekend = value.ends_with('w');
      const auto start = parse_int(value.substr(0, value.size() - (weekend ? 1 : 0))).value_or(0);
      return std::to_string(start) + "-" + std::to_string(start + 4) + " h" +
             (weekend ? " at weekends" : " on working days");
    }
    default:
      return std::string(value);
  }
}

class Writer {
 public:
  Writer(const mail::Received& received, const mail::Enrichment& enrichment, const Findings& findings)
      : received_(received), enrichment_(enrichment), findings_(findings), values_(trait_values(enrichment)) {
    const auto* from = sender_of(*received.facts);
    sender_ = from == nullptr ? "the sender" : from->key();
  }

  // The reading a sentence about a trait rests on: of the address where it has a past, else of its
  // organisation.
  const Reading* basis(TraitId id) const {
    const auto* own = findings_.address_traits[static_cast<size_t>(id)];
    if (own != nullptr && own->total >= 500) return own;
    return findings_.organisation_traits[static_cast<size_t>(id)];
  }
  const std::string& whose(TraitId id) const {
    return basis(id) == findings_.address_traits[static_cast<size_t>(id)] ? sender_
                                                                          : enrichment_.from_organisation;
  }

  std::string against(TraitId id) const {
    const auto* reading = basis(id);
    const std::string now = spoken(id, values_[static_cast<size_t>(id)].value_or(""));
    const std::string_view phrase = info(id).phrase;
    if (reading == nullptr || reading->usual.empty())
      return said({whose(id), " was rarely ", phrase, " ", now, share(reading)});
    const bool always = 100 * reading->usual_count >= 99 * reading->total;
    return said({whose(id), always ? " has always been " : " is usually ", phrase, " ",
                 spoken(id, reading->usual), " (", whole(reading->usual_count), " of ", whole(reading->total),
                 "); this message: ", now});
  }

  std::string in_favour(TraitId id) const {
    return said({"as usual for ", whose(id), ": ", info(id).phrase, " ",
                 spoken(id, values_[static_cast<size_t>(id)].value_or("")), share(basis(id))});
  }

  std::string of_extra(Extra which) const {
    switch (which) {
      case Extra::seniority:
        return sender_ + " is known: " + messages(findings_.address);
      case Extra::days:
        return sender_ + " is known" + on_days(findings_.address);
      case Extra::organisation:
        return enrichment_.from_organisation + " is known: " + messages(findings_.organisation);
      case Extra::relation_in:
        return sender_ + " has written to " + recipient() + " before: " + messages(findings_.relation);
      case Extra::relation_out:
        return "somebody here has written to " + sender_;
      case Extra::dkim_aligned:
        return "signed (DKIM) by the domain of its sender";
      case Extra::spf_aligned:
        return "SPF passes for the domain of its sender";
      case Extra::dmarc_fail:
        return "DMARC fails for the domain of its sender";
      case Extra::spf_fail:
        return "SPF fails: the envelope domain does not send from there";
      case Extra::reputation_good:
        return "known senders use the network it came from";
      case Extra::reputation_bad:
        return "more messages that nothing vouched for than known senders' came from there";
      case Extra::helo_odd:
        return "the sending server does not name itself properly (HELO " +
               quoted(received_.envelope.helo.substr(0, 64)) + ")";
      case Extra::helo_own:
        return "delivered by a server in the domain of its sender";
      case Extra::envelope_other:
        return "the envelope sender is of another organisation";
      case Extra::reply_elsewhere:
        return "answers would go to " + answer() + ", never seen with " + sender_;
      case Extra::common_network:
        return "other senders use the network it came from";
      case Extra::common_helo:
        return "other senders use the servers it came by";
      case Extra::common_id:
        return "its Message-ID has a form that other senders use";
      case Extra::common_mailer:
        return "written with a program that other senders use";
      case Extra::name_claims:
        return "the display name shows an address of another domain";
      case Extra::free_mail:
        return "sent from a free mailbox";
      case Extra::disposable:
        return "sent from a disposable mailbox";
      case Extra::malformed:
        return "malformed: " + malformed();
      case Extra::own_domain:
        return "claims to come from your own domain, but nothing shows that it does";
    }
    return "";
  }

  std::string lookalike() const {
    return std::string(from_domain()) + " " + std::string(to_string(findings_.likeness.resemblance)) + " " +
           findings_.resembled +
           (findings_.resembled_here ? ", your own domain" : ", which is known here; this sender is not");
  }
  std::string impostor() const {
    if (const auto* colleague = findings_.colleague) {
      return "the display name is that of " + colleague->entry + " in your own directory; " + sender_ +
             " is no address of theirs";
    }
    if (findings_.impersonated == nullptr) return of_extra(Extra::name_claims);
    const auto& other = *findings_.impersonated;
    return "the display name is known as " + other.usual + " (" + std::to_string(other.count) +
           " messages on " + std::to_string(other.distinct) + " days), never as " + sender_;
  }
  std::string diversion() const {
    return "answers would go to " + answer() + ", a free mailbox never seen with " + sender_;
  }
  std::string blocked() const {
    const auto& hit = *findings_.blocked;
    return hit.value + " stands in the list " + hit.data_set + " (" + hit.entry + ")";
  }

 private:
  static std::string share(const Reading* reading) {
    if (reading == nullptr) return "";
    return said({" (", whole(reading->count), " of ", whole(reading->total), ")"});
  }
  std::string_view from_domain() const {
    const auto* from = sender_of(*received_.facts);
    return from == nullptr ? std::string_view() : std::string_view(from->domain);
  }
  std::string answer() const {
    return received_.facts->reply_to.empty() ? "nobody" : received_.facts->reply_to.front().key();
  }
  std::string recipient() const {
    if (findings_.relation == nullptr) return "the recipient";
    return findings_.relation->subject.substr(0, findings_.relation->subject.find('<'));
  }
  static std::string on_days(const mail::Evidence* evidence) {
    const auto* reading = find(evidence, "messages");
    return reading == nullptr ? ""
                              : " on " + std::to_string(reading->distinct) +
                                    (reading->distinct >= 32  ? " or more days"
                                     : reading->distinct == 1 ? " day"
                                                              : " days");
  }
  static std::string messages(const mail::Evidence* evidence) {
    const auto* reading = find(evidence, "messages");
    if (reading == nullptr) return "no messages";
    return std::to_string(reading->total) + (reading->total == 1 ? " message" : " messages") +
           on_days(evidence);
  }
  std::string malformed() const {
    std::vector<std::string> what;
    if (received_.facts->from.size() > 1) what.emplace_back("more than one From");
    if (!received_.facts->date) what.emplace_back("no usable Date");
    if (received_.facts->message_id.empty()) what.emplace_back("no Message-ID");
    return join(what, ", ");
  }

  const mail::Received& received_;
  const mail::Enrichment& enrichment_;
  const Findings& findings_;
  TraitValues values_;
  std::string sender_;
};

// A thing to say, by number, so that only what is said is put into words.
struct Candidate {
  double weight;
  size_t feature;  // from feature_count on: the cuts
};

std::string standing_text(const Findings& findings, const std::string& sender) {
  if (findings.no_sender) return "no usable From: nobody to know it by";
  if (findings.unknown) return "some history could not be read in time; judged without it";
  if (findings.standing == Standing::stranger) return sender + " is new here: nothing vouches for it yet";
  return "";
}

}  // namespace

std::vector<mail::Reason> reasons_for(const mail::Received& received, const mail::Enrichment& enrichment,
                                      const Findings& findings,
                                      const std::array<double, feature_count>& contributions,
                                      const Cuts& cuts) {
  std::array<Candidate, feature_count + 4> candidates;
  size_t count = 0;
  const auto consider = [&](double weight, size_t feature) {
    if (weight >= 0.05 || weight <= -0.05) candidates[count++] = {weight, feature};
  };
  for (size_t i = 0; i < feature_count; ++i) consider(contributions[i], i);
  consider(cuts.lookalike, feature_count);
  consider(cuts.impostor, feature_count + 1);
  consider(cuts.diversion, feature_count + 2);
  consider(cuts.blocked, feature_count + 3);
  const size_t kept = std::min(count, max_reasons);
  const auto size = [](double x) { return x < 0 ? -x : x; };
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<ptrdiff_t>(kept),
                    candidates.begin() + static_cast<ptrdiff_t>(count),
                    [&](const Candidate& a, const Candidate& b) {
                      if (size(a.weight) != size(b.weight)) return size(a.weight) > size(b.weight);
                      return a.feature < b.feature;
                    });
  const Writer writer(received, enrichment, findings);
  std::vector<mail::Reason> reasons;
  reasons.reserve(kept + 1);
  for (size_t i = 0; i < kept; ++i) {
    const auto [weight, feature] = candidates[i];
    std::string text;
    if (feature < trait_count)
      text = writer.in_favour(static_cast<TraitId>(feature));
    else if (feature < 2 * trait_count)
      text = writer.against(static_cast<TraitId>(feature - trait_count));
    else if (feature < feature_count)
      text = writer.of_extra(static_cast<Extra>(feature - 2 * trait_count));
    else if (feature == feature_count)
      text = writer.lookalike();
    else if (feature == feature_count + 1)
      text = writer.impostor();
    else if (feature == feature_count + 2)
      text = writer.diversion();
    else
      text = writer.blocked();
    reasons.push_back({std::move(text), weight});
  }
  const auto* from = sender_of(*received.facts);
  if (auto text = standing_text(findings, from == nullptr ? "the sender" : from->key()); !text.empty()) {
    reasons.push_back({std::move(text), 0});
  }
  return reasons;
}

}  // namespace bonafide::trust
