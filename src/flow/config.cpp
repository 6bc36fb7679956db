#include "flow/config.hpp"

#include <algorithm>
#include <set>

#include <yaml-cpp/yaml.h>

#include "base/json.hpp"
#include "base/text.hpp"

namespace bonafide::flow {
namespace {

const std::vector<std::string> worker_keys = {"name", "from", "steps",  "to",
                                              "also", "sink", "parked", "pace"};
const std::vector<std::string> feed_keys = {"from", "steps"};
const std::vector<std::string> topology_keys = {"group_prefix", "parked", "workers"};
constexpr size_t max_secret_bytes = 65'536;

/// Walks a parsed file and notes what is wrong with it.
class FileReader {
 public:
  FileReader(std::string source, const Config::Outside& outside, std::vector<Problem>& problems)
      : source_(std::move(source)), outside_(outside), problems_(problems) {}

  [[nodiscard]] std::string where(const YAML::Mark& mark) const {
    return source_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
  }
  void say(const YAML::Node& node, const std::string& what) {
    problems_.push_back({where(node.Mark()), what});
  }

  /// Calls `take(key, value)` for each member of a map. An unknown or doubled key is a problem.
  template <class Take>
  void members(const YAML::Node& map, const std::vector<std::string>& known, Take&& take) {
    if (map.IsNull()) return;
    if (!map.IsMap()) return say(map, "expected keys and values (key: value)");
    std::set<std::string> seen;
    for (const auto& member : map) {
      const std::string key = member.first.IsScalar() ? member.first.Scalar() : "";
      if (std::ranges::find(known, key) == known.end()) {
        say(member.first, "unknown key \"" + std::string(cut_utf8(key, 64)) + "\"." + suggestion(key, known));
      } else if (!seen.insert(key).second) {
        say(member.first, "\"" + key + "\" is given twice");
      } else {
        take(key, member.second);
      }
    }
  }

  void section(const YAML::Node& node, const Section& section, Settings& settings) {
    std::vector<std::string> known;
    known.reserve(section.fields.size());
    for (const auto& field : section.fields) known.push_back(field.name);
    members(node, known, [&](const std::string& key, const YAML::Node& value) {
      const auto& field = *std::ranges::find(section.fields, key, &Field::name);
      auto read = this->value(value, field);
      if (!read) return;
      if (const Status set = settings.set(field, std::move(*read)); !set.ok())
        say(value, set.error().message);
    });
  }

  std::optional<Topology> topology(const YAML::Node& node) {
    Topology out;
    members(node, topology_keys, [&](const std::string& key, const YAML::Node& value) {
      if (key == "workers") {
        if (!value.IsSequence()) return say(value, "workers: expected a list");
        for (const auto& worker : value) out.workers.push_back(this->worker(worker));
      } else if (auto read = text(value); read) {
        (key == "parked" ? out.parked : out.group_prefix) = *read;
      }
    });
    return out;
  }

 private:
  static std::string suggestion(const std::string& key, const std::vector<std::string>& known) {
    const std::string close = did_you_mean(key, known);
    return close.empty() ? " Known here: " + join(known, ", ") : close;
  }

  WorkerEntry worker(const YAML::Node& node) {
    WorkerEntry out;
    out.where = where(node.Mark());
    members(node, worker_keys, [&](const std::string& key, const YAML::Node& value) {
      if (key == "steps") {
        if (auto read = list(value); read) out.steps = *read;
        return;
      }
      if (key == "also") {
        if (!value.IsSequence()) return say(value, "also: expected a list of topics with steps");
        for (const auto& one : value) out.also.push_back(feed(one));
        return;
      }
      auto read = text(value);
      if (!read) return;
      if (key == "pace") {
        const auto pace = parse_duration(*read);
        if (!pace.ok() || *pace < Duration{}) return say(value, "pace: expected a duration, like 10ms");
        out.pace = *pace;
        return;
      }
      std::string& target = key == "name"   ? out.name
                            : key == "from" ? out.from
                            : key == "to"   ? out.to
                            : key == "sink" ? out.sink
                                            : out.parked;
      target = *read;
    });
    return out;
  }

