#include "trust/traits.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"
#include "mail/domain.hpp"

namespace bonafide::trust {
namespace {

constexpr std::array<TraitInfo, trait_count> table = {{
    {TraitId::alignment, 'a', "alignment", true, "authenticated for its own domain by"},
    {TraitId::dkim, 'd', "dkim", false, "signed (DKIM) by"},
    {TraitId::spf, 's', "spf", false, "sent with the envelope domain"},
    {TraitId::helo, 'h', "helo", false, "delivered by servers of"},
    {TraitId::network, 'n', "network", false, "delivered from the network"},
    {TraitId::block, 'w', "block", false, "delivered from the address block"},
    {TraitId::path, 'p', "path", false, "routed through"},
    {TraitId::origin, 'f', "origin", false, "submitted from"},
    {TraitId::submission, 'q', "submission", false, "submitted by"},
    {TraitId::reply_to, 'r', "reply_to", false, "answered to"},
    {TraitId::message_id, 'm', "message_id", false, "numbered with Message-IDs of the form"},
    {TraitId::mailer, 'x', "mailer", false, "written with"},
    {TraitId::order, 'g', "order", false, "sent with the header order"},
    {TraitId::composition, 'c', "composition", false, "composed as"},
    {TraitId::zone, 'z', "zone", true, "dated in the time zone"},
    {TraitId::hour, 't', "hour", true, "written at the hours"},
}};
static_assert([] {
  for (size_t i = 0; i < trait_count; ++i) {
    if (table[i].id != static_cast<TraitId>(i)) return false;
  }
  return true;
}());

std::string_view domain_of(std::string_view address) {
  const size_t at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
}

std::string dkim_value(const mail::Received& received, const Alignment& alignment) {
  if (alignment.believed) return alignment.dkim_organisation.empty() ? "none" : alignment.dkim_organisation;
  const auto& signatures = received.facts->signatures;
  return signatures.empty() ? "none" : "~" + mail::organisational_domain(signatures.front().domain);
}

std::string spf_value(const Alignment& alignment) {
  if (alignment.spf_organisation.empty()) return "<>";
  const char* mark = !alignment.believed ? "~" : alignment.spf_pass ? "+" : "-";
  return mark + alignment.spf_organisation;
}

std::string alignment_value(const Alignment& alignment) {
  if (!alignment.believed) return "unchecked";
  if (alignment.dkim) return alignment.spf ? "dkim+spf" : "dkim";
  return alignment.spf ? "spf" : "none";
}

// Servers before the edge, nearest first, by organisation; a run of one organisation counts once.
std::string path_value(const std::vector<mail::Hop>& hops) {
  std::string path, last;
  const mail::Hop* before = nullptr;
  size_t shown = 0;
  for (const auto& hop : hops) {
    if (hop.trusted || (before != nullptr && before->by == hop.by)) continue;
    before = &hop;
    std::string name = host_organisation(hop.by);
    if (name == last) continue;
    if (++shown > 6) break;
    if (!path.empty()) path += '>';
    path += name;
    last = std::move(name);
  }
  return path.empty() ? "direct" : path;
}

const mail::Hop* first_hop(const std::vector<mail::Hop>& hops) {
  return hops.empty() || hops.back().trusted ? nullptr : &hops.back();
}

std::string origin_value(const mail::Hop* hop) {
  if (hop == nullptr) return "direct";
  const auto address = IpAddress::parse(hop->ip);
  if (!address.ok()) return "none";
  return address->is_private() ? "private" : IpRange::around(*address, 16, 32).text();
}

std::string submission_value(const mail::Hop* hop) {
  if (hop == nullptr) return "direct";
  return (hop->with.empty() ? "-" : ascii_lower(hop->with)) + " " + host_organisation(hop->by);
}

std::string reply_to_value(const std::vector<mail::Address>& reply_to, const mail::Address* from) {
  if (reply_to.empty()) return "none";
  const auto& target = reply_to.front();
  if (!target.usable()) return "broken";
  const std::string key = target.key();
  if (from != nullptr && key == from->key()) return "same";
  if (mail::is_free_mail(target.domain)) return key;
  std::string organisation = mail::organisational_domain(target.domain);
  const bool ours = from != nullptr && organisation == mail::organisational_domain(from->domain);
  return ours ? "=" : organisation;
}

// Headers that come and go with the occasion (a reply has References, a copy has Cc) or that others add say
// nothing of the program that wrote the message.
bool is_occasional(std::string_view name) {
  static constexpr auto names = std::to_array<std::string_view>(
      {"authentication-results", "bcc", "cc", "delivered-to", "dkim-signature", "in-reply-to", "received",
       "references", "reply-to", "return-path", "sender", "x-priority"});
  static_assert(std::is_sorted(names.begin(), names.end()));
  return std::binary_search(names.begin(), names.end(), name) || name.starts_with("list-") ||
         name.starts_with("arc-") || name.starts_with("resent-");
}

std::string order_value(std::string_view header_order) {
  std::string kept;
  kept.reserve(header_order.size());
  while (!header_order.empty()) {
    const size_t end = std::min(header_order.find(':'), header_order.size());
    const std::string_view name = header_order.substr(0, end);
    if (!is_occasional(name)) (kept += name) += ':';
    header_order.remove_prefix(std::min(end + 1, header_order.size()));
  }
  std::string bytes;
  append_be64(bytes, hash64(kept));
  return to_hex(std::string_view(bytes).substr(0, 6));
}

std::string composition_value(const mail::Facts& facts) {
  std::string value = facts.structure;
  if (!facts.parts.empty()) value += ":" + facts.parts.front().charset;
  return value;
}

std::string hour_value(Time date, int32_t offset_minutes) {
  const Time local = date + Duration::minutes(offset_minutes);
  const int64_t weekday = ((local.day() + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 is Sunday
  const int64_t minute = ((local.minute() % 1440) + 1440) % 1440;
  return std::to_string(minute / 240 * 4) + (weekday == 0 || weekday == 6 ? "w" : "");
}

}  // namespace

const std::array<TraitInfo, trait_count>& trait_table() { return table; }

size_t trait_at(std::string_view name, size_t guess) {
  for (size_t tried = 0; tried < trait_count; ++tried) {
    const size_t i = (guess + tried) % trait_count;
    if (table[i].name == name) return i;
  }
  return trait_count;
}

TraitValues trait_values(const mail::Enrichment& enrichment) {
  TraitValues values;
  size_t guess = 0;
  for (const auto& trait : enrichment.traits) {
    const size_t i = trait_at(trait.name, guess);
    if (i == trait_count) continue;
    values[i] = trait.value;
    guess = i + 1;
  }
  return values;
}

Alignment alignment_of(const mail::Received& received, std::string_view from_domain) {
  Alignment result;
  const auto& authentication = received.facts->authentication;
  result.believed = authentication.believed;
  const std::string organisation = mail::organisational_domain(from_domain);
  std::string spf_domain;
  for (const auto& method : authentication.methods) {
    const bool pass = method.result == "pass";
    if (method.method == "dkim" && pass) {
      std::string signer = mail::organisational_domain(method.domain);
      const bool aligned = !signer.empty() && signer == organisation;
      if (result.dkim_organisation.empty() || (aligned && !result.dkim))
        result.dkim_organisation = std::move(signer);
      result.dkim = result.dkim || aligned;
    } else if (method.method == "spf") {
      result.spf_pass = pass;
      result.spf_bad = method.result == "fail" || method.result == "softfail";
      spf_domain = method.domain;
    } else if (method.method == "dmarc") {
      result.dmarc_fail = method.result == "fail";
    }
  }
  if (const auto at = domain_of(received.envelope.mail_from); !at.empty())
    spf_domain = mail::to_ascii_domain(at);
  result.spf_organisation = mail::organisational_domain(spf_domain);
  result.spf = result.spf_pass && !organisation.empty() && result.spf_organisation == organisation;
  return result;
}

std::vector<mail::Trait> traits_of(const mail::Received& received, const Alignment& alignment,
                                   const mail::Address* from) {
  const auto& facts = *received.facts;
  std::vector<mail::Trait> traits;
  traits.reserve(trait_count);
  const auto add = [&traits](TraitId id, std::string value) {
    traits.push_back({std::string(info(id).name), bounded_value(std::move(value))});
  };
  const std::string helo = host_organisation(received.envelope.helo);
  add(TraitId::alignment, alignment_value(alignment));
  add(TraitId::dkim, dkim_value(received, alignment));
  add(TraitId::spf, spf_value(alignment));
  add(TraitId::helo, helo);
  if (const auto client = IpAddress::parse(received.envelope.client_ip); client.ok()) {
    add(TraitId::network, IpRange::network_of(*client).text());
    add(TraitId::block, IpRange::around(*client, 16, 32).text());
  }
  const mail::Hop* first = first_hop(facts.received);
  add(TraitId::path, path_value(facts.received));
  add(TraitId::origin, origin_value(first));
  add(TraitId::submission, submission_value(first));
  add(TraitId::reply_to, reply_to_value(facts.reply_to, from));
  add(TraitId::message_id,
      message_id_shape(facts.message_id, from == nullptr ? std::string_view() : from->domain, helo));
  add(TraitId::mailer, mailer_product(facts.mailer));
  add(TraitId::order, order_value(facts.header_order));
  add(TraitId::composition, composition_value(facts));
  if (facts.date_offset_minutes) add(TraitId::zone, zone_text(*facts.date_offset_minutes));
  if (facts.date) add(TraitId::hour, hour_value(*facts.date, facts.date_offset_minutes.value_or(0)));
  return traits;
}

std::string zone_text(int32_t minutes) {
  const auto two = [](int32_t n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
  const int32_t size = minutes < 0 ? -minutes : minutes;
  return (minutes < 0 ? "-" : "+") + two(size / 60 % 100) + two(size % 60);
}

std::optional<int32_t> zone_minutes(std::string_view text) {
  if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  if (!std::all_of(text.begin() + 1, text.end(), is_digit) || text[3] > '5') return std::nullopt;
  const auto two = [&](size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  const int32_t minutes = two(1) * 60 + two(3);
  return text[0] == '-' ? -minutes : minutes;
}

std::string bounded_value(std::string value) {
  if (value.size() <= max_value_bytes) return value;
  std::string hash;
  append_be64(hash, hash64(value));
  return std::string(cut_utf8(value, max_value_bytes - 17)) + "#" + to_hex(hash);
}

std::string host_organisation(std::string_view host) {
  const std::string name = mail::to_ascii_domain(host);
  if (name.empty()) return host.empty() ? "none" : "unusable";
  if (name.front() == '[') return "[ip]";
  const bool may_be_address = is_digit(name.back()) || name.find(':') != std::string::npos;
  if (may_be_address && IpAddress::parse(name).ok()) return "[ip]";
  if (name.find('.') == std::string::npos) return "bare";
  return mail::organisational_domain(name);
}

std::string mailer_product(std::string_view mailer) {
  std::string product;
  for (const char c : mailer.substr(0, 200)) {
    if (is_digit(c) || c == '(' || c == '/' || c == '[' || product.size() >= 40) break;
    product += ascii_lower(c);
  }
  product = std::string(trim(product));
  if (product.ends_with(" v")) product.resize(product.size() - 2);
  return product.empty() ? "none" : product;
}

}  // namespace bonafide::trust
