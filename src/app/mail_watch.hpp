#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "env/files.hpp"
#include "env/log.hpp"
#include "mail/parse/mailbox.hpp"

namespace bonafide::app {

/// The `files` door: Maildirs and mboxes that others write, looked at again and again. Nothing in them is
/// changed. What was taken is remembered in a file, of a Maildir by the names (they stay when a message is
/// moved from new to cur), of an mbox by how far it was read; what a crash forgets is known to the collector.
/// Not for several threads, except `done`.
class MailWatch {
 public:
  struct Settings {
    std::vector<std::string> paths;
    Duration every = Duration::seconds(2);
    std::string memory_file;
  };
  struct Parts {
    env::Files& files;
    env::Logger& logger;
    std::function<bool(size_t bytes)> admits;  ///< may a message be taken now?
    /// Hands over a message; `done` is called once, on any thread, with whether it is settled: taken, or
    /// refused for good. `old`: it lay there when the watching began.
    std::function<void(const mail::RawMessage& message, bool old, std::function<void(bool settled)> done)>
        submit;
    std::function<void()> wake;  ///< step() has something to do; any thread
  };
  /// Reads what is remembered. A path that is not there yet is looked for again each time.
  MailWatch(Settings settings, Parts parts);

  /// Does what can be done at `now` (steady) without waiting; true: there is more.
  /// Errors: those of the memory file.
  Result<bool> step(Time now);
  /// When step() is to be called unless it is woken.
  [[nodiscard]] Time due() const;

 private:
  struct Box {
    std::string path;
    std::set<std::string> taken;  ///< Maildir: names without their flags
    uint64_t read_to = 0;         ///< mbox
    uint64_t last_size = 0;       ///< mbox: at the look before
    bool looked = false;          ///< since the start
    bool warned = false;          ///< that it is neither
  };
  // One look at a box.
  struct Look {
    Box* box = nullptr;
    std::vector<std::pair<std::string, std::string>> mails;  ///< Maildir: name without flags, path
    size_t next = 0;
    std::unique_ptr<mail::MailSource> source;  ///< mbox
    uint64_t size = 0;
    bool failed = false;  ///< something is left for the next look
  };
  // What became of messages that were handed over; shared with callbacks, which may outlive the watch.
  struct Batch {
    std::atomic<size_t> under_way{0};
    std::mutex mutex;
    std::vector<std::string> settled;
    bool failed = false;
  };

  void read_memory();
  Status write_memory();
  /// Begins a look at the box whose turn it is, if there may be something in it.
  void begin_look();
  void look_at_maildir(Box& box);
  void look_at_mbox(Box& box);
  std::optional<mail::RawMessage> next_message();
  void hand_over(const mail::RawMessage& message, std::string name);
  void take_note();
  void end_look();
  Status end_turn(Time now);

  const Settings settings_;
  const Parts parts_;
  std::vector<Box> boxes_;
  size_t turn_ = 0;  ///< which box is next
  std::unique_ptr<Look> look_;
  std::shared_ptr<Batch> batch_ = std::make_shared<Batch>();
  bool changed_ = false;
  Time due_;
};

}  // namespace bonafide::app
