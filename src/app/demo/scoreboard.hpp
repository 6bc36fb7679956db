#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "mail/event.hpp"

namespace bonafide::app::demo {

/// Durations in buckets of at most 1.6 % width: percentiles in bounded memory, in integers.
class LatencyHistogram {
 public:
  void add(Duration latency);
  /// The latency that `permille` of all do not exceed; zero if there are none.
  [[nodiscard]] Duration percentile(int permille) const;
  [[nodiscard]] int64_t count() const { return count_; }
  void clear() { *this = LatencyHistogram{}; }

 private:
  static constexpr size_t sub_buckets = 64;  // of each power of two
  std::array<int64_t, 40 * sub_buckets> buckets_{};
  int64_t count_ = 0;
};

/// Verdicts against what the simulator knows.
struct Tally {
  int64_t ham = 0, attacks = 0;
  int64_t ham_untrusted = 0, ham_not_trusted = 0;
  int64_t attacks_untrusted = 0, attacks_not_trusted = 0;

  void add(bool attack, mail::Verdict verdict);
  /// Of those called untrusted (not trusted), the share that is an attack; -1 if none was.
  [[nodiscard]] double precision() const {
    return share(attacks_untrusted, attacks_untrusted + ham_untrusted);
  }
  [[nodiscard]] double precision_not_trusted() const {
    return share(attacks_not_trusted, attacks_not_trusted + ham_not_trusted);
  }
  /// Of the attacks, the share that was called untrusted (not trusted); -1 if there was none.
  [[nodiscard]] double recall() const { return share(attacks_untrusted, attacks); }
  [[nodiscard]] double recall_not_trusted() const { return share(attacks_not_trusted, attacks); }

 private:
  static double share(int64_t part, int64_t whole) {
    return whole == 0 ? -1 : static_cast<double>(part) / static_cast<double>(whole);
  }
};

/// What is known of a message that was sent, out of band.
struct Label {
  bool attack = false;
  std::string_view scenario;  ///< lives as long as the program
  /// From the weeks before the first attack, while everybody is still a stranger: neither precision nor
  /// recall means anything there.
  bool learning = false;
};

/// Brings labels and verdicts together as they fall, in either order, and counts. Pure: times are handed in.
class Scoreboard {
 public:
  /// A message was taken under this id. Leave out what gets no verdict (outbound) and repeats.
  void sent(const EventId& id, Label label);
  /// A verdict has fallen. The label, if it is known already.
  const Label* fell(const EventId& id, mail::Verdict verdict, Duration latency);

  [[nodiscard]] const Tally& total() const { return total_; }
  [[nodiscard]] const std::map<std::string, Tally, std::less<>>& scenarios() const { return scenarios_; }
  [[nodiscard]] const LatencyHistogram& latencies() const { return latencies_; }
  [[nodiscard]] int64_t verdicts() const { return verdicts_; }
  /// Verdicts without a label and labels without a verdict, so far.
  [[nodiscard]] size_t open() const { return labels_.size() + verdicts_waiting_.size(); }

  /// One line about what came since the last summary, and about the whole; begins a new stretch. `now` and
  /// the last summary's differ by the length of the stretch.
  std::string summary(Time now);
  /// A table with a line for each scenario; ends in a newline.
  [[nodiscard]] std::string table() const;

 private:
  void count(const Label& label, mail::Verdict verdict);

  static constexpr size_t most_open = 200'000;  // what never finds its other half is forgotten
  std::unordered_map<EventId, Label> labels_;
  std::unordered_map<EventId, mail::Verdict> verdicts_waiting_;
  Label last_label_;
  Tally total_, recent_;
  std::map<std::string, Tally, std::less<>> scenarios_;
  LatencyHistogram latencies_, recent_latencies_;
  int64_t verdicts_ = 0, recent_verdicts_ = 0, counted_ = 0;
  Time since_{INT64_MIN};
};

}  // namespace bonafide::app::demo
