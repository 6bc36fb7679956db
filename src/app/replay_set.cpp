#include "app/replay_set.hpp"

#include <boost/json.hpp>

#include "base/text.hpp"

namespace bonafide::app {
namespace {

namespace json = boost::json;

Result<std::string> text_of(const json::object& object, const char* key, bool required) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) {
    if (required) return {Cause::invalid, "\"" + std::string(key) + "\" is missing"};
    return std::string();
  }
  if (!value->is_string()) return {Cause::invalid, "\"" + std::string(key) + "\" must be a string"};
  return std::string(value->as_string());
}

Result<ReplayLine> read_line(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return {Cause::invalid, "not JSON: " + error.message()};
  if (!value.is_object()) return {Cause::invalid, "not a JSON object"};
  const auto& object = value.as_object();
  ReplayLine line;
  BONAFIDE_ASSIGN(line.file, text_of(object, "file", true));
  if (line.file.find("..") != std::string::npos || line.file.front() == '/') {
    return {Cause::invalid, "\"file\" must be a path inside the set"};
  }
  BONAFIDE_ASSIGN(const std::string when, text_of(object, "received_at", true));
  BONAFIDE_ASSIGN(line.received_at, parse_rfc3339(when));
  BONAFIDE_ASSIGN(line.envelope.client_ip, text_of(object, "client_ip", false));
  BONAFIDE_ASSIGN(line.envelope.helo, text_of(object, "helo", false));
  BONAFIDE_ASSIGN(line.envelope.mail_from, text_of(object, "mail_from", false));
  if (const auto* recipients = object.if_contains("rcpt_to"); recipients != nullptr) {
    if (!recipients->is_array()) return {Cause::invalid, "\"rcpt_to\" must be a list"};
    for (const auto& recipient : recipients->as_array()) {
      if (!recipient.is_string()) return {Cause::invalid, "\"rcpt_to\" must be a list of strings"};
      line.envelope.rcpt_to.emplace_back(recipient.as_string());
    }
  }
  return line;
}

}  // namespace

Result<std::vector<ReplayLine>> read_manifest(env::Files& files, const std::string& folder) {
  const std::string path = folder + "/manifest.jsonl";
  const auto text = files.read_file(path);
  if (!text.ok())
    return {text.error().cause,
            path + ": " + text.error().message + "; a replay set is a folder with manifest.jsonl and mail/"};
  std::vector<ReplayLine> lines;
  size_t number = 0;
  for (const auto row : split(*text, '\n')) {
    ++number;
    if (trim(row).empty()) continue;
    auto line = read_line(row);
    if (!line.ok()) return line.error().in(path + ":" + std::to_string(number));
    lines.push_back(std::move(*line));
  }
  if (lines.empty()) return {Cause::invalid, path + " has no lines"};
  return lines;
}

}  // namespace bonafide::app
