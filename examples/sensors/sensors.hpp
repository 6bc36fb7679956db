#pragma once
#include <string>
#include <string_view>

#include "env/files.hpp"
#include "flow/component.hpp"
#include "flow/topology.hpp"

/// Temperatures of weather stations, judged against what each station normally measures. Nothing here knows
/// mail, and the engine does not know temperatures.
namespace sensors {

namespace flow = bonafide::flow;
using bonafide::Result;
using bonafide::Status;
using bonafide::Time;

/// "oslo-1,2026-01-01T12:00:00Z,-3.5".
struct Reading {
  std::string station;
  Time at;
  double celsius = 0;
};
/// Errors: invalid, saying what is wrong with the line.
Result<Reading> parse_reading(std::string_view line);

/// A reading with its verdict: "oslo-1,2026-01-01T12:00:00Z,-3.5,usual".
struct Judged {
  Reading reading;
  std::string verdict;  ///< "new", "usual", "odd"; "unknown" where the history did not answer
  [[nodiscard]] std::string text() const;
};
Result<Judged> parse_judged(std::string_view line);

/// What a reading adds to its station's history: one in a band of five degrees, on its day.
flow::Delta observation(const Reading& reading);

/// readings -> judged, with a history for each station.
class Judge final : public flow::Processor {
 public:
  struct Habits {
    int64_t min_seen = 20;    ///< readings before a station has habits
    double odd_below = 0.02;  ///< share of its band below which a reading is odd
  };
  explicit Judge(Habits habits) : habits_(habits) {}
  void ask(const flow::Delivery& delivery, flow::Questions& questions) override;
  Status process(const flow::Delivery& delivery, const flow::Answers& answers, const flow::Context& context,
                 flow::Output& output) override;

 private:
  Habits habits_;
};

/// How the history follows from what Judge has put out.
class JudgeFold final : public flow::Fold {
 public:
  Result<std::vector<flow::Delta>> deltas(const flow::Record& record) override;
};

/// The list of components of this program: what its configuration may name. Their files are in `folder`.
flow::Registry registry(bonafide::env::Files& files, const std::string& folder);
/// What runs when the configuration names no topology.
flow::Topology default_topology();
/// A line as it enters the pipeline.
flow::Entry entry(std::string_view line, Time accepted_at);
constexpr const char* input_topic = "readings";

}  // namespace sensors
