#include "net/server.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <list>
#include <optional>
#include <set>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/stat.h>
#include <unistd.h>

namespace bonafide::net {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr size_t read_bytes = size_t{64} << 10;
// A connection that sends faster than this many reads a turn lets the others have theirs.
constexpr int reads_per_turn = 4;
constexpr Duration accept_pause = Duration::millis(100);
constexpr Duration warn_again = Duration::seconds(10);

using Socket = asio::generic::stream_protocol::socket;
using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

std::chrono::microseconds wait_for(Duration duration) {
  return std::chrono::microseconds(std::max<int64_t>(duration.us, 0));
}

IpAddress to_ip(const asio::ip::address& address) {
  IpAddress ip;
  const auto v6 =
      address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()) : address.to_v6();
  const auto bytes = v6.to_bytes();
  std::memcpy(ip.bytes.data(), bytes.data(), bytes.size());
  return ip;
}

asio::ip::tcp::endpoint to_endpoint(const Address& address) {
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), address.ip.bytes.data(), bytes.size());
  const asio::ip::address_v6 v6(bytes);
  if (address.ip.is_v4()) return {asio::ip::make_address_v4(asio::ip::v4_mapped, v6), address.port};
  return {v6, address.port};
}

// A generic endpoint as an address; `listening` is where a unix socket belongs.
Address to_address(const asio::generic::stream_protocol::endpoint& generic, const Address& listening) {
  if (listening.is_unix()) return listening;
  asio::ip::tcp::endpoint tcp;
  if (generic.size() > tcp.capacity()) return {};
  std::memcpy(tcp.data(), generic.data(), generic.size());
  tcp.resize(generic.size());
  Address address;
  address.ip = to_ip(tcp.address());
  address.port = tcp.port();
  return address;
}

Error listen_error(const Address& address, const char* what, const error_code& error) {
  const bool taken = error == asio::error::address_in_use;
  const Cause cause = taken                                 ? Cause::conflict
                      : error == asio::error::access_denied ? Cause::invalid
                                                            : Cause::unavailable;
  std::string message = "cannot listen on " + address.text() + ": " + what + ": " + error.message();
  if (taken) message += "; stop who uses it, or configure another port (0 = any free one)";
  return {cause, message};
}

}  // namespace

// Everything that lives as long as the last task or connection.
class Server::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(const ServerSettings& given, env::Clock& c, env::Logger& l, env::Metrics& m)
      : settings(given), clock(c), logger(l), metrics(m), drain_timer(io) {}

  void begin_stop();
  void forget(const std::shared_ptr<Session>& session);
  void drop_all();
  [[nodiscard]] bool full() const { return open.load() >= settings.max_connections; }

  const ServerSettings settings;
  env::Clock& clock;
  env::Logger& logger;
  env::Metrics& metrics;
  asio::io_context io{1};
  std::list<Listener> listeners;
  std::set<std::shared_ptr<Session>> sessions;
  std::atomic<size_t> open{0};
  std::array<char, read_bytes> buffer{};
  asio::steady_timer drain_timer;
  bool stopping = false;
};

// ---- one connection

