#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "flow/processor.hpp"
#include "flow/settings.hpp"

namespace bonafide::flow {

/// Something the topology can name: what it is, what can be set, and how it is made.
template <class T>
struct Component {
  std::string name;
  std::string summary;        ///< one sentence
  std::vector<Field> fields;  ///< its section of the configuration
  std::function<Result<std::unique_ptr<T>>(const Settings&)> make;

  [[nodiscard]] Section section() const { return {name, summary, fields}; }
};

/// A step; `fold` where it keeps history: how its observations follow from its output.
struct StepComponent : Component<Processor> {
  std::function<Result<std::unique_ptr<Fold>>(const Settings&)> fold = {};
};
using SinkComponent = Component<Sink>;

/// The components of one program: an explicit list, written down in one place and handed in.
struct Registry {
  std::vector<StepComponent> steps;
  std::vector<SinkComponent> sinks;

  [[nodiscard]] const StepComponent* step(const std::string& name) const;
  [[nodiscard]] const SinkComponent* sink(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> step_names() const;
  [[nodiscard]] std::vector<std::string> sink_names() const;
  /// The sections of all that have something to set.
  [[nodiscard]] std::vector<Section> sections() const;
};

}  // namespace bonafide::flow
