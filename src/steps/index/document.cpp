#include "steps/index/document.hpp"

namespace bonafide::steps {
namespace {

void join_into(const std::vector<std::string>& words, std::string& out) {
  out.clear();
  for (const auto& word : words) {
    if (!out.empty()) out += ' ';
    out += word;
  }
}

}  // namespace

stores::SearchDoc Document::of(const mail::Change& change) {
  sender_.assign(change.from_name).append(" ").append(change.from_address);
  if (change.mail_from != change.from_address) sender_.append(" ").append(change.mail_from);
  join_into(change.recipients, recipients_);
  join_into(change.file_names, files_);
  join_into(change.link_domains, links_);
  stores::SearchDoc doc;
  doc.id = change.id;
  doc.revision = change.revision;
  doc.at = change.received_at;
  doc.tenant = change.tenant;
  doc.domain = change.from_domain;
  doc.labels = {static_cast<uint8_t>(change.verdict),        static_cast<uint8_t>(change.attack),
                static_cast<uint8_t>(change.direction),      change.has_attachment,
                change.operation == mail::Operation::remove, static_cast<uint8_t>(change.judgement)};
  doc.texts = {change.subject, sender_, recipients_, change.text, files_, links_};
  return doc;
}

}  // namespace bonafide::steps
