#include "trust/score.hpp"

#include <algorithm>

#include "base/math.hpp"
#include "trust/learn.hpp"
#include "trust/reasons.hpp"

namespace bonafide::trust {
namespace {

bool is_judged(const mail::Received& received) {
  return received.kind == mail::Kind::message && received.direction == mail::Direction::inbound;
}

double along(const std::vector<std::pair<double, double>>& curve, double x) {
  if (x <= curve.front().first) return curve.front().second;
  for (size_t i = 1; i < curve.size(); ++i) {
    const auto& [x0, y0] = curve[i - 1];
    const auto& [x1, y1] = curve[i];
    if (x < x1) return y0 + (y1 - y0) * ((x - x0) / (x1 - x0));
  }
  return curve.back().second;
}

// Attacks that show by themselves cut the trust, whatever speaks for the message.
Cuts cuts_of(const Findings& findings, const Model& model) {
  Cuts cuts;
  const auto cut = [](double factor) { return repeatable_log(factor); };
  if (findings.likeness.resemblance != Resemblance::none) {
    cuts.lookalike = cut(findings.likeness_believed ? model.lookalike_factor : model.lookalike_weak_factor);
  }
  if (findings.impersonated != nullptr || findings.colleague != nullptr || findings.name_claims) {
    cuts.impostor = cut(findings.impersonation_believed ? model.impostor_factor : model.impostor_weak_factor);
  }
  if (findings.diverted) cuts.diversion = cut(model.diversion_factor);
  if (findings.blocked != nullptr && findings.standing == Standing::stranger)
    cuts.blocked = cut(model.blocked_factor);
  return cuts;
}

mail::Attack attack_of(const Findings& findings, const Cuts& cuts, mail::Verdict verdict) {
  if (verdict == mail::Verdict::trusted) return mail::Attack::none;
  if (findings.diverted) return mail::Attack::reply_to_diversion;
  if (findings.likeness_believed) return mail::Attack::lookalike_domain;
  if (cuts.impostor < 0) return mail::Attack::display_name_impostor;
  if (cuts.blocked < 0) return mail::Attack::known_bad_sender;
  if (findings.standing == Standing::stranger) return mail::Attack::unknown;
  return findings.aligned ? mail::Attack::account_takeover_like : mail::Attack::domain_spoof;
}

mail::Verdict verdict_of(double trust, const Model& model) {
  if (trust >= model.trusted_from) return mail::Verdict::trusted;
  return trust < model.untrusted_below ? mail::Verdict::untrusted : mail::Verdict::suspicious;
}

// Everything but the evidence, from the evidence.
void judge(const mail::Received& received, const mail::Enrichment& enrichment, const Model& model,
           mail::Score& score) {
  const Findings findings = find_out(received, enrichment, score.evidence);
  const Weighing& weighing = model.regimes[static_cast<size_t>(regime_of(findings))];
  std::array<double, feature_count> contributions{};
  double log_odds = weighing.bias;
  for (size_t i = 0; i < feature_count; ++i) {
    contributions[i] = weighing.weights[i] * findings.features[i];
    log_odds += contributions[i];
  }
  const Cuts cuts = cuts_of(findings, model);
  score.trust = along(weighing.curve, log_odds) *
                repeatable_exp(cuts.lookalike + cuts.impostor + cuts.diversion + cuts.blocked);
  score.verdict = verdict_of(score.trust, model);
  score.attack = attack_of(findings, cuts, score.verdict);
  score.reasons = reasons_for(received, enrichment, findings, contributions, cuts);
  score.lesson = std::string(lesson_of(findings));
  score.model = model.id;
  score.code = code_version;
}

// Mail of our own people is not judged: it teaches whom they write to.
mail::Score unjudged(const mail::Received& received, const Model& model) {
  mail::Score score;
  score.trust = 100;
  score.verdict = mail::Verdict::trusted;
  score.lesson = received.kind == mail::Kind::message ? "relation" : "none";
  if (received.kind == mail::Kind::message) score.reasons.push_back({"sent from here: not judged", 0});
  score.model = model.id;
  score.code = code_version;
  return score;
}

}  // namespace

std::vector<std::string> questions(mail::EnrichedView enriched) {
  return is_judged(enriched.received) ? keys_to_ask(enriched) : std::vector<std::string>();
}

mail::Score score(mail::EnrichedView enriched, const flow::Answers& answers, const Model& model) {
  if (!is_judged(enriched.received)) return unjudged(enriched.received, model);
  mail::Score score;
  score.evidence = read(enriched, answers);
  judge(enriched.received, enriched.enrichment, model, score);
  return score;
}

mail::Score rescore(const mail::Scored& scored, const Model& model) {
  if (!is_judged(scored.received)) return unjudged(scored.received, model);
  mail::Score score;
  score.evidence = scored.score.evidence;
  judge(scored.received, scored.enrichment, model, score);
  return score;
}

}  // namespace bonafide::trust
