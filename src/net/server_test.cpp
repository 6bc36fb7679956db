#include "net/server.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "env/real/clock.hpp"
#include "net/http_connection.hpp"

namespace bonafide::net {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// A blocking socket for tests.
class Client {
 public:
  explicit Client(const Address& address) {
    sockaddr_storage storage{};
    socklen_t size = 0;
    if (address.is_unix()) {
      auto* to = reinterpret_cast<sockaddr_un*>(&storage);
      to->sun_family = AF_UNIX;
      address.unix_path.copy(to->sun_path, sizeof to->sun_path - 1);
      size = sizeof *to;
    } else if (address.ip.is_v4()) {
      auto* to = reinterpret_cast<sockaddr_in*>(&storage);
      to->sin_family = AF_INET;
      to->sin_port = htons(address.port);
      std::memcpy(&to->sin_addr, address.ip.bytes.data() + 12, 4);
      size = sizeof *to;
    } else {
      auto* to = reinterpret_cast<sockaddr_in6*>(&storage);
      to->sin6_family = AF_INET6;
      to->sin6_port = htons(address.port);
      std::memcpy(&to->sin6_addr, address.ip.bytes.data(), 16);
      size = sizeof *to;
    }
    fd_ = ::socket(storage.ss_family, SOCK_STREAM, 0);
    const timeval longest{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&storage), size) == 0;
  }
  ~Client() {
    if (fd_ >= 0) ::close(fd_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  /// Reads one response with a Content-Length.
  std::string response() {
    while (true) {
      const size_t head_end = in_.find("\r\n\r\n");
      if (head_end != std::string::npos) {
        const size_t at = in_.find("Content-Length: ");
        const size_t whole = head_end + 4 + (at < head_end ? std::stoul(in_.substr(at + 16)) : 0);
        if (in_.size() >= whole) {
          std::string one = in_.substr(0, whole);
          in_.erase(0, whole);
          return one;
        }
      }
      if (!fill()) return std::exchange(in_, {});
    }
  }
  /// Reads until the other side closes.
  std::string rest() {
    while (fill()) {
    }
    return std::exchange(in_, {});
  }
  /// Closes with a reset, as a machine that loses its power does not even do.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  bool fill() {
    std::array<char, 65536> buffer;
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (n <= 0) return false;
    in_.append(buffer.data(), static_cast<size_t>(n));
    return true;
  }

  int fd_ = -1;
  bool connected_ = false;
  std::string in_;
};

/// Answers on a thread of its own, as a journal does when a group is synced.
class LateHandler final : public HttpHandler {
 public:
  LateHandler() : worker_([this] { work(); }) {}
  ~LateHandler() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    worker_.join();
  }

  Verdict on_head(const Request&, uint64_t) override { return size_t{1} << 20; }
  void on_request(Request request, Reply reply) override {
    if (request.path == "/never") {
      const std::lock_guard lock(mutex_);
      never_.push_back(reply);
      return;
    }
    const std::lock_guard lock(mutex_);
    waiting_.emplace_back(std::move(request), std::move(reply));
    changed_.notify_all();
  }
  Response refuse(int status, std::string_view why) override {
    return {.status = status, .headers = {}, .body = std::string(why), .stream = {}};
  }
  void on_answered(int, Duration) override { ++answered; }
  void answer_never(const std::string& body) {
    const std::lock_guard lock(mutex_);
    for (const Reply& reply : never_) reply.send({.status = 200, .headers = {}, .body = body, .stream = {}});
    never_.clear();
  }
  bool has_never() {
    const std::lock_guard lock(mutex_);
    return !never_.empty();
  }
  void forget_never() {
    const std::lock_guard lock(mutex_);
    never_.clear();
  }
  std::atomic<int> answered{0};

 private:
  class Zeros final : public BodySource {
   public:
    void pull(Done done) override {
      left_ -= 1;
      done(Piece{std::string(32 * 1024, '0'), left_ == 0});
    }

   private:
    int left_ = 1024;
  };

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      auto [request, reply] = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      Response response;
      if (request.path == "/stream") {
        response.stream = std::make_shared<Zeros>();
      } else if (request.path == "/big") {
        response.body = std::string(size_t{64} << 20, 'b');
      } else {
        response.body = request.path + ":" + request.body;
      }
      reply.send(std::move(response));
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Request, Reply>> waiting_;
  std::vector<Reply> never_;
  bool stop_ = false;
  std::thread worker_;
};

