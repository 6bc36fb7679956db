#include "examples/sensors/table_sink.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "examples/sensors/sensors.hpp"

namespace sensors {

using bonafide::Cause;
using bonafide::Error;
using bonafide::Ok;
using bonafide::Result;
using bonafide::Status;

namespace {

constexpr std::string_view title = "station,readings,odd,coldest,hottest";
constexpr std::string_view progress_mark = "# up to ";

/// Calls `row(name, cells)` and `progress(topic, lane, number, position)` for the lines of a table file.
template <class Row, class Progress>
Status each_line(const std::string& text, Row&& row, Progress&& progress) {
  for (const auto line : bonafide::split(text, '\n')) {
    if (line.empty() || line == title) continue;
    const auto cells =
        bonafide::split(line.starts_with(progress_mark) ? line.substr(progress_mark.size()) : line, ',');
    const bool fits = line.starts_with(progress_mark) ? cells.size() == 4 && progress(cells)
                                                      : cells.size() == 5 && row(cells);
    if (!fits)
      return {Cause::damaged, "not a table of stations: \"" + std::string(line.substr(0, 80)) + "\""};
  }
  return Ok{};
}

bool read_row(const std::vector<std::string_view>& cells, std::map<std::string, StationRow>& rows) {
  const auto readings = bonafide::parse_int(cells[1]), odd = bonafide::parse_int(cells[2]);
  const auto coldest = bonafide::parse_double(cells[3]), hottest = bonafide::parse_double(cells[4]);
  if (!readings.ok() || !odd.ok() || !coldest.ok() || !hottest.ok()) return false;
  rows[std::string(cells[0])] = {static_cast<uint64_t>(*readings), static_cast<uint64_t>(*odd), *coldest,
                                 *hottest};
  return true;
}

bool read_progress(const std::vector<std::string_view>& cells,
                   std::map<flow::ShardId, flow::Position>& upto) {
  const auto number = bonafide::parse_int(cells[2]);
  const auto position = bonafide::from_hex(cells[3]);
  flow::Position out;
  if (!number.ok() || !position.ok() || position->size() != out.bytes.size()) return false;
  std::ranges::copy(*position, out.bytes.begin());
  const auto lane = cells[1] == "live" ? flow::Lane::live : flow::Lane::backfill;
  upto[{std::string(cells[0]), lane, static_cast<uint32_t>(*number)}] = out;
  return true;
}

}  // namespace

Result<std::map<std::string, StationRow>> read_table(const std::string& text) {
  std::map<std::string, StationRow> rows;
  BONAFIDE_TRY(each_line(
      text, [&](const auto& cells) { return read_row(cells, rows); }, [](const auto&) { return true; }));
  return rows;
}

Result<std::unique_ptr<TableSink>> TableSink::open(bonafide::env::Files& files, const std::string& path,
                                                   bonafide::Duration every) {
  std::unique_ptr<TableSink> sink(new TableSink(files, path, every));
  BONAFIDE_ASSIGN(const bool there, files.exists(path));
  if (there) {
    BONAFIDE_ASSIGN(const auto text, files.read_file(path));
    if (const Status read = sink->read(text); !read.ok()) return read.error().in(path);
  }
  return sink;
}

Status TableSink::read(const std::string& text) {
  BONAFIDE_TRY(each_line(
      text, [&](const auto& cells) { return read_row(cells, rows_); },
      [&](const auto& cells) { return read_progress(cells, upto_); }));
  durable_ = upto_;
  return Ok{};
}

std::string TableSink::text() const {
  std::string out(title);
  out += "\n";
  for (const auto& [station, row] : rows_) {
    out += station + "," + std::to_string(row.readings) + "," + std::to_string(row.odd) + "," +
           bonafide::to_decimal(row.coldest) + "," + bonafide::to_decimal(row.hottest) + "\n";
  }
  for (const auto& [shard, position] : upto_) {
    out += std::string(progress_mark) + shard.topic +
           (shard.lane == flow::Lane::live ? ",live," : ",backfill,") + std::to_string(shard.number) + "," +
           bonafide::to_hex(position.view()) + "\n";
  }
  return out;
}

Result<flow::Applied> TableSink::apply(std::span<const flow::Delivery> deliveries,
                                       const flow::Stretch& stretch, size_t* poison) {
  if (stretch.upto <= upto_[stretch.shard]) return flow::Applied::already;
  std::vector<Judged> read;
  for (size_t i = 0; i < deliveries.size(); ++i) {
    auto judged = parse_judged(deliveries[i].record.value.view());
    if (!judged.ok()) {
      *poison = i;
      return Error{Cause::invalid, judged.error().message};
    }
    read.push_back(std::move(*judged));
  }
  for (const auto& [reading, verdict] : read) {
    const auto [at, fresh] =
        rows_.try_emplace(reading.station, StationRow{0, 0, reading.celsius, reading.celsius});
    StationRow& row = at->second;
    ++row.readings;
    row.odd += verdict == "odd" ? 1 : 0;
    row.coldest = std::min(row.coldest, reading.celsius);
    row.hottest = std::max(row.hottest, reading.celsius);
  }
  upto_[stretch.shard] = stretch.upto;
  return flow::Applied::now;
}

Result<flow::Position> TableSink::applied(const flow::ShardId& shard) { return durable_[shard]; }

Status TableSink::settle(bonafide::Time steady, bool drain) {
  if (upto_ == durable_ || (steady < due_ && !drain)) return Ok{};
  BONAFIDE_TRY(files_.write_file(path_, text()));
  durable_ = upto_;
  due_ = steady + every_;
  return Ok{};
}

bonafide::Time TableSink::settle_due() const { return upto_ == durable_ ? bonafide::Time{INT64_MAX} : due_; }

}  // namespace sensors
