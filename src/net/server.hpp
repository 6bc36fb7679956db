#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "env/clock.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"
#include "net/connection.hpp"

namespace bonafide::net {

struct ServerSettings {
  size_t max_connections = 1000;  ///< of all listeners together; more wait in the kernel's queue
  /// A connection on which the other side takes nothing for so long is dropped.
  Duration send_idle = Duration::seconds(30);
  /// How long stop() waits for what is under way.
  Duration drain = Duration::seconds(10);
  /// How long a connection is kept after our last byte, so that the other side can read it before a reset.
  Duration linger = Duration::seconds(2);
};

/// The one server that moves bytes between sockets and connections' state machines. Runs all of them on one
/// thread, the one that calls run(); everything else may be called from any thread where it says so.
class Server {
 public:
  Server(ServerSettings settings, env::Clock& clock, env::Logger& logger, env::Metrics& metrics);
  /// The server is not running any more.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Listens; connections come once run() is called. `door` names the listener in metrics and logs ("api",
  /// "smtp"). Returns the address with the port that was chosen. A unix socket's file is made with mode 0600,
  /// in place of one that nobody listens on. Before run() only. Errors: conflict (the address is taken),
  /// invalid, unavailable.
  Result<Address> listen(const Address& address, const std::string& door, ConnectionFactory factory);

  /// Serves until stop(). Returns when every connection is gone.
  void run();
  /// Takes no new connections, lets those there finish what is under way (at most ServerSettings::drain),
  /// then ends run(). Any thread, also more than once, also before run().
  void stop();
  /// Runs `task` on the server's thread. Any thread. Tasks left over when the server ends are dropped.
  void post(std::function<void()> task);

  /// Connections open now. Any thread.
  [[nodiscard]] size_t connections() const;

 private:
  class Core;
  class Listener;
  class Session;
  class SessionLink;
  std::shared_ptr<Core> core_;
};

}  // namespace bonafide::net
