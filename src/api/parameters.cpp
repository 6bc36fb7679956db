#include "api/parameters.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bonafide::api {

namespace {

// A name cut short is more likely than any other slip.
std::string meant_by(const std::string& word, const std::vector<std::string>& names) {
  const auto longer = std::ranges::find_if(
      names, [&](const std::string& name) { return word.size() >= 3 && name.starts_with(word); });
  return longer != names.end() ? *longer : closest(word, names);
}

}  // namespace

Parameters::Parameters(const net::Query& query, const std::vector<QueryParameter>& known) : query_(query) {
  std::vector<std::string> names, seen;
  for (const auto& parameter : known) names.emplace_back(parameter.name);
  for (const auto& [name, value] : query) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      const std::string likely = meant_by(name, names);
      std::string why = "there is no such parameter; ";
      why += likely.empty() ? "known are: " + (names.empty() ? "none" : join(names, ", "))
                            : "do you mean \"" + likely + "\"?";
      refuse(name, why);
      return;
    }
    const bool repeatable = known[static_cast<size_t>(found - names.begin())].repeatable;
    if (!repeatable && std::ranges::find(seen, name) != seen.end()) refuse(name, "is given more than once");
    seen.push_back(name);
  }
}

void Parameters::refuse(std::string_view name, const std::string& why) {
  if (!error_) error_ = Error{Cause::invalid, "parameter \"" + clean_text(name, 60) + "\": " + why};
}

Status Parameters::status() const {
  if (error_) return *error_;
  return Ok{};
}

std::vector<std::string> Parameters::texts(std::string_view name, size_t max_count, size_t max_bytes) {
  std::vector<std::string> values;
  for (const auto& [key, value] : query_) {
    if (key != name) continue;
    if (values.size() == max_count) {
      refuse(name, "is given more than " + std::to_string(max_count) + " times");
      break;
    }
    if (value.size() > max_bytes) refuse(name, "is longer than " + std::to_string(max_bytes) + " bytes");
    if (clean_text(value, value.size()) != value || value.find('\t') != std::string::npos) {
      refuse(name, "is not clean UTF-8 text (no control characters)");
    }
    values.push_back(value);
  }
  return values;
}

std::optional<std::string> Parameters::text(std::string_view name, size_t max_bytes) {
  auto values = texts(name, 1, max_bytes);
  if (values.empty()) return std::nullopt;
  return std::move(values.front());
}

std::optional<Time> Parameters::time(std::string_view name) {
  const auto given = text(name, 40);
  if (!given) return std::nullopt;
  const auto parsed = parse_rfc3339(*given);
  if (parsed.ok()) return *parsed;
  refuse(name, "is no time: write 2026-01-02T03:04:05Z");
  return std::nullopt;
}

std::optional<Duration> Parameters::duration(std::string_view name, Duration longest) {
  const auto given = text(name, 40);
  if (!given) return std::nullopt;
  const auto parsed = parse_duration(*given);
  if (!parsed.ok()) {
    refuse(name, "is no duration: write 2s or 500ms");
  } else if (*parsed < Duration{} || *parsed > longest) {
    refuse(name, "is between 0s and " + format_duration(longest));
  } else {
    return *parsed;
  }
  return std::nullopt;
}

bool Parameters::flag(std::string_view name) {
  const auto given = text(name, 10);
  if (!given) return false;
  const std::string word = ascii_lower(*given);
  if (word.empty() || word == "1" || word == "true" || word == "yes") return true;
  if (word != "0" && word != "false" && word != "no") refuse(name, "is 1 or 0");
  return false;
}

std::optional<size_t> Parameters::count(std::string_view name, size_t most) {
  const auto given = text(name, 20);
  if (!given) return std::nullopt;
  const auto parsed = parse_int(*given);
  if (parsed.ok() && *parsed >= 1 && static_cast<uint64_t>(*parsed) <= most)
    return static_cast<size_t>(*parsed);
  refuse(name, "is a number from 1 to " + std::to_string(most));
  return std::nullopt;
}

std::string Parameters::choice(std::string_view name, const std::vector<std::string>& words) {
  const auto given = text(name, 40);
  if (!given) return words.front();
  if (std::ranges::find(words, *given) != words.end()) return *given;
  refuse(name, "is one of: " + join(words, ", "));
  return words.front();
}

}  // namespace bonafide::api
