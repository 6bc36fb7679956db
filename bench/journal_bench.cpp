// Links: streams_journal env_real
//
// What the journal costs: CPU microseconds for one 2 KB record through the front door, a step's commit of one
// output for each, and a sink's read; sync latency; restart time with a million events.
//
//   journal_bench [FOLDER] [RECORDS] [RESTART_RECORDS]
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <sys/resource.h>

#include "env/real/clock.hpp"
#include "env/real/files.hpp"
#include "env/real/loop_thread.hpp"
#include "env/real/random.hpp"
#include "streams/journal/journal.hpp"

namespace {

using namespace bonafide;
using streams::journal::Journal;

constexpr size_t record_bytes = 2048;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

struct Bench {
  env::RealFiles files;
  env::RealClock clock;
  env::RealRandom random;
  env::NoLogger logger;
  env::Metrics metrics;
  streams::journal::Settings settings;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<env::LoopThread> flusher;

  void open() {
    auto opened = Journal::open(settings, {files, clock, random, logger, metrics});
    if (!opened.ok()) fail(opened.error().message);
    journal = std::move(*opened);
    flusher = std::make_unique<env::LoopThread>(
        "journal", clock, [](const std::string&, const Error& error) { fail(error.message); });
    journal->set_flusher_wake(&flusher->wake());
    flusher->add({"journal",
                  [this]() -> Result<bool> {
                    BONAFIDE_ASSIGN(const auto progress, journal->flusher().step());
                    return progress == flow::Progress::worked;
                  },
                  [this] { return journal->flusher().due(); }});
    flusher->start();
  }
  void close() {
    flusher->stop();
    if (const Status closed = journal->close(); !closed.ok()) fail(closed.error().message);
    journal.reset();
    flusher.reset();
  }
  [[noreturn]] static void fail(const std::string& message) {
    std::fprintf(stderr, "journal_bench: %s\n", message.c_str());
    std::exit(1);
  }

  flow::Entry entry(const char* topic, uint64_t number) {
    flow::Entry out{topic, flow::Lane::live, {}};
    out.record.key = SharedBytes(std::to_string(number % 1000) + ".example");
    std::string value(record_bytes, static_cast<char>('a' + number % 26));
    value.replace(0, 8, reinterpret_cast<const char*>(&number), 8);
    out.record.value = SharedBytes(std::move(value));
    out.record.timestamp = clock.now();
    return out;
  }

  /// One thread is door, step and sink in turn; the flusher has its own.
  void through(uint64_t records) {
    env::EventWake wake;
    auto step = std::move(journal->join({"step", {"in"}, flow::Visibility::written, nullptr}).value());
    auto sink = std::move(journal->join({"sink", {"out"}, flow::Visibility::synced, &wake}).value());
    std::atomic<uint64_t> acked{0};
    const auto began = clock.steady();
    const double cpu = cpu_seconds();
    uint64_t given = 0, sunk = 0;
    while (sunk < records) {
      for (int i = 0; i < 64 && given < records && journal->inlet().admit(record_bytes).now; ++i) {
        journal->inlet().append({entry("in", given++)},
                                [&](const auto& landed) { acked += landed.ok() ? 1 : 0; });
      }
      const auto read = step->read(flow::Lane::live, 256, size_t{1} << 20);
      if (!read.ok()) fail(read.error().message);
      if (!read->empty()) {
        auto transaction = step->begin();
        for (const auto& delivery : *read) transaction->append({"out", flow::Lane::live, delivery.record});
        transaction->consumed(read->back().shard, read->back().position);
        if (transaction->commit()->poll() != flow::Fate::done) fail("a commit did not land");
      }
      const auto out = sink->read(flow::Lane::live, 256, size_t{1} << 20);
      if (!out.ok()) fail(out.error().message);
      sunk += out->size();
      if (!out->empty()) {
        auto transaction = sink->begin();
        transaction->consumed(out->back().shard, out->back().position);
        transaction->commit();
      } else if (read->empty()) {
        wake.wait(Duration::millis(5));  // the disk is behind
      }
    }
    const double seconds = (clock.steady() - began).in_seconds();
    const double used = cpu_seconds() - cpu;
    const auto& syncs = metrics.histogram("bonafide_journal_sync_seconds", "");
    const double written =
        static_cast<double>(metrics.counter("bonafide_journal_written_bytes_total", "").value());
    std::printf("append + commit of one output + read, %llu records of %zu bytes:\n",
                (unsigned long long)records, record_bytes);
    std::printf("  %.2f us of CPU a record (incl. making it), %.0f records/s, %llu acked\n",
                used * 1e6 / static_cast<double>(records), static_cast<double>(records) / seconds,
                (unsigned long long)acked.load());
    std::printf(
        "  %.3f bytes written per byte accepted (two records of it), sync p50 %.0f us, p99 %.0f us, %llu "
        "syncs\n",
        written / static_cast<double>(2 * records * record_bytes),
        static_cast<double>(syncs.quantile(0.5).us), static_cast<double>(syncs.quantile(0.99).us),
        (unsigned long long)syncs.count());
  }

