// Links: app app_demo
//
// The whole pipeline, from bytes in memory to stored and archived:
//
//   pipeline_bench [--messages N] [--rounds N] [--rate R] [--no-search] [SET]
//
// Feeds SET (a folder with manifest.jsonl and mail/) or the simulated company's mail. Without --rate as fast
// as it goes: messages a second until everything is in rows and archive. With --rate: the latency from
// acceptance to the durable verdict, and until a search finds the message. --no-search leaves out the search
// index, which follows the rows.
// --rounds feeds the same mail N times, each time as other messages and later: a short set is over before
// the process has touched all the memory it works with, and ends with everything being closed.
//
// The last line is what the machine itself did in the same minute, to compare runs with.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>

#include <sys/resource.h>

#include "app/demo/company.hpp"
#include "app/live_service.hpp"
#include "app/replay_set.hpp"
#include "base/text.hpp"
#include "flow/worker.hpp"
#include "machine.hpp"

namespace {

using namespace bonafide;

struct Message {
  std::string raw;
  mail::Envelope envelope;
  Time at;
};

Result<std::vector<Message>> read(const std::string& set, size_t count) {
  std::vector<Message> messages;
  if (set.empty()) {
    app::demo::Settings settings;
    settings.start = Time::from_seconds(1'700'000'000);
    app::demo::Company company(settings);
    while (messages.size() < count) {
      auto next = company.next();
      if (next.direction == mail::Direction::inbound)
        messages.push_back({std::move(next.raw), next.envelope, next.at});
    }
    return messages;
  }
  env::RealFiles files;
  BONAFIDE_ASSIGN(const auto lines, app::read_manifest(files, set));
  for (size_t i = 0; i < std::min(count, lines.size()); ++i) {
    BONAFIDE_ASSIGN(auto raw, files.read_file(set + "/" + lines[i].file));
    messages.push_back({std::move(raw), lines[i].envelope, lines[i].received_at});
  }
  return messages;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct Load {
  std::string set;
  size_t messages = 20'000;
  int rounds = 1;
  double rate = 0;  ///< messages a second; 0 = as fast as it goes
  bool search = true;
};

Status run(const Load& load) {
  BONAFIDE_ASSIGN(const auto messages, read(load.set, load.messages));
  if (messages.empty()) return {Cause::invalid, "no messages"};
  std::string folder = std::filesystem::temp_directory_path() / "bonafide-bench-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return {Cause::internal, "no temporary folder"};
  app::Common common;
  common.data = folder + "/data";
  Status done = Ok{};
  {
    app::LiveService service(common);
    const auto without_search = [&](app::Configuration& configuration) {
      auto& workers = configuration.pipeline.topology.workers;
      if (!load.search) std::erase_if(workers, [](const auto& worker) { return worker.sink == "index"; });
    };
    BONAFIDE_TRY(service.open("127.0.0.1:0", without_search));
    std::mutex mutex;
    std::vector<int64_t> latencies_us;
    std::atomic<size_t> judged{0};
    service.pipeline().verdicts().listen([&](const std::shared_ptr<const steps::ScoredPayload>& scored) {
      const int64_t us = (service.world().clock.now() - scored->event.received.accepted_at).us;
      const std::lock_guard lock(mutex);
      latencies_us.push_back(us);
      ++judged;
    });
    BONAFIDE_TRY(service.start());
    mail::Parser parser;
    size_t fresh = 0;
    std::atomic<size_t> answered{0}, duplicates{0}, refused{0};
    auto& clock = service.world().clock;
    const Time began = clock.steady();
    const double cpu_began = cpu_seconds();
    const auto feed = [&](const Message& message, std::string_view raw, Time at) {
      if (load.rate > 0) {
        const Time due =
            began + Duration::micros(static_cast<int64_t>(static_cast<double>(fresh) * 1e6 / load.rate));
        const Time now = clock.steady();
        if (due > now) std::this_thread::sleep_for(std::chrono::microseconds((due - now).us));
      }
      while (!service.pipeline().collector().admit(raw.size()).now)
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      steps::Submission submission;
      submission.raw = raw;
      submission.door = "bench";
      submission.envelope = message.envelope;
      submission.session_known = true;
      submission.received_at = at;
      submission.edge.mode = mail::Edge::Mode::auto_;
      ++fresh;
      service.pipeline().collector().submit(parser, submission, [&](const Result<steps::Receipt>& receipt) {
        if (receipt.ok() && receipt->duplicate) ++duplicates;
        if (!receipt.ok() && refused++ == 0) std::fprintf(stderr, "%s\n", receipt.error().message.c_str());
        ++answered;
      });
    };
    const Duration span = messages.back().at - messages.front().at + Duration::seconds(3600);
    std::string again;
    for (int round = 0; round < load.rounds; ++round) {
      const Time round_began = clock.steady();
      const double round_cpu = cpu_seconds();
      const std::string mark = "X-Round: " + std::to_string(round) + "\r\n";
      for (const auto& message : messages) {
        if (round > 0) again.assign(mark).append(message.raw);
        feed(message, round > 0 ? again : message.raw, message.at + Duration::micros(span.us * round));
      }
      if (load.rounds > 1) {
        const auto fed = static_cast<double>(messages.size());
        std::printf("round %d: %.0f a second, %.1f us of processor a message\n", round + 1,
                    fed / (clock.steady() - round_began).in_seconds(),
                    (cpu_seconds() - round_cpu) * 1e6 / fed);
      }
    }
    while (answered < fresh || judged + duplicates + refused < fresh)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (refused > 0) return {Cause::internal, std::to_string(refused) + " messages were refused"};
    // To within a factor of sqrt(2): from acceptance until a search finds it.
    const flow::StepMetrics index(service.world().metrics, "index");
    if (load.rate > 0 && load.search) {
      std::printf("searchable after p50 %.0f p99 %.0f ms\n", index.lag_out.quantile(0.5).in_seconds() * 1000,
                  index.lag_out.quantile(0.99).in_seconds() * 1000);
    }
    done = service.stop();  // until everything is in rows and archive, and synced
    const double seconds = (clock.steady() - began).in_seconds(), cpu = cpu_seconds() - cpu_began;
    std::sort(latencies_us.begin(), latencies_us.end());
    const auto at = [&](double q) {
      return static_cast<double>(
                 latencies_us[static_cast<size_t>(q * static_cast<double>(latencies_us.size() - 1))]) /
             1000;
    };
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf(
        "%zu messages in %.2f s: %.0f a second, %.1f us of processor a message; verdict p50 %.2f p99 %.2f "
        "p99.9 %.2f ms; "
        "resident %ld MB at most\n",
        fresh, seconds, static_cast<double>(fresh) / seconds, cpu * 1e6 / static_cast<double>(fresh), at(0.5),
        at(0.99), at(0.999), usage.ru_maxrss / 1024);
  }
  bench::print_machine(folder);
  std::filesystem::remove_all(folder);
  return done;
}

}  // namespace

int main(int argc, char** argv) {
  Load load;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--messages") == 0 && i + 1 < argc) {
      load.messages = static_cast<size_t>(std::atoll(argv[++i]));
    } else if (std::strcmp(argv[i], "--rate") == 0 && i + 1 < argc) {
      load.rate = std::atof(argv[++i]);
    } else if (std::strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
      load.rounds = std::max(1, std::atoi(argv[++i]));
    } else if (std::strcmp(argv[i], "--no-search") == 0) {
      load.search = false;
    } else {
      load.set = argv[i];
    }
  }
  const auto done = run(load);
  if (!done.ok()) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done.ok() ? 0 : 1;
}
