#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "avro/types.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

// What a front door finds out about one message, and nothing it concludes. Strings hold valid UTF-8 except
// avro::Bytes. Domains are lower-case A-labels. Every list and text is bounded (struct Limits); what was cut
// is itself a fact.
namespace bonafide::mail {

/// The bounds of the facts of one message.
struct Limits {
  size_t header_bytes = size_t{64} << 10;
  size_t excerpt_bytes = size_t{2} << 10;
  size_t links = 200;
  size_t parts = 200;
  size_t hops = 100;
  size_t addresses = 100;  ///< of each header
  size_t references = 50;
  size_t text_bytes = 1024;  ///< any other single string
  size_t event_bytes = size_t{256} << 10;
};

/// A mailbox of a header (RFC 5322 3.4): `local`@`domain` with its display name decoded (RFC 2047).
struct Address {
  static constexpr std::string_view avro_name = "Address";
  std::string display_name;
  std::string local;   ///< as written, quotes removed
  std::string domain;  ///< lower-case A-labels; "" if unusable

  [[nodiscard]] bool usable() const { return !local.empty() && !domain.empty(); }
  /// "local@domain" with both in lower case: the form identities are keyed by.
  [[nodiscard]] std::string key() const;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("display_name", self.display_name);
    visit("local", self.local);
    visit("domain", self.domain);
  }
};

/// The SMTP session at the trusted edge.
struct Envelope {
  static constexpr std::string_view avro_name = "Envelope";
  std::string client_ip;  ///< canonical text (RFC 5952), "" if unknown
  std::string helo;
  std::string mail_from;  ///< "" for the null sender
  std::vector<std::string> rcpt_to;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("client_ip", self.client_ip);
    visit("helo", self.helo);
    visit("mail_from", self.mail_from);
    visit("rcpt_to", self.rcpt_to);
  }
};

/// One Received line (RFC 5321 4.4), topmost first.
struct Hop {
  static constexpr std::string_view avro_name = "Hop";
  std::string helo;  ///< what the client called itself ("from X")
  std::string rdns;  ///< the name the server looked up, "" or "unknown" if none
  std::string ip;    ///< canonical text of the client's address, "" if none
  std::string by;    ///< the server that wrote the line
  std::string with;  ///< protocol keyword, upper case
  std::optional<Time> at;
  bool trusted = false;  ///< written by a server of the trusted edge

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("helo", self.helo);
    visit("rdns", self.rdns);
    visit("ip", self.ip);
    visit("by", self.by);
    visit("with", self.with);
    visit("at", self.at);
    visit("trusted", self.trusted);
  }
};

/// One method of an Authentication-Results header (RFC 8601), e.g. dkim=pass header.d=example.org.
struct AuthMethod {
  static constexpr std::string_view avro_name = "AuthMethod";
  std::string method;    ///< "spf", "dkim", "dmarc", "arc" …
  std::string result;    ///< "pass", "fail", "softfail", "none" …
  std::string domain;    ///< smtp.mailfrom / header.d / header.from, its domain
  std::string selector;  ///< header.s of DKIM

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("method", self.method);
    visit("result", self.result);
    visit("domain", self.domain);
    visit("selector", self.selector);
  }
};

/// The Authentication-Results that are believed; `believed` false: none was, and methods is empty.
struct Authentication {
  static constexpr std::string_view avro_name = "Authentication";
  bool believed = false;
  std::string authserv_id;
  std::vector<AuthMethod> methods;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("believed", self.believed);
    visit("authserv_id", self.authserv_id);
    visit("methods", self.methods);
  }
};

/// A DKIM-Signature as the message claims it, not verified here.
struct SignatureClaim {
  static constexpr std::string_view avro_name = "SignatureClaim";
  std::string domain, selector, algorithm;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("domain", self.domain);
    visit("selector", self.selector);
    visit("algorithm", self.algorithm);
  }
};

