#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "net/smtp.hpp"

// Reading SMTP strictly: what two servers could read differently is refused.
namespace bonafide::net {

struct SmtpCommand {
  std::string verb;            ///< upper case
  std::string_view arguments;  ///< without the spaces around them
};
/// A command line without its line end.
SmtpCommand parse_command(std::string_view line);

/// The argument of MAIL and RCPT.
struct SmtpPath {
  std::string address;  ///< without <> and source route; "" = <>
  bool ascii = true;
  /// Names in upper case; "" where there is no value.
  std::vector<std::pair<std::string, std::string>> parameters;
};
/// "FROM:<a@b> SIZE=100" with `keyword` "FROM". A domain may be missing (local names, "postmaster"). Else the
/// reply that refuses it; `wrong_address` is its enhanced status where the address is the reason.
std::variant<SmtpPath, SmtpReply> parse_path(std::string_view arguments, std::string_view keyword,
                                             size_t max_bytes, std::string_view wrong_address);

/// "NAME=x ADDR=192.0.2.1 …" with xtext values (RFC 3461 section 4), added to `known`. Else the reply that
/// refuses it.
std::variant<SmtpForwarded, SmtpReply> parse_forwarded(std::string_view arguments, SmtpForwarded known);
/// The attributes of XFORWARD, as EHLO lists them.
std::string_view forwarded_attributes();

/// The bytes of a message as they come, line ends checked.
class SmtpLines {
 public:
  explicit SmtpLines(size_t max_bytes) : max_bytes_(max_bytes) {}
  /// Adds bytes that belong to the message. After a fault they are only counted.
  void add(ByteView bytes);
  /// Nothing more comes: a CR at the end is bare.
  void finish();
  [[nodiscard]] bool bare_line_end() const { return bare_; }
  [[nodiscard]] bool too_large() const { return too_large_; }
  [[nodiscard]] uint64_t total() const { return total_; }
  [[nodiscard]] size_t held() const { return text_.capacity(); }
  std::string& text() { return text_; }
  /// Something else is wrong with the message: its bytes are not kept.
  void drop();

 private:
  void keep(ByteView bytes);

  const size_t max_bytes_;
  std::string text_;
  uint64_t total_ = 0;
  bool last_was_cr_ = false, bare_ = false, too_large_ = false, dropped_ = false;
};

/// Where DATA ends, and the dots at the beginnings of lines (RFC 5321 section 4.5.2). Only CR LF . CR LF ends
/// it: with a bare LF or CR in the place of any of the two, it goes on.
class SmtpDots {
 public:
  /// Reads from `bytes` up to the end of the data at most, and gives to `lines` what is the message's.
  /// Returns how many bytes were used.
  size_t read(ByteView bytes, SmtpLines& lines);
  [[nodiscard]] bool done() const { return at_ == At::end; }

 private:
  enum class At { line_start, dot, dot_cr, text, text_cr, end };
  At at_ = At::line_start;
};

}  // namespace bonafide::net
