#include "app/verdict_printer.hpp"

#include <cstdio>

#include <unistd.h>

#include "app/event_json.hpp"
#include "base/json.hpp"

namespace bonafide::app {

VerdictPrinter::VerdictPrinter(bool json) : json_(json), terminal_(demo::Terminal::of(STDOUT_FILENO)) {}

void VerdictPrinter::print(const mail::Scored& scored, Time now, std::optional<bool> attack) {
  const ExportRow row = ExportRow::of(scored);
  demo::VerdictView view;
  view.at = row.received_at;
  view.from = row.from;
  view.to = row.recipients.empty() ? "-" : row.recipients.front();
  view.more_recipients = row.recipients.empty() ? 0 : static_cast<int>(row.recipients.size()) - 1;
  view.verdict = scored.score.verdict;
  view.trust = row.trust;
  view.reason = row.reasons.empty() ? "" : row.reasons.front().text;
  view.latency = now - row.accepted_at;
  view.attack = attack;
  std::string line;
  if (json_) {
    JsonWriter json;
    json.begin_object().member("id", row.id).member("received_at", row.received_at).member("from", row.from);
    json.member("to", view.to).member("verdict", avro::symbol_of(row.verdict)).member("trust", row.trust);
    json.member("reason", view.reason).member("latency_ms", static_cast<double>(view.latency.us) / 1000);
    line = json.end_object().end_line().take();
  } else {
    line = demo::verdict_line(view, terminal_) + "\n";
  }
  const std::lock_guard lock(mutex_);
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace bonafide::app
