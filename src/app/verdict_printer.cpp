#include "app/verdict_printer.hpp"

#include <cstdio>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

#include "app/event_json.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace bonafide::app {
namespace {

int terminal_width() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 40 ? size.ws_col : 120;
}

std::string padded(std::string_view text, size_t width) {
  std::string cut(cut_utf8(text, width));
  cut.resize(std::max(cut.size(), width), ' ');
  return cut;
}

const char* colour_of(mail::Verdict verdict) {
  switch (verdict) {
    case mail::Verdict::trusted:
      return "\x1B[32m";
    case mail::Verdict::suspicious:
      return "\x1B[33m";
    case mail::Verdict::untrusted:
      return "\x1B[31m";
  }
  return "";
}

}  // namespace

VerdictPrinter::VerdictPrinter(bool json)
    : json_(json),
      colours_(isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr),
      width_(terminal_width()) {}

void VerdictPrinter::print(const mail::Scored& scored, Time now) {
  const ExportRow row = ExportRow::of(scored);
  const std::string reason = row.reasons.empty() ? "" : row.reasons.front().text;
  const double latency_ms = static_cast<double>((now - row.accepted_at).us) / 1000;
  const std::lock_guard lock(mutex_);
  if (json_) {
    JsonWriter json;
    json.begin_object().member("id", row.id).member("received_at", row.received_at).member("from", row.from);
    json.member("verdict", avro::symbol_of(row.verdict)).member("trust", row.trust).member("reason", reason);
    json.member("latency_ms", latency_ms).end_object().end_line();
    std::fputs(json.text().c_str(), stdout);
    return;
  }
  const std::string to = row.recipients.empty() ? "-" : row.recipients.front();
  std::string line = format_rfc3339(Time::from_seconds(row.received_at.seconds())) + "  " +
                     padded(row.from, 32) + " " + padded(to, 24) + " ";
  char numbers[64];
  std::snprintf(numbers, sizeof numbers, "%5.1f %6.1f ms  ", row.trust, latency_ms);
  const std::string verdict = padded(avro::symbol_of(row.verdict), 11);
  const size_t used = line.size() + verdict.size() + std::string_view(numbers).size();
  const auto left = static_cast<size_t>(width_) > used ? static_cast<size_t>(width_) - used : 20;
  line += colours_ ? colour_of(row.verdict) + verdict + "\x1B[0m" : verdict;
  line += numbers;
  line += cut_utf8(reason, left);
  line += '\n';
  std::fputs(line.c_str(), stdout);
}

}  // namespace bonafide::app
