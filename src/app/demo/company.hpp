#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/demo/planner.hpp"
#include "base/time.hpp"
#include "mail/event.hpp"

namespace bonafide::app::demo {

/// A message of the simulated company, as its edge hands it to Bonafide.
struct SimulatedMessage {
  uint64_t number = 0;      ///< from 0
  std::string raw;          ///< RFC 5322 with CRLF
  mail::Envelope envelope;  ///< of the SMTP session; the topmost Received says the same
  Time at;                  ///< when the edge took it
  mail::Direction direction = mail::Direction::inbound;
  // Known to the simulator alone: nothing of it is in the message.
  std::string_view label;     ///< "ham" or "attack"
  std::string_view scenario;  ///< e.g. "partner", "blind_spoof"
};

/// A company's mail without end: months of past and then on, in all directions, with attacks among it.
/// Deterministic: the same settings give the same bytes on every machine, compiler and build. Not safe from
/// several threads.
class Company {
 public:
  explicit Company(const Settings& settings);
  ~Company();
  Company(Company&&) noexcept;
  Company& operator=(Company&&) noexcept;

  /// The next message; times rise strictly.
  SimulatedMessage next();
  /// As next(), into a message whose memory is used again.
  void next(SimulatedMessage& message);
  /// When the next message is due, and its number.
  [[nodiscard]] Time next_at() const;
  [[nodiscard]] uint64_t next_number() const;
  /// Passes over messages until the next is `number`; does nothing if that is past. Some microseconds each.
  void skip_to(uint64_t number);
  /// Passes over all messages before `time`.
  void skip_until(Time time);

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] const std::string& domain() const;  ///< the company's own
  [[nodiscard]] const std::string& edge()
      const;  ///< host that writes the topmost Received: also its authserv-id
  [[nodiscard]] std::vector<std::string> networks() const;           ///< CIDR ranges its own people send from
  [[nodiscard]] std::vector<std::string> free_mail_domains() const;  ///< where anybody can have a mailbox

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Simulated time against the wall: `speed` simulated seconds a second from an origin on, but never ahead of
/// the wall, because a door does not believe in mail from the future. Pure.
class Pace {
 public:
  Pace(Time simulated_origin, Time wall_origin, double speed)
      : simulated_(simulated_origin), wall_(wall_origin), speed_(speed > 0 ? speed : 1) {}
  /// The wall time at which a message of simulated time `at` is to be sent.
  [[nodiscard]] Time due(Time at) const {
    const Time paced =
        wall_ + Duration::micros(static_cast<int64_t>(static_cast<double>((at - simulated_).us) / speed_));
    return paced < at ? at : paced;
  }

 private:
  Time simulated_, wall_;
  double speed_;
};

}  // namespace bonafide::app::demo
