#include "mail/tenant.hpp"

#include <algorithm>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "mail/domain.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t max_address_bytes = 320;
constexpr size_t max_name_bytes = 200;
constexpr size_t max_domains = 10'000, max_networks = 10'000, max_mailboxes = 200'000, max_people = 200'000;
constexpr size_t max_addresses = 20;  // of one person

std::string shown(std::string_view text) { return "\"" + clean_text(text, 100) + "\""; }

// Each once, in the order of the alphabet: what says the same is the same.
void sort_once(std::vector<std::string>& list) {
  std::ranges::sort(list);
  const auto [first, last] = std::ranges::unique(list);
  list.erase(first, last);
}

Status check_count(std::string_view what, size_t count, size_t most) {
  if (count <= most) return Ok{};
  return {Cause::invalid, std::to_string(count) + " " + std::string(what) + ": at most " +
                              std::to_string(most) + " can be kept"};
}

Status make_addresses(std::vector<std::string>& list, std::string_view whose) {
  for (auto& address : list) {
    std::string plain = plain_address(address);
    if (plain.empty())
      return {Cause::invalid,
              std::string(whose) + ": " + shown(address) + " is no address; write local@domain"};
    address = std::move(plain);
  }
  return Ok{};
}

Status make_person(Person& person) {
  const std::string name(trim(person.name));
  if (name.empty() || name.size() > max_name_bytes || clean_text(name, max_name_bytes) != name) {
    return {Cause::invalid, "people: " + shown(person.name) + " is no name; write 1 to " +
                                std::to_string(max_name_bytes) + " bytes without control characters"};
  }
  person.name = name;
  if (person.addresses.empty() || person.addresses.size() > max_addresses) {
    return {Cause::invalid, "people: " + shown(name) + " has " + std::to_string(person.addresses.size()) +
                                " addresses; give 1 to " + std::to_string(max_addresses)};
  }
  return make_addresses(person.addresses, "people: " + shown(name));
}

}  // namespace

std::string plain_address(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '<' && text.back() == '>') text = text.substr(1, text.size() - 2);
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || text.size() > max_address_bytes) return "";
  const std::string_view local = text.substr(0, at);
  if (clean_text(local, max_address_bytes) != local || local.find_first_of("<> \t") != std::string_view::npos)
    return "";
  const std::string domain = to_ascii_domain(text.substr(at + 1));
  return domain.empty() ? "" : ascii_lower(local) + "@" + domain;
}

Result<Person> parse_person(std::string_view text) {
  const Error wrong = {Cause::invalid, shown(text) + " is no person; write Ann Smith <ann@acme.example>"};
  const size_t begin = text.find('<');
  if (begin == std::string_view::npos) return wrong;
  Person person{std::string(trim(text.substr(0, begin))), {}};
  for (std::string_view rest = text.substr(begin); !trim(rest).empty();) {
    rest = trim(rest);
    const size_t end = rest.find('>');
    if (rest.front() != '<' || end == std::string_view::npos) return wrong;
    person.addresses.emplace_back(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
  }
  BONAFIDE_TRY(make_person(person));
  return person;
}

Status check_tenant_name(std::string_view name) {
  const auto usual = [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; };
  if (!name.empty() && name.size() <= 63 && (is_alpha(name[0]) || is_digit(name[0])) &&
      std::ranges::all_of(name, usual))
    return Ok{};
  return {Cause::invalid,
          "tenant name " + shown(name) +
              " is not usable; write up to 63 letters, digits, -, _ and ., beginning with a letter or "
              "digit"};
}

Result<TenantDefinition> normal(TenantDefinition given) {
  BONAFIDE_TRY(check_tenant_name(given.name));
  BONAFIDE_TRY(check_count("domains", given.domains.size(), max_domains));
  BONAFIDE_TRY(check_count("networks", given.networks.size(), max_networks));
  BONAFIDE_TRY(check_count("mailboxes", given.mailboxes.size(), max_mailboxes));
  BONAFIDE_TRY(check_count("people", given.people.size(), max_people));
  for (auto& domain : given.domains) {
    std::string plain = to_ascii_domain(domain);
    if (plain.empty()) return {Cause::invalid, "domains: " + shown(domain) + " is no domain"};
    domain = std::move(plain);
  }
  for (auto& network : given.networks) {
    const auto range = IpRange::parse(network);
    if (!range.ok()) return range.error().in("networks");
    network = range->text();
  }
  BONAFIDE_TRY(make_addresses(given.mailboxes, "mailboxes"));
  for (auto& person : given.people) BONAFIDE_TRY(make_person(person));
  sort_once(given.domains);
  sort_once(given.networks);
  sort_once(given.mailboxes);
  return given;
}

}  // namespace bonafide::mail