std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"; }

class ServerTest : public testing::Test {
 protected:
  ~ServerTest() override {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(scratch(), ignored);
  }
  void start(const std::string& address = "127.0.0.1:0", ServerSettings settings = {},
             HttpLimits limits = {}) {
    front = std::make_unique<HttpFront>(handler, limits, clock);
    server = std::make_unique<Server>(settings, clock, logger, metrics);
    auto listening = server->listen(*Address::parse(address), "test", front->factory());
    ASSERT_TRUE(listening.ok()) << listening.error().message;
    at = *listening;
    thread = std::thread([this] { server->run(); });
  }
  void stop() {
    if (!thread.joinable()) return;
    server->stop();
    thread.join();
  }
  template <class Condition>
  bool soon(const Condition& condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  static std::filesystem::path scratch() {
    auto path = std::filesystem::temp_directory_path() / ("bonafide-net-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path);
    return path;
  }

  env::RealClock clock;
  env::NoLogger logger;
  env::Metrics metrics;
  std::unique_ptr<HttpFront> front;
  std::unique_ptr<Server> server;
  LateHandler handler;
  Address at;
  std::thread thread;
};

TEST_F(ServerTest, ServesOnTheAddressItChose) {
  start();
  EXPECT_NE(at.port, 0);
  Client client(at);
  for (int i = 0; i < 3; ++i) {
    client.send(get("/hello"));
    EXPECT_TRUE(client.response().ends_with("/hello:"));
  }
  client.send("nonsense\r\n\r\n");
  EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 400"));
}

TEST_F(ServerTest, ServesOverIpv6) {
  const int probe = ::socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 loopback{};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  const bool there =
      probe >= 0 && ::bind(probe, reinterpret_cast<sockaddr*>(&loopback), sizeof loopback) == 0;
  if (probe >= 0) ::close(probe);
  if (!there) GTEST_SKIP() << "this machine has no IPv6 loopback";
  start("[::1]:0");
  Client client(at);
  client.send(get("/six"));
  EXPECT_TRUE(client.response().ends_with("/six:"));
}

TEST_F(ServerTest, ServesOverAUnixSocketOfTheOwner) {
  const auto path = scratch() / "api.sock";
  {
    // Left over from a crash: bound, and nobody listens.
    const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.string().copy(name.sun_path, sizeof name.sun_path - 1);
    ASSERT_EQ(::bind(stale, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    ::close(stale);
  }
  start("unix:" + path.string());
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  Client client(at);
  client.send(get("/unix"));
  EXPECT_TRUE(client.response().ends_with("/unix:"));

  Server second({}, clock, logger, metrics);
  auto taken = second.listen(at, "second", front->factory());
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().cause, Cause::conflict);
  stop();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ServerTest, ATakenPortAndAForeignFileAreConflicts) {
  start();
  Server second({}, clock, logger, metrics);
  auto taken = second.listen(at, "second", front->factory());
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().cause, Cause::conflict);
  EXPECT_THAT(taken.error().message, HasSubstr(at.text()));

  const auto file = scratch() / "precious";
  ASSERT_TRUE(std::filesystem::create_directories(file));
  auto refused = second.listen(*Address::parse("unix:" + file.string()), "second", front->factory());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().cause, Cause::conflict);
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(ServerTest, AHundredConnectionsAtOnce) {
  start();
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::unique_ptr<Client>> clients;
      for (int i = 0; i < 25; ++i) clients.push_back(std::make_unique<Client>(at));
      for (int round = 0; round < 5; ++round) {
        const std::string body =
            "body " + std::to_string(t) + "/" + std::to_string(round) + std::string(9000, 'x');
        for (auto& client : clients) {
          client->send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
                       "\r\n\r\n" + body);
        }
        for (auto& client : clients) good += client->response().ends_with("\r\n\r\n/p:" + body) ? 1 : 0;
      }
    });
  }
  for (auto& one : threads) one.join();
  EXPECT_EQ(good, 500);
  EXPECT_TRUE(soon([&] { return server->connections() == 0; }));
  EXPECT_EQ(metrics.gauge("bonafide_connections", "", {{"hop", "test"}}).value(), 0);
}

