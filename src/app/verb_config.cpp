#include "app/component_pages.hpp"
#include "app/configuration.hpp"
#include "app/output.hpp"
#include "app/verbs.hpp"
#include "base/json.hpp"
#include "env/real/files.hpp"

// bonafide config lint|show|schema|docs.
namespace bonafide::app {

int config_lint(const Common& common, const std::string& file) {
  env::RealFiles files;
  Common chosen = common;
  if (!file.empty()) chosen.config = file;
  const std::string path = configuration_file(files, chosen);
  if (path.empty()) {
    std::cout << "there is no configuration file; the defaults hold\n";
    return exit_ok;
  }
  const auto text = files.read_file(path);
  if (!text.ok()) return complain(text.error().in(path));
  std::vector<flow::Problem> problems;
  const auto config =
      flow::Config::read(*text, path, configuration_sections(), configuration_outside(files), problems);
  const auto registry = components(nullptr);
  if (config.topology()) {
    for (auto& problem : flow::check(*config.topology(), registry, input_topics()))
      problems.push_back(std::move(problem));
  }
  for (const auto& problem : problems) {
    if (common.json) {
      JsonWriter json;
      json.begin_object().member("where", problem.where).member("what", problem.what).end_object().end_line();
      std::cout << json.text();
    } else {
      std::cout << problem.text() << "\n";
    }
  }
  if (!problems.empty()) return exit_failed;
  if (!common.json) std::cout << path << ": no mistakes\n";
  return exit_ok;
}

int config_show(const Common& common) {
  env::RealFiles files;
  const std::string path = configuration_file(files, common);
  const auto sections = configuration_sections();
  if (path.empty()) {
    std::cout << flow::Config::presets(sections).show(sections);
  } else {
    const auto config = flow::Config::load(path, sections, configuration_outside(files));
    if (!config.ok()) {
      (void)complain(config.error());
      return exit_config;
    }
    std::cout << config->show(sections);
  }
  return exit_ok;
}

int config_schema(const Common& common) {
  const auto sections = configuration_sections();
  std::cout << (common.json ? flow::config_schema(sections) + "\n" : flow::settings_markdown(sections));
  return exit_ok;
}

int config_docs(const Common& /*common*/, const std::string& folder) {
  env::RealFiles files;
  if (const Status made = files.make_folders(folder); !made.ok()) return complain(made.error());
  const auto pages = component_pages();
  for (const auto& [name, text] : pages) {
    if (const Status written = files.write_file(std::string(folder).append("/").append(name), text);
        !written.ok())
      return complain(written.error());
  }
  std::cout << pages.size() << " pages written to " << folder << "\n";
  return exit_ok;
}

}  // namespace bonafide::app
