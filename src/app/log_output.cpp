#include "app/log_output.hpp"

#include <chrono>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/json.hpp"
#include "base/time.hpp"

namespace bonafide::app {
namespace {

const char* word(env::Level level) {
  switch (level) {
    case env::Level::debug:
      return "debug";
    case env::Level::info:
      return "info";
    case env::Level::warn:
      return "warn";
    case env::Level::error:
      return "error";
  }
  return "error";
}

Time wall_clock() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return Time::from_millis(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
}

bool needs_quotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \"=\n\t") != std::string_view::npos;
}

class LogOutput final : public env::Logger {
 public:
  LogOutput(env::Level least, bool json)
      : least_(least), json_(json), out_("bonafide", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    out_.set_pattern("%v");
    out_.flush_on(spdlog::level::info);
  }

  void write(env::Level level, std::string_view event, std::initializer_list<env::Field> fields) override {
    if (level < least_) return;
    out_.info("{}", json_ ? as_json(level, event, fields) : as_text(level, event, fields));
  }

 private:
  static std::string as_json(env::Level level, std::string_view event,
                             std::initializer_list<env::Field> fields) {
    JsonWriter json;
    json.begin_object().member("time", wall_clock()).member("level", word(level)).member("event", event);
    for (const auto& field : fields) {
      json.key(field.key);
      if (field.number) {
        json.raw(field.value);
      } else {
        json.value(field.value);
      }
    }
    return json.end_object().take();
  }

  static std::string as_text(env::Level level, std::string_view event,
                             std::initializer_list<env::Field> fields) {
    std::string line = format_rfc3339(wall_clock()) + " " + word(level) + " " + std::string(event);
    for (const auto& field : fields) {
      line += ' ';
      line += field.key;
      line += '=';
      if (field.number || !needs_quotes(field.value)) {
        line += field.value;
      } else {
        append_json_string(line, field.value);
      }
    }
    return line;
  }

  env::Level least_;
  bool json_;
  spdlog::logger out_;
};

}  // namespace

std::unique_ptr<env::Logger> make_log_output(env::Level least, bool json) {
  return std::make_unique<LogOutput>(least, json);
}

}  // namespace bonafide::app
