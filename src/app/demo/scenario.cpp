#include "app/demo/scenario.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "flow/config.hpp"

namespace bonafide::app::demo {
namespace {

using flow::FieldType;

constexpr int64_t most_days = 3650;
constexpr int64_t most_at_once = 10'000;

std::vector<std::string_view> split_words(std::string_view text) {
  auto words = split(text, ' ');
  std::erase(words, std::string_view());
  return words;
}

std::vector<std::string> names_of(bool (*belongs)(Scenario)) {
  std::vector<std::string> names;
  for (size_t i = 0; i < static_cast<size_t>(Scenario::count); ++i) {
    if (belongs(static_cast<Scenario>(i))) names.emplace_back(to_string(static_cast<Scenario>(i)));
  }
  return names;
}

Result<Scenario> scenario_of(std::string_view word, bool (*belongs)(Scenario)) {
  const auto scenario = parse_scenario(word);
  if (scenario && belongs(*scenario)) return *scenario;
  const auto known = names_of(belongs);
  const std::string close = flow::did_you_mean(std::string(word), known);
  return {Cause::invalid, "\"" + std::string(cut_utf8(word, 64)) + "\" is none of them." +
                              (close.empty() ? " Known here: " + join(known, ", ") : close)};
}

bool can_be_told(Scenario scenario) { return is_attack(scenario) || is_change(scenario); }

std::string text_of(Scenario scenario) { return std::string(to_string(scenario)); }

std::string text_of(const Share& share) {
  return text_of(share.scenario) + " " + std::to_string(share.weight);
}

std::string text_of(const StoryEvent& event) {
  const int64_t minutes = event.after.us / Duration::seconds(60).us;
  const auto two = [](int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  std::string out =
      "day " + std::to_string(minutes / 1440) + " " + two(minutes / 60 % 24) + ":" + two(minutes % 60);
  out += " " + text_of(event.what);
  if (event.count != 1) out += " x" + std::to_string(event.count);
  if (event.over > Duration{}) out += " over " + format_duration(event.over);
  return out;
}

/// "blind_spoof 40": a kind and how often it comes against the others.
Result<Share> parse_share(const std::string& item) {
  const auto words = split_words(item);
  if (words.empty() || words.size() > 2)
    return {Cause::invalid, "expected a kind and a weight, like blind_spoof 40"};
  BONAFIDE_ASSIGN(const Scenario scenario, scenario_of(words[0], is_attack));
  if (words.size() == 1) return Share{scenario, 1};
  const auto weight = parse_int(words[1]);
  if (!weight.ok() || *weight < 1 || *weight > 1'000'000)
    return {Cause::invalid, "\"" + item + "\": the weight is a number from 1 on"};
  return Share{scenario, static_cast<uint32_t>(*weight)};
}

/// "09:30" in minutes.
Result<int64_t> parse_minute(std::string_view word) {
  const size_t colon = word.find(':');
  const auto hour = parse_int(word.substr(0, colon)), minute = parse_int(word.substr(colon + 1));
  if (!hour.ok() || !minute.ok() || *hour < 0 || *hour > 23 || *minute < 0 || *minute > 59)
    return {Cause::invalid, "\"" + std::string(word) + "\" is no time of day, like 09:30"};
  return *hour * 60 + *minute;
}

/// "day 40 09:30 blind_spoof x20 over 2h": time (UTC), number and span may be left out.
Result<StoryEvent> parse_event(const std::string& item) {
  const Error form = {Cause::invalid,
                      "\"" + std::string(cut_utf8(item, 100)) +
                          "\": expected day N [HH:MM] KIND [xCOUNT] [over DURATION], like day 40 "
                          "09:30 blind_spoof x20 over 2h"};
  const auto words = split_words(item);
  if (words.size() < 3 || words[0] != "day") return form;
  const auto day = parse_int(words[1]);
  if (!day.ok() || *day < 0 || *day > most_days) return form;
  StoryEvent event;
  event.after = Duration::days(*day);
  size_t at = 2;
  if (words[at].find(':') != std::string_view::npos) {
    BONAFIDE_ASSIGN(const int64_t minute, parse_minute(words[at++]));
    event.after = event.after + Duration::seconds(minute * 60);
  }
  if (at == words.size()) return form;
  BONAFIDE_ASSIGN(event.what, scenario_of(words[at++], can_be_told));
  if (at < words.size() && words[at].starts_with('x')) {
    const auto count = parse_int(words[at++].substr(1));
    if (!count.ok() || *count < 1 || *count > most_at_once) return form;
    event.count = static_cast<uint32_t>(*count);
  }
  if (at + 1 < words.size() && words[at] == "over") {
    const auto over = parse_duration(words[at + 1]);
    if (!over.ok() || *over < Duration{} || *over > Duration::days(most_days)) return form;
    event.over = *over;
    at += 2;
  }
  if (at != words.size()) return form;
  return event;
}

/// Each item of a list by `parse`; what is wrong with it is noted, with its line.
template <class Parse>
auto items(const flow::Settings& section, const char* name, const Parse& parse,
           std::vector<flow::Problem>& problems) {
  std::vector<std::decay_t<decltype(*parse(std::string()))>> out;
  for (const auto& item : section.list(name)) {
    auto parsed = parse(item);
    if (parsed.ok()) {
      out.push_back(std::move(*parsed));
    } else {
      problems.push_back({section.where(name), std::string(name) + ": " + parsed.error().message});
    }
  }
  return out;
}

template <class Item>
std::string list_of(const std::vector<Item>& items) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() > 1 ? ", " : "") + ("\"" + text_of(item) + "\"");
  return out + "]";
}

template <class Item>
std::string preset_of(const std::vector<Item>& items) {
  std::vector<std::string> words;
  words.reserve(items.size());
  for (const auto& item : items) words.push_back(text_of(item));
  return join(words, ",");
}

}  // namespace

