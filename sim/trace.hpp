#pragma once
#include <cstdio>
#include <string>

#include "base/hash.hpp"
#include "env/clock.hpp"
#include "env/log.hpp"

namespace bonafide::sim {

/// What happened in a history, line by line: printed for people, and hashed, so that two runs of a seed can
/// be told to be the same.
class Trace final : public env::Logger {
 public:
  Trace(env::Clock& clock, bool print) : clock_(clock), print_(print) {}

  void line(std::string_view what, std::string_view detail = "") {
    std::string text = std::to_string(clock_.steady().us / 1000) + " ms  ";
    text.append(what);
    if (!detail.empty()) text.append(": ").append(detail);
    digest_ = hash64(text, digest_);
    if (print_) std::printf("%s\n", text.c_str());
  }
  /// What the pipeline logs.
  void write(env::Level level, std::string_view event, std::initializer_list<env::Field> fields) override {
    std::string detail;
    for (const auto& field : fields) {
      if (!detail.empty()) detail += ", ";
      detail.append(field.key).append("=").append(field.value);
    }
    const bool loud = level == env::Level::warn || level == env::Level::error;
    line(std::string(loud ? "! " : "  ") + std::string(event), detail);
  }
  [[nodiscard]] uint64_t digest() const { return digest_; }

 private:
  env::Clock& clock_;
  const bool print_;
  uint64_t digest_ = 0;
};

}  // namespace bonafide::sim
