#include "mail/parse/parse.hpp"

#include <algorithm>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "mail/parse/addresses.hpp"
#include "mail/parse/authentication_results.hpp"
#include "mail/parse/body.hpp"
#include "mail/parse/charset.hpp"
#include "mail/parse/fields.hpp"
#include "mail/parse/header.hpp"
#include "mail/parse/received.hpp"

namespace bonafide::mail {
namespace {

constexpr Limits limits;
constexpr size_t no_field = SIZE_MAX;
constexpr size_t max_trace_bytes = 16 * 1024;  // of one trace field that is looked at
constexpr size_t max_hops_bytes = 16 * 1024;   // of all hops, so that the event keeps its bound
constexpr size_t max_methods = 50;

std::string address_text(const Address& address) {
  return address.local.empty() ? "" : address.local + "@" + address.domain;
}

// A byte order mark, and the "From " line of an mbox, before the headers.
ByteView skip_prologue(ByteView raw, Facts& facts) {
  if (raw.starts_with("\xEF\xBB\xBF")) {
    add_malformed(facts, "byte order mark");
    raw.remove_prefix(3);
  }
  if (raw.starts_with("From ") || raw.starts_with(">From ")) {
    const size_t end = raw.find('\n');
    raw.remove_prefix(end == ByteView::npos ? raw.size() : end + 1);
  }
  return raw;
}

void note_header_flaws(const HeaderBlock& headers, Facts& facts) {
  struct Phrase {
    HeaderBlock::Flaw flaw;
    std::string_view text;
  };
  static constexpr auto phrases =
      std::to_array<Phrase>({{HeaderBlock::no_colon, "header line without colon"},
                             {HeaderBlock::nul, "NUL in headers"},
                             {HeaderBlock::bare_cr, "bare CR in headers"},
                             {HeaderBlock::mixed_ends, "mixed line ends in headers"},
                             {HeaderBlock::long_line, "header line over 998 bytes"},
                             {HeaderBlock::not_utf8, "8-bit headers that are not UTF-8"},
                             {HeaderBlock::no_separator, "no empty line after headers"},
                             {HeaderBlock::too_many_fields, "too many header fields"}});
  if (headers.total() == 0) return add_malformed(facts, "no headers");
  for (const auto& phrase : phrases) {
    if ((headers.flaws() & phrase.flaw) != 0) add_malformed(facts, phrase.text);
  }
}

}  // namespace

struct Parser::Impl {
  void parse(ByteView raw, const Edge& edge, Parsed& out);
  void name_fields();
  void read_received(const Edge& edge, Facts& facts);
  size_t find_edge(const Edge& edge) const;
  void read_envelope(Parsed& out);
  void read_authentication(const Edge& edge, Facts& facts);
  bool believed(const Edge& edge, std::string_view authserv_id) const;
  void believe(const Edge& edge, Field which, Authentication& authentication);
  void write_order(Facts& facts);

  std::string_view value_of(size_t field) {
    return unfold(headers_.fields()[field].value, buffer_, max_trace_bytes);
  }

