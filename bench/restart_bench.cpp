// Links: app app_demo
//
// How long the service takes to come back with a past:
//
//   restart_bench [--events N] [--binary PATH] [--data DIR]
//
// Puts N events (a million) through the whole pipeline, kills it (SIGKILL) as the last one is acked, and
// starts `bonafide run` three times on what is there, each ended by SIGKILL too: time from exec to /readyz,
// to the first acked message, and until that one is stored with its verdict (the first time behind whatever
// was under way when the kill came). With --data the folder is kept, and used again if it is there. Linux
// only.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/client.hpp"
#include "app/demo/company.hpp"
#include "app/live_service.hpp"

namespace {

using namespace bonafide;
namespace fs = std::filesystem;

constexpr size_t distinct = 20'000;

/// The simulated company's mail: the first messages as they are, then the same again, each made another
/// message by a line at its top.
Status feed(app::LiveService& service, size_t events) {
  app::demo::Settings settings;
  settings.start = Time::from_seconds(1'700'000'000);
  app::demo::Company company(settings);
  std::vector<app::demo::SimulatedMessage> messages;
  while (messages.size() < std::min(distinct, events)) {
    auto next = company.next();
    if (next.direction == mail::Direction::inbound) messages.push_back(std::move(next));
  }
  mail::Parser parser;
  std::atomic<size_t> answered{0}, refused{0};
  auto& collector = service.pipeline().collector();
  for (size_t i = 0; i < events; ++i) {
    const auto& message = messages[i % messages.size()];
    const std::string raw =
        i < messages.size() ? message.raw : "X-Copy: " + std::to_string(i) + "\r\n" + message.raw;
    while (!collector.admit(raw.size()).now) std::this_thread::sleep_for(std::chrono::microseconds(200));
    steps::Submission submission;
    submission.raw = raw;
    submission.door = "bench";
    submission.envelope = message.envelope;
    submission.session_known = true;
    submission.received_at = message.at;
    submission.edge.mode = mail::Edge::Mode::auto_;
    collector.submit(parser, submission, [&](const Result<steps::Receipt>& receipt) {
      if (!receipt.ok()) ++refused;
      ++answered;
    });
    if (i % 100'000 == 99'999) std::fprintf(stderr, "%zu events\n", i + 1);
  }
  while (answered < events) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (refused > 0) return {Cause::internal, std::to_string(refused) + " messages were refused"};
  return Ok{};
}

/// In a process of its own, which dies of it.
Status make_past(const std::string& data, size_t events) {
  const pid_t child = fork();
  if (child == 0) {
    app::Common common;
    common.data = data;
    app::LiveService service(common);
    Status done = service.open("127.0.0.1:0");
    if (done.ok()) done = service.start();
    if (done.ok()) done = feed(service, events);
    if (done.ok()) kill(getpid(), SIGKILL);
    std::fprintf(stderr, "%s\n", done.error().message.c_str());
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status)) return {Cause::internal, "the events could not be made"};
  return Ok{};
}

std::string api_url(const std::string& data) {
  std::ifstream file(data + "/run/addresses.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t at = text.find("http://");
  return at == std::string::npos ? "" : text.substr(at, text.find('"', at) - at);
}

struct Restart {
  double ready = 0, acked = 0, stored = 0;
};

Result<Restart> restart(const std::string& binary, const std::string& data, int number) {
  fs::remove(data + "/run/addresses.json");
  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - began).count(); };
  const pid_t child = fork();
  if (child == 0) {
    const int log = open((data + "/restart.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(log, 1), dup2(log, 2);
    execl(binary.c_str(), binary.c_str(), "run", "--data", data.c_str(), "--listen", "127.0.0.1:0", nullptr);
    _exit(127);
  }
  const auto end = [&] {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  };
  Restart took;
  std::string id;
  const std::string raw =
      "From: <ann@acme.example>\r\nTo: <you@here.example>\r\nSubject: " + std::to_string(number) + " " +
      std::to_string(getpid()) + "\r\n\r\nhello\r\n";
  while (passed() < 120) {
    if (waitpid(child, nullptr, WNOHANG) == child)
      return {Cause::internal, binary + " ended at start, see " + data + "/restart.log"};
    if (const std::string url = api_url(data); !url.empty()) {
      api::Client client({url, ""});
      if (took.ready == 0 && client.get("/readyz").ok()) took.ready = passed();
      if (took.ready > 0 && id.empty()) {
        const auto answer = client.call("POST", "/v1/messages",
                                        {{"mail_from", "ann@acme.example"}, {"rcpt_to", "you@here.example"}},
                                        raw, "message/rfc822");
        const size_t at = answer.ok() ? answer->body.find("\"id\":\"") : std::string::npos;
        if (at != std::string::npos) {
          took.acked = passed();
          id = answer->body.substr(at + 6, 32);
        }
      }
      if (!id.empty() && client.get("/v1/messages/" + id).ok()) {
        took.stored = passed();
        end();
        return took;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  end();
  return {Cause::unavailable, "not ready after two minutes, see " + data + "/restart.log"};
}

Status run(size_t events, const std::string& binary, const std::string& data) {
  if (!fs::exists(data + "/journal")) BONAFIDE_TRY(make_past(data, events));
  std::vector<double> ready, acked, stored;
  for (int i = 0; i < 3; ++i) {
    BONAFIDE_ASSIGN(const Restart took, restart(binary, data, i));
    std::printf("restart %d: ready after %.2f s, first message acked after %.2f s, stored after %.2f s\n",
                i + 1, took.ready, took.acked, took.stored);
    std::fflush(stdout);
    ready.push_back(took.ready);
    acked.push_back(took.acked);
    stored.push_back(took.stored);
  }
  std::ranges::sort(ready);
  std::ranges::sort(acked);
  std::ranges::sort(stored);
  std::printf("after %zu events, median of 3: ready %.2f s, acked %.2f s, stored %.2f s\n", events, ready[1],
              acked[1], stored[1]);
  return Ok{};
}

}  // namespace

int main(int argc, char** argv) {
  size_t events = 1'000'000;
  std::string binary = "build/release/bonafide", data;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--events") == 0) events = static_cast<size_t>(std::atoll(argv[i + 1]));
    if (std::strcmp(argv[i], "--binary") == 0) binary = argv[i + 1];
    if (std::strcmp(argv[i], "--data") == 0) data = argv[i + 1];
  }
  const bool keep = !data.empty();
  if (!keep) {
    std::string folder = fs::temp_directory_path() / "bonafide-restart-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) return 1;
    data = folder + "/data";
  }
  const auto done = run(events, binary, data);
  if (!keep) fs::remove_all(fs::path(data).parent_path());
  if (!done.ok()) std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done.ok() ? 0 : 1;
}
