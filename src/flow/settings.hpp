#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace bonafide::flow {

enum class FieldType { text, integer, number, boolean, duration, bytes, list, lists, choice };
/// As documentation and errors name it: "duration (90s, 250ms, 7d)".
const char* to_string(FieldType type);

/// One thing that can be configured. Documentation, schema, checks and error messages all come from here.
struct Field {
  std::string name;
  FieldType type = FieldType::text;
  std::string preset;  ///< the default as one would write it; lists: separated by commas; "" where `required`
  std::string doc;     ///< one sentence
  bool required = false;
  std::optional<double> least = std::nullopt,
                        most = std::nullopt;  ///< of numbers, bytes, and durations in seconds
  std::vector<std::string> choices = {};      ///< of FieldType::choice, and of a list's items where given
  bool secret = false;                        ///< given by file reference or environment, never shown
};

/// The settings a component owns: one section of the configuration file.
struct Section {
  std::string name;
  std::string summary;  ///< one sentence
  std::vector<Field> fields;
};

/// Something wrong with a configuration: where ("bonafide.yaml:12:3") and what, with what to do.
struct Problem {
  std::string where, what;
  [[nodiscard]] std::string text() const { return where.empty() ? what : where + ": " + what; }
};

/// The checked values of one section. Getters are for declared fields of that type; anything else is a slip
/// in the code and ends a debug build.
class Settings {
 public:
  struct Value {
    std::string text;
    std::vector<std::string> list;
    std::map<std::string, std::vector<std::string>> lists;
    std::string where;  ///< "" where the default holds
  };

  [[nodiscard]] std::string text(const std::string& name) const;
  [[nodiscard]] int64_t integer(const std::string& name) const;
  [[nodiscard]] double number(const std::string& name) const;
  [[nodiscard]] bool boolean(const std::string& name) const;
  [[nodiscard]] Duration duration(const std::string& name) const;
  [[nodiscard]] uint64_t bytes(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> list(const std::string& name) const;
  [[nodiscard]] std::map<std::string, std::vector<std::string>> lists(const std::string& name) const;
  /// The file, line and column a value comes from; "default" where it was not given.
  [[nodiscard]] std::string where(const std::string& name) const;

  /// All defaults of a section; required fields are empty.
  static Settings presets(const Section& section);
  /// Checks a value as written against its field and takes it. Errors: invalid, saying what is expected.
  Status set(const Field& field, Value value);

 private:
  struct Held {
    FieldType type;
    Value value;
  };
  [[nodiscard]] const Value& held(const std::string& name, FieldType type) const;
  std::map<std::string, Held> values_;
};

/// "64MiB", "1.5GB", "4096": bytes; k, M, G, T with B are powers of 1000, with iB of 1024. Errors: invalid.
Result<uint64_t> parse_bytes(std::string_view text);

/// The sections as a reference in Markdown: one table each.
std::string settings_markdown(const std::vector<Section>& sections);
/// ` Did you mean "x"?`, or "" when nothing is close.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace bonafide::flow
