#include "examples/sensors/sensors.hpp"

#include <cmath>

#include "base/text.hpp"
#include "examples/sensors/table_sink.hpp"

namespace sensors {
namespace {

using bonafide::Cause;
using bonafide::Ok;

class JudgedPayload final : public flow::Payload {
 public:
  explicit JudgedPayload(Judged judged) : judged_(std::move(judged)) {}
  void encode(std::string& out) const override { out += judged_.text(); }

 private:
  Judged judged_;
};

std::string band_of(double celsius) {
  return "t" + std::to_string(static_cast<int>(std::floor(celsius / 5)));
}

/// NaN is none.
bool is_a_temperature(double celsius) { return celsius > -273.15 && celsius < 1000; }

}  // namespace

Result<Reading> parse_reading(std::string_view line) {
  const auto parts = bonafide::split(line, ',');
  if (parts.size() != 3) return {Cause::invalid, "expected STATION,TIME,CELSIUS"};
  Reading out;
  out.station = bonafide::trim(parts[0]);
  if (out.station.empty()) return {Cause::invalid, "the station has no name"};
  BONAFIDE_ASSIGN(out.at, bonafide::parse_rfc3339(bonafide::trim(parts[1])));
  BONAFIDE_ASSIGN(out.celsius, bonafide::parse_double(bonafide::trim(parts[2])));
  if (!is_a_temperature(out.celsius)) return {Cause::invalid, "no thermometer measures that"};
  return out;
}

std::string Judged::text() const {
  return reading.station + "," + bonafide::format_rfc3339(reading.at) + "," +
         bonafide::to_decimal(reading.celsius) + "," + verdict;
}

Result<Judged> parse_judged(std::string_view line) {
  const size_t comma = line.rfind(',');
  if (comma == std::string_view::npos) return {Cause::invalid, "expected STATION,TIME,CELSIUS,VERDICT"};
  BONAFIDE_ASSIGN(auto reading, parse_reading(line.substr(0, comma)));
  return Judged{std::move(reading), std::string(line.substr(comma + 1))};
}

flow::Delta observation(const Reading& reading) {
  return {reading.station, {{band_of(reading.celsius), static_cast<int32_t>(reading.at.day()), 1}}};
}

void Judge::ask(const flow::Delivery& delivery, flow::Questions& questions) {
  const auto reading = parse_reading(delivery.record.value.view());
  if (reading.ok()) questions.ask(reading->station);
}

Status Judge::process(const flow::Delivery& delivery, const flow::Answers& answers, const flow::Context&,
                      flow::Output& output) {
  BONAFIDE_ASSIGN(auto reading, parse_reading(delivery.record.value.view()));
  Judged judged{std::move(reading), "unknown"};
  if (const auto& history = answers[0]) {
    int64_t seen = 0;
    for (const auto& band : history->group('t')) seen += band.total();
    const auto* band = history->find(band_of(judged.reading.celsius));
    const double share = band == nullptr ? 0 : static_cast<double>(band->total()) / static_cast<double>(seen);
    judged.verdict = seen < habits_.min_seen ? "new" : share < habits_.odd_below ? "odd" : "usual";
  }
  output.observe(observation(judged.reading));
  output.emit(std::make_shared<JudgedPayload>(std::move(judged)));
  return Ok{};
}

Result<std::vector<flow::Delta>> JudgeFold::deltas(const flow::Record& record) {
  BONAFIDE_ASSIGN(const auto judged, parse_judged(record.value.view()));
  return std::vector<flow::Delta>{observation(judged.reading)};
}

flow::Registry registry(bonafide::env::Files& files, const std::string& folder) {
  using flow::FieldType;
  flow::Registry out;
  flow::StepComponent judge;
  judge.name = "judge";
  judge.summary = "Says whether a temperature is usual for its station.";
  judge.fields = {
      {"min_seen", FieldType::integer, "20", "Readings before a station is judged.", false, 1, 1e6},
      {"odd_below", FieldType::number, "0.02", "Share of its five-degree band below which a reading is odd.",
       false, 0, 1}};
  judge.make = [](const flow::Settings& settings) -> Result<std::unique_ptr<flow::Processor>> {
    return {
        std::make_unique<Judge>(Judge::Habits{settings.integer("min_seen"), settings.number("odd_below")})};
  };
  judge.fold = [](const flow::Settings&) -> Result<std::unique_ptr<flow::Fold>> {
    return {std::make_unique<JudgeFold>()};
  };
  out.steps.push_back(std::move(judge));

  flow::SinkComponent table;
  table.name = "table";
  table.summary = "Keeps one line for each station in a text file.";
  table.fields = {{"path", FieldType::text, "stations.csv", "The file, in the data folder."},
                  {"every", FieldType::duration, "1s", "How often it is written.", false, 0.01, 3600}};
  table.make = [&files, folder](const flow::Settings& settings) -> Result<std::unique_ptr<flow::Sink>> {
    BONAFIDE_ASSIGN(auto sink,
                    TableSink::open(files, folder + "/" + settings.text("path"), settings.duration("every")));
    return {std::move(sink)};
  };
  out.sinks.push_back(std::move(table));
  return out;
}

flow::Topology default_topology() {
  flow::Topology out;
  out.group_prefix = "sensors.";
  out.workers = {{.name = "judge", .from = input_topic, .steps = {"judge"}, .to = "judged"},
                 {.name = "table", .from = "judged", .sink = "table"}};
  return out;
}

flow::Entry entry(std::string_view line, Time accepted_at) {
  flow::Entry out{input_topic, flow::Lane::live, {}};
  // The station is the key: its readings stay in order. A line without one is parked like any other that
  // cannot be read.
  out.record.key = bonafide::SharedBytes::copy(line.substr(0, std::min(line.find(','), line.size())));
  out.record.value = bonafide::SharedBytes::copy(line);
  out.record.timestamp = accepted_at;
  return out;
}

}  // namespace sensors
