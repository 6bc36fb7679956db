#include "app/component_pages.hpp"

#include <algorithm>

#include "app/components.hpp"
#include "app/configuration.hpp"
#include "base/text.hpp"

namespace bonafide::app {
namespace {

constexpr const char* generated =
    "<!-- Made by `bonafide config docs docs/components`: change the fields, not this file. -->\n\n";

std::string sentence(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 32);
  return text + (text.ends_with('.') ? "" : ".");
}

// Where the default topology has it: "- worker `import`: reads `mail.scored`".
std::string uses_of(const std::string& name, bool is_sink) {
  std::string uses;
  for (const auto& worker : default_topology().workers) {
    for (const auto& feed : worker.also) {
      if (!is_sink && std::ranges::find(feed.steps, name) != feed.steps.end())
        uses += "- worker `" + worker.name + "`: also reads `" + feed.from + "`, runs " +
                join(feed.steps, " + ") + ", writes `" + worker.to + "`\n";
    }
    const bool used =
        is_sink ? worker.sink == name : std::ranges::find(worker.steps, name) != worker.steps.end();
    if (!used) continue;
    uses += "- worker `" + worker.name + "`: reads `" + worker.from + "`";
    if (!worker.to.empty()) uses += ", runs " + join(worker.steps, " + ") + ", writes `" + worker.to + "`";
    if (worker.pace > Duration{}) uses += ", rests " + format_duration(worker.pace) + " between batches";
    uses += "\n";
  }
  return uses;
}

struct Component {
  flow::Section section;
  std::string kind, uses;
};

std::vector<Component> all_components() {
  std::vector<Component> all;
  const auto registry = components(nullptr);
  all.reserve(registry.steps.size() + registry.sinks.size());
  for (const auto& step : registry.steps) all.push_back({step.section(), "step", uses_of(step.name, false)});
  for (const auto& sink : registry.sinks) all.push_back({sink.section(), "sink", uses_of(sink.name, true)});
  for (const auto& section : configuration_sections()) {
    const auto same = [&](const Component& one) { return one.section.name == section.name; };
    if (std::ranges::none_of(all, same)) all.push_back({section, "settings", ""});
  }
  std::ranges::sort(all, {}, [](const Component& one) { return one.section.name; });
  return all;
}

std::string page_of(const Component& component) {
  const auto& section = component.section;
  std::string page =
      generated + ("# " + section.name + " (" + component.kind + ")\n\n" + sentence(section.summary) + "\n");
  if (!component.uses.empty())
    page += "\nIn the topology that holds without one of your own:\n\n" + component.uses;
  if (section.fields.empty()) return page + "\nNothing about it can be set.\n";
  page += "\nIts keys in the configuration file, below `" + section.name + ":`\n";
  // The heading and the summary stand above.
  const std::string table = flow::settings_markdown({section});
  page += "\n" + table.substr(table.find("| key |"));
  return page;
}

}  // namespace

std::map<std::string, std::string> component_pages() {
  std::map<std::string, std::string> pages;
  std::string list =
      generated + std::string(
                      "# Components\n\nWhat can be configured, and what a topology can name. `bonafide "
                      "config lint` checks a file, `bonafide config show` prints what holds.\n\n"
                      "| | kind | |\n|---|---|---|\n");
  for (const auto& component : all_components()) {
    const std::string& name = component.section.name;
    pages[name + ".md"] = page_of(component);
    list.append("| [").append(name).append("](").append(name).append(".md) | ");
    list.append(component.kind).append(" | ").append(component.section.summary).append(" |\n");
  }
  pages["README.md"] = list;
  return pages;
}

}  // namespace bonafide::app
