#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "env/files.hpp"
#include "flow/settings.hpp"
#include "flow/topology.hpp"

namespace bonafide::flow {

/// The configuration of a service: one YAML file with `version: 1`, a section for each component, and the
/// topology. Values may hold `${NAME}` and `${NAME:-default}` (environment; `$$` is a dollar sign), secrets
/// are `{file: PATH}`. Without a file every default holds.
class Config {
 public:
  static constexpr size_t max_bytes = size_t{1} << 20;

  /// What a file may refer to. `environment` gives nothing for a name that is not set.
  struct Outside {
    env::Files& files;
    std::function<std::optional<std::string>(const std::string&)> environment;
  };

  /// All defaults.
  static Config presets(const std::vector<Section>& sections);
  /// Reads a file's text; `source` is its name for errors. Every mistake becomes a problem, and the default
  /// holds in its place: for lint. An unknown key is a mistake.
  static Config read(std::string_view yaml, const std::string& source, const std::vector<Section>& sections,
                     const Outside& outside, std::vector<Problem>& problems);
  /// As read(), from a file, for a service: any problem is an error (invalid) that lists them.
  static Result<Config> load(const std::string& path, const std::vector<Section>& sections,
                             const Outside& outside);

  /// The settings of a declared section.
  [[nodiscard]] const Settings& section(const std::string& name) const;
  /// Nothing if the file has none.
  [[nodiscard]] const std::optional<Topology>& topology() const { return topology_; }
  /// The whole configuration as it holds, as YAML, with where each value comes from; secrets are not shown.
  [[nodiscard]] std::string show(const std::vector<Section>& sections) const;

 private:
  std::map<std::string, Settings> sections_;
  std::optional<Topology> topology_;
};

/// The file's form as a JSON Schema (draft 2020-12), for editors.
std::string config_schema(const std::vector<Section>& sections);

}  // namespace bonafide::flow
