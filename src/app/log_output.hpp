#pragma once
#include <memory>

#include "env/log.hpp"

namespace bonafide::app {

/// Structured log lines to standard error: `2026-01-02T03:04:05.678Z warn journal.torn_tail segment=3
/// bytes=120`, or one JSON object a line. Lines below `least` are not written.
std::unique_ptr<env::Logger> make_log_output(env::Level least, bool json);

}  // namespace bonafide::app
