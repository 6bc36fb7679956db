// HTTP from anybody: no input crashes the machine, holds more than its limits, or is read differently when it
// arrives in other pieces (what two readers read differently is what requests are smuggled with).
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "env/sim/clock.hpp"
#include "net/http_connection.hpp"

namespace {

using namespace bonafide;
using namespace bonafide::net;

class Recorder final : public HttpHandler {
 public:
  Verdict on_head(const Request& head, uint64_t) override {
    if (head.path == "/refuse") return Response{};
    return size_t{4096};
  }
  void on_request(Request request, Reply reply) override {
    seen += request.method + " " + request.target + " " + request.host + " " + request.body + "\n";
    for (const auto& [name, value] : request.headers) seen += name + ":" + value + "\n";
    for (const auto& [name, value] : request.query) seen += name + "=" + value + "\n";
    if (request.body.size() > 4096) std::abort();
    reply.send(Response{});
  }
  Response refuse(int status, std::string_view why) override {
    Response response;
    response.status = status;
    response.body = why;
    return response;
  }
  void on_answered(int, Duration) override {}
  std::string seen;
};

class Tasks final : public Link {
 public:
  void post(std::function<void(Time)> task) override { waiting.push_back(std::move(task)); }
  std::deque<std::function<void(Time)>> waiting;
};

// Feeds `bytes` in pieces whose sizes come from `sizes`; returns the requests as they were understood.
std::string understood(std::string_view bytes, std::string_view sizes) {
  env::sim::ManualClock clock;
  Recorder handler;
  HttpFront front(handler, HttpLimits{.bodies_bytes = 1 << 20}, clock);
  auto link = std::make_shared<Tasks>();
  {
    HttpConnection machine(front, Peer{}, link);
    machine.on_open(clock.steady());
    std::string out;
    size_t turn = 0;
    while (!bytes.empty() && !machine.closed() && machine.wants_input()) {
      const size_t wanted =
          sizes.empty() ? bytes.size() : 1 + static_cast<uint8_t>(sizes[turn++ % sizes.size()]);
      const std::string_view piece = bytes.substr(0, wanted);
      bytes.remove_prefix(piece.size());
      machine.on_bytes(piece, clock.steady());
      while (machine.take_output(out, clock.steady())) out.clear();
      while (!link->waiting.empty()) {
        auto task = std::move(link->waiting.front());
        link->waiting.pop_front();
        task(clock.steady());
      }
    }
    // Time passes until it gives up: it always does.
    for (int i = 0; i < 10 && !machine.closed(); ++i) {
      const auto due = machine.deadline();
      if (!due) std::abort();
      clock.advance(*due - clock.steady());
      machine.on_time(clock.steady());
      while (machine.take_output(out, clock.steady())) out.clear();
    }
    if (!machine.closed()) std::abort();
  }
  if (front.held_bytes() != 0) std::abort();
  return handler.seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t control = std::min<size_t>(static_cast<uint8_t>(input[0]) % 8, size - 1);
  const std::string_view sizes = input.substr(1, control);
  const std::string_view bytes = input.substr(1 + control);
  const std::string whole = understood(bytes, {});
  if (understood(bytes, std::string_view("\0", 1)) != whole || understood(bytes, sizes) != whole) {
    std::fprintf(stderr, "read differently in pieces\n");
    std::abort();
  }
  return 0;
}
