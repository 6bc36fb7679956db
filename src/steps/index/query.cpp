#include "steps/index/query.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "base/text.hpp"
#include "mail/domain.hpp"
#include "mail/event.hpp"
#include "mail/verdict.hpp"

namespace bonafide::steps {

using stores::SearchFilter;
using stores::SearchText;

namespace {

constexpr size_t max_query_bytes = 2000;
constexpr size_t max_items = 64;
constexpr size_t max_domains = 100;

const std::vector<std::string>& field_names() {
  static const std::vector<std::string> names = {"from",      "to",     "subject", "text",   "file",
                                                 "link",      "domain", "verdict", "attack", "direction",
                                                 "judgement", "after",  "before",  "has"};
  return names;
}

/// A piece of the query: `field:value`, the field may be missing.
struct Item {
  std::string field;
  std::string value;
  bool quoted = false;
  size_t at = 0;        ///< byte where it begins
  size_t value_at = 0;  ///< byte where the value begins
};

Error wrong(std::string why) { return {Cause::invalid, std::move(why)}; }

// What FTS5's tokenizer makes at least one token of.
bool has_word(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return is_alpha(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80; });
}

void require(SearchFilter& filter, const std::string& expression) {
  if (!filter.match.empty()) filter.match += " AND ";
  filter.match += expression;
}

// An FTS5 string: in double quotes, those within doubled. Several words in it stand next to each other.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c == '\0' ? ' ' : c;
  }
  return out + '"';
}

std::string in_column(std::string_view column, const std::string& expression) {
  return column.empty() ? expression : "{" + std::string(column) + "} : " + expression;
}

Status add_words(SearchFilter& filter, std::string_view column, std::string_view text, bool may_be_prefix) {
  const bool prefix = may_be_prefix && text.ends_with('*');
  if (prefix) text.remove_suffix(1);
  if (text.find('*') != std::string_view::npos && may_be_prefix)
    return wrong("a * stands at the end of a word only, for words that begin so");
  if (!has_word(text)) return wrong("there is no word in it: write letters or digits");
  require(filter, in_column(column, quoted(text) + (prefix ? " *" : "")));
  return Ok{};
}

/// Bits of the labels that the words, with commas between, name.
template <class E>
Result<uint32_t> labels(std::string_view words, const char* what) {
  uint32_t mask = 0;
  const auto& symbols = avro::EnumSymbols<E>::symbols;
  for (const auto word : split(words, ',')) {
    const auto found = std::ranges::find(symbols, ascii_lower(word));
    if (found == symbols.end()) {
      std::vector<std::string> known(symbols.begin(), symbols.end());
      const std::string likely = closest(ascii_lower(word), known);
      return wrong("there is no " + std::string(what) + " \"" + clean_text(word, 40) + "\"; " +
                   (likely.empty() ? "there are " + join(known, ", ") : "do you mean " + likely + "?"));
    }
    mask |= 1U << (found - symbols.begin());
  }
  return mask;
}

Status add_domains(SearchFilter& filter, std::string_view words) {
  if (!filter.domains.empty()) return wrong("domain: may be given once, with commas between several");
  std::string any;
  for (const auto word : split(words, ',')) {
    std::string domain = mail::to_ascii_domain(word);
    if (domain.empty())
      return wrong("\"" + clean_text(word, 80) + "\" is no domain: write domain:acme.example");
    if (!any.empty()) any += " OR ";
    any += in_column("sender", quoted(domain));
    filter.domains.push_back(std::move(domain));
    if (filter.domains.size() > max_domains)
      return wrong("at most " + std::to_string(max_domains) + " domains");
  }
  // The full-text index finds candidates, the facts decide.
  require(filter, "(" + any + ")");
  return Ok{};
}

Result<Time> moment(const std::string& text) {
  const auto time = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!time.ok())
    return wrong("\"" + clean_text(text, 40) +
                 "\" is no day and no time: write 2026-01-31 or 2026-01-31T08:30:00Z");
  return *time;
}

Status narrow(SearchFilter& filter, const Item& item) {
  BONAFIDE_ASSIGN(const Time time, moment(item.value));
  if (item.field == "after") filter.from = filter.from ? std::max(*filter.from, time) : time;
  if (item.field == "before") filter.to = filter.to ? std::min(*filter.to, time) : time;
  return Ok{};
}

