#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "net/address.hpp"

namespace bonafide::net {

/// One connection as a state machine: bytes and times go in, bytes to send come out. It knows no socket, no
/// clock and no thread; the server (or a test, or the simulator) drives it, one call at a time. Times are
/// env::Clock::steady().
class Connection {
 public:
  virtual ~Connection() = default;

  /// The other side can be written to; called once, before anything else. A protocol in which the server
  /// speaks first (SMTP) begins here.
  virtual void on_open(Time now) = 0;
  /// Bytes have arrived. Called only while wants_input().
  virtual void on_bytes(ByteView bytes, Time now) = 0;
  /// The other side will send no more. What is under way may still be answered.
  virtual void on_end(Time now) = 0;
  /// The deadline() has come.
  virtual void on_time(Time now) = 0;
  /// The server is stopping: finish what is under way, begin nothing new, then be closed().
  virtual void on_drain(Time now) = 0;

  /// When on_time() is to be called unless something happens before.
  [[nodiscard]] virtual std::optional<Time> deadline() const = 0;
  /// False: read nothing more for now (back-pressure to the other side).
  [[nodiscard]] virtual bool wants_input() const = 0;
  /// Moves what is to be sent next into `out` (which is empty); false if there is nothing. Called again only
  /// when the bytes before have been handed to the operating system, so a call also means progress.
  virtual bool take_output(std::string& out, Time now) = 0;
  /// Nothing will happen any more: send what output is left, then close.
  [[nodiscard]] virtual bool closed() const = 0;
};

/// The way back to a connection from any thread.
class Link {
 public:
  virtual ~Link() = default;
  /// Runs `task` later on the thread that drives the connection, if the connection still lives then (else the
  /// task is dropped), and sees to the connection's output afterwards. `task` gets the time. Never blocks,
  /// never runs inline.
  virtual void post(std::function<void(Time now)> task) = 0;
};

/// Makes the state machine for a new connection. Called on the server's thread.
using ConnectionFactory =
    std::function<std::unique_ptr<Connection>(const Peer& peer, std::shared_ptr<Link> link)>;

}  // namespace bonafide::net