  HeaderBlock headers_;
  Charsets charsets_;
  BodyReader body_;
  std::string buffer_, lower_, order_;
  std::vector<Field> kinds_;            // of each field
  std::vector<ReceivedLine> received_;  // the first limits.hops lines; their hops move to the facts
  std::vector<size_t> received_at_;     // which fields they are
  size_t edge_line_ = no_field;         // index into received_ of the edge's line
  Hop edge_hop_;                        // of that line
};

Parser::Parser() : impl_(std::make_unique<Impl>()) {}
Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;

void Parser::parse(ByteView raw, const Edge& edge, Parsed& out) { impl_->parse(raw, edge, out); }

void Parser::Impl::parse(ByteView raw, const Edge& edge, Parsed& out) {
  out = Parsed{};
  Facts& facts = out.facts;
  facts.size_bytes = static_cast<int64_t>(raw.size());
  if (raw.empty()) add_malformed(facts, "empty message");
  raw = skip_prologue(raw, facts);
  headers_.scan(raw);
  note_header_flaws(headers_, facts);
  const ByteView block = raw.substr(0, headers_.size());
  facts.headers.data = block.substr(0, limits.header_bytes);
  if (block.size() > limits.header_bytes) add_cut(facts, "headers", block.size(), limits.header_bytes, block);

  name_fields();
  read_received(edge, facts);
  FieldReader reader(charsets_, buffer_, facts);
  for (size_t i = 0; i < kinds_.size(); ++i) {
    if (kinds_[i] != Field::other) reader.take(kinds_[i], headers_.fields()[i].value);
  }
  reader.finish();
  if (edge_line_ != no_field) {
    read_envelope(out);
    read_authentication(edge, facts);
  }
  write_order(facts);
  body_.read(headers_, raw.substr(headers_.body_at()), charsets_, facts);
}

void Parser::Impl::name_fields() {
  kinds_.clear();
  for (const auto& field : headers_.fields()) {
    lower_.assign(field.name);
    for (char& c : lower_) c = ascii_lower(c);
    kinds_.push_back(field_of(lower_));
  }
}

void Parser::Impl::read_received(const Edge& edge, Facts& facts) {
  received_.clear();
  received_at_.clear();
  size_t total = 0;
  for (size_t i = 0; i < kinds_.size(); ++i) {
    if (kinds_[i] != Field::received) continue;
    if (++total > limits.hops) continue;
    received_.push_back(parse_received(value_of(i)));
    received_at_.push_back(i);
  }
  edge_line_ = find_edge(edge);
  if (edge_line_ != no_field) edge_hop_ = received_[edge_line_].hop;
  facts.received.reserve(received_.size());
  size_t bytes = 0;
  for (size_t i = 0; i < received_.size(); ++i) {
    Hop& hop = received_[i].hop;
    hop.trusted = edge_line_ != no_field && i <= edge_line_;
    bytes += hop.helo.size() + hop.rdns.size() + hop.ip.size() + hop.by.size() + hop.with.size() + 16;
    if (bytes > max_hops_bytes) break;
    facts.received.push_back(std::move(hop));
  }
  if (total > facts.received.size()) add_cut(facts, "hops", total, facts.received.size());
}

// The line that the last server of the trusted edge wrote, no_field if there is none.
size_t Parser::Impl::find_edge(const Edge& edge) const {
  if (received_.empty() || edge.mode == Edge::Mode::none) return no_field;
  if (edge.mode == Edge::Mode::trusted_hops) {
    return edge.trusted_hops < 1 ? no_field : std::min<size_t>(edge.trusted_hops, received_.size()) - 1;
  }
  // A line without a client, or with a client on the same machine, is a server that handed the message on to
  // itself.
  for (size_t i = 0; i < received_.size(); ++i) {
    const Hop& hop = received_[i].hop;
    const auto ip = IpAddress::parse(hop.ip);
    if (ip.ok() ? !ip->is_loopback() : !hop.helo.empty() && hop.helo != "localhost") return i;
  }
  return 0;
}

void Parser::Impl::read_envelope(Parsed& out) {
  out.edge_time = edge_hop_.at;
  out.envelope.client_ip = edge_hop_.ip;
  out.envelope.helo = edge_hop_.helo;
  const size_t end = received_at_[edge_line_];
  const auto above = [&](Field wanted) {
    const auto found = std::find(kinds_.begin(), kinds_.begin() + static_cast<ptrdiff_t>(end), wanted);
    const auto index = static_cast<size_t>(found - kinds_.begin());
    return index == end ? std::string() : address_text(parse_path(value_of(index)));
  };
  out.envelope.mail_from = above(Field::return_path);
  std::string to;
  for (const auto field : {Field::x_original_to, Field::delivered_to, Field::envelope_to}) {
    if (to.empty()) to = above(field);
  }
  for (size_t i = edge_line_ + 1; to.empty() && i-- > 0;) to = received_[i].for_address;
  if (!to.empty()) out.envelope.rcpt_to.push_back(std::move(to));
}

bool Parser::Impl::believed(const Edge& edge, std::string_view authserv_id) const {
  const auto same = [&](const std::string& id) { return equals_ignoring_case(id, authserv_id); };
  if (authserv_id.empty()) return false;
  if (std::any_of(edge.authserv_ids.begin(), edge.authserv_ids.end(), same)) return true;
  return edge.mode == Edge::Mode::auto_ && same(edge_hop_.by);
}

// Only what stands above the edge's line is believed: everything below came with the message, and anybody can
// write it.
void Parser::Impl::believe(const Edge& edge, Field which, Authentication& authentication) {
  for (size_t i = 0; i < received_at_[edge_line_]; ++i) {
    if (kinds_[i] != which) continue;
    auto results = parse_auth_results(value_of(i));
    if (!believed(edge, results.authserv_id)) continue;
    if (!authentication.believed) authentication.authserv_id = results.authserv_id;
    authentication.believed = true;
    for (auto& method : results.methods) {
      if (authentication.methods.size() < max_methods) authentication.methods.push_back(std::move(method));
    }
  }
}

void Parser::Impl::read_authentication(const Edge& edge, Facts& facts) {
  believe(edge, Field::authentication_results, facts.authentication);
  // Some edges write their plain results below their own Received and a sealed copy above it.
  if (!facts.authentication.believed) believe(edge, Field::arc_authentication_results, facts.authentication);
}

void Parser::Impl::write_order(Facts& facts) {
  const auto& fields = headers_.fields();
  order_.clear();
  for (size_t i = edge_line_ == no_field ? 0 : received_at_[edge_line_] + 1; i < fields.size(); ++i) {
    if (kinds_[i] == Field::received) continue;
    lower_.assign(fields[i].name.substr(0, limits.text_bytes));
    for (char& c : lower_) c = ascii_lower(c);
    if (is_trace(lower_)) continue;
    if (order_.size() + lower_.size() + 1 > limits.text_bytes) break;
    if (!order_.empty()) order_ += ':';
    order_ += lower_;
  }
  facts.header_order = order_;
}

}  // namespace bonafide::mail
