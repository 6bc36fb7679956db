#include <algorithm>
#include <array>

#include "avro/resolve.hpp"

namespace bonafide::avro {
namespace {

constexpr std::array<std::string_view, 7> names = {
    "NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"};

bool wants_backward(Compatibility mode) {
  return mode != Compatibility::none && mode != Compatibility::forward &&
         mode != Compatibility::forward_transitive;
}
bool wants_forward(Compatibility mode) { return mode >= Compatibility::forward; }
bool is_transitive(Compatibility mode) {
  return mode == Compatibility::backward_transitive || mode == Compatibility::forward_transitive ||
         mode == Compatibility::full_transitive;
}

}  // namespace

std::string_view to_string(Compatibility mode) { return names[static_cast<size_t>(mode)]; }

Result<Compatibility> parse_compatibility(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<Compatibility>(found - names.begin());
  return {Cause::invalid,
          "\"" + std::string(name.substr(0, 40)) +
              "\" is not a compatibility level: use NONE, BACKWARD, BACKWARD_TRANSITIVE, FORWARD, "
              "FORWARD_TRANSITIVE, FULL or FULL_TRANSITIVE"};
}

std::string Incompatibility::text(size_t first_version) const {
  const std::string number = std::to_string(version + first_version);
  const std::string who = backward ? "the new schema cannot read version " + number
                                   : "version " + number + " cannot read the new schema";
  return who + " at " + gap.place + ": " + gap.message;
}

std::vector<Incompatibility> check_compatibility(const std::vector<Schema>& history, const Schema& next,
                                                 Compatibility mode) {
  std::vector<Incompatibility> found;
  if (mode == Compatibility::none || history.empty()) return found;
  for (size_t i = is_transitive(mode) ? 0 : history.size() - 1; i < history.size(); ++i) {
    if (wants_backward(mode)) {
      for (Gap& gap : Plan::find_gaps(history[i], next)) found.push_back({i, true, std::move(gap)});
    }
    if (wants_forward(mode)) {
      for (Gap& gap : Plan::find_gaps(next, history[i])) found.push_back({i, false, std::move(gap)});
    }
  }
  return found;
}

std::vector<Incompatibility> check_compatibility(const Schema& old_schema, const Schema& new_schema,
                                                 Compatibility mode) {
  return check_compatibility(std::vector<Schema>{old_schema}, new_schema, mode);
}

}  // namespace bonafide::avro