TEST_F(ServerTest, SlowLorisesAreThrownOutWhileOthersAreServed) {
  start("127.0.0.1:0", {}, {.head_timeout = Duration::millis(300)});
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 50; ++i) {
    slow.push_back(std::make_unique<Client>(at));
    slow.back()->send("GET / HTTP/1.1\r\nX-");
  }
  Client client(at);
  const Time begin = clock.steady();
  while (clock.steady() - begin < Duration::millis(200)) {
    client.send(get("/fast"));
    EXPECT_TRUE(client.response().ends_with("/fast:"));
    for (auto& one : slow) one->send("a");
  }
  for (auto& one : slow) EXPECT_THAT(one->rest(), StartsWith("HTTP/1.1 408"));
}

TEST_F(ServerTest, ClientsThatVanishLeaveNothingBehind) {
  start();
  for (int i = 0; i < 50; ++i) {
    Client in_head(at), in_body(at), waiting(at), unread(at);
    in_head.send("GET /x HT");
    in_body.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
    waiting.send(get("/never"));
    unread.send(get("/stream"));
    in_head.reset();
    in_body.reset();
    waiting.reset();
    unread.reset();
  }
  EXPECT_TRUE(soon([&] { return server->connections() == 0; })) << server->connections();
  handler.answer_never("nobody there");
  Client client(at);
  client.send(get("/still"));
  EXPECT_TRUE(client.response().ends_with("/still:"));
}

TEST_F(ServerTest, MoreConnectionsThanAllowedWaitTheirTurn) {
  start("127.0.0.1:0", {.max_connections = 2});
  auto first = std::make_unique<Client>(at);
  Client second(at);
  first->send(get("/1"));
  first->response();
  second.send(get("/2"));
  second.response();
  Client third(at);
  ASSERT_TRUE(third.connected()) << "by the kernel";
  third.send(get("/3"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(server->connections(), 2U);
  first.reset();
  EXPECT_TRUE(third.response().ends_with("/3:"));
}

TEST_F(ServerTest, ARefusedUploadCanReadWhy) {
  start();
  Client client(at);
  std::thread upload([&] {
    client.send("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n");
    client.send(std::string(8'000'000, 'x'));
  });
  EXPECT_THAT(client.rest(), StartsWith("HTTP/1.1 413"));
  upload.join();
}

TEST_F(ServerTest, AStreamArrivesWhole) {
  start();
  Client client(at);
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  const std::string all = client.rest();
  EXPECT_EQ(all.size() - all.find("\r\n\r\n") - 4, size_t{32} << 20);
}

TEST_F(ServerTest, AClientThatReadsNothingIsDropped) {
  start("127.0.0.1:0", {.send_idle = Duration::millis(200)});
  Client client(at);
  client.send(get("/big"));
  EXPECT_TRUE(soon([&] { return handler.answered == 1; }));
  EXPECT_TRUE(soon([&] { return server->connections() == 0; }));
}

TEST_F(ServerTest, StoppingFinishesWhatIsUnderWay) {
  start();
  Client idle(at), busy(at);
  idle.send(get("/a"));
  idle.response();
  busy.send(get("/never"));
  ASSERT_TRUE(soon([&] { return handler.has_never(); }));
  server->stop();
  EXPECT_EQ(idle.rest(), "") << "the idle one is closed";
  EXPECT_FALSE(Client(at).connected()) << "and nobody new is let in";
  handler.answer_never("finished");
  EXPECT_THAT(busy.rest(), HasSubstr("finished"));
  const Time begin = clock.steady();
  thread.join();
  EXPECT_LT(clock.steady() - begin, Duration::seconds(3));
}

TEST_F(ServerTest, StoppingIsBounded) {
  start("127.0.0.1:0", {.drain = Duration::millis(200)});
  Client busy(at);
  busy.send(get("/never"));
  ASSERT_TRUE(soon([&] { return handler.has_never(); }));
  const Time begin = clock.steady();
  stop();
  EXPECT_LT(clock.steady() - begin, Duration::seconds(3));
  handler.forget_never();
}

TEST_F(ServerTest, StoppedBeforeItRan) {
  Server early({}, clock, logger, metrics);
  early.stop();
  early.stop();
  early.run();
  early.post([] { FAIL() << "the server has ended"; });
}

TEST_F(ServerTest, TasksRunOnTheServersThread) {
  start();
  std::atomic<bool> ran{false};
  std::thread::id where;
  server->post([&] {
    where = std::this_thread::get_id();
    ran = true;
  });
  ASSERT_TRUE(soon([&] { return ran.load(); }));
  EXPECT_EQ(where, thread.get_id());
}

}  // namespace
}  // namespace bonafide::net
