#include "flow/settings.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/text.hpp"

namespace bonafide::flow {
namespace {

Error expected(const Field& field, const std::string& got) {
  std::string what =
      field.name + ": \"" + std::string(cut_utf8(got, 64)) + "\" is not a " + to_string(field.type);
  return {Cause::invalid, what};
}

std::string plain(double value) {
  return value == std::floor(value) ? std::to_string(static_cast<int64_t>(value)) : to_decimal(value);
}

Status check_bounds(const Field& field, double value) {
  if ((!field.least || value >= *field.least) && (!field.most || value <= *field.most)) return Ok{};
  const std::string unit = field.type == FieldType::duration ? " seconds"
                           : field.type == FieldType::bytes  ? " bytes"
                                                             : "";
  std::string range;
  if (field.least && field.most) {
    range = "between " + plain(*field.least) + " and " + plain(*field.most);
  } else {
    range = field.least ? "at least " + plain(*field.least) : "at most " + plain(*field.most);
  }
  return {Cause::invalid, field.name + ": must be " + range + unit};
}

Status check_choice(const Field& field, const std::string& text) {
  if (field.choices.empty() || std::ranges::find(field.choices, text) != field.choices.end()) return Ok{};
  return {Cause::invalid, field.name + ": \"" + std::string(cut_utf8(text, 64)) + "\" is none of " +
                              join(field.choices, ", ") + "." + did_you_mean(text, field.choices)};
}

/// The value as a number where the type has one.
Result<double> as_number(const Field& field, const std::string& text) {
  switch (field.type) {
    case FieldType::integer: {
      const auto value = parse_int(text);
      if (!value.ok()) return expected(field, text);
      return static_cast<double>(*value);
    }
    case FieldType::number: {
      const auto value = parse_double(text);
      if (!value.ok() || !std::isfinite(*value)) return expected(field, text);
      return *value;
    }
    case FieldType::duration: {
      const auto value = parse_duration(text);
      if (!value.ok()) return expected(field, text);
      return value->in_seconds();
    }
    default: {
      const auto value = parse_bytes(text);
      if (!value.ok()) return expected(field, text);
      return static_cast<double>(*value);
    }
  }
}

std::vector<std::string> items(const std::string& preset) {
  std::vector<std::string> out;
  for (const auto part : split(preset, ',')) {
    if (const auto item = trim(part); !item.empty()) out.emplace_back(item);
  }
  return out;
}

std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace

const char* to_string(FieldType type) {
  switch (type) {
    case FieldType::text:
      return "text";
    case FieldType::integer:
      return "whole number";
    case FieldType::number:
      return "number";
    case FieldType::boolean:
      return "truth value (true or false)";
    case FieldType::duration:
      return "duration (90s, 250ms, 12h, 7d)";
    case FieldType::bytes:
      return "size (4096, 64MiB, 1GB)";
    case FieldType::list:
      return "list";
    case FieldType::lists:
      return "table of lists";
    case FieldType::choice:
      return "choice";
  }
  return "";
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates) {
  const std::string close = closest(cut_utf8(word, 64), candidates);
  return close.empty() ? "" : " Did you mean \"" + close + "\"?";
}

Result<uint64_t> parse_bytes(std::string_view text) {
  text = trim(text);
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto value = parse_double(text.substr(0, digits));
  const std::string_view unit = trim(text.substr(digits));
  static const std::map<std::string_view, double> units = {
      {"", 1},      {"B", 1},        {"kB", 1e3},     {"KB", 1e3},     {"MB", 1e6},    {"GB", 1e9},
      {"TB", 1e12}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}};
  const auto factor = units.find(unit);
  if (!value.ok() || factor == units.end() || *value * factor->second >= 0x1p63) {
    return {Cause::invalid,
            "\"" + std::string(cut_utf8(text, 64)) + "\" is not a size such as 4096, 64MiB or 1GB"};
  }
  return static_cast<uint64_t>(*value * factor->second);
}

Status Settings::set(const Field& field, Value value) {
  switch (field.type) {
    case FieldType::boolean:
      if (value.text != "true" && value.text != "false") return expected(field, value.text);
      break;
    case FieldType::choice:
      BONAFIDE_TRY(check_choice(field, value.text));
      break;
    case FieldType::list:
      for (const auto& item : value.list) BONAFIDE_TRY(check_choice(field, item));
      break;
    case FieldType::text:
    case FieldType::lists:
      break;
    default: {
      BONAFIDE_ASSIGN(const double number, as_number(field, value.text));
      BONAFIDE_TRY(check_bounds(field, number));
    }
  }
  values_[field.name] = {field.type, std::move(value)};
  return Ok{};
}

Settings Settings::presets(const Section& section) {
  Settings out;
  for (const auto& field : section.fields) {
    Value value;
    if (field.type == FieldType::list) {
      value.list = items(field.preset);
    } else {
      value.text = field.preset;
    }
    if (field.required) {
      out.values_[field.name] = {field.type, std::move(value)};
      continue;
    }
    [[maybe_unused]] const Status set = out.set(field, std::move(value));
    assert(set.ok() && "the default of a field breaks its own rules");
  }
  return out;
}

const Settings::Value& Settings::held(const std::string& name, [[maybe_unused]] FieldType type) const {
  static const Value nothing;
  const auto found = values_.find(name);
  assert(found != values_.end() && "a setting that no field declares");
  assert(found == values_.end() || found->second.type == type ||
         (type == FieldType::text && found->second.type == FieldType::choice));
  return found == values_.end() ? nothing : found->second.value;
}

std::string Settings::text(const std::string& name) const { return held(name, FieldType::text).text; }
int64_t Settings::integer(const std::string& name) const {
  return parse_int(held(name, FieldType::integer).text).value_or(0);
}
double Settings::number(const std::string& name) const {
  return parse_double(held(name, FieldType::number).text).value_or(0);
}
bool Settings::boolean(const std::string& name) const {
  return held(name, FieldType::boolean).text == "true";
}
Duration Settings::duration(const std::string& name) const {
  return parse_duration(held(name, FieldType::duration).text).value_or({});
}
uint64_t Settings::bytes(const std::string& name) const {
  return parse_bytes(held(name, FieldType::bytes).text).value_or(0);
}
std::vector<std::string> Settings::list(const std::string& name) const {
  return held(name, FieldType::list).list;
}
std::map<std::string, std::vector<std::string>> Settings::lists(const std::string& name) const {
  return held(name, FieldType::lists).lists;
}
std::string Settings::where(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() || found->second.value.where.empty() ? "default" : found->second.value.where;
}

std::string settings_markdown(const std::vector<Section>& sections) {
  std::string out;
  for (const auto& section : sections) {
    out += (out.empty() ? "## " : "\n## ") + section.name + "\n\n" + section.summary + "\n";
    if (section.fields.empty()) continue;
    out += "\n| key | type | default | meaning |\n|---|---|---|---|\n";
    for (const auto& field : section.fields) {
      std::string type = to_string(field.type);
      if (field.type == FieldType::choice) type = join(field.choices, ", ");
      std::string meaning = field.doc;
      if ((field.least || field.most || field.secret) && !meaning.ends_with('.')) meaning += ".";
      if (field.least) meaning += " At least " + plain(*field.least) + ".";
      if (field.most) meaning += " At most " + plain(*field.most) + ".";
      if (field.secret) meaning += " Secret: `{file: PATH}` or `${NAME}`.";
      const std::string preset = field.required         ? "(required)"
                                 : field.preset.empty() ? ""
                                                        : "`" + field.preset + "`";
      out += "| `" + field.name + "` | " + cell(type) + " | " + cell(preset) + " | " + cell(meaning) + " |\n";
    }
  }
  return out;
}

}  // namespace bonafide::flow