class Server::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Core& core, Listener& listener, Socket socket)
      : core_(core), listener_(listener), socket_(std::move(socket)), timer_(core.io) {}

  void open(std::unique_ptr<Connection> machine) {
    machine_ = std::move(machine);
    drive([this](Time now) { machine_->on_open(now); });
  }
  void drain() {
    drive([this](Time now) { machine_->on_drain(now); });
  }
  void run(const std::function<void(Time)>& task) { drive(task); }
  /// Ends at once, whatever was under way.
  void drop() {
    if (gone_) return;
    gone_ = true;
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    machine_.reset();
    core_.forget(shared_from_this());
  }
  Listener& listener() { return listener_; }

 private:
  // Lets the machine do one thing, then sees to its output, its wish for input and its deadline.
  template <class Step>
  void drive(const Step& step) {
    if (gone_ || lingering_) return;
    const Time now = core_.clock.steady();
    step(now);
    write(now);
    if (gone_) return;
    if (machine_->closed() && !writing_) return linger();
    read();
    arm(now);
  }

  void write(Time now) {
    if (writing_ || !machine_->take_output(out_, now)) return;
    writing_ = true;
    sent_ = 0;
    send(now);
  }

  void send(Time now) {
    send_due_ = now + core_.settings.send_idle;
    const auto rest = asio::buffer(out_.data() + sent_, out_.size() - sent_);
    socket_.async_send(rest, [self = shared_from_this()](const error_code& error, size_t bytes) {
      if (self->gone_) return;
      if (error) return self->drop();
      self->sent_ += bytes;
      const Time then = self->core_.clock.steady();
      if (self->sent_ < self->out_.size()) return self->send(then);
      self->writing_ = false;
      self->drive([](Time) {});
    });
  }

  // Waits until there is something to read, then reads into the buffer that all connections share: an idle
  // connection holds none.
  void read() {
    if (reading_ || ended_ || !machine_->wants_input()) return;
    reading_ = true;
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& error) {
      self->reading_ = false;
      if (self->gone_) return;
      if (error) return self->drop();
      self->on_readable();
    });
  }

  void on_readable() {
    drive([this](Time now) {
      for (int turn = 0; turn < reads_per_turn && !ended_ && machine_->wants_input(); ++turn) {
        error_code error;
        const size_t count = socket_.read_some(asio::buffer(core_.buffer), error);
        if (error == asio::error::would_block) return;
        if (error) {
          ended_ = true;
          reset_ = error != asio::error::eof;
          return machine_->on_end(now);
        }
        machine_->on_bytes({core_.buffer.data(), count}, now);
        if (count < core_.buffer.size()) return;
      }
    });
    if (reset_) drop();
  }

  // Sees that on_time() is called no later than the deadline. The timer is only ever moved nearer: most
  // deadlines move away before they come.
  void arm(Time now) {
    auto due = machine_->deadline();
    if (writing_ && (!due || send_due_ < *due)) due = send_due_;
    if (!due || (armed_ && *armed_ <= *due)) return;
    armed_ = due;
    timer_.expires_after(wait_for(*due - now));
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (error || self->gone_ || self->lingering_) return;
      self->armed_.reset();
      self->on_timer();
    });
  }

  void on_timer() {
    const Time now = core_.clock.steady();
    if (writing_ && now >= send_due_) {
      core_.logger.info("net.send_timeout");
      return drop();
    }
    drive([this](Time then) {
      const auto due = machine_->deadline();
      if (due && *due <= then) machine_->on_time(then);
    });
  }

  // All is sent. A close with unread input would reset the connection and take our last bytes from the other
  // side, so what still comes is read away for a while.
  void linger() {
    error_code unknown;
    if (ended_ || (core_.stopping && socket_.available(unknown) == 0)) return drop();
    lingering_ = true;
    machine_.reset();
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    timer_.expires_after(wait_for(core_.settings.linger));
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error) self->drop();
    });
    read_away();
  }

  void read_away() {
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& waited) {
      if (self->gone_) return;
      error_code error = waited;
      if (!error) self->socket_.read_some(asio::buffer(self->core_.buffer), error);
      if (error && error != asio::error::would_block) return self->drop();
      self->read_away();
    });
  }

  Core& core_;
  Listener& listener_;
  Socket socket_;
  asio::steady_timer timer_;
  std::unique_ptr<Connection> machine_;
  std::string out_;
  size_t sent_ = 0;
  Time send_due_;
  std::optional<Time> armed_;
  bool writing_ = false, reading_ = false, ended_ = false, reset_ = false, lingering_ = false, gone_ = false;
};

// The way back to a session; safe when the session or the whole server has gone.
class Server::SessionLink final : public Link {
 public:
  SessionLink(std::weak_ptr<Core> core, std::weak_ptr<Session> session)
      : core_(std::move(core)), session_(std::move(session)) {}
  void post(std::function<void(Time)> task) override {
    const auto core = core_.lock();
    if (!core) return;
    asio::post(core->io, [session = session_, task = std::move(task)] {
      if (const auto alive = session.lock()) alive->run(task);
    });
  }

 private:
  const std::weak_ptr<Core> core_;
  const std::weak_ptr<Session> session_;
};

// ---- one listening address

class Server::Listener {
 public:
  Listener(Core& core, std::string door, ConnectionFactory factory)
      : core_(core),
        factory_(std::move(factory)),
        acceptor_(core.io),
        pause_(core.io),
        open_gauge_(core.metrics.gauge("bonafide_connections", "Connections open now.", {{"hop", door}})),
        accepted_(core.metrics.counter("bonafide_connections_accepted_total", "Connections taken.",
                                       {{"hop", door}})),
        paused_(core.metrics.counter("bonafide_connections_delayed_total",
                                     "Times the door stopped taking connections for a while.",
                                     {{"hop", door}})),
        door_(std::move(door)) {}

  Result<Address> listen(const Address& wanted);
  void accept();
  void close();
  /// A connection has ended: there may be room again.
  void on_ended() { open_gauge_.set(static_cast<double>(--open_)); }
  void resume() {
    if (waiting_for_room_) accept();
  }

 private:
  Status clear_unix_path();
  void on_accepted(const error_code& error, Socket socket,
                   const asio::generic::stream_protocol::endpoint& from);

  Core& core_;
  const ConnectionFactory factory_;
  Acceptor acceptor_;
  asio::steady_timer pause_;
  Address address_;
  size_t open_ = 0;
  bool waiting_for_room_ = false;
  std::optional<Time> warned_at_;
  env::Gauge& open_gauge_;
  env::Counter& accepted_;
  env::Counter& paused_;
  const std::string door_;
};

// A socket file that nobody listens on is left over from a crash.
Status Server::Listener::clear_unix_path() {
  struct stat info {};
  if (::lstat(address_.unix_path.c_str(), &info) != 0) return Ok{};
  if (!S_ISSOCK(info.st_mode)) {
    return {Cause::conflict,
            "cannot listen on " + address_.text() + ": there is a file of that name that is no socket"};
  }
  error_code error;
  asio::local::stream_protocol::socket probe(core_.io);
  probe.connect(asio::local::stream_protocol::endpoint(address_.unix_path), error);
  if (!error)
    return {Cause::conflict, "cannot listen on " + address_.text() + ": somebody listens there already"};
  ::unlink(address_.unix_path.c_str());
  return Ok{};
}

