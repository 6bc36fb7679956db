#include "mail/parse/fields.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/parse/addresses.hpp"
#include "mail/parse/authentication_results.hpp"
#include "mail/parse/body.hpp"
#include "mail/parse/date.hpp"
#include "mail/parse/encoded_word.hpp"

namespace bonafide::mail {
namespace {

constexpr Limits limits;
constexpr size_t max_value_bytes = 64 * 1024;         // of one field that is looked at
constexpr size_t max_list_value_bytes = 1024 * 1024;  // of an address list
constexpr size_t max_id_bytes = 255;
constexpr size_t max_signatures = 16;

struct Named {
  std::string_view name;
  Field field;
};
// Shorter names first: most look-ups compare nothing but lengths.
constexpr bool by_name(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}
constexpr auto fields = [] {
  auto table = std::to_array<Named>({{"arc-authentication-results", Field::arc_authentication_results},
                                     {"authentication-results", Field::authentication_results},
                                     {"auto-submitted", Field::auto_submitted},
                                     {"cc", Field::cc},
                                     {"date", Field::date},
                                     {"delivered-to", Field::delivered_to},
                                     {"dkim-signature", Field::dkim_signature},
                                     {"envelope-to", Field::envelope_to},
                                     {"from", Field::from},
                                     {"in-reply-to", Field::in_reply_to},
                                     {"list-id", Field::list_id},
                                     {"list-unsubscribe", Field::list_unsubscribe},
                                     {"message-id", Field::message_id},
                                     {"precedence", Field::precedence},
                                     {"received", Field::received},
                                     {"references", Field::references},
                                     {"reply-to", Field::reply_to},
                                     {"return-path", Field::return_path},
                                     {"sender", Field::sender},
                                     {"subject", Field::subject},
                                     {"to", Field::to},
                                     {"user-agent", Field::user_agent},
                                     {"x-mailer", Field::x_mailer},
                                     {"x-original-to", Field::x_original_to}});
  std::sort(table.begin(), table.end(),
            [](const Named& a, const Named& b) { return by_name(a.name, b.name); });
  return table;
}();

// Bytes each address list may take, so that the event keeps its bound: from, reply_to, to, cc.
constexpr std::array<size_t, 4> list_bytes = {6 * 1024, 6 * 1024, 16 * 1024, 12 * 1024};

// The number of entries at the front that together take at most `max_bytes`.
template <class T, class Size>
size_t fitting(const std::vector<T>& list, size_t max_bytes, Size size) {
  size_t bytes = 0, count = 0;
  while (count < list.size() && (bytes += size(list[count])) <= max_bytes) ++count;
  return count;
}

std::string lower_word(std::string_view value) {
  value = trim(value);
  return ascii_lower(clean_text(value.substr(0, value.find_first_of(" \t;(")), 64));
}

}  // namespace

Field field_of(std::string_view lower_name) {
  const auto found = std::lower_bound(fields.begin(), fields.end(), lower_name,
                                      [](const Named& a, std::string_view b) { return by_name(a.name, b); });
  return found != fields.end() && found->name == lower_name ? found->field : Field::other;
}

bool is_trace(std::string_view lower_name) {
  static constexpr auto names =
      std::to_array<std::string_view>({"received", "x-received", "envelope-to", "return-path", "delivered-to",
                                       "received-spf", "x-original-to", "authentication-results"});
  static_assert(std::is_sorted(names.begin(), names.end(), by_name));
  return std::binary_search(names.begin(), names.end(), lower_name, by_name) ||
         lower_name.starts_with("arc-") || lower_name.starts_with("x-bonafide-");
}

bool FieldReader::first(Field field) { return counts_[static_cast<size_t>(field)]++ == 0; }

void FieldReader::take(Field field, std::string_view value) {
  switch (field) {
    case Field::from:
      first(field);
      return addresses(facts_.from, 0, "From", value);
    case Field::reply_to:
      first(field);
      return addresses(facts_.reply_to, 1, "Reply-To", value);
    case Field::to:
      first(field);
      return addresses(facts_.to, 2, "To", value);
    case Field::cc:
      first(field);
      return addresses(facts_.cc, 3, "Cc", value);
    case Field::sender:
      if (first(field)) {
        std::vector<Address> one;
        append_addresses(value.substr(0, max_value_bytes), charsets_, 1, one);
        if (!one.empty()) facts_.sender = std::move(one.front());
      }
      return;
    case Field::subject:
      if (first(field)) facts_.subject = text("subject", value, limits.text_bytes);
      return;
    case Field::date:
      if (first(field)) date(value);
      return;
    case Field::message_id:
      if (first(field)) message_id(value);
      return;
    case Field::in_reply_to:
      if (first(field)) {
        auto rest = unfold(value, buffer_, max_value_bytes);
        facts_.in_reply_to = take_message_id(rest);
      }
      return;
    case Field::references:
      if (first(field)) references(value);
      return;
    case Field::x_mailer:
      facts_.mailer = text("mailer", value, limits.text_bytes);
      return;
    case Field::user_agent:
      if (facts_.mailer.empty()) facts_.mailer = text("mailer", value, limits.text_bytes);
      return;
    case Field::list_id:
      if (first(field)) {
        auto rest = unfold(value, buffer_, max_value_bytes);
        if (const size_t open = rest.rfind('<'); open != std::string_view::npos) rest.remove_prefix(open);
        facts_.list_id = ascii_lower(take_message_id(rest));
      }
      return;
    case Field::list_unsubscribe:
      facts_.list_unsubscribe = true;
      return;
    case Field::precedence:
      if (first(field)) facts_.precedence = lower_word(value);
      return;
    case Field::auto_submitted:
      if (first(field)) facts_.auto_submitted = lower_word(value);
      return;
    case Field::dkim_signature:
      if (signatures_++ < max_signatures) {
        facts_.signatures.push_back(parse_signature(unfold(value, buffer_, max_value_bytes)));
      }
      return;
    default:
      return;
  }
}

void FieldReader::addresses(std::vector<Address>& list, size_t index, std::string_view name,
                            std::string_view value) {
  const auto found =
      append_addresses(value.substr(0, max_list_value_bytes), charsets_, limits.addresses, list);
  totals_[index] += found.total;
  if (!found.sound) add_malformed(facts_, "unreadable " + std::string(name));
}

std::string FieldReader::text(std::string_view name, std::string_view value, size_t max_bytes) {
  std::string decoded;
  if (!append_decoded_words(unfold(value, buffer_, max_value_bytes), charsets_, decoded)) {
    add_malformed(facts_, "broken encoded word");
  }
  auto clean = clean_text(decoded, max_bytes);
  if (decoded.size() > max_bytes) add_cut(facts_, name, std::max(decoded.size(), value.size()), clean.size());
  return clean;
}

void FieldReader::date(std::string_view value) {
  const auto date = parse_mail_date(unfold(value, buffer_, max_value_bytes));
  if (!date) return add_malformed(facts_, "unreadable Date");
  facts_.date = date->time;
  facts_.date_offset_minutes = date->offset_minutes;
}

void FieldReader::message_id(std::string_view value) {
  auto rest = unfold(value, buffer_, max_value_bytes);
  const bool bracketed = rest.starts_with('<') && rest.ends_with('>');
  facts_.message_id = take_message_id(rest);
  if (!bracketed || facts_.message_id.find('@') == std::string::npos)
    add_malformed(facts_, "unusual Message-ID");
}

// The first one, the root of the thread, and the last ones, the nearest ancestors, where there are too many.
void FieldReader::references(std::string_view value) {
  auto rest = unfold(value, buffer_, max_value_bytes);
  auto& list = facts_.references;
  for (auto id = take_message_id(rest); !id.empty(); id = take_message_id(rest)) {
    ++references_;
    if (list.size() == limits.references) list.erase(list.begin() + 1);
    list.push_back(std::move(id));
  }
}

void FieldReader::finish() {
  const std::array<std::vector<Address>*, 4> lists = {&facts_.from, &facts_.reply_to, &facts_.to, &facts_.cc};
  static constexpr std::array<std::string_view, 4> names = {"from", "reply_to", "to", "cc"};
  for (size_t i = 0; i < lists.size(); ++i) {
    auto& list = *lists[i];
    list.resize(fitting(list, list_bytes[i], [](const Address& one) {
      return one.display_name.size() + one.local.size() + one.domain.size() + 6;
    }));
    if (totals_[i] > list.size()) add_cut(facts_, names[i], totals_[i], list.size());
  }
  if (references_ > facts_.references.size())
    add_cut(facts_, "references", references_, facts_.references.size());
  if (signatures_ > facts_.signatures.size())
    add_cut(facts_, "signatures", signatures_, facts_.signatures.size());

  const auto seen = [&](Field field) { return counts_[static_cast<size_t>(field)]; };
  if (seen(Field::from) == 0) {
    add_malformed(facts_, "no From");
  } else if (std::none_of(facts_.from.begin(), facts_.from.end(),
                          [](const Address& one) { return one.usable(); })) {
    add_malformed(facts_, "no usable address in From");
  }
  if (seen(Field::date) == 0) add_malformed(facts_, "no Date");
  struct Single {
    Field field;
    std::string_view phrase;
  };
  static constexpr auto singles = std::to_array<Single>({{Field::from, "repeated From"},
                                                         {Field::sender, "repeated Sender"},
                                                         {Field::reply_to, "repeated Reply-To"},
                                                         {Field::to, "repeated To"},
                                                         {Field::cc, "repeated Cc"},
                                                         {Field::subject, "repeated Subject"},
                                                         {Field::date, "repeated Date"},
                                                         {Field::message_id, "repeated Message-ID"},
                                                         {Field::in_reply_to, "repeated In-Reply-To"},
                                                         {Field::references, "repeated References"}});
  for (const auto& single : singles) {
    if (seen(single.field) > 1) add_malformed(facts_, single.phrase);
  }
}

std::string take_message_id(std::string_view& rest) {
  const size_t open = rest.find('<');
  if (open == std::string_view::npos) {
    rest = trim(rest);
    const auto word = rest.substr(0, rest.find_first_of(" \t"));
    rest.remove_prefix(word.size());
    return clean_text(word, max_id_bytes);
  }
  const size_t end = std::min(rest.find('>', open), rest.size());
  const auto id = trim(rest.substr(open + 1, end - open - 1));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  auto clean = clean_text(id, max_id_bytes);
  // An empty pair of brackets is no id; what comes after it may be.
  return clean.empty() && !rest.empty() ? take_message_id(rest) : clean;
}

}  // namespace bonafide::mail
