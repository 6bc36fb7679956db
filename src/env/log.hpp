#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace bonafide::env {

enum class Level { debug, info, warn, error };

/// One key of a structured log line. Numbers are written without quotes.
struct Field {
  std::string_view key;
  std::string value;
  bool number = false;

  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, int64_t v) : key(k), value(std::to_string(v)), number(true) {}
  Field(std::string_view k, uint64_t v) : key(k), value(std::to_string(v)), number(true) {}
  Field(std::string_view k, int v) : key(k), value(std::to_string(v)), number(true) {}
};

/// Structured log: an event name ("journal.torn_tail") and fields. Safe from any thread. Never carries mail
/// content; addresses are redacted by the caller.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual void write(Level level, std::string_view event, std::initializer_list<Field> fields) = 0;
  void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::debug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::info, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::warn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::error, event, fields);
  }
};

class NoLogger final : public Logger {
 public:
  void write(Level, std::string_view, std::initializer_list<Field>) override {}
};

}  // namespace bonafide::env
