// GET /v1/streams/{stream}/tail and GET /v1/events: streams as they are written.
#include "api/views.hpp"

#include "api/api.hpp"
#include "api/parameters.hpp"
#include "api/problem.hpp"
#include "base/text.hpp"

namespace bonafide::api {
namespace {

constexpr std::string_view scored_stream = "mail.scored";
constexpr size_t max_name_bytes = 253;
constexpr size_t max_cursor_bytes = 4000;
constexpr size_t max_last = 1000;

void read_filter(Parameters& parameters, TailQuery& query) {
  query.tenant = parameters.text("tenant", max_name_bytes).value_or("");
  query.sender = parameters.text("sender").value_or("");
  if (const auto verdicts = parameters.text("verdict", 100); verdicts && !verdicts->empty()) {
    for (const auto verdict : split(*verdicts, ',')) query.verdicts.emplace_back(trim(verdict));
  }
  if (const auto text = parameters.text("id", 40)) {
    const auto id = EventId::parse(*text);
    if (!id.ok()) parameters.refuse("id", id.error().message);
    if (id.ok()) query.id = *id;
  }
  query.reveal = parameters.flag("reveal");
  query.after = parameters.text("after", max_cursor_bytes).value_or("");
  query.limit = parameters.count("limit", SIZE_MAX / 2);
}

}  // namespace

void Api::get_tail(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  TailQuery query;
  query.stream = call.arguments[0];
  read_filter(parameters, query);
  query.last = parameters.count("last", max_last);
  query.follow = parameters.flag("follow");
  query.full = parameters.flag("full");
  const auto from = parameters.text("from", 40);
  query.beginning = from == "beginning";
  if (from && !query.beginning && from != "now") query.from = parameters.time("from");
  if ((from ? 1 : 0) + (query.last ? 1 : 0) + (query.after.empty() ? 0 : 1) > 1)
    parameters.refuse("from", "of from, last and after only one says where to begin");
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  service_.tail(query, stream_to(call, "application/x-ndjson", query.follow));
}

void Api::get_events(Call& call) {
  Parameters parameters(call.request.query, call.route.operation.query);
  TailQuery query;
  query.stream = scored_stream;
  query.framing = TailQuery::Framing::events;
  query.follow = true;
  read_filter(parameters, query);
  // What a browser sends when it connects again.
  if (const std::string* last = call.request.header("last-event-id"); last != nullptr && !last->empty())
    query.after = last->substr(0, max_cursor_bytes);
  if (const Status fine = parameters.status(); !fine.ok()) return call.reply.send(problem(fine.error()));
  service_.tail(query, stream_to(call, "text/event-stream", true));
}

}  // namespace bonafide::api
