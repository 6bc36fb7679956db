#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "env/files.hpp"

namespace bonafide::mail {

/// A message as it lies in a mailbox.
struct RawMessage {
  std::string name;   ///< stable: the path of its file, of an mbox with "#1", "#2" … behind it
  SharedBytes bytes;  ///< at most MailSource::max_message_bytes
  uint64_t size = 0;  ///< of all of it; more than bytes.size() if it was cut
};

/// Messages one after the other, however many there are: never more than one is in memory.
class MailSource {
 public:
  /// Longer messages come cut, so that the door can refuse them by their size.
  static constexpr size_t max_message_bytes = size_t{64} * 1024 * 1024;

  struct Progress {
    uint64_t done = 0, total = 0;
    const char* unit = "";  ///< "bytes" or "files"
  };

  virtual ~MailSource() = default;
  /// The next message; nothing once there is no more. An error names the file; the source then goes on behind
  /// it.
  virtual Result<std::optional<RawMessage>> next() = 0;
  [[nodiscard]] virtual Progress progress() const = 0;
};

/// Opens whatever `path` is: a message in a file, an mbox (RFC 4155; quoting of mboxo and mboxrd), a Maildir
/// (new and cur), or a folder of such files and folders, read in name order. In a folder only *.eml, *.mbox
/// and Maildirs count. `files` outlives the source. Errors: not_found, and as Files::open().
Result<std::unique_ptr<MailSource>> open_source(env::Files& files, const std::string& path);

/// The messages of an mbox in a part of its file, [from, to); one begins at `from`. Errors: as Files::open().
Result<std::unique_ptr<MailSource>> open_mbox_part(env::Files& files, const std::string& path, uint64_t from,
                                                   uint64_t to);

/// The messages in bytes that came otherwise, e.g. by standard input: an mbox if they begin with "From ",
/// else one message.
std::unique_ptr<MailSource> open_bytes(std::string name, SharedBytes bytes);

}  // namespace bonafide::mail
