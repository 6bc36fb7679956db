#include "flow/ledger.hpp"

#include <map>

#include "app/verify.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "steps/collect/door_list.hpp"
#include "steps/import/clean_row.hpp"

// GET /v1/ledger: counts by hop and minute, counted when asked.
namespace bonafide::app {
namespace {

std::string content_bytes(int64_t content) {
  std::string bytes(8, '\0');
  store_be64(bytes.data(), static_cast<uint64_t>(content));
  return bytes;
}

stores::Rows::Query rows_of(const api::LedgerQuery& query) {
  stores::Rows::Query rows;
  rows.limit = 1000;
  if (query.from) rows.from = EventId::lowest(*query.from);
  if (query.to) rows.before = EventId::lowest(*query.to);
  return rows;
}

// What the door accepted, by tenant and minute of acceptance.
Status count_door(Pipeline& pipeline, const api::LedgerQuery& query, flow::Ledger& door) {
  return pipeline.door_list().rows().scan(
      rows_of(query),
      [&](const stores::StoredRow& row) {
        const auto* content = std::get_if<int64_t>(&row.values[steps::DoorListSink::content]);
        const flow::LedgerKey key{std::string(row.text(steps::DoorListSink::tenant)),
                                  row.id.accepted_at().minute()};
        door[key] += flow::Tally::of(row.id.view(), content_bytes(content == nullptr ? 0 : *content));
        return true;
      },
      [](const stores::Damage&) {});  // named by verify; here it is missing from the count
}

Status count_rows(Pipeline& pipeline, const api::LedgerQuery& query, flow::Ledger& stored) {
  return pipeline.rows().rows().scan(
      rows_of(query),
      [&](const stores::StoredRow& row) {
        const auto key = from_hex(steps::column(row, steps::EventColumn::message_key));
        const std::string content = key.ok() ? key->substr(0, 8) : "";
        stored[{std::string(steps::column(row, steps::EventColumn::tenant)),
                row.id.accepted_at().minute()}] += flow::Tally::of(row.id.view(), content);
        return true;
      },
      [](const stores::Damage&) {});
}

void write_line(JsonWriter& json, const char* hop, const flow::LedgerKey& key, const flow::Tally& tally) {
  std::string hash(8, '\0');
  store_be64(hash.data(), tally.hash);
  json.begin_object()
      .member("hop", hop)
      .member("tenant", key.tenant)
      .member("minute", Time::from_seconds(key.minute * 60))
      .member("count", tally.count)
      .member("hash", to_hex(hash))
      .end_object();
}

}  // namespace

Result<std::string> ledger_json(Pipeline& pipeline, const api::LedgerQuery& query) {
  flow::Ledger door, stored;
  BONAFIDE_TRY(count_door(pipeline, query, door));
  BONAFIDE_TRY(count_rows(pipeline, query, stored));
  uint64_t skip = 0;
  if (!query.cursor.empty()) {
    const auto number = parse_int(query.cursor);
    if (!number.ok() || *number < 0)
      return {Cause::invalid, "cursor: give the next_cursor of the page before"};
    skip = static_cast<uint64_t>(*number);
  }
  JsonWriter json;
  json.begin_object().key("rows").begin_array();
  uint64_t seen = 0, written = 0;
  for (const auto& [hop, ledger] : {std::pair("door", &door), std::pair("import", &stored)}) {
    for (const auto& [key, tally] : *ledger) {
      if ((!query.tenant.empty() && key.tenant != query.tenant) || (!query.hop.empty() && query.hop != hop))
        continue;
      if (seen++ < skip || written == query.limit) continue;
      write_line(json, hop, key, tally);
      ++written;
    }
  }
  json.end_array();
  if (skip + written < seen) json.member("next_cursor", std::to_string(skip + written));
  // A minute whose count at the door and in the rows differs has messages under way, or lost: verify tells
  // which.
  uint64_t under_way = 0;
  for (const auto& [key, tally] : door) under_way += tally.count - std::min(tally.count, stored[key].count);
  return json.member("under_way", under_way).end_object().take();
}

}  // namespace bonafide::app
