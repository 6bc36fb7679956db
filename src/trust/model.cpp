#include "trust/model.hpp"

#include <algorithm>
#include <map>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bonafide::trust {
namespace {

constexpr std::string_view first_line = "bonafide-model 1";
constexpr std::array<std::string_view, regime_count> regime_names = {
    "known_aligned",       "known_unaligned",  "colleague_aligned",
    "colleague_unaligned", "stranger_aligned", "stranger_unaligned"};
constexpr size_t max_curve_points = 64;

using Scalars = std::vector<std::pair<std::string_view, double Model::*>>;
const Scalars& scalars() {
  static const Scalars table = {{"trusted_from", &Model::trusted_from},
                                {"untrusted_below", &Model::untrusted_below},
                                {"lookalike_factor", &Model::lookalike_factor},
                                {"lookalike_weak_factor", &Model::lookalike_weak_factor},
                                {"impostor_factor", &Model::impostor_factor},
                                {"impostor_weak_factor", &Model::impostor_weak_factor},
                                {"diversion_factor", &Model::diversion_factor},
                                {"blocked_factor", &Model::blocked_factor}};
  return table;
}

std::string checksum_line(std::string_view body) {
  std::string bytes;
  append_be32(bytes, crc32c(body));
  return "crc32c " + to_hex(bytes) + "\n";
}

Error bad(const std::string& what) { return {Cause::invalid, what}; }

class Parser {
 public:
  Parser() {
    for (auto& regime : model.regimes) regime.curve.clear();
  }

  Status line(std::string_view text) {
    const auto words = split(text, ' ');
    if (words.size() == 2 && words[0] == "id") {
      model.id = std::string(words[1]);
      return Ok{};
    }
    if (words.size() == 2 && words[0] == "regime") return regime(words[1]);
    if (words.size() == 3 && words[0] == "curve") return point(words[1], words[2]);
    if (words.size() != 2) return bad("expected \"name value\"");
    BONAFIDE_ASSIGN(const double value, parse_double(words[1]));
    for (const auto& [name, member] : scalars()) {
      if (name == words[0] && current_ == nullptr) {
        model.*member = value;
        return Ok{};
      }
    }
    if (current_ == nullptr) return bad("unknown name \"" + std::string(words[0].substr(0, 64)) + "\"");
    return weight(words[0], value);
  }

  Model model;

 private:
  Status regime(std::string_view name) {
    const auto* const at = std::find(regime_names.begin(), regime_names.end(), name);
    if (at == regime_names.end()) return bad("unknown regime \"" + std::string(name.substr(0, 64)) + "\"");
    current_ = &model.regimes[static_cast<size_t>(at - regime_names.begin())];
    *current_ = {};
    current_->curve.clear();
    return Ok{};
  }

  Status point(std::string_view log_odds, std::string_view trust) {
    BONAFIDE_ASSIGN(const double x, parse_double(log_odds));
    BONAFIDE_ASSIGN(const double y, parse_double(trust));
    if (current_ == nullptr) return bad("a curve stands inside a regime");
    auto& curve = current_->curve;
    if (curve.size() >= max_curve_points) return bad("more than 64 points of a curve");
    if (!curve.empty() && (x <= curve.back().first || y < curve.back().second))
      return bad("the curve must rise");
    if (!(y >= 0 && y <= 100)) return bad("trust lies between 0 and 100");
    curve.emplace_back(x, y);
    return Ok{};
  }

  Status weight(std::string_view name, double value) {
    if (name == "bias") {
      current_->bias = value;
      return Ok{};
    }
    for (size_t i = 0; i < feature_count; ++i) {
      if (feature_name(i) != name) continue;
      if (value * sign_of(i) < 0) return bad("the weight of " + std::string(name) + " has the wrong sign");
      current_->weights[i] = value;
      return Ok{};
    }
    return bad("unknown feature \"" + std::string(name.substr(0, 64)) + "\"");
  }

  Weighing* current_ = nullptr;
};

}  // namespace

std::string_view to_string(Regime regime) { return regime_names[static_cast<size_t>(regime)]; }

Regime regime_of(const Findings& findings) {
  return static_cast<Regime>(2 * static_cast<int>(findings.standing) + (findings.aligned ? 0 : 1));
}

int sign_of(size_t feature) {
  if (feature < trait_count) return 1;
  if (feature < 2 * trait_count) return -1;
  switch (static_cast<Extra>(feature - 2 * trait_count)) {
    case Extra::dmarc_fail:
    case Extra::spf_fail:
    case Extra::reputation_bad:
    case Extra::helo_odd:
    case Extra::envelope_other:
    case Extra::reply_elsewhere:
    case Extra::name_claims:
    case Extra::disposable:
    case Extra::malformed:
    case Extra::own_domain:
      return -1;
    case Extra::free_mail:
      return 0;
    default:
      return 1;
  }
}

std::string Model::to_text() const {
  std::string text(first_line);
  text += "\nid " + id + "\n";
  for (const auto& [name, member] : scalars()) (text += name) += " " + to_decimal(this->*member) + "\n";
  for (size_t r = 0; r < regime_count; ++r) {
    const Weighing& weighing = regimes[r];
    (text += "regime ") += regime_names[r];
    text += "\nbias " + to_decimal(weighing.bias) + "\n";
    for (size_t i = 0; i < feature_count; ++i) {
      if (weighing.weights[i] != 0) text += feature_name(i) + " " + to_decimal(weighing.weights[i]) + "\n";
    }
    for (const auto& [x, y] : weighing.curve) text += "curve " + to_decimal(x) + " " + to_decimal(y) + "\n";
  }
  return text + checksum_line(text);
}

Result<Model> Model::from_text(std::string_view text) {
  const size_t end = text.rfind("crc32c ");
  if (end == std::string_view::npos || text.substr(end) != checksum_line(text.substr(0, end))) {
    return {Cause::damaged, "not a whole model file: its checksum does not match; build or fetch it again"};
  }
  Parser parser;
  size_t number = 0;
  for (const auto line : split(text.substr(0, end), '\n')) {
    ++number;
    if (line.empty()) continue;
    if (number == 1) {
      if (line != first_line) return bad("line 1: expected \"" + std::string(first_line) + "\"");
      continue;
    }
    if (auto read = parser.line(line); !read.ok()) return read.error().in("line " + std::to_string(number));
  }
  for (size_t r = 0; r < regime_count; ++r) {
    if (parser.model.regimes[r].curve.size() < 2)
      return bad("the regime " + std::string(regime_names[r]) + " has no curve");
  }
  if (parser.model.id.empty()) return bad("the model has no id");
  return std::move(parser.model);
}

Result<Model> Model::load(env::Files& files, const std::string& path) {
  BONAFIDE_ASSIGN(const std::string text, files.read_file(path));
  auto model = from_text(text);
  if (!model.ok()) return model.error().in(path);
  return model;
}

Status Model::save(env::Files& files, const std::string& path) const {
  return files.write_file(path, to_text());
}

}  // namespace bonafide::trust
