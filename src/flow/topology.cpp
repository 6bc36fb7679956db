#include "flow/topology.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "flow/processor_worker.hpp"
#include "flow/sink_worker.hpp"

namespace bonafide::flow {
namespace {

template <class T>
const T* find(const std::vector<T>& components, const std::string& name) {
  const auto found = std::ranges::find(components, name, [](const T& c) { return c.name; });
  return found == components.end() ? nullptr : &*found;
}

template <class T>
std::vector<std::string> names(const std::vector<T>& components) {
  std::vector<std::string> out;
  out.reserve(components.size());
  for (const auto& component : components) out.push_back(component.name);
  return out;
}

/// What Kafka takes as a topic's name, which the others take too.
bool is_topic_name(const std::string& name) {
  const auto allowed = [](char c) { return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= 249 && std::ranges::all_of(name, allowed);
}

class Checker {
 public:
  Checker(const Topology& topology, const Registry& registry, const std::vector<std::string>& inputs)
      : topology_(topology), registry_(registry) {
    written_.insert(inputs.begin(), inputs.end());
    for (const auto& worker : topology.workers) {
      if (!worker.to.empty()) written_.insert(worker.to);
    }
  }

  std::vector<Problem> run() {
    if (topology_.workers.empty()) say({}, "the topology has no workers");
    std::set<std::string> seen;
    std::map<std::string, std::string> history_of;
    for (const auto& worker : topology_.workers) {
      check_names(worker);
      if (!worker.name.empty() && !seen.insert(worker.name).second) {
        say(worker,
            "there is another worker of this name; names must differ, because groups and metrics carry them");
      }
      if (!keeps_history(worker)) continue;
      const auto [other, fresh] = history_of.try_emplace(worker.to, worker.name);
      if (!fresh)
        say(worker, "writes history into " + worker.to + " as \"" + other->second +
                        "\" does; give one of them another topic");
    }
    check_loops();
    return std::move(problems_);
  }

 private:
  void say(const WorkerEntry& worker, const std::string& what) {
    problems_.push_back(
        {worker.where, worker.name.empty() ? what : "worker \"" + worker.name + "\": " + what});
  }

  void check_names(const WorkerEntry& worker) {
    if (worker.name.empty()) say(worker, "a worker needs a name");
    check_topic(worker, "from", worker.from);
    if (!worker.from.empty() && !written_.contains(worker.from)) {
      say(worker, "nothing writes to " + worker.from + "." +
                      did_you_mean(worker.from, {written_.begin(), written_.end()}));
    }
    check_topic(worker, "parked", worker.parked.empty() ? topology_.parked : worker.parked);
    for (const auto& feed : worker.also) check_feed(worker, feed);
    if (worker.sink.empty()) {
      check_topic(worker, "to", worker.to);
      if (worker.steps.empty()) say(worker, "needs `steps` and `to`, or a `sink`");
    } else if (!worker.steps.empty() || !worker.to.empty() || !worker.also.empty()) {
      say(worker, "has both a sink and steps or `to`; a sink is a worker of its own");
    }
    check_steps(worker, worker.steps);
    if (!worker.sink.empty() && registry_.sink(worker.sink) == nullptr) {
      say(worker,
          "there is no sink \"" + worker.sink + "\"." + did_you_mean(worker.sink, registry_.sink_names()));
    }
  }

  void check_steps(const WorkerEntry& worker, const std::vector<std::string>& steps) {
    for (const auto& step : steps) {
      if (registry_.step(step) == nullptr) {
        say(worker, "there is no step \"" + step + "\"." + did_you_mean(step, registry_.step_names()));
      }
    }
  }

  void check_feed(const WorkerEntry& worker, const Feed& feed) {
    check_topic(worker, "from", feed.from);
    if (!feed.from.empty() && !written_.contains(feed.from)) {
      say(worker, "nothing writes to " + feed.from + "." +
                      did_you_mean(feed.from, {written_.begin(), written_.end()}));
    }
    if (feed.steps.empty()) say(worker, "`also` needs `steps` beside `from`");
    check_steps(worker, feed.steps);
    const auto same = [&](const Feed& other) { return other.from == feed.from; };
    if (feed.from == worker.from || std::ranges::count_if(worker.also, same) > 1)
      say(worker, "reads " + feed.from + " twice; each topic goes through one chain of steps");
  }

  void check_topic(const WorkerEntry& worker, const std::string& role, const std::string& topic) {
    if (topic.empty()) {
      say(worker, "`" + role + "` is missing: the topic it " + (role == "from" ? "reads" : "writes to"));
    } else if (!is_topic_name(topic)) {
      say(worker, "\"" + std::string(cut_utf8(topic, 64)) +
                      "\" is not a topic's name: letters, digits, . _ - and at most 249 of them");
    }
  }

  [[nodiscard]] bool keeps_history(const WorkerEntry& worker) const {
    const auto keeps = [&](const std::string& step) {
      const auto* component = registry_.step(step);
      return component != nullptr && component->fold != nullptr;
    };
    return std::ranges::any_of(worker.steps, keeps) ||
           std::ranges::any_of(worker.also,
                               [&](const Feed& feed) { return std::ranges::any_of(feed.steps, keeps); });
  }

  [[nodiscard]] static std::vector<std::string> inputs_of(const WorkerEntry& worker) {
    std::vector<std::string> topics = {worker.from};
    for (const auto& feed : worker.also) topics.push_back(feed.from);
    return topics;
  }

  /// A stream that feeds itself would never end.
  void check_loops() {
    for (const auto& start : topology_.workers) {
      if (start.to.empty()) continue;
      for (const auto& from : inputs_of(start)) {
        std::vector<std::string> path = {from};
        if (!leads_back(start.to, from, path)) continue;
        say(start, "its output comes back to it: " + join(path, " -> "));
        return;
      }
    }
  }

  bool leads_back(const std::string& topic, const std::string& goal, std::vector<std::string>& path) const {
    path.push_back(topic);
    if (topic == goal) return true;
    if (path.size() <= topology_.workers.size() + 1) {
      for (const auto& worker : topology_.workers) {
        const auto inputs = inputs_of(worker);
        const bool reads = std::ranges::find(inputs, topic) != inputs.end();
        if (reads && !worker.to.empty() && leads_back(worker.to, goal, path)) return true;
      }
    }
    path.pop_back();
    return false;
  }

  const Topology& topology_;
  const Registry& registry_;
  std::set<std::string> written_;
  std::vector<Problem> problems_;
};

Result<Chain> make_chain(const Feed& feed, const Registry& registry, const SettingsFor& settings,
                         State* state, ProcessorPlan& plan) {
  Chain chain{feed.from, {}};
  for (const auto& name : feed.steps) {
    const auto* component = registry.step(name);
    auto processor = component->make(settings(name));
    if (!processor.ok()) return processor.error().in(name);
    chain.steps.push_back({name, std::move(*processor)});
    if (!component->fold) continue;
    if (plan.fold) return {Cause::invalid, plan.name + ": two of its steps keep history; give each a worker"};
    if (state == nullptr) return {Cause::invalid, name + " keeps history, but there is no store for it"};
    BONAFIDE_ASSIGN(plan.fold, component->fold(settings(name)));
    plan.state = state;
  }
  return chain;
}

Result<std::unique_ptr<Worker>> make_processor(const WorkerEntry& entry, const Topology& topology,
                                               const Registry& registry, const WorkerParts& parts,
                                               const SettingsFor& settings, State* state,
                                               const WorkerOptions& options) {
  ProcessorPlan plan;
  plan.name = entry.name;
  plan.group = topology.group_prefix + entry.name;
  plan.to = entry.to;
  plan.parked = entry.parked.empty() ? topology.parked : entry.parked;
  std::vector<Feed> feeds = {{entry.from, entry.steps}};
  feeds.insert(feeds.end(), entry.also.begin(), entry.also.end());
  for (const auto& feed : feeds) {
    BONAFIDE_ASSIGN(auto chain, make_chain(feed, registry, settings, state, plan));
    plan.chains.push_back(std::move(chain));
  }
  return std::unique_ptr<Worker>(std::make_unique<ProcessorWorker>(std::move(plan), parts, options));
}

Result<std::unique_ptr<Worker>> make_sink(const WorkerEntry& entry, const Topology& topology,
                                          const Registry& registry, const WorkerParts& parts,
                                          const SettingsFor& settings, const WorkerOptions& options) {
  auto sink = registry.sink(entry.sink)->make(settings(entry.sink));
  if (!sink.ok()) return sink.error().in(entry.sink);
  SinkPlan plan{entry.name, topology.group_prefix + entry.name, entry.from,
                entry.parked.empty() ? topology.parked : entry.parked, std::move(*sink)};
  WorkerOptions paced = options;
  paced.pace = entry.pace;
  return std::unique_ptr<Worker>(std::make_unique<SinkWorker>(std::move(plan), parts, paced));
}

}  // namespace

const StepComponent* Registry::step(const std::string& name) const { return find(steps, name); }
const SinkComponent* Registry::sink(const std::string& name) const { return find(sinks, name); }
std::vector<std::string> Registry::step_names() const { return names(steps); }
std::vector<std::string> Registry::sink_names() const { return names(sinks); }

std::vector<Section> Registry::sections() const {
  std::vector<Section> out;
  for (const auto& step : steps) {
    if (!step.fields.empty()) out.push_back(step.section());
  }
  for (const auto& sink : sinks) {
    if (!sink.fields.empty()) out.push_back(sink.section());
  }
  return out;
}

std::vector<Problem> check(const Topology& topology, const Registry& registry,
                           const std::vector<std::string>& inputs) {
  return Checker(topology, registry, inputs).run();
}

Result<std::vector<std::unique_ptr<Worker>>> build(const Topology& topology, const Registry& registry,
                                                   const std::vector<std::string>& inputs,
                                                   const PartsFor& parts, const SettingsFor& settings,
                                                   State* state, const WorkerOptions& options) {
  if (const auto problems = check(topology, registry, inputs); !problems.empty()) {
    return {Cause::invalid, problems.front().text()};
  }
  std::vector<std::unique_ptr<Worker>> workers;
  for (const auto& entry : topology.workers) {
    auto worker = entry.sink.empty()
                      ? make_processor(entry, topology, registry, parts(entry.name), settings, state, options)
                      : make_sink(entry, topology, registry, parts(entry.name), settings, options);
    if (!worker.ok()) return entry.where.empty() ? worker.error() : worker.error().in(entry.where);
    workers.push_back(std::move(*worker));
  }
  return workers;
}

std::string describe(const Topology& topology) {
  std::string out;
  for (const auto& worker : topology.workers) {
    out += worker.name + ": " + worker.from + " -> ";
    out += worker.sink.empty() ? join(worker.steps, " + ") + " -> " + worker.to : worker.sink;
    out += "\n";
    for (const auto& feed : worker.also)
      out += worker.name + ": " + feed.from + " -> " + join(feed.steps, " + ") + " -> " + worker.to + "\n";
  }
  return out;
}

}  // namespace bonafide::flow
