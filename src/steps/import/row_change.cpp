#include "steps/import/row_change.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "steps/import/clean_row.hpp"

namespace bonafide::steps {
namespace {

constexpr size_t max_file_name_bytes = 255;
constexpr size_t max_host_bytes = 253;
constexpr size_t max_recipients = 100;

class Columns {
 public:
  explicit Columns(std::span<const stores::ValueView> values) : values_(values) {}
  [[nodiscard]] std::string_view text(EventColumn column) const {
    const auto* found = std::get_if<std::string_view>(&values_[static_cast<size_t>(column)]);
    return found == nullptr ? std::string_view() : *found;
  }
  [[nodiscard]] Time time(EventColumn column) const {
    const auto* found = std::get_if<int64_t>(&values_[static_cast<size_t>(column)]);
    return found == nullptr ? Time{} : Time{*found};
  }
  [[nodiscard]] double number(EventColumn column) const {
    const auto* found = std::get_if<double>(&values_[static_cast<size_t>(column)]);
    return found == nullptr ? 0 : *found;
  }

 private:
  std::span<const stores::ValueView> values_;
};

// A part that somebody would call an attachment: it says so, or it has a file name.
bool is_attachment(const mail::Part& part) { return part.disposition == "attachment" || !part.name.empty(); }

void parts(const mail::Facts& facts, mail::Change& out) {
  out.has_attachment = false;
  out.file_names.clear();
  for (const auto& part : facts.parts) {
    out.has_attachment |= is_attachment(part);
    if (!part.name.empty() && out.file_names.size() < mail::Change::most_names)
      out.file_names.push_back(clean_text(part.name, max_file_name_bytes));
  }
}

void links(const mail::Facts& facts, mail::Change& out) {
  out.link_domains.clear();
  for (const auto& link : facts.links) {
    if (out.link_domains.size() == mail::Change::most_names) break;
    if (link.host.empty()) continue;
    std::string host = clean_text(link.host, max_host_bytes);
    if (std::ranges::find(out.link_domains, host) == out.link_domains.end())
      out.link_domains.push_back(std::move(host));
  }
}

}  // namespace

void describe_change(const EventId& id, int32_t revision, std::span<const stores::ValueView> columns,
                     const mail::Scored& event, mail::Change& out) {
  const Columns row(columns);
  out.id = id;
  out.revision = revision;
  out.operation = mail::Operation::put;
  out.tenant = row.text(EventColumn::tenant);
  out.received_at = row.time(EventColumn::received_at);
  out.accepted_at = row.time(EventColumn::accepted_at);
  out.direction = event.received.direction;
  out.from_address = row.text(EventColumn::from_address);
  out.from_name = row.text(EventColumn::from_name);
  out.from_domain = row.text(EventColumn::from_domain);
  out.mail_from = row.text(EventColumn::mail_from);
  out.recipients.clear();
  const auto& to = event.received.envelope.rcpt_to;
  for (size_t i = 0; i < std::min(to.size(), max_recipients); ++i)
    out.recipients.push_back(clean_address(to[i]));
  out.subject = row.text(EventColumn::subject);
  out.verdict = event.score.verdict;
  out.trust = row.number(EventColumn::trust);
  out.attack = event.score.attack;
  out.reason = row.text(EventColumn::reason);
  out.text = clean_text(event.received.facts->excerpt, mail::Change::text_bytes, true);
  out.judgement = event.judgement;
  parts(*event.received.facts, out);
  links(*event.received.facts, out);
}

Result<mail::Change> change_of(const stores::StoredRow& row, const mail::EventCodec& codec) {
  mail::Scored event;
  BONAFIDE_TRY(codec.decode(row.event, event));
  std::vector<stores::ValueView> views;
  views.reserve(row.values.size());
  for (const auto& value : row.values) views.push_back(stores::view(value));
  mail::Change change;
  describe_change(row.id, row.revision, views, event, change);
  return change;
}

}  // namespace bonafide::steps
