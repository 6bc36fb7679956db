#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "app/demo/dice.hpp"
#include "base/time.hpp"

// The programs that write the simulated mail: the marks each leaves in its messages.
namespace bonafide::app::demo {

/// Which program; index into mailers().
enum class MailerKind : uint8_t {
  office_cloud,
  outlook,
  apple_mail,
  iphone,
  thunderbird,
  workmail_web,
  roundcube,
  mutt,
  evolution,
  phpmailer,
  bulk,
  ticket,
  script,
  postbox_web,
  k9,
  count,
};

enum class Field : uint8_t {
  from,
  sender,
  reply_to,
  to,
  cc,
  subject,
  date,
  message_id,
  in_reply_to,
  references,
  mime_version,
  content,
  agent,
  organization,
  content_language,
  accept_language,
  thread_topic,
  thread_index,
  has_attachment,
  priority,
  unsubscribe,
  feedback,
  precedence,
  auto_submitted,
};

enum class Coding : uint8_t { plain, quoted_printable, base64 };

struct Mailer {
  std::string_view agent_field;                ///< "User-Agent", "X-Mailer" or ""
  std::string_view agent;                      ///< '%' stands for the version
  std::span<const std::string_view> versions;  ///< oldest first
  std::span<const Field> order;
  std::string_view mime_version;     ///< the whole line without its end
  std::string_view message_id_name;  ///< "Message-ID" or "Message-Id"
  Coding coding;
  bool html;          ///< writes text and HTML unless told otherwise
  bool quotes_names;  ///< "Name" <a@b> even where not needed
  bool pads_day;
  bool folds_with_tab;
};
const Mailer& mailer(MailerKind kind);

/// A new Message-ID without brackets. `domain`: of the author; `host`: of the machine that runs the program.
std::string make_message_id(MailerKind kind, Dice& dice, Time at, std::string_view domain,
                            std::string_view host);
/// A separator of MIME parts; `level` counts those of one message.
std::string make_boundary(MailerKind kind, Dice& dice, int level);

}  // namespace bonafide::app::demo
