#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/demo/world.hpp"
#include "mail/event.hpp"

namespace bonafide::app::demo {

/// What was written in a thread.
struct Post {
  std::string message_id, author;
  uint64_t text_seed = 0;
  Time at;
  int offset = 0;  ///< minutes, of Date
  Topic topic = Topic::project;
  Language language = Language::english;
  int paragraphs = 1;
};

struct Thread {
  std::string subject;
  Topic topic = Topic::project;
  Language language = Language::english;
  std::vector<uint32_t> members;  ///< mailboxes
  std::vector<Post> posts;
  uint32_t last_author = 0;
  bool urgent = false;
};

struct Party {
  std::string name, address;
};

struct Attachment {
  std::string name, type;
  size_t lines = 0;  ///< of base64
};

/// All that decides the bytes of one message; renderer.hpp writes them.
struct Draft {
  uint64_t number = 0;
  uint64_t seed = 0;
  Time at;  ///< taken by the company's edge
  Scenario scenario = Scenario::partner;
  mail::Direction direction = mail::Direction::inbound;

  // As the author's program writes it.
  MailerKind mailer = MailerKind::thunderbird;
  uint8_t version = 0;
  Time written_at;
  Zone zone = Zone::utc;
  Party from;
  std::optional<Party> sender, reply_to;
  std::vector<Party> to, cc;
  std::string subject, message_id, in_reply_to;
  std::vector<std::string> references;
  std::string organization, auto_submitted, precedence;
  bool urgent = false;

  // What it says.
  Topic topic = Topic::project;
  Language language = Language::english;
  uint64_t text_seed = 0;
  int paragraphs = 1;
  bool html = false;
  bool letter = false;  ///< laid out as a newsletter
  bool greets = true;
  std::vector<std::string> signature;
  std::string link_host;  ///< "" = no link
  int links = 0;
  std::optional<Post> quote;
  std::vector<Attachment> attachments;
  bool logo = false;  ///< a picture inside the HTML

  // How it came.
  uint32_t origin = 0;          ///< provider of the author
  std::optional<uint32_t> via;  ///< list server or forwarder after it
  uint32_t access = 0;          ///< /24 of the author's line
  std::string mail_from;
  std::vector<std::string> rcpt_to;
  Authentication authentication;
  bool authenticated_client = false;  ///< the company's own people, logged in
  std::string list_id, list_address, list_name;
};

}  // namespace bonafide::app::demo