  Feed feed(const YAML::Node& node) {
    Feed out;
    members(node, feed_keys, [&](const std::string& key, const YAML::Node& value) {
      if (key == "steps") {
        if (auto read = list(value); read) out.steps = *read;
      } else if (auto read = text(value); read) {
        out.from = *read;
      }
    });
    return out;
  }

  std::optional<Settings::Value> value(const YAML::Node& node, const Field& field) {
    Settings::Value out;
    out.where = where(node.Mark());
    if (field.type == FieldType::list) {
      auto read = list(node);
      if (!read) return std::nullopt;
      out.list = std::move(*read);
    } else if (field.type == FieldType::lists) {
      if (!node.IsMap())
        return say(node, field.name + ": expected names with lists (name: [a, b])"), std::nullopt;
      for (const auto& member : node) {
        auto read = list(member.second);
        if (!read || !member.first.IsScalar()) return std::nullopt;
        out.lists[member.first.Scalar()] = std::move(*read);
      }
    } else {
      auto read = field.secret ? secret(node, field) : text(node);
      if (!read) return std::nullopt;
      out.text = std::move(*read);
    }
    return out;
  }

  /// A secret does not stand in the file: `{file: PATH}`, or all of it comes from the environment.
  std::optional<std::string> secret(const YAML::Node& node, const Field& field) {
    if (node.IsScalar() && node.Scalar().starts_with("${") && node.Scalar().ends_with("}")) return text(node);
    if (!node.IsMap() || node.size() != 1 || !node["file"] || !node["file"].IsScalar()) {
      say(node, field.name + ": a secret does not belong into this file; write {file: PATH} or ${NAME}");
      return std::nullopt;
    }
    const auto path = text(node["file"]);
    if (!path) return std::nullopt;
    const auto file = outside_.files.open(*path, env::Open::read);
    const auto bytes = file.ok() ? (*file)->read_at(0, max_secret_bytes) : Result<std::string>(file.error());
    if (!bytes.ok()) {
      say(node, field.name + ": cannot read the secret: " + bytes.error().message);
      return std::nullopt;
    }
    return std::string(trim(*bytes));
  }

  std::optional<std::vector<std::string>> list(const YAML::Node& node) {
    std::vector<std::string> out;
    if (node.IsScalar()) {  // one item needs no brackets
      auto item = text(node);
      if (!item) return std::nullopt;
      return std::vector<std::string>{*item};
    }
    if (!node.IsSequence()) return say(node, "expected a list ([a, b])"), std::nullopt;
    for (const auto& item : node) {
      auto read = text(item);
      if (!read) return std::nullopt;
      out.push_back(std::move(*read));
    }
    return out;
  }

  std::optional<std::string> text(const YAML::Node& node) {
    if (!node.IsScalar()) return say(node, "expected a single value"), std::nullopt;
    return substituted(node, node.Scalar());
  }

  std::optional<std::string> substituted(const YAML::Node& node, const std::string& raw) {
    std::string out;
    for (size_t at = 0; at < raw.size(); ++at) {
      if (raw[at] != '$' || at + 1 == raw.size()) {
        out += raw[at];
      } else if (raw[at + 1] == '$') {
        out += raw[++at];
      } else if (raw[at + 1] != '{') {
        out += '$';
      } else {
        const size_t end = raw.find('}', at);
        if (end == std::string::npos)
          return say(node, "${ without }; write $$ for a dollar sign"), std::nullopt;
        const std::string inside = raw.substr(at + 2, end - at - 2);
        const size_t mark = inside.find(":-");
        const std::string name = inside.substr(0, mark);
        auto found = outside_.environment(name);
        if (!found && mark != std::string::npos) found = inside.substr(mark + 2);
        if (!found) {
          std::string missing = "the environment variable ";
          missing.append(name).append(" is not set; set it, or write ${").append(name).append(":-default}");
          say(node, missing);
          return std::nullopt;
        }
        out += *found;
        at = end;
      }
    }
    return out;
  }