Status add_item(SearchFilter& filter, const Item& item) {
  const bool word = !item.quoted;
  const std::string& field = item.field;
  if (field.empty()) return add_words(filter, "", item.value, word);
  if (item.value.empty()) return wrong("nothing stands behind " + field + ":");
  if (field == "from") return add_words(filter, "sender", item.value, word);
  if (field == "to") return add_words(filter, "recipients", item.value, word);
  if (field == "subject" || field == "text") return add_words(filter, field, item.value, word);
  if (field == "file" || field == "link") return add_words(filter, field + "s", item.value, word);
  if (field == "domain") return add_domains(filter, item.value);
  if (field == "verdict") return require_verdict(filter, item.value);
  if (field == "attack") return require_attack(filter, item.value);
  if (field == "after" || field == "before") return narrow(filter, item);
  if (field == "direction") {
    BONAFIDE_ASSIGN(const uint32_t mask, labels<mail::Direction>(item.value, "direction"));
    filter.directions &= mask;
    return Ok{};
  }
  if (field == "judgement") {
    BONAFIDE_ASSIGN(const uint32_t mask, labels<mail::Judgement>(item.value, "judgement"));
    filter.judgements &= mask;
    return Ok{};
  }
  if (ascii_lower(item.value) != "attachment") return wrong("has: knows attachment only");
  filter.attachment = true;
  return Ok{};
}

/// Cuts the query into items.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  /// False: nothing is left. Errors: invalid, about error_at().
  Result<bool> next(Item& item) {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    if (at_ == text_.size()) return false;
    item = {};
    item.at = item.value_at = error_at_ = at_;
    if (text_[at_] == '-' && at_ + 1 < text_.size() && !is_space(text_[at_ + 1]))
      return wrong("words cannot be left out with -; put it in quotes to search for it");
    if (text_[at_] != '"') BONAFIDE_TRY(field(item));
    BONAFIDE_TRY(value(item));
    return true;
  }
  [[nodiscard]] size_t error_at() const { return error_at_; }

 private:
  Status field(Item& item) {
    const size_t end = text_.find_first_of(": \t\r\n\v\f\"", at_);
    if (end == std::string_view::npos || text_[end] != ':') return Ok{};
    item.field = ascii_lower(text_.substr(at_, end - at_));
    const auto& known = field_names();
    if (std::ranges::find(known, item.field) == known.end()) {
      const std::string likely = closest(item.field, known);
      return wrong("there is no field \"" + clean_text(item.field, 40) + "\"; " +
                   (likely.empty()
                        ? "there are " + join(known, ", ") + "; put it in quotes to search for the words"
                        : "do you mean " + likely + ":?"));
    }
    item.value_at = error_at_ = at_ = end + 1;
    return Ok{};
  }

  Status value(Item& item) {
    if (at_ < text_.size() && text_[at_] == '"') {
      const size_t end = text_.find('"', at_ + 1);
      error_at_ = at_;
      if (end == std::string_view::npos)
        return wrong("this quotation mark is not closed: put another at the end");
      item.quoted = true;
      item.value = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      return Ok{};
    }
    const size_t end = std::min(text_.find_first_of(" \t\r\n\v\f\"", at_), text_.size());
    item.value = text_.substr(at_, end - at_);
    at_ = end;
    if (item.field.empty() && (item.value == "AND" || item.value == "OR" || item.value == "NOT"))
      return wrong(item.value +
                   " is not known: all words must be there; put it in quotes to search for the word");
    return Ok{};
  }

  std::string_view text_;
  size_t at_ = 0, error_at_ = 0;
};

// Characters, not bytes, before a byte; from 1.
size_t position_of(std::string_view text, size_t byte) {
  const auto before = text.substr(0, byte);
  return 1 + static_cast<size_t>(std::ranges::count_if(
                 before, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Error placed(std::string_view text, size_t byte, const Error& error) {
  return {error.cause, "query, position " + std::to_string(position_of(text, byte)) + ": " + error.message};
}

}  // namespace

Result<SearchFilter> parse_query(std::string_view text) {
  if (text.size() > max_query_bytes)
    return wrong("the query is longer than " + std::to_string(max_query_bytes) + " bytes");
  if (!is_utf8(text)) return wrong("the query is not valid UTF-8");
  SearchFilter filter;
  Scanner scanner(text);
  Item item;
  for (size_t items = 0;; ++items) {
    const auto more = scanner.next(item);
    if (!more.ok()) return placed(text, scanner.error_at(), more.error());
    if (!*more) return filter;
    if (items == max_items)
      return placed(text, item.at, wrong("at most " + std::to_string(max_items) + " words"));
    if (const Status added = add_item(filter, item); !added.ok())
      return placed(text, item.value_at, added.error());
  }
}

Status require_text(SearchFilter& filter, SearchText where, std::string_view words) {
  return add_words(filter, stores::search_text_names[static_cast<size_t>(where)], words, false);
}

Status require_verdict(SearchFilter& filter, std::string_view words) {
  BONAFIDE_ASSIGN(const uint32_t mask, labels<mail::ShownVerdict>(words, "verdict"));
  filter.verdicts &= mask;
  return Ok{};
}

Status require_attack(SearchFilter& filter, std::string_view words) {
  BONAFIDE_ASSIGN(const uint32_t mask, labels<mail::Attack>(words, "attack"));
  filter.attacks &= mask;
  return Ok{};
}

}  // namespace bonafide::steps