Result<Address> Server::Listener::listen(const Address& wanted) {
  address_ = wanted;
  asio::generic::stream_protocol::endpoint endpoint;
  if (wanted.is_unix()) {
    BONAFIDE_TRY(clear_unix_path());
    endpoint = asio::local::stream_protocol::endpoint(wanted.unix_path);
  } else {
    endpoint = to_endpoint(wanted);
  }
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (error) return listen_error(wanted, "open", error);
  if (!wanted.is_unix()) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (error) return listen_error(wanted, "bind", error);
  if (wanted.is_unix()) ::chmod(wanted.unix_path.c_str(), S_IRUSR | S_IWUSR);
  acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return listen_error(wanted, "listen", error);
  const auto bound = acceptor_.local_endpoint(error);
  if (error) return listen_error(wanted, "local address", error);
  address_ = to_address(bound, wanted);
  return address_;
}

void Server::Listener::accept() {
  if (core_.stopping || !acceptor_.is_open()) return;
  waiting_for_room_ = core_.full();
  if (waiting_for_room_) {
    paused_.add();
    const Time now = core_.clock.steady();
    if (warned_at_ && now - *warned_at_ < warn_again) return;
    core_.logger.warn("net.connections_full",
                      {{"hop", door_}, {"max", uint64_t{core_.settings.max_connections}}});
    warned_at_ = now;
    return;
  }
  auto from = std::make_shared<asio::generic::stream_protocol::endpoint>();
  acceptor_.async_accept(*from, [this, from](const error_code& error, Socket socket) {
    if (error == asio::error::operation_aborted || core_.stopping) return;
    on_accepted(error, std::move(socket), *from);
  });
}

void Server::Listener::on_accepted(const error_code& error, Socket socket,
                                   const asio::generic::stream_protocol::endpoint& from) {
  if (error) {
    // Out of descriptors or memory, or the other side has gone again: the next one after a breath.
    paused_.add();
    core_.logger.warn("net.accept_failed", {{"hop", door_}, {"error", error.message()}});
    pause_.expires_after(wait_for(accept_pause));
    pause_.async_wait([this](const error_code& cancelled) {
      if (!cancelled) accept();
    });
    return;
  }
  error_code ignored;
  socket.non_blocking(true, ignored);
  if (!address_.is_unix()) socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  const Peer peer{to_address(from, address_), to_address(socket.local_endpoint(ignored), address_)};
  accepted_.add();
  open_gauge_.set(static_cast<double>(++open_));
  ++core_.open;
  const auto session = std::make_shared<Session>(core_, *this, std::move(socket));
  core_.sessions.insert(session);
  session->open(factory_(peer, std::make_shared<SessionLink>(core_.weak_from_this(), session)));
  accept();
}

void Server::Listener::close() {
  if (!acceptor_.is_open()) return;
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  if (address_.is_unix()) ::unlink(address_.unix_path.c_str());
}

// ---- the whole

void Server::Core::forget(const std::shared_ptr<Session>& session) {
  session->listener().on_ended();
  sessions.erase(session);
  --open;
  if (stopping && sessions.empty()) return io.stop();
  for (Listener& listener : listeners) listener.resume();
}

void Server::Core::drop_all() {
  const auto all = sessions;
  for (const auto& session : all) session->drop();
}

void Server::Core::begin_stop() {
  if (stopping) return;
  stopping = true;
  for (Listener& listener : listeners) listener.close();
  if (sessions.empty()) return io.stop();
  const auto all = sessions;
  for (const auto& session : all) session->drain();
  if (sessions.empty()) return;
  drain_timer.expires_after(wait_for(settings.drain));
  drain_timer.async_wait([this](const error_code& error) {
    if (error) return;
    logger.warn("net.drain_cut", {{"connections", uint64_t{sessions.size()}}});
    drop_all();
  });
}

Server::Server(ServerSettings settings, env::Clock& clock, env::Logger& logger, env::Metrics& metrics)
    : core_(std::make_shared<Core>(settings, clock, logger, metrics)) {}

Server::~Server() {
  for (Listener& listener : core_->listeners) listener.close();
}

Result<Address> Server::listen(const Address& address, const std::string& door, ConnectionFactory factory) {
  core_->listeners.emplace_back(*core_, door, std::move(factory));
  auto listening = core_->listeners.back().listen(address);
  if (!listening.ok()) core_->listeners.pop_back();
  return listening;
}

void Server::run() {
  for (Listener& listener : core_->listeners) listener.accept();
  const auto work = asio::make_work_guard(core_->io);
  core_->io.run();
  core_->drop_all();
}

void Server::stop() {
  asio::post(core_->io, [core = core_.get()] { core->begin_stop(); });
}

void Server::post(std::function<void()> task) { asio::post(core_->io, std::move(task)); }

size_t Server::connections() const { return core_->open.load(); }

}  // namespace bonafide::net
