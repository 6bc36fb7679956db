// The simulator: see README.md beside this file.
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/history.hpp"

namespace {

using namespace bonafide::sim;

constexpr const char* regressions = "sim/seeds.txt";
constexpr uint64_t seeds_for_coverage = 1000;  // with fewer a fault may be missed by chance

struct Options {
  uint64_t seeds = 0, from = 1, within = 200;
  std::optional<uint64_t> one;
  bool teeth = false, repeat = false;
  Mutation mutation = Mutation::none;
  size_t jobs = static_cast<size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
};

struct Sum {
  uint64_t histories = 0, acked = 0, starts = 0, failed = 0;
  Coverage coverage;
};

void print_failure(uint64_t seed, Mutation mutation, const Outcome& outcome) {
  std::string text = "seed " + std::to_string(seed) + ":\n";
  for (const auto& what : outcome.wrong) text += "  " + what + "\n";
  text += "  again: ./dev sim --seed " + std::to_string(seed);
  if (mutation != Mutation::none) text += " --mutation " + std::string(to_string(mutation));
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

/// One process's share of the seeds; what came of it, as text.
void work(const std::vector<uint64_t>& seeds, size_t job, const Options& options, std::FILE* out) {
  for (size_t i = job; i < seeds.size(); i += options.jobs) {
    if (job == 0 && isatty(STDERR_FILENO) != 0) std::fprintf(stderr, "\r%zu of %zu ", i, seeds.size());
    Outcome outcome = simulate(seeds[i], options.mutation, false);
    if (options.repeat && simulate(seeds[i], options.mutation, false).digest != outcome.digest)
      outcome.wrong.emplace_back("two runs of the seed are not the same");
    if (!outcome.wrong.empty()) print_failure(seeds[i], options.mutation, outcome);
    std::fprintf(out, "h %llu %llu %d\n", static_cast<unsigned long long>(outcome.acked),
                 static_cast<unsigned long long>(outcome.starts), outcome.wrong.empty() ? 0 : 1);
    for (const auto& [where, count] : outcome.coverage)
      std::fprintf(out, "c %d %llu %s\n", static_cast<int>(where.first),
                   static_cast<unsigned long long>(count), where.second.c_str());
  }
  std::fflush(out);
}

void add(Sum& sum, std::FILE* in) {
  std::rewind(in);
  std::array<char, 256> line{};
  while (std::fgets(line.data(), line.size(), in) != nullptr) {
    std::istringstream words(line.data());
    char kind = 0;
    words >> kind;
    if (kind == 'h') {
      uint64_t acked = 0, starts = 0, failed = 0;
      words >> acked >> starts >> failed;
      ++sum.histories, sum.acked += acked, sum.starts += starts, sum.failed += failed;
    } else {
      int fault = 0;
      uint64_t count = 0;
      std::string doing;
      words >> fault >> count;
      std::getline(words >> std::ws, doing);
      sum.coverage[{static_cast<Fault>(fault), doing}] += count;
    }
  }
}

Sum run(const std::vector<uint64_t>& seeds, const Options& options) {
  std::vector<std::FILE*> results;
  std::vector<pid_t> children;
  std::fflush(stdout);
  for (size_t job = 0; job < options.jobs; ++job) {
    results.push_back(std::tmpfile());
    const pid_t child = fork();
    if (child == 0) {
      work(seeds, job, options, results.back());
      _exit(0);
    }
    children.push_back(child);
  }
  Sum sum;
  for (size_t job = 0; job < options.jobs; ++job) {
    int status = 0;
    waitpid(children[job], &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      std::printf("a process of the simulation died (status %d)\n", status);
      ++sum.failed;
    }
    add(sum, results[job]);
    std::fclose(results[job]);
  }
  return sum;
}

bool print_coverage(const Sum& sum, bool all_must_fire) {
  std::set<std::string> states;
  for (const auto& [where, count] : sum.coverage) states.insert(where.second);
  const auto width = [](const std::string& state) { return std::max(8, static_cast<int>(state.size())); };
  std::printf("%-18s", "fault");
  for (const auto& state : states) std::printf(" %*s", width(state), state.c_str());
  std::printf("\n");
  bool all = true;
  for (size_t i = 0; i < fault_names.size(); ++i) {
    const auto fault = static_cast<Fault>(i);
    uint64_t times = 0;
    std::printf("%-18s", std::string(to_string(fault)).c_str());
    for (const auto& state : states) {
      const auto found = sum.coverage.find({fault, state});
      const uint64_t count = found == sum.coverage.end() ? 0 : found->second;
      times += count;
      std::printf(" %*llu", width(state), static_cast<unsigned long long>(count));
    }
    std::printf("\n");
    if (times > 0) continue;
    all = false;
    if (all_must_fire) std::printf("FAILED: \"%s\" never happened\n", std::string(to_string(fault)).c_str());
  }
  return all || !all_must_fire;
}

std::vector<uint64_t> known_seeds() {
  std::vector<uint64_t> seeds;
  std::ifstream file(regressions);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') seeds.push_back(std::stoull(line));
  }
  return seeds;
}

int many(const Options& options) {
  std::vector<uint64_t> seeds = known_seeds();
  for (uint64_t i = 0; i < options.seeds; ++i) seeds.push_back(options.from + i);
  const Sum sum = run(seeds, options);
  const bool covered = print_coverage(sum, options.seeds >= seeds_for_coverage);
  std::printf("%llu histories, %llu starts, %llu messages acknowledged: %llu histories failed\n",
              static_cast<unsigned long long>(sum.histories), static_cast<unsigned long long>(sum.starts),
              static_cast<unsigned long long>(sum.acked), static_cast<unsigned long long>(sum.failed));
  return sum.failed == 0 && covered ? 0 : 1;
}

int teeth(const Options& options) {
  bool all = true;
  for (size_t i = 1; i < mutation_names.size(); ++i) {
    const auto mutation = static_cast<Mutation>(i);
    std::optional<uint64_t> noticed;
    std::string what;
    for (uint64_t seed = 1; seed <= options.within && !noticed; ++seed) {
      const Outcome outcome = simulate(seed, mutation, false);
      if (outcome.wrong.empty()) continue;
      noticed = seed;
      what = outcome.wrong.front();
    }
    all &= noticed.has_value();
    std::printf("%-15s %s\n", std::string(to_string(mutation)).c_str(),
                noticed ? ("seed " + std::to_string(*noticed) + ": " + what).c_str() : "NOT NOTICED");
    std::fflush(stdout);
  }
  return all ? 0 : 1;
}

int one(const Options& options) {
  const Outcome outcome = simulate(*options.one, options.mutation, true);
  std::printf("digest %016llx, %llu acknowledged, %llu starts, %s\n",
              static_cast<unsigned long long>(outcome.digest), static_cast<unsigned long long>(outcome.acked),
              static_cast<unsigned long long>(outcome.starts),
              outcome.wrong.empty() ? "all holds" : "FAILED");
  return outcome.wrong.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App cli("Histories of the pipeline under faults, each from a seed.", "sim");
  auto* how = cli.add_option_group("what")->require_option(1);
  how->add_option("--seeds", options.seeds, "so many histories, and the seeds that ever failed");
  how->add_option("--seed", options.one, "one history, line by line");
  how->add_flag("--teeth", options.teeth, "break the pipeline in every known way: each must be noticed");
  cli.add_option("--from", options.from, "the first of the seeds")->capture_default_str();
  cli.add_option("--within", options.within, "by how many seeds a mutation must be noticed")
      ->capture_default_str();
  std::string mutation = "none";
  cli.add_option("--mutation", mutation, "break the pipeline in one way")
      ->check(CLI::IsMember(std::vector<std::string>(mutation_names.begin(), mutation_names.end())));
  cli.add_option("--jobs", options.jobs, "processes at once")->capture_default_str();
  cli.add_flag("--repeat", options.repeat, "run every history twice: both must be the same");
  CLI11_PARSE(cli, argc, argv);
  options.mutation =
      static_cast<Mutation>(std::ranges::find(mutation_names, mutation) - mutation_names.begin());
  if (options.one) return one(options);
  return options.teeth ? teeth(options) : many(options);
}