  std::string source_;
  const Config::Outside& outside_;
  std::vector<Problem>& problems_;
};

std::string quoted(const std::string& text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string flow_list(const std::vector<std::string>& list) {
  std::string out = "[";
  for (const auto& item : list) out += (out.size() > 1 ? ", " : "") + quoted(item);
  return out + "]";
}

std::string shown(const std::vector<Feed>& feeds) {
  std::string out;
  for (const auto& feed : feeds) {
    out += (out.empty() ? "{from: " : ", {from: ") + quoted(feed.from) + ", steps: " + flow_list(feed.steps) +
           "}";
  }
  return "[" + out + "]";
}

std::string shown(const Settings& settings, const Field& field) {
  switch (field.type) {
    case FieldType::integer:
      return std::to_string(settings.integer(field.name));
    case FieldType::number:
      return to_decimal(settings.number(field.name));
    case FieldType::boolean:
      return settings.boolean(field.name) ? "true" : "false";
    case FieldType::duration:
      return format_duration(settings.duration(field.name));
    case FieldType::bytes:
      return std::to_string(settings.bytes(field.name));
    case FieldType::list:
      return flow_list(settings.list(field.name));
    case FieldType::lists: {
      std::string out;
      for (const auto& [name, list] : settings.lists(field.name)) {
        out += (out.empty() ? "" : ", ") + quoted(name) + ": " + flow_list(list);
      }
      return "{" + out + "}";
    }
    default:
      return quoted(settings.text(field.name));
  }
}

void schema_of(JsonWriter& json, const Field& field) {
  json.begin_object().member("description", field.doc);
  const auto strings = [&] { json.member("type", "string"); };
  switch (field.type) {
    case FieldType::integer:
    case FieldType::number:
      json.key("type")
          .begin_array()
          .value(field.type == FieldType::integer ? "integer" : "number")
          .value("string")
          .end_array();
      if (field.least) json.member("minimum", *field.least);
      if (field.most) json.member("maximum", *field.most);
      break;
    case FieldType::bytes:
      json.key("type").begin_array().value("integer").value("string").end_array();
      break;
    case FieldType::boolean:
      json.key("type").begin_array().value("boolean").value("string").end_array();
      break;
    case FieldType::list:
      json.member("type", "array").key("items").begin_object().member("type", "string").end_object();
      break;
    case FieldType::lists:
      json.member("type", "object").key("additionalProperties").begin_object();
      json.member("type", "array")
          .key("items")
          .begin_object()
          .member("type", "string")
          .end_object()
          .end_object();
      break;
    case FieldType::choice:
      json.key("enum").begin_array();
      for (const auto& choice : field.choices) json.value(choice);
      json.end_array();
      break;
    default:
      if (field.secret) {
        json.key("type").begin_array().value("string").value("object").end_array();
      } else {
        strings();
      }
  }
  if (!field.required && !field.preset.empty()) json.member("default", field.preset);
  json.end_object();
}

}  // namespace

Config Config::presets(const std::vector<Section>& sections) {
  Config out;
  for (const auto& section : sections) out.sections_[section.name] = Settings::presets(section);
  return out;
}

Config Config::read(std::string_view yaml, const std::string& source, const std::vector<Section>& sections,
                    const Outside& outside, std::vector<Problem>& problems) {
  Config out = presets(sections);
  FileReader reader(source, outside, problems);
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    std::vector<std::string> known = {"version", "topology"};
    for (const auto& section : sections) known.push_back(section.name);
    std::string version;
    reader.members(root, known, [&](const std::string& key, const YAML::Node& node) {
      if (key == "version") {
        version = node.IsScalar() ? node.Scalar() : "";
        if (version != "1") reader.say(node, "this release reads version 1");
      } else if (key == "topology") {
        out.topology_ = reader.topology(node);
      } else {
        reader.section(node, *std::ranges::find(sections, key, &Section::name), out.sections_[key]);
      }
    });
    if (version.empty()) problems.push_back({source + ":1:1", "the first line must say `version: 1`"});
  } catch (const YAML::Exception& e) {
    problems.push_back({reader.where(e.mark), "not YAML: " + e.msg});
  }
  for (const auto& section : sections) {
    for (const auto& field : section.fields) {
      if (field.required && out.sections_[section.name].where(field.name) == "default") {
        problems.push_back({source, section.name + "." + field.name + " is missing: " + field.doc});
      }
    }
  }
  return out;
}

Result<Config> Config::load(const std::string& path, const std::vector<Section>& sections,
                            const Outside& outside) {
  BONAFIDE_ASSIGN(const auto file, outside.files.open(path, env::Open::read));
  BONAFIDE_ASSIGN(const std::string yaml, file->read_at(0, max_bytes + 1));
  if (yaml.size() > max_bytes)
    return {Cause::invalid, path + ": larger than 1 MiB; that is not a configuration"};
  std::vector<Problem> problems;
  Config config = read(yaml, path, sections, outside, problems);
  if (problems.empty()) return config;
  std::string message;
  for (const auto& problem : problems) message += (message.empty() ? "" : "\n") + problem.text();
  return {Cause::invalid, message};
}

const Settings& Config::section(const std::string& name) const {
  static const Settings nothing;
  const auto found = sections_.find(name);
  return found == sections_.end() ? nothing : found->second;
}

std::string Config::show(const std::vector<Section>& sections) const {
  std::string out = "version: 1\n";
  for (const auto& section : sections) {
    out += section.name + ":\n";
    const Settings& settings = this->section(section.name);
    for (const auto& field : section.fields) {
      if (field.secret) {
        out += "  # " + field.name +
               (settings.text(field.name).empty() ? " is not set\n" : " is set, and not shown\n");
        continue;
      }
      out += "  " + field.name + ": " + shown(settings, field) + "  # " + settings.where(field.name) + "\n";
    }
  }
  if (!topology_) return out;
  out += "topology:\n  group_prefix: " + quoted(topology_->group_prefix) +
         "\n  parked: " + quoted(topology_->parked) + "\n  workers:\n";
  for (const auto& worker : topology_->workers) {
    out += "    - {name: " + quoted(worker.name) + ", from: " + quoted(worker.from);
    if (!worker.steps.empty()) out += ", steps: " + flow_list(worker.steps);
    if (!worker.to.empty()) out += ", to: " + quoted(worker.to);
    if (!worker.also.empty()) out += ", also: " + shown(worker.also);
    if (!worker.sink.empty()) out += ", sink: " + quoted(worker.sink);
    if (!worker.parked.empty()) out += ", parked: " + quoted(worker.parked);
    if (worker.pace > Duration{}) out += ", pace: " + format_duration(worker.pace);
    out += "}\n";
  }
  return out;
}

std::string config_schema(const std::vector<Section>& sections) {
  JsonWriter json;
  json.begin_object()
      .member("$schema", "https://json-schema.org/draft/2020-12/schema")
      .member("type", "object");
  json.key("required").begin_array().value("version").end_array().member("additionalProperties", false);
  json.key("properties").begin_object();
  json.key("version").begin_object().member("const", 1).end_object();
  for (const auto& section : sections) {
    json.key(section.name).begin_object().member("type", "object").member("description", section.summary);
    json.member("additionalProperties", false).key("properties").begin_object();
    for (const auto& field : section.fields) schema_of(json.key(field.name), field);
    json.end_object().end_object();
  }
  json.key("topology").begin_object().member("type", "object").member("additionalProperties", false);
  json.key("properties").begin_object();
  for (const auto* key : {"group_prefix", "parked"})
    json.key(key).begin_object().member("type", "string").end_object();
  json.key("workers")
      .begin_object()
      .member("type", "array")
      .key("items")
      .begin_object()
      .member("type", "object");
  json.key("required")
      .begin_array()
      .value("name")
      .value("from")
      .end_array()
      .member("additionalProperties", false);
  json.key("properties").begin_object();
  for (const auto& key : worker_keys) {
    json.key(key).begin_object();
    if (key == "steps") {
      json.member("type", "array").key("items").begin_object().member("type", "string").end_object();
    } else if (key == "also") {
      json.member("type", "array").key("items").begin_object().member("type", "object");
      json.member("additionalProperties", false).key("properties").begin_object();
      json.key("from").begin_object().member("type", "string").end_object();
      json.key("steps").begin_object().member("type", "array");
      json.key("items").begin_object().member("type", "string").end_object().end_object();
      json.end_object().end_object();
    } else {
      json.member("type", "string");
    }
    json.end_object();
  }
  json.end_object().end_object().end_object().end_object().end_object();
  json.end_object().end_object();
  return json.take();
}

}  // namespace bonafide::flow
