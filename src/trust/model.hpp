#pragma once
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "env/files.hpp"
#include "trust/features.hpp"

namespace bonafide::trust {

/// Six kinds of message, each weighed in its own way: from a known address, a new address of a known
/// organisation or a stranger, and authenticated for its own domain or not.
enum class Regime : uint8_t {
  known_aligned,
  known_unaligned,
  colleague_aligned,
  colleague_unaligned,
  stranger_aligned,
  stranger_unaligned,
};
inline constexpr size_t regime_count = 6;
std::string_view to_string(Regime regime);
Regime regime_of(const Findings& findings);

/// How one kind of message is weighed: log-odds that it is what it claims, then trust along a rising curve.
struct Weighing {
  double bias = 0;
  std::array<double, feature_count> weights{};
  /// (log-odds, trust 0-100), both rising; straight in between and level outside.
  std::vector<std::pair<double, double>> curve = {{-4, 5}, {4, 95}};
};

/// The model as data. Signs are bounded: familiarity never counts against a message, contradiction never for
/// it.
struct Model {
  std::string id;
  std::array<Weighing, regime_count> regimes;
  double trusted_from = 70;     ///< trust at which the verdict is "trusted"
  double untrusted_below = 20;  ///< trust under which it is "untrusted"
  // What is left of the trust when an attack shows by itself.
  double lookalike_factor = 0.12;
  double lookalike_weak_factor = 0.8;
  double impostor_factor = 0.2;
  double impostor_weak_factor = 0.7;
  double diversion_factor = 0.15;
  double blocked_factor = 0.3;

  /// The model that is built in: fitted on public archives of mail, frozen.
  static const Model& built_in();

  /// Text form: one "name value" a line, closed by a CRC-32C of all before.
  [[nodiscard]] std::string to_text() const;
  /// Errors: damaged (checksum), invalid (line, what is wrong with it: unknown names, signs that are not
  /// allowed).
  static Result<Model> from_text(std::string_view text);
  static Result<Model> load(env::Files& files, const std::string& path);
  Status save(env::Files& files, const std::string& path) const;
};

/// +1: the feature may only speak for a message, -1: only against, 0: either.
int sign_of(size_t feature);

}  // namespace bonafide::trust
