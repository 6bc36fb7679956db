#include "trust/reference.hpp"

#include <algorithm>
#include <array>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "mail/domain.hpp"
#include "trust/network_table.hpp"

namespace bonafide::trust {
namespace {

constexpr std::array<std::string_view, 6> role_names = {"blocked", "disposable", "free_mail",
                                                        "hosting", "popular",    "network"};

bool looks_like_address(std::string_view value) {
  return value.find(':') != std::string_view::npos || value.find('/') != std::string_view::npos ||
         IpAddress::parse(value).ok();
}

// The value of a line and, where it is CSV, the note before it.
void split_line(std::string_view line, std::string_view& value, std::string_view& note) {
  note = {};
  if (const size_t comma = line.find(','); comma != std::string_view::npos) {
    note = trim(line.substr(0, comma));
    line = trim(line.substr(comma + 1));
    line = line.substr(0, line.find(','));
  }
  value = trim(line.substr(0, line.find_first_of(" \t")));
}

}  // namespace

std::string_view to_string(ListRole role) { return role_names[static_cast<size_t>(role)]; }

Result<ListRole> parse_list_role(std::string_view name) {
  const auto* const at = std::find(role_names.begin(), role_names.end(), name);
  if (at != role_names.end()) return static_cast<ListRole>(at - role_names.begin());
  return {
      Cause::invalid,
      "\"" + std::string(name.substr(0, 64)) +
          "\" is not a role of a list; write blocked, disposable, free_mail, hosting, popular or network"};
}

Result<ReferenceList> ReferenceList::parse(std::string name, ListRole role, std::string_view text,
                                           std::string_view where) {
  ReferenceList list;
  list.name_ = std::move(name);
  list.role_ = role;
  list.version_ = to_hex(view(sha256(text))).substr(0, 12);
  std::unordered_map<std::string, uint32_t> notes;
  size_t number = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    line = trim(line.substr(0, line.find_first_of("#;")));
    if (line.empty()) continue;
    std::string_view value, note;
    split_line(line, value, note);
    if (auto added = list.add(value, note, notes); !added.ok()) {
      return added.error().in(std::string(where) + ":" + std::to_string(number));
    }
  }
  list.link();
  return list;
}

Status ReferenceList::add(std::string_view value, std::string_view note,
                          std::unordered_map<std::string, uint32_t>& notes) {
  if (looks_like_address(value)) {
    BONAFIDE_ASSIGN(const IpRange range, IpRange::parse(value));
    uint32_t number = 0;
    if (!note.empty()) {
      const auto [at, fresh] = notes.try_emplace(std::string(note), static_cast<uint32_t>(notes_.size()));
      if (fresh) notes_.emplace_back(note);
      number = at->second;
    }
    ranges_.push_back({range, number, -1});
    return Ok{};
  }
  std::string domain = mail::to_ascii_domain(value.starts_with("*.") ? value.substr(2) : value);
  if (domain.empty()) {
    return {Cause::invalid, "\"" + std::string(value.substr(0, 64)) + "\" is neither a network nor a domain"};
  }
  domains_.emplace(std::move(domain), '\0');
  return Ok{};
}

// Sorts the ranges and ties each to the next wider one around it. CIDR ranges either nest or are apart, so
// the ranges around an address form one chain.
void ReferenceList::link() {
  std::sort(ranges_.begin(), ranges_.end(), [](const Entry& a, const Entry& b) {
    if (a.range.low != b.range.low) return a.range.low < b.range.low;
    return a.range.high != b.range.high ? b.range.high < a.range.high : a.note < b.note;
  });
  std::vector<int32_t> open;
  for (size_t i = 0; i < ranges_.size(); ++i) {
    while (!open.empty() && ranges_[static_cast<size_t>(open.back())].range.high < ranges_[i].range.low)
      open.pop_back();
    ranges_[i].outer = open.empty() ? -1 : open.back();
    open.push_back(static_cast<int32_t>(i));
  }
}

std::string ReferenceList::find(const IpAddress& address) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                      [](const IpAddress& a, const Entry& e) { return a < e.range.low; });
  auto at = static_cast<int32_t>(after - ranges_.begin()) - 1;
  while (at >= 0 && !ranges_[static_cast<size_t>(at)].range.contains(address))
    at = ranges_[static_cast<size_t>(at)].outer;
  if (at < 0) return "";
  const Entry& entry = ranges_[static_cast<size_t>(at)];
  return entry.range.text() + (entry.note == 0 ? "" : " (" + notes_[entry.note] + ")");
}

std::string_view ReferenceList::find(std::string_view domain) const {
  while (!domain.empty()) {
    if (domains_.find(domain) != domains_.end()) return domain;
    const size_t dot = domain.find('.');
    if (dot == std::string_view::npos) break;
    domain.remove_prefix(dot + 1);
  }
  return {};
}

Result<std::shared_ptr<const ReferenceSet>> ReferenceData::read(const ListSource& source, ByteView bytes) {
  if (NetworkTable::is_one(bytes)) {
    BONAFIDE_ASSIGN(auto table, NetworkTable::read(source, bytes));
    return std::shared_ptr<const ReferenceSet>(std::move(table));
  }
  if (source.path.ends_with(".mmdb")) {
    return {Cause::invalid, source.path + ": this is no MaxMind DB, or only a part of one"};
  }
  BONAFIDE_ASSIGN(auto list, ReferenceList::parse(source.name, source.role, bytes, source.path));
  return std::shared_ptr<const ReferenceSet>(std::make_shared<const ReferenceList>(std::move(list)));
}

Result<ReferenceData> ReferenceData::load(env::Files& files, std::span<const ListSource> sources) {
  Sets sets;
  for (const auto& source : sources) {
    auto bytes = files.read_file(source.path);
    if (!bytes.ok()) return bytes.error().in("data set " + source.name);
    BONAFIDE_ASSIGN(auto set, read(source, *bytes));
    sets.push_back(std::move(set));
  }
  return ReferenceData(std::move(sets));
}

bool ReferenceData::is_free_mail(std::string_view domain) const {
  if (mail::is_free_mail(domain)) return true;
  return std::ranges::any_of(sets_, [&](const auto& set) {
    return set->role() == ListRole::free_mail && !set->find(domain).empty();
  });
}

}  // namespace bonafide::trust
