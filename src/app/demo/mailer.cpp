#include "app/demo/mailer.hpp"

#include <array>

namespace bonafide::app::demo {
namespace {

using F = Field;
using Text = std::string_view;

constexpr std::array<Text, 1> no_version{""};
constexpr std::array<Text, 3> outlook_versions{"16.0", "16.0", "16.0"};
constexpr std::array<Text, 3> apple_versions{"3696.120.41.1.4", "3774.300.61.1.2", "3826.200.121"};
constexpr std::array<Text, 3> iphone_versions{"20G81", "21F90", "22B91"};
constexpr std::array<Text, 3> thunderbird_versions{"102.15.1", "115.12.0", "128.4.0"};
constexpr std::array<Text, 3> roundcube_versions{"1.4.15", "1.5.6", "1.6.9"};
constexpr std::array<Text, 3> mutt_versions{"2.0.5 (2021-01-21)", "2.2.9 (2022-11-12)",
                                            "2.2.13 (2024-03-09)"};
constexpr std::array<Text, 3> evolution_versions{"3.46.4-2", "3.52.3", "3.54.1"};
constexpr std::array<Text, 3> phpmailer_versions{"6.5.3", "6.8.1", "6.9.1"};
constexpr std::array<Text, 2> ticket_versions{"5.0.2", "5.0.6"};
constexpr std::array<Text, 2> k9_versions{"6.710", "8.0"};

constexpr std::array office_order{F::from,
                                  F::sender,
                                  F::reply_to,
                                  F::to,
                                  F::cc,
                                  F::subject,
                                  F::thread_topic,
                                  F::thread_index,
                                  F::date,
                                  F::message_id,
                                  F::references,
                                  F::in_reply_to,
                                  F::accept_language,
                                  F::content_language,
                                  F::has_attachment,
                                  F::auto_submitted,
                                  F::content,
                                  F::mime_version,
                                  F::organization,
                                  F::priority};
constexpr std::array outlook_order{
    F::reply_to,         F::from,           F::sender,      F::to,       F::cc,
    F::references,       F::in_reply_to,    F::subject,     F::date,     F::message_id,
    F::mime_version,     F::content,        F::agent,       F::priority, F::thread_index,
    F::content_language, F::auto_submitted, F::organization};
constexpr std::array apple_order{F::from,       F::sender,         F::content,      F::mime_version,
                                 F::reply_to,   F::subject,        F::message_id,   F::in_reply_to,
                                 F::references, F::date,           F::cc,           F::to,
                                 F::agent,      F::auto_submitted, F::organization, F::priority};
constexpr std::array iphone_order{F::content,     F::from, F::sender,     F::mime_version,   F::reply_to,
                                  F::subject,     F::date, F::message_id, F::references,     F::cc,
                                  F::in_reply_to, F::to,   F::agent,      F::auto_submitted, F::organization,
                                  F::priority};
constexpr std::array thunderbird_order{
    F::message_id,       F::date,        F::mime_version, F::agent,          F::reply_to, F::subject,
    F::content_language, F::to,          F::cc,           F::references,     F::from,     F::sender,
    F::organization,     F::in_reply_to, F::content,      F::auto_submitted, F::priority};
constexpr std::array workmail_order{F::mime_version,   F::references,   F::in_reply_to, F::reply_to,
                                    F::from,           F::sender,       F::date,        F::message_id,
                                    F::subject,        F::to,           F::cc,          F::content,
                                    F::auto_submitted, F::organization, F::priority};
constexpr std::array roundcube_order{F::mime_version, F::date,         F::from,           F::sender,
                                     F::to,           F::cc,           F::subject,        F::reply_to,
                                     F::in_reply_to,  F::references,   F::agent,          F::message_id,
                                     F::content,      F::organization, F::auto_submitted, F::priority};
constexpr std::array mutt_order{F::date,         F::from,         F::sender,         F::to,
                                F::cc,           F::subject,      F::message_id,     F::reply_to,
                                F::references,   F::mime_version, F::content,        F::in_reply_to,
                                F::organization, F::agent,        F::auto_submitted, F::priority};
constexpr std::array evolution_order{
    F::message_id, F::subject,      F::from,           F::sender,     F::reply_to,     F::to,
    F::cc,         F::date,         F::in_reply_to,    F::references, F::organization, F::content,
    F::agent,      F::mime_version, F::auto_submitted, F::priority};
constexpr std::array phpmailer_order{
    F::date,        F::to,           F::cc,          F::from,           F::sender,     F::reply_to,
    F::subject,     F::message_id,   F::in_reply_to, F::references,     F::agent,      F::priority,
    F::unsubscribe, F::mime_version, F::content,     F::auto_submitted, F::precedence, F::organization};
constexpr std::array bulk_order{F::content,    F::date,    F::from,           F::sender,      F::mime_version,
                                F::reply_to,   F::subject, F::message_id,     F::unsubscribe, F::feedback,
                                F::precedence, F::to,      F::auto_submitted, F::in_reply_to, F::references};
constexpr std::array ticket_order{
    F::date,           F::from,        F::sender,     F::reply_to, F::to,           F::cc,
    F::message_id,     F::in_reply_to, F::references, F::subject,  F::mime_version, F::content,
    F::auto_submitted, F::precedence,  F::agent,      F::priority};
constexpr std::array script_order{F::date,       F::from,           F::sender,       F::to,
                                  F::cc,         F::reply_to,       F::message_id,   F::in_reply_to,
                                  F::references, F::subject,        F::mime_version, F::content,
                                  F::priority,   F::auto_submitted, F::precedence,   F::unsubscribe};
constexpr std::array postbox_order{F::mime_version, F::message_id,  F::from,           F::sender,
                                   F::to,           F::cc,          F::reply_to,       F::subject,
                                   F::content,      F::priority,    F::agent,          F::date,
                                   F::references,   F::in_reply_to, F::auto_submitted, F::organization};
constexpr std::array k9_order{F::date,        F::from,           F::sender,       F::to,
                              F::cc,          F::subject,        F::agent,        F::reply_to,
                              F::in_reply_to, F::references,     F::message_id,   F::mime_version,
                              F::content,     F::auto_submitted, F::organization, F::priority};

const std::array<Mailer, static_cast<size_t>(MailerKind::count)> all{{
    {"", "", no_version, office_order, "MIME-Version: 1.0", "Message-ID", Coding::quoted_printable, true,
     false, true, false},
    {"X-Mailer", "Microsoft Outlook %", outlook_versions, outlook_order, "MIME-Version: 1.0", "Message-ID",
     Coding::quoted_printable, true, true, false, true},
    {"X-Mailer", "Apple Mail (2.%)", apple_versions, apple_order,
     "Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3774\\))", "Message-Id", Coding::quoted_printable, false,
     false, false, false},
    {"X-Mailer", "iPhone Mail (%)", iphone_versions, iphone_order, "Mime-Version: 1.0 (1.0)", "Message-Id",
     Coding::quoted_printable, true, false, false, false},
    {"User-Agent", "Mozilla Thunderbird %", thunderbird_versions, thunderbird_order, "MIME-Version: 1.0",
     "Message-ID", Coding::plain, false, false, false, false},
    {"", "", no_version, workmail_order, "MIME-Version: 1.0", "Message-ID", Coding::quoted_printable, true,
     false, false, false},
    {"User-Agent", "Roundcube Webmail/%", roundcube_versions, roundcube_order, "MIME-Version: 1.0",
     "Message-ID", Coding::plain, false, false, true, false},
    {"User-Agent", "Mutt/%", mutt_versions, mutt_order, "MIME-Version: 1.0", "Message-ID", Coding::plain,
     false, false, false, true},
    {"User-Agent", "Evolution %", evolution_versions, evolution_order, "MIME-Version: 1.0", "Message-ID",
     Coding::plain, false, false, true, true},
    {"X-Mailer", "PHPMailer % (https://phpmailer.example/)", phpmailer_versions, phpmailer_order,
     "MIME-Version: 1.0", "Message-ID", Coding::base64, true, false, false, false},
    {"", "", no_version, bulk_order, "Mime-Version: 1.0", "Message-ID", Coding::quoted_printable, true, false,
     true, false},
    {"X-Mailer", "Deskwise Mail Service (%)", ticket_versions, ticket_order, "MIME-Version: 1.0",
     "Message-ID", Coding::quoted_printable, true, true, false, false},
    {"", "", no_version, script_order, "MIME-Version: 1.0", "Message-ID", Coding::quoted_printable, false,
     false, false, false},
    {"X-Mailer", "Postbox Webmail", no_version, postbox_order, "MIME-Version: 1.0", "Message-ID",
     Coding::base64, true, true, false, false},
    {"User-Agent", "K-9 Mail for Android/%", k9_versions, k9_order, "MIME-Version: 1.0", "Message-ID",
     Coding::quoted_printable, true, false, true, false},
}};

constexpr Text lower_uuid = "%x8-%x4-%x4-%x4-%x12";
constexpr Text upper_uuid = "%X8-%X4-%X4-%X4-%X12";

void append_compact_time(std::string& out, Time at) {
  const Civil civil = to_civil(at);
  const auto two_more = [](int64_t value, int digits) { return value * 100 + digits; };
  int64_t value = civil.year;
  for (const int digits : {civil.month, civil.day, civil.hour, civil.minute, civil.second})
    value = two_more(value, digits);
  out += std::to_string(value);
}

}  // namespace

const Mailer& mailer(MailerKind kind) { return all[static_cast<size_t>(kind)]; }

std::string make_message_id(MailerKind kind, Dice& dice, Time at, Text domain, Text host) {
  std::string id;
  switch (kind) {
    case MailerKind::office_cloud: {
      const std::string server = dice.form("DB%dPR0%DMB%d4");
      return server + dice.form("%X20@") + server + ".eurprd0" + server[6] + ".prod." + std::string(host);
    }
    case MailerKind::workmail_web:
      return dice.form("CA%u46@mail.") + std::string(host);
    case MailerKind::mutt:
      append_compact_time(id, at);
      return id + dice.form(".%l12@%l5.") + std::string(domain);
    case MailerKind::phpmailer:
      return dice.form("%a43@") + std::string(host);
    case MailerKind::bulk:
      return dice.form("%u22.%d10.%D%d3@ismtpd00%d2p1.") + std::string(host);
    case MailerKind::ticket:
      return dice.form("desk-5.0-%d5-%d4-%d3@") + std::string(host);
    case MailerKind::script:
      id = dice.form("%D%d8.%D%d.");
      return id + std::to_string(at.millis()) + "@" + std::string(host);
    case MailerKind::postbox_web:
      id = dice.form("pbx-%x8-%x4-%x4-%x4-%x12-%d6@app%d2.");
      return id + std::string(host);
    case MailerKind::outlook:
      id = dice.form("%x12$%x8$%x8$");
      break;
    case MailerKind::thunderbird:
      id = dice.form(lower_uuid);
      break;
    case MailerKind::roundcube:
      id = dice.form("%x32");
      break;
    case MailerKind::evolution:
      id = dice.form("%x40.camel");
      break;
    case MailerKind::apple_mail:
    case MailerKind::iphone:
    case MailerKind::k9:
    case MailerKind::count:
      id = dice.form(upper_uuid);
      break;
  }
  return id + "@" + std::string(domain);
}

std::string make_boundary(MailerKind kind, Dice& dice, int level) {
  const std::string number = std::to_string(level);
  switch (kind) {
    case MailerKind::office_cloud:
      return "_00" + number + dice.form("_%X32_");
    case MailerKind::outlook:
      return "----=_NextPart_00" + number + dice.form("_%X4_%X8.%X8");
    case MailerKind::apple_mail:
    case MailerKind::iphone:
      return "Apple-Mail=_" + dice.form(upper_uuid);
    case MailerKind::thunderbird:
      return dice.form("------------%a24");
    case MailerKind::workmail_web:
      return dice.form("000000000000%x16");
    case MailerKind::roundcube:
      return dice.form("=_%x32");
    case MailerKind::mutt:
      return dice.form("%a16");
    case MailerKind::evolution:
      return dice.form("=-%a20");
    case MailerKind::phpmailer:
      return "b" + number + dice.form("_%a43");
    case MailerKind::bulk:
      return dice.form("%x60");
    case MailerKind::ticket:
      return dice.form("----------=_%d10-%d6");
    case MailerKind::postbox_web:
      return dice.form("=-=pbx%l24");
    case MailerKind::k9:
      return dice.form("----%X30");
    case MailerKind::script:
    case MailerKind::count:
      break;
  }
  return dice.form("----=_Part_%d6_%d9");
}

}  // namespace bonafide::app::demo
