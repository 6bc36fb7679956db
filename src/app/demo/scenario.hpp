#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "app/demo/planner.hpp"
#include "env/files.hpp"
#include "flow/settings.hpp"

// A company and its troubles, told in a file (docs/demo.md).
namespace bonafide::app::demo {

/// What can stand in a scenario file, in the words of the configuration.
std::vector<flow::Section> scenario_sections();

/// Reads a file's text; `source` is its name for errors. What it does not say is as ever; `start` is left
/// alone. Errors: invalid, listing each mistake with its line and what to do.
Result<Settings> read_scenario(std::string_view yaml, const std::string& source, env::Files& files);

/// Kinds of attacks with weights, each as in the list `mix`. Errors: invalid.
Result<std::vector<Share>> parse_attacks(const std::vector<std::string>& items);

/// Settings as a scenario file that says all of them: read again, it gives the same.
std::string scenario_text(const Settings& settings);

}  // namespace bonafide::app::demo
