#include <cassert>
#include <span>

#include "trust/model.hpp"

// The built-in model: fixed weights, from regularised logistic regressions with bounded signs. Known senders:
// accepted mail of public archives against impostors made from it (another's sending side, copied headers,
// same provider with another account, taken-over account, unseen colleague). Strangers: first contacts of the
// same archives. docs/detection.md says how and how well.
namespace bonafide::trust {
namespace {

struct Weight {
  std::string_view feature;
  double weight;
};

constexpr auto known_aligned = std::to_array<Weight>({
    {"alignment+", 0.41},      {"dkim+", 0.18},       {"block+", 0.2},         {"reply_to+", 0.11},
    {"message_id+", 0.1},      {"mailer+", 0.11},     {"order+", 0.42},        {"composition+", 0.59},
    {"zone+", 0.59},           {"block-", -0.28},     {"origin-", -0.38},      {"message_id-", -0.57},
    {"mailer-", -0.27},        {"order-", -0.2},      {"composition-", -0.19}, {"zone-", -0.8},
    {"relation_in", 0.38},     {"relation_out", 0.6}, {"dmarc_fail", -0.8},    {"reputation_bad", -0.39},
    {"reply_elsewhere", -0.6},
});
constexpr auto known_unaligned = std::to_array<Weight>({
    {"alignment+", 0.19},   {"dkim+", 0.16},        {"network+", 0.2},         {"origin+", 0.49},
    {"submission+", 0.18},  {"reply_to+", 0.19},    {"message_id+", 0.46},     {"mailer+", 0.55},
    {"composition+", 0.07}, {"zone+", 0.8},         {"dkim-", -0.3},           {"spf-", -0.2},
    {"helo-", -0.2},        {"network-", -0.3},     {"block-", -0.1},          {"origin-", -0.23},
    {"submission-", -0.33}, {"message_id-", -0.26}, {"composition-", -0.06},   {"relation_in", 0.23},
    {"relation_out", 0.4},  {"dmarc_fail", -0.8},   {"spf_fail", -0.2},        {"reputation_bad", -0.18},
    {"helo_odd", -0.51},    {"helo_own", 0.2},      {"envelope_other", -0.25}, {"reply_elsewhere", -0.6},
    {"own_domain", -1.5},
});
constexpr auto colleague_unaligned = std::to_array<Weight>({
    {"alignment+", 0.25},   {"dkim+", 0.25},           {"helo+", 0.2},
    {"network+", 0.3},      {"reply_to+", 0.3},        {"mailer+", 0.61},
    {"composition+", 0.32}, {"zone+", 0.57},           {"alignment-", -0.06},
    {"spf-", -0.11},        {"helo-", -0.2},           {"network-", -0.3},
    {"origin-", -0.42},     {"submission-", -0.13},    {"mailer-", -0.05},
    {"order-", -0.05},      {"seniority", 0.06},       {"days", 0.21},
    {"relation_in", 0.22},  {"relation_out", 0.4},     {"dmarc_fail", -0.6},
    {"spf_fail", -0.45},    {"reputation_bad", -0.72}, {"helo_odd", -0.64},
    {"helo_own", 0.3},      {"envelope_other", -0.4},  {"reply_elsewhere", -0.6},
    {"own_domain", -2},
});
constexpr auto stranger_aligned = std::to_array<Weight>({
    {"alignment+", 0.1},       {"dkim+", 0.24},          {"spf+", 0.25},           {"helo+", 0.37},
    {"network+", 0.18},        {"block+", 0.16},         {"path+", 0.15},          {"message_id+", 0.36},
    {"mailer+", 0.31},         {"seniority", 0.37},      {"days", 0.11},           {"relation_in", 0.77},
    {"relation_out", 1.5},     {"spf_aligned", 0.55},    {"reputation_good", 0.8}, {"helo_own", 0.75},
    {"reply_elsewhere", -0.7}, {"common_network", 0.08}, {"common_mailer", 0.41},  {"name_claims", -0.8},
    {"disposable", -0.8},      {"malformed", -0.3},
});
constexpr auto stranger_unaligned = std::to_array<Weight>({
    {"alignment+", 0.61},      {"dkim+", 0.33},          {"helo+", 0.57},      {"network+", 0.28},
    {"block+", 0.05},          {"submission+", 0.21},    {"spf-", -0.35},      {"seniority", 0.49},
    {"relation_in", 0.1},      {"relation_out", 1.2},    {"dmarc_fail", -0.4}, {"spf_fail", -0.73},
    {"reputation_good", 0.64}, {"helo_odd", -0.1},       {"helo_own", 0.44},   {"envelope_other", -0.8},
    {"reply_elsewhere", -0.6}, {"common_network", 0.13}, {"common_helo", 0.1}, {"common_mailer", 0.26},
    {"name_claims", -0.8},     {"disposable", -0.8},     {"malformed", -0.3},  {"own_domain", -1.5},
});

using Curve = std::vector<std::pair<double, double>>;

Weighing weighing(double bias, std::span<const Weight> weights, Curve curve) {
  Weighing out;
  out.bias = bias;
  out.curve = std::move(curve);
  for (const auto& [name, weight] : weights) {
    for (size_t i = 0; i < feature_count; ++i) {
      if (feature_name(i) == name) out.weights[i] = weight;
    }
    assert(weight != 0);
  }
  return out;
}

Model make() {
  Model model;
  model.id = "built-in-1";
  const auto set = [&model](Regime regime, Weighing given) {
    model.regimes[static_cast<size_t>(regime)] = std::move(given);
  };
  // Authenticated mail is never "untrusted" by familiarity alone: its curve ends above that line.
  set(Regime::known_aligned, weighing(-0.55, known_aligned, {{-8, 22}, {-1.4, 70}, {3, 97}, {7, 99.5}}));
  set(Regime::known_unaligned,
      weighing(-0.57, known_unaligned, {{-9, 0.5}, {-3.3, 20}, {0.2, 70}, {4, 97}, {8, 99.5}}));
  set(Regime::colleague_aligned, weighing(-0.3, known_aligned, {{-8, 22}, {-0.5, 70}, {3, 94}, {6, 97}}));
  set(Regime::colleague_unaligned,
      weighing(1.54, colleague_unaligned, {{-9, 1}, {-4, 20}, {1.5, 70}, {5, 94}, {8, 97}}));
  // Who claims to be nobody is merely unknown: strangers are "suspicious" at worst, unless an attack shows by
  // itself.
  set(Regime::stranger_aligned, weighing(-2.38, stranger_aligned, {{-4, 22}, {0.5, 70}, {4, 92}, {7, 96}}));
  set(Regime::stranger_unaligned, weighing(-1.87, stranger_unaligned, {{-5, 21}, {1, 70}, {4, 88}, {7, 94}}));
  return model;
}

}  // namespace

const Model& Model::built_in() {
  static const Model model = make();
  return model;
}

}  // namespace bonafide::trust
