#include "app/demo/renderer.hpp"

#include <algorithm>
#include <array>

#include "app/demo/encode.hpp"

namespace bonafide::app::demo {
namespace {

constexpr size_t filler_lines = 2048;

void append_stamp(std::string& out, Time at, Zone zone) {
  append_date(out, at, offset_minutes(zone, at));
  const auto name = abbreviation(zone, at);
  if (!name.empty()) {
    out += " (";
    out += name;
    out += ')';
  }
  out += "\r\n";
}

std::string bracketed(const std::string& ip) {
  return ip.find(':') == std::string::npos ? "[" + ip + "]" : "[IPv6:" + ip + "]";
}

void append_signature(std::string& out, const Authentication::Signature& signature, Dice& dice) {
  out += "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=" + signature.domain +
         ";\r\n\ts=" + signature.selector + "; h=From:To:Subject:Date:Message-ID:MIME-Version;\r\n\tbh=";
  dice.append(out, base64_letters, 43);
  out += "=;\r\n\tb=";
  for (int line = 0; line < 4; ++line) {
    dice.append(out, base64_letters, 70);
    out += "\r\n\t ";
  }
  dice.append(out, base64_letters, 62);
  out += "==\r\n";
}

std::string_view policy_text(Policy policy) {
  switch (policy) {
    case Policy::none:
      return " (p=none)";
    case Policy::quarantine:
      return " (p=quarantine)";
    case Policy::reject:
      return " (p=reject)";
    case Policy::unpublished:
      break;
  }
  return "";
}

std::string domain_of(const std::string& address) { return address.substr(address.rfind('@') + 1); }

std::string access_name(uint32_t address) {
  std::string out = "line-";
  for (const char c : ip_text(address)) out += c == '.' ? '-' : c;
  return out + ".access.netline.example";
}

void append_list(std::string& out, std::string_view name, const std::vector<Party>& parties,
                 const Mailer& program, bool base64) {
  if (parties.empty()) return;
  out += name;
  out += ": ";
  for (size_t i = 0; i < parties.size(); ++i) {
    if (i > 0) out += program.folds_with_tab ? ",\r\n\t" : ",\r\n ";
    append_mailbox(out, parties[i].name, parties[i].address, program.quotes_names, base64);
  }
  out += "\r\n";
}

}  // namespace

Renderer::Renderer(uint64_t seed) {
  Dice dice(derive(seed, "filler"));
  for (size_t i = 0; i < filler_lines; ++i) filler_.push_back(dice.text(base64_letters, 76) + "\r\n");
}

void Renderer::render(const Draft& draft, const World& world, std::string& raw, mail::Envelope& envelope) {
  Dice dice(draft.seed);
  raw.clear();
  edge_lines(raw, draft, world, dice, envelope);
  way(raw, draft, world, dice);
  author_headers(raw, draft, dice);
  raw += "\r\n";
  content(raw, draft);
}

/// What the company's edge writes on top: the session and what it found.
void Renderer::edge_lines(std::string& out, const Draft& draft, const World& world, Dice& dice,
                          mail::Envelope& envelope) {
  Host host;
  const std::string user = draft.from.address.substr(0, draft.from.address.rfind('@'));
  if (draft.authenticated_client) {
    const uint32_t place = 20 + static_cast<uint32_t>(derive(7, draft.from.address) % 200);
    host.ip = ip_text(draft.access + place);
    host.helo = "[10.20." + std::to_string(place % 8) + "." + std::to_string(place) + "]";
    host.rdns = (draft.access == world.office_network ? "pc-" : "vpn-") + std::to_string(place) + "." +
                world.company_domain;
  } else {
    host = host_of(world.providers[draft.via.value_or(draft.origin)], draft.seed);
  }
  envelope.client_ip = host.ip;
  envelope.helo = host.helo;
  envelope.mail_from = draft.mail_from;
  envelope.rcpt_to = draft.rcpt_to;

  out += "Return-Path: <" + draft.mail_from + ">\r\nAuthentication-Results: " + world.edge + ";\r\n\t";
  const Authentication& found = draft.authentication;
  if (draft.authenticated_client) {
    out += "auth=pass smtp.auth=" + user + "\r\n";
  } else {
    const bool null_sender = draft.mail_from.empty();
    out += "spf=" + found.spf +
           (null_sender ? " smtp.helo=" + host.helo : " smtp.mailfrom=" + draft.mail_from) + ";\r\n\t";
    for (const auto& signature : found.signatures) {
      out += "dkim=" + signature.result + " header.d=" + signature.domain +
             " header.s=" + signature.selector + ";\r\n\t";
    }
    if (found.signatures.empty()) out += "dkim=none;\r\n\t";
    out += "dmarc=" + found.dmarc;
    out += policy_text(found.policy);
    out += " header.from=" + domain_of(draft.from.address) + "\r\n";
  }
  out += "Received: from " + host.helo + " (" + host.rdns + " " + bracketed(host.ip) + ")\r\n";
  if (draft.authenticated_client || dice.permille(900)) {
    out += "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n";
  }
  if (draft.authenticated_client) out += "\t(Authenticated sender: " + user + ")\r\n";
  out += "\tby " + world.edge + " (Postfix) with " + (draft.authenticated_client ? "ESMTPSA" : "ESMTPS") +
         dice.form(" id 4X%a9");
  if (draft.rcpt_to.size() == 1) out += "\r\n\tfor <" + draft.rcpt_to[0] + ">";
  out += "; ";
  append_stamp(out, draft.at, Zone::berlin);
}

/// Signatures and hops below the edge, newest first.
void Renderer::way(std::string& out, const Draft& draft, const World& world, Dice& dice) {
  if (draft.authenticated_client) return;
  const Provider& origin = world.providers[draft.origin];
  const Host host = host_of(origin, derive(draft.seed, "origin"));
  const auto& signatures = draft.authentication.signatures;
  size_t next = 0;
  if (draft.via) {
    const Provider& via = world.providers[*draft.via];
    if (next < signatures.size() && organisation_of(signatures[next].domain) == organisation_of(via.domain)) {
      append_signature(out, signatures[next++], dice);
    }
    out += "Received: from " + host.helo + " (" + host.rdns + " " + bracketed(host.ip) + ")\r\n\tby " +
           host_of(via, draft.seed).helo + " (Postfix) with ESMTPS id " + dice.text(upper_hex, 10) +
           "\r\n\tfor <" + (draft.list_address.empty() ? "me@" + via.domain : draft.list_address) + ">; ";
    append_stamp(out, draft.written_at + Duration::seconds(1), via.zone);
  }
  for (; next < signatures.size(); ++next) append_signature(out, signatures[next], dice);
  // Without somebody between, the last of the origin's hosts is the one the edge has seen.
  origin_hops(out, draft, world, draft.via ? host : host_of(origin, draft.seed), dice);
}

void Renderer::origin_hops(std::string& out, const Draft& draft, const World& world, const Host& host,
                           Dice& dice) {
  const Provider& origin = world.providers[draft.origin];
  const uint32_t address =
      draft.access + 2 + static_cast<uint32_t>(derive(draft.access, draft.from.address) % 250);
  const std::string client = "(" + access_name(address) + " [" + ip_text(address) + "])";
  const auto hop = [&](const std::string& line) {
    out += "Received: " + line + "; ";
    append_stamp(out, draft.written_at, origin.zone);
  };
  switch (origin.path) {
    case Path::none:
      break;
    case Path::submission:
      hop("from [192.168." + std::to_string(address % 4) + "." + std::to_string(20 + address % 200) + "] " +
          client + "\r\n\tby " + host.helo + " (Postfix) with ESMTPSA id " + dice.text(upper_hex, 10));
      break;
    case Path::gateway: {
      const std::string inner = "store01.int." + origin.domain;
      hop("from " + inner + " (" + inner + " [10.2.0.5])\r\n\tby " + host.helo + " with ESMTPS id " +
          dice.text(lower_alnum, 14));
      hop("from [10.2." + std::to_string(address % 8) + "." + std::to_string(address % 200) + "] (helo=desk" +
          std::to_string(address % 90) + ")\r\n\tby " + inner + " with ESMTPSA id " +
          dice.text(lower_alnum, 14));
      break;
    }
    case Path::cloud: {
      const std::string first = dice.form("DB%dPR04MB%d4.eurprd04.prod.") + origin.domain;
      const std::string second = dice.form("AM%dPR04MB%d4.eurprd04.prod.") + origin.domain;
      const std::string version = "15.20." + std::to_string(6000 + draft.written_at.day() % 2000);
      hop("from " + first + dice.form(" (2001:db8:10a6:20b::%D%d)\r\n by ") + second +
          " (2001:db8:10a6:803::12) with\r\n ESMTPS id " + version + ".20");
      hop("from " + first + dice.form(" ([fe80::%D%x3]) by\r\n ") + first + " ([fe80::1c2d]) with HTTPS id " +
          version + ".19");
      break;
    }
    case Path::web:
      hop("by " + host.helo + dice.form(" with SMTP id %x13-%x12"));
      break;
    case Path::bulk:
      hop(dice.form("by filter%d4p3.") + origin.domain + " with SMTP id " + draft.message_id.substr(0, 20));
      hop(dice.form("from N%a8 (unknown)\r\n\tby ismtpd%d2.") + origin.domain + " with HTTP id " +
          draft.message_id.substr(0, 18));
      break;
    case Path::script:
      hop("by " + host.helo + " (Postfix, from userid " +
          std::to_string(1000 + derive(7, draft.from.address) % 400) + ")\r\n\tid " +
          dice.text(upper_hex, 10));
      break;
  }
}

void Renderer::author_headers(std::string& out, const Draft& draft, Dice& dice) {
  const Mailer& program = mailer(draft.mailer);
  const bool base64 = program.coding == Coding::base64 || draft.mailer == MailerKind::outlook;
  if (!draft.list_id.empty()) {
    out += "Precedence: list\r\nList-Id: " + draft.list_name + " <" + draft.list_id +
           ">\r\nList-Post: <mailto:" + draft.list_address + ">\r\nList-Unsubscribe: <https://" +
           draft.list_id + "/options>\r\nErrors-To: " + draft.mail_from + "\r\n";
  }
  const auto one = [&](std::string_view name, const Party& party) {
    out += name;
    out += ": ";
    append_mailbox(out, party.name, party.address, program.quotes_names, base64);
    out += "\r\n";
  };
  const bool office = draft.mailer == MailerKind::office_cloud;
  for (const Field field : program.order) {
    switch (field) {
      case Field::from:
        one("From", draft.from);
        break;
      case Field::sender:
        if (draft.sender) one("Sender", *draft.sender);
        break;
      case Field::reply_to:
        if (draft.reply_to) one("Reply-To", *draft.reply_to);
        break;
      case Field::to:
        append_list(out, "To", draft.to, program, base64);
        break;
      case Field::cc:
        append_list(out, office ? "CC" : "Cc", draft.cc, program, base64);
        break;
      case Field::subject:
        out += "Subject: ";
        append_header_text(out, draft.subject, base64);
        out += "\r\n";
        break;
      case Field::date:
        out += "Date: ";
        append_date(out, draft.written_at, offset_minutes(draft.zone, draft.written_at), program.pads_day);
        out += "\r\n";
        break;
      case Field::message_id:
        out += program.message_id_name;
        out += ": <" + draft.message_id + ">\r\n";
        break;
      case Field::in_reply_to:
        if (!draft.in_reply_to.empty()) out += "In-Reply-To: <" + draft.in_reply_to + ">\r\n";
        break;
      case Field::references:
        if (draft.references.empty()) break;
        out += "References:";
        for (const std::string& id : draft.references)
          out += (&id == draft.references.data() ? " <" : "\r\n <") + id + ">";
        out += "\r\n";
        break;
      case Field::mime_version:
        out += program.mime_version;
        out += "\r\n";
        break;
      case Field::content:
        content_headers(out, draft, dice);
        break;
      case Field::agent: {
        const size_t place = std::min(program.agent.find('%'), program.agent.size());
        out += program.agent_field;
        out += ": ";
        out += program.agent.substr(0, place);
        out += program.versions[std::min<size_t>(draft.version, program.versions.size() - 1)];
        if (place < program.agent.size()) out += program.agent.substr(place + 1);
        out += "\r\n";
        break;
      }
      case Field::organization:
        if (!draft.organization.empty()) out += "Organization: " + draft.organization + "\r\n";
        break;
      case Field::content_language:
        out += draft.language == Language::german ? "Content-Language: de-DE\r\n"
                                                  : "Content-Language: en-US\r\n";
        break;
      case Field::accept_language:
        out += "Accept-Language: en-US, de-DE\r\n";
        break;
      case Field::thread_topic:
        out += "Thread-Topic: ";
        append_header_text(out, draft.subject, base64);
        out += "\r\n";
        break;
      case Field::thread_index:
        out += "Thread-Index: Ad" + dice.text(base64_letters, 28) + "==\r\n";
        break;
      case Field::has_attachment:
        out += draft.attachments.empty() ? "X-MS-Has-Attach:\r\n" : "X-MS-Has-Attach: yes\r\n";
        break;
      case Field::priority:
        if (draft.urgent) out += "X-Priority: 1\r\n";
        break;
      case Field::unsubscribe:
        if (!draft.letter) break;
        out += "List-Unsubscribe: <https://" + draft.link_host + "/u/" + dice.text(lower_alnum, 24) +
               ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
        break;
      case Field::feedback:
        if (draft.letter) out += dice.form("Feedback-ID: %d7:%d5:c\r\n");
        break;
      case Field::precedence:
        if (!draft.precedence.empty() && draft.list_id.empty())
          out += "Precedence: " + draft.precedence + "\r\n";
        break;
      case Field::auto_submitted:
        if (!draft.auto_submitted.empty()) out += "Auto-Submitted: " + draft.auto_submitted + "\r\n";
        break;
    }
  }
}

/// Content-Type of the whole, and with it the boundaries of this message.
void Renderer::content_headers(std::string& out, const Draft& draft, Dice& dice) {
  alternative_.clear();
  related_.clear();
  mixed_.clear();
  int level = 0;
  if (!draft.attachments.empty()) mixed_ = make_boundary(draft.mailer, dice, level++);
  if (draft.logo) related_ = make_boundary(draft.mailer, dice, level++);
  if (draft.html) alternative_ = make_boundary(draft.mailer, dice, level);
  write_body(body_, draft);
  if (!mixed_.empty()) {
    out += "Content-Type: multipart/mixed;\r\n boundary=\"" + mixed_ + "\"\r\n";
  } else if (!related_.empty()) {
    out += "Content-Type: multipart/related;\r\n boundary=\"" + related_ +
           "\";\r\n type=\"multipart/alternative\"\r\n";
  } else if (!alternative_.empty()) {
    out += "Content-Type: multipart/alternative;\r\n boundary=\"" + alternative_ + "\"\r\n";
  } else {
    const Mailer& program = mailer(draft.mailer);
    const bool ascii = is_ascii(body_.plain);
    out += ascii && program.coding == Coding::plain && draft.mailer != MailerKind::thunderbird
               ? "Content-Type: text/plain; charset=us-ascii\r\n"
               : "Content-Type: text/plain; charset=\"utf-8\"\r\n";
    out += program.coding == Coding::base64             ? "Content-Transfer-Encoding: base64\r\n"
           : program.coding == Coding::quoted_printable ? "Content-Transfer-Encoding: quoted-printable\r\n"
           : ascii                                      ? "Content-Transfer-Encoding: 7bit\r\n"
                                                        : "Content-Transfer-Encoding: 8bit\r\n";
  }
}

namespace {

void append_coded(std::string& out, std::string_view text, Coding coding) {
  switch (coding) {
    case Coding::plain:
      append_with_crlf(out, text);
      break;
    case Coding::quoted_printable:
      append_quoted_printable(out, text);
      break;
    case Coding::base64:
      append_base64_lines(out, text);
      break;
  }
}

void append_part_head(std::string& out, std::string_view type, std::string_view text, Coding coding) {
  out += "Content-Type: ";
  out += type;
  out += "; charset=\"utf-8\"\r\nContent-Transfer-Encoding: ";
  out += coding == Coding::base64             ? "base64"
         : coding == Coding::quoted_printable ? "quoted-printable"
         : is_ascii(text)                     ? "7bit"
                                              : "8bit";
  out += "\r\n\r\n";
}

}  // namespace

/// The text, alone or with its HTML form.
void Renderer::text_content(std::string& out, const Draft& draft) {
  const Mailer& program = mailer(draft.mailer);
  if (alternative_.empty()) return append_coded(out, body_.plain, program.coding);
  // HTML lines are long: never sent as they are.
  const Coding coding = program.coding == Coding::plain ? Coding::quoted_printable : program.coding;
  for (const bool html : {false, true}) {
    const std::string& text = html ? body_.html : body_.plain;
    out += "--" + alternative_ + "\r\n";
    append_part_head(out, html ? "text/html" : "text/plain", text, coding);
    append_coded(out, text, coding);
    out += "\r\n";
  }
  out += "--" + alternative_ + "--\r\n";
}

void Renderer::content(std::string& out, const Draft& draft) {
  const Mailer& program = mailer(draft.mailer);
  const auto inner_head = [&] {
    if (!alternative_.empty()) {
      out += "Content-Type: multipart/alternative;\r\n boundary=\"" + alternative_ + "\"\r\n\r\n";
    } else {
      append_part_head(out, "text/plain", body_.plain, program.coding);
    }
  };
  const auto with_logo = [&] {
    if (related_.empty()) return text_content(out, draft);
    out += "--" + related_ + "\r\n";
    inner_head();
    text_content(out, draft);
    out += "\r\n--" + related_ +
           "\r\nContent-Type: image/png; name=\"logo.png\"\r\nContent-Disposition: inline; "
           "filename=\"logo.png\"\r\n"
           "Content-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    file(out, {"logo.png", "image/png", 40}, derive(7, domain_of(draft.from.address)));
    out += "--" + related_ + "--\r\n";
  };
  if (mixed_.empty()) return with_logo();
  out += "--" + mixed_ + "\r\n";
  if (!related_.empty()) {
    out += "Content-Type: multipart/related;\r\n boundary=\"" + related_ +
           "\";\r\n type=\"multipart/alternative\"\r\n\r\n";
  } else {
    inner_head();
  }
  with_logo();
  size_t number = 0;
  for (const Attachment& attachment : draft.attachments) {
    out += "\r\n--" + mixed_ + "\r\nContent-Type: " + attachment.type + ";\r\n name=\"" + attachment.name +
           "\"\r\nContent-Disposition: attachment;\r\n filename=\"" + attachment.name +
           "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    file(out, attachment, draft.seed + ++number);
  }
  out += "--" + mixed_ + "--\r\n";
}

/// Bytes that begin like a file of the type; the rest is a stretch of the filler.
void Renderer::file(std::string& out, const Attachment& attachment, uint64_t seed) const {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> magic{
      {{"application/pdf", "JVBERi0xLjcK"},
       {"image/png", "iVBORw0KGgoA"},
       {"image/jpeg", "/9j/4AAQSkZJ"},
       {"application/", "UEsDBBQABgAI"}}};
  Dice dice(derive(seed, "file"));
  const auto* const kind = std::find_if(magic.begin(), magic.end(), [&](const auto& entry) {
    return attachment.type.starts_with(entry.first);
  });
  out += kind == magic.end() ? "AAAAAAAAAAAA" : kind->second;
  dice.append(out, base64_letters, 64);
  out += "\r\n";
  const size_t lines = std::min(attachment.lines, filler_lines / 2);
  size_t line = dice.below(filler_lines - lines);
  for (size_t i = 0; i < lines; ++i) out += filler_[line++];
}

}  // namespace bonafide::app::demo
