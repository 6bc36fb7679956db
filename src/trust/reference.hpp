#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ip.hpp"
#include "base/result.hpp"
#include "env/files.hpp"

namespace bonafide::trust {

/// What it means to stand in a list.
enum class ListRole : uint8_t {
  blocked,     ///< known to send bad mail
  disposable,  ///< mailboxes thrown away after use
  free_mail,   ///< mailboxes for anybody who asks: known by address, never by domain
  hosting,     ///< rented machines; says little by itself
  popular,     ///< widely used: that it is known proves little
};
std::string_view to_string(ListRole role);
/// Errors: invalid, naming the roles there are.
Result<ListRole> parse_list_role(std::string_view name);

/// Where a list comes from. Lists of networks hold a CIDR range a line, lists of domains a domain a line (its
/// sub-domains are named with it). In both, "#" and ";" begin a comment; "value<tab>anything" and "value
/// anything" are read as value, "provider,value" (CSV) as value with the provider as the entry's note.
struct ListSource {
  std::string name;
  ListRole role = ListRole::blocked;
  std::string path;
};

/// An immutable list of networks and domains, read once and the same for a whole run.
class ReferenceList {
 public:
  /// Reads the text of a list. Errors: invalid, with `where`:line.
  static Result<ReferenceList> parse(std::string name, ListRole role, std::string_view text,
                                     std::string_view where);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] ListRole role() const { return role_; }
  /// First 12 hex digits of the SHA-256 of its text.
  [[nodiscard]] const std::string& version() const { return version_; }
  [[nodiscard]] size_t size() const { return ranges_.size() + domains_.size(); }

  /// The narrowest range that holds the address, as text with its note; "" if none does.
  [[nodiscard]] std::string find(const IpAddress& address) const;
  /// The domain itself or the longest of its parents that stands in the list; "" if none does.
  [[nodiscard]] std::string_view find(std::string_view domain) const;

 private:
  struct Entry {
    IpRange range;
    uint32_t note = 0;   // index into notes_
    int32_t outer = -1;  // the next wider range around this one
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  Status add(std::string_view value, std::string_view note, std::unordered_map<std::string, uint32_t>& notes);
  void link();

  std::string name_, version_;
  ListRole role_ = ListRole::blocked;
  std::vector<Entry> ranges_;  // by low, wider ranges first
  std::vector<std::string> notes_ = {""};
  std::unordered_map<std::string, char, Hash, std::equal_to<>> domains_;
};

/// All reference data sets of a run, frozen at its start. Safe from any thread.
class ReferenceData {
 public:
  ReferenceData() = default;
  explicit ReferenceData(std::vector<ReferenceList> lists) : lists_(std::move(lists)) {}
  /// Errors: not_found (no such file), invalid (file:line).
  static Result<ReferenceData> load(env::Files& files, std::span<const ListSource> sources);

  [[nodiscard]] const std::vector<ReferenceList>& lists() const { return lists_; }
  /// Is this domain one of a free mail provider, by the built-in list or one of the data sets?
  [[nodiscard]] bool is_free_mail(std::string_view domain) const;

 private:
  std::vector<ReferenceList> lists_;
};

}  // namespace bonafide::trust
