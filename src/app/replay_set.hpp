#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "env/files.hpp"
#include "mail/facts.hpp"

namespace bonafide::app {

/// One line of a replay set's manifest: a message and the SMTP session it came in.
struct ReplayLine {
  std::string file;  ///< path inside the set
  Time received_at;
  mail::Envelope envelope;
};

/// Reads FOLDER/manifest.jsonl: one JSON object a line with file, received_at (RFC 3339), client_ip, helo,
/// mail_from, rcpt_to; other members (labels) are not looked at. Errors: not_found; invalid, with file and
/// line.
Result<std::vector<ReplayLine>> read_manifest(env::Files& files, const std::string& folder);

}  // namespace bonafide::app