std::vector<flow::Section> scenario_sections() {
  const Settings usual;
  return {
      {"company",
       "who there is",
       {{"seed", FieldType::integer, "1", "which company: the same seed gives the same mail", false, 0, 9e15},
        {"people", FieldType::integer, std::to_string(usual.people), "on the staff", false, 20, 200},
        {"messages_per_day", FieldType::integer, std::to_string(usual.messages_per_day),
         "about, on a working day, in all directions", false, 50, 1'000'000}}},
      {"attacks",
       "what is sent to deceive",
       {{"per_day", FieldType::integer, std::to_string(usual.attacks_per_day), "about, on a working day",
         false, 0, 100'000},
        {"quiet", FieldType::duration, format_duration(usual.quiet), "without attacks, from the start on",
         false, 0, most_days * 86'400.0},
        {"mix", FieldType::list, preset_of(usual.attacks),
         "kinds with weights, like blind_spoof 40; [] is none. Kinds: " + join(names_of(is_attack), ", ")}}},
      {"changes",
       "what changes without harm",
       {{"every", FieldType::duration, format_duration(usual.change_every),
         "about, from the third week on; 0s is never", false, 0, most_days * 86'400.0},
        {"kinds", FieldType::list, preset_of(usual.changes),
         "one after the other. Kinds: " + join(names_of(is_change), ", ")}}},
      {"story",
       "what happens on certain days, beside that",
       {{"events", FieldType::list, "",
         "day N [HH:MM] KIND [xCOUNT] [over DURATION], like day 40 09:30 blind_spoof x20 over 2h; day 0 is "
         "the "
         "first, times are UTC"}}}};
}

Result<Settings> read_scenario(std::string_view yaml, const std::string& source, env::Files& files) {
  std::vector<flow::Problem> problems;
  const auto config = flow::Config::read(yaml, source, scenario_sections(),
                                         {files, [](const std::string&) { return std::nullopt; }}, problems);
  if (config.topology()) problems.push_back({source, "a scenario has no topology"});
  Settings settings;
  const auto& company = config.section("company");
  settings.seed = static_cast<uint64_t>(company.integer("seed"));
  settings.people = static_cast<uint32_t>(company.integer("people"));
  settings.messages_per_day = static_cast<uint32_t>(company.integer("messages_per_day"));
  const auto& attacks = config.section("attacks");
  settings.attacks_per_day = static_cast<uint32_t>(attacks.integer("per_day"));
  settings.quiet = attacks.duration("quiet");
  settings.attacks = items(attacks, "mix", parse_share, problems);
  const auto& changes = config.section("changes");
  settings.change_every = changes.duration("every");
  if (settings.change_every > Duration{} && settings.change_every < Duration::hours(5))
    problems.push_back({changes.where("every"), "every: at least 5h, or 0s for never"});
  settings.changes = items(
      changes, "kinds", [](const std::string& item) { return scenario_of(item, is_change); }, problems);
  settings.story = items(config.section("story"), "events", parse_event, problems);
  if (problems.empty()) return settings;
  std::vector<std::string> lines;
  lines.reserve(problems.size());
  for (const auto& problem : problems) lines.push_back(problem.text());
  return {Cause::invalid, join(lines, "\n")};
}

Result<std::vector<Share>> parse_attacks(const std::vector<std::string>& items) {
  std::vector<Share> out;
  for (const auto& item : items) {
    BONAFIDE_ASSIGN(out.emplace_back(), parse_share(item));
  }
  return out;
}

std::string scenario_text(const Settings& settings) {
  return "version: 1\n"
         "company: {seed: " +
         std::to_string(settings.seed) + ", people: " + std::to_string(settings.people) +
         ", messages_per_day: " + std::to_string(settings.messages_per_day) + "}\n" +
         "attacks: {per_day: " + std::to_string(settings.attacks_per_day) +
         ", quiet: " + format_duration(settings.quiet) + ", mix: " + list_of(settings.attacks) + "}\n" +
         "changes: {every: " + format_duration(settings.change_every) +
         ", kinds: " + list_of(settings.changes) + "}\n" + "story: {events: " + list_of(settings.story) +
         "}\n";
}

}  // namespace bonafide::app::demo
