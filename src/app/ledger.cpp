#include "flow/ledger.hpp"

#include "app/book_reading.hpp"
#include "app/verify.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "steps/archive/file_reader.hpp"

// GET /v1/ledger: what every hop did with what it was given, by minute; counted when asked.
namespace bonafide::app {
namespace {

stores::Rows::Query rows_of(const api::LedgerQuery& query) {
  stores::Rows::Query rows;
  rows.limit = 1000;
  if (query.from) rows.from = EventId::lowest(*query.from);
  if (query.to) rows.before = EventId::lowest(*query.to);
  return rows;
}

void named_by_verify(const stores::Damage&) {}  // here it is missing from the count

// What the archive has, by the indexes beside its files: they name the ids, not what is in the events.
Status read_archive(Pipeline& pipeline, const api::LedgerQuery& query, Books& books) {
  constexpr size_t page_size = 1000;
  const std::string first = query.from ? format_rfc3339(*query.from).substr(0, 10) : "";
  const std::string last = query.to ? format_rfc3339(*query.to).substr(0, 10) : "9999-12-31";
  auto& blobs = pipeline.archive();
  for (std::string after;;) {
    BONAFIDE_ASSIGN(const auto page, blobs.list("", after, page_size));
    for (const auto& path : page) {
      if (!steps::is_archive_file(path)) continue;
      const auto name = steps::ArchiveName::parse(path);
      if (!name.ok()) continue;
      const auto parts = split(name->folder, '/');  // "TENANT/YYYY-MM-DD/"
      if (parts.size() < 2 || parts[1] < first || parts[1] > last) continue;
      const auto index = steps::ArchiveFileReader::read_index(blobs, *name);
      if (!index.ok()) continue;  // named by verify
      for (const auto& entry : index->entries) books.archived(entry.id, index->tenant, entry.revision);
    }
    if (page.size() < page_size) return Ok{};
    after = page.back();
  }
}

Status read_books(Pipeline& pipeline, const api::LedgerQuery& query, Books& books) {
  BookReading reading(pipeline, books);
  BONAFIDE_TRY(reading.note_positions());
  BONAFIDE_TRY(pipeline.door_list().rows().scan(
      rows_of(query),
      [&](const stores::StoredRow& row) {
        BookReading::listed(books, row);
        return true;
      },
      named_by_verify));
  BONAFIDE_TRY(reading.read_on_the_way());
  BONAFIDE_TRY(pipeline.rows().rows().scan(
      rows_of(query),
      [&](const stores::StoredRow& row) {
        BookReading::imported(books, row);
        return true;
      },
      named_by_verify));
  BONAFIDE_TRY(read_archive(pipeline, query, books));
  BONAFIDE_TRY(reading.read_parked());
  BONAFIDE_TRY(reading.read_not_listed());
  const control::Horizons kept = pipeline.retention().horizons();
  books.kept_from(Hop::import, kept.rows);
  books.kept_from(Hop::archive, kept.archive);
  books.close();
  return Ok{};
}

struct Line {
  std::string hop;
  flow::LedgerKey key;
  flow::Tally in, out;
  uint64_t parked = 0, dropped = 0, retired = 0, under_way = 0;
};

uint64_t count_of(const flow::Ledger& ledger, const flow::LedgerKey& key) {
  const auto at = ledger.find(key);
  return at == ledger.end() ? 0 : at->second.count;
}

flow::Tally tally_of(const flow::Ledger& ledger, const flow::LedgerKey& key) {
  const auto at = ledger.find(key);
  return at == ledger.end() ? flow::Tally{} : at->second;
}

// The lines of one hop in the order of tenant and minute.
void add_lines(const flow::HopLedger& hop, const flow::Ledger& in, std::vector<Line>& lines) {
  std::map<flow::LedgerKey, bool> keys;
  for (const auto* ledger : {&in, &hop.out, &hop.parked, &hop.retired, &hop.under_way}) {
    for (const auto& [key, tally] : *ledger) keys[key] = true;
  }
  for (const auto& [key, seen] : keys) {
    Line line{hop.hop, key, tally_of(in, key), tally_of(hop.out, key)};
    line.parked = count_of(hop.parked, key);
    line.retired = count_of(hop.retired, key);
    line.under_way = count_of(hop.under_way, key);
    for (const auto& [reason, dropped] : hop.dropped) line.dropped += count_of(dropped, key);
    lines.push_back(std::move(line));
  }
}

void write_line(JsonWriter& json, const Line& line) {
  std::string hash(8, '\0');
  store_be64(hash.data(), line.out.hash);
  const uint64_t accounted = line.out.count + line.parked + line.dropped + line.retired + line.under_way;
  json.begin_object()
      .member("hop", line.hop)
      .member("tenant", line.key.tenant)
      .member("minute", Time::from_seconds(line.key.minute * 60))
      .member("in", line.in.count)
      .member("count", line.out.count)
      .member("hash", to_hex(hash))
      .member("parked", line.parked)
      .member("dropped", line.dropped)
      .member("retired", line.retired)
      .member("under_way", line.under_way)
      .member("balance", static_cast<int64_t>(line.in.count) - static_cast<int64_t>(accounted))
      .end_object();
}

Result<std::vector<Line>> lines_of(Pipeline& pipeline, const api::LedgerQuery& query) {
  Books books(query.from ? EventId::lowest(*query.from) : EventId{},
              query.to ? std::optional(EventId::lowest(*query.to)) : std::nullopt);
  BONAFIDE_TRY(read_books(pipeline, query, books));
  const flow::Ledger door = books.door_ledger();
  const auto ledgers = books.hop_ledgers();
  std::vector<Line> lines;
  flow::HopLedger at_door;
  at_door.hop = "door";
  at_door.out = door;
  add_lines(at_door, door, lines);
  for (const auto& hop : ledgers) add_lines(hop, hop.feed.empty() ? door : ledgers.front().out, lines);
  return lines;
}

}  // namespace

Result<std::string> ledger_json(Pipeline& pipeline, const api::LedgerQuery& query) {
  uint64_t skip = 0;
  if (!query.cursor.empty()) {
    const auto number = parse_int(query.cursor);
    if (!number.ok() || *number < 0)
      return {Cause::invalid, "cursor: give the next_cursor of the page before"};
    skip = static_cast<uint64_t>(*number);
  }
  BONAFIDE_ASSIGN(const auto lines, lines_of(pipeline, query));
  JsonWriter json;
  json.begin_object().key("rows").begin_array();
  uint64_t seen = 0, written = 0, under_way = 0;
  for (const auto& line : lines) {
    if (line.hop != to_string(Hop::archive)) under_way += line.under_way;
    if ((!query.tenant.empty() && line.key.tenant != query.tenant) ||
        (!query.hop.empty() && query.hop != line.hop))
      continue;
    if (seen++ < skip || written == query.limit) continue;
    write_line(json, line);
    ++written;
  }
  json.end_array();
  if (skip + written < seen) json.member("next_cursor", std::to_string(skip + written));
  return json.member("under_way", under_way).end_object().take();
}

}  // namespace bonafide::app