  /// The door's own latency when it waits for each sync.
  void alone(int records) {
    env::Histogram latency;
    for (int i = 0; i < records; ++i) {
      env::EventWake done;
      const auto began = clock.steady();
      journal->inlet().append({entry("alone", static_cast<uint64_t>(i))}, [&](const auto&) { done.wake(); });
      done.wait(std::nullopt);
      latency.observe(clock.steady() - began);
    }
    std::printf("one record at a time, acked: p50 %.0f us, p99 %.0f us\n",
                static_cast<double>(latency.quantile(0.5).us),
                static_cast<double>(latency.quantile(0.99).us));
  }

  void fill(uint64_t records) {
    auto group = std::move(journal->join({"later", {"in"}, flow::Visibility::written, nullptr}).value());
    for (uint64_t i = 0; i < records;) {
      if (!journal->inlet().admit(record_bytes * 16).now) {
        env::EventWake().wait(Duration::millis(1));
        continue;
      }
      std::vector<flow::Entry> entries;
      for (int n = 0; n < 16 && i < records; ++n) entries.push_back(entry("in", i++));
      journal->inlet().append(std::move(entries), [](const auto&) {});
    }
  }

  void restart(uint64_t records, const char* how) {
    const auto began = clock.steady();
    open();
    const double opened = (clock.steady() - began).in_seconds();
    auto session = std::move(journal->join({"later", {"in"}, flow::Visibility::synced, nullptr}).value());
    const auto first = session->read(flow::Lane::live, 1, 1);
    if (!first.ok() || first->empty()) fail("nothing to read after the restart");
    const double readable = (clock.steady() - began).in_seconds();
    std::printf(
        "restart with %llu events, %s: open %.3f s, first record read %.3f s, %llu segments, %llu frames "
        "walked\n",
        (unsigned long long)records, how, opened, readable, (unsigned long long)journal->opened().segments,
        (unsigned long long)journal->opened().frames_walked);
  }
};

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string folder = argc > 1 ? argv[1] : "journal_bench.data";
  const uint64_t records = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100'000;
  const uint64_t restart_records = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1'000'000;
  std::filesystem::remove_all(folder);
  {
    Bench bench;
    bench.settings.folder = folder;
    bench.open();
    bench.through(records);
    bench.alone(200);
    bench.close();
  }
  std::filesystem::remove_all(folder);
  {
    Bench bench;
    bench.settings.folder = folder;
    bench.settings.max_behind_records = restart_records * 2;
    bench.open();
    bench.fill(restart_records);
    bench.close();
    bench.restart(restart_records, "closed in order");
    bench.fill(1000);
    bench.flusher->stop();  // as after kill -9: nothing more is written
    bench.journal.reset();
    bench.restart(restart_records, "killed");
    const auto began = bench.clock.steady();
    const auto verified = bench.journal->verify();
    const double seconds = (bench.clock.steady() - began).in_seconds();
    std::printf("verify: %llu records, %.0f MB/s, %llu damages\n", (unsigned long long)verified->records,
                static_cast<double>(verified->bytes) / 1e6 / seconds,
                (unsigned long long)verified->damage_count);
    bench.close();
  }
  std::printf("peak memory %ld MiB\n", peak_kib() / 1024);
  std::filesystem::remove_all(folder);
  return 0;
}