/// A leaf of the MIME tree (RFC 2045), in order.
struct Part {
  static constexpr std::string_view avro_name = "Part";
  std::string type;         ///< "text/plain", lower case
  std::string name;         ///< file name, decoded (RFC 2047, RFC 2231)
  std::string disposition;  ///< "inline", "attachment" or ""
  std::string charset;
  int64_t size_bytes = 0;  ///< decoded
  avro::Bytes sha256;      ///< of the decoded content

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("type", self.type);
    visit("name", self.name);
    visit("disposition", self.disposition);
    visit("charset", self.charset);
    visit("size_bytes", self.size_bytes);
    visit("sha256", self.sha256);
  }
};

/// A link of a text or HTML part.
struct Link {
  static constexpr std::string_view avro_name = "Link";
  std::string url;
  std::string host;  ///< lower-case A-labels or an IP address
  std::string text;  ///< what an HTML link shows, "" in plain text

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("url", self.url);
    visit("host", self.host);
    visit("text", self.text);
  }
};

/// Something that was longer than its bound.
struct Cut {
  static constexpr std::string_view avro_name = "Cut";
  std::string what;   ///< "headers", "links", "parts", "hops", "to" …
  int64_t total = 0;  ///< bytes or entries there were
  int64_t kept = 0;
  avro::Bytes sha256;  ///< of all there was, where it is bytes

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("what", self.what);
    visit("total", self.total);
    visit("kept", self.kept);
    visit("sha256", self.sha256);
  }
};

struct Facts {
  static constexpr std::string_view avro_name = "Facts";
  int64_t size_bytes = 0;
  avro::Bytes headers;        ///< the header block as it stood
  std::string header_order;   ///< lower-case names in order, ":" between, of the author's side (below the
                              ///< edge's lines)
  std::vector<Address> from;  ///< usually one
  std::optional<Address> sender;
  std::vector<Address> reply_to;
  std::vector<Address> to;
  std::vector<Address> cc;
  std::string subject;      ///< decoded
  std::string message_id;   ///< without angle brackets
  std::string in_reply_to;  ///< the first id
  std::vector<std::string> references;
  std::optional<Time> date;
  std::optional<int32_t> date_offset_minutes;  ///< time zone of Date
  std::string mailer;                          ///< X-Mailer or User-Agent
  std::string list_id;                         ///< RFC 2919, the identifier alone
  bool list_unsubscribe = false;
  std::string precedence;      ///< lower case; "" if absent
  std::string auto_submitted;  ///< RFC 3834
  std::vector<Hop> received;
  Authentication authentication;
  std::vector<SignatureClaim> signatures;
  std::string structure;  ///< MIME composition, e.g. "mixed(alternative(plain,html),pdf)", bounded
  std::vector<Part> parts;
  std::vector<Link> links;
  std::string excerpt;                 ///< the beginning of the text as a reader sees it
  std::vector<std::string> malformed;  ///< what is wrong with the message, short fixed phrases, each once
  std::vector<Cut> cuts;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("size_bytes", self.size_bytes);
    visit("headers", self.headers);
    visit("header_order", self.header_order);
    visit("from", self.from);
    visit("sender", self.sender);
    visit("reply_to", self.reply_to);
    visit("to", self.to);
    visit("cc", self.cc);
    visit("subject", self.subject);
    visit("message_id", self.message_id);
    visit("in_reply_to", self.in_reply_to);
    visit("references", self.references);
    visit("date", self.date);
    visit("date_offset_minutes", self.date_offset_minutes);
    visit("mailer", self.mailer);
    visit("list_id", self.list_id);
    visit("list_unsubscribe", self.list_unsubscribe);
    visit("precedence", self.precedence);
    visit("auto_submitted", self.auto_submitted);
    visit("received", self.received);
    visit("authentication", self.authentication);
    visit("signatures", self.signatures);
    visit("structure", self.structure);
    visit("parts", self.parts);
    visit("links", self.links);
    visit("excerpt", self.excerpt);
    visit("malformed", self.malformed);
    visit("cuts", self.cuts);
  }
};

}  // namespace bonafide::mail
