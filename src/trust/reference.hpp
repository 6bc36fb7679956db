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
  network,     ///< says whose network an address is in; speaks neither for nor against it
};
std::string_view to_string(ListRole role);
/// Errors: invalid, naming the roles there are.
Result<ListRole> parse_list_role(std::string_view name);

/// Where a data set comes from: a text file, or a MaxMind DB (".mmdb", network_table.hpp). Text files hold a
/// CIDR range or a domain a line (its sub-domains are named with it). "#" and ";" begin a comment;
/// "value<tab>anything" and "value anything" are read as value, "provider,value" (CSV) as value with the
/// provider as the entry's note.
struct ListSource {
  std::string name;
  ListRole role = ListRole::blocked;
  std::string path;
  friend bool operator==(const ListSource&, const ListSource&) = default;
};

/// One data set, immutable once it is read. Safe from any thread.
class ReferenceSet {
 public:
  virtual ~ReferenceSet() = default;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] ListRole role() const { return role_; }
  /// First 12 hex digits of the SHA-256 of its bytes.
  [[nodiscard]] const std::string& version() const { return version_; }
  [[nodiscard]] virtual size_t size() const = 0;  ///< entries

  /// The narrowest range that holds the address, as text with what is said of it; "" if none does.
  [[nodiscard]] virtual std::string find(const IpAddress& address) const = 0;
  /// The domain itself or the longest of its parents that stands in the set; "" if none does.
  [[nodiscard]] virtual std::string_view find(std::string_view domain) const = 0;

 protected:
  ReferenceSet() = default;
  ReferenceSet(const ReferenceSet&) = default;
  ReferenceSet(ReferenceSet&&) = default;
  ReferenceSet& operator=(const ReferenceSet&) = default;
  ReferenceSet& operator=(ReferenceSet&&) = default;

  std::string name_, version_;
  ListRole role_ = ListRole::blocked;
};

/// A list of networks and domains.
class ReferenceList final : public ReferenceSet {
 public:
  /// Reads the text of a list. Errors: invalid, with `where`:line.
  static Result<ReferenceList> parse(std::string name, ListRole role, std::string_view text,
                                     std::string_view where);

  [[nodiscard]] size_t size() const override { return ranges_.size() + domains_.size(); }
  [[nodiscard]] std::string find(const IpAddress& address) const override;
  [[nodiscard]] std::string_view find(std::string_view domain) const override;

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

  std::vector<Entry> ranges_;  // by low, wider ranges first
  std::vector<std::string> notes_ = {""};
  std::unordered_map<std::string, char, Hash, std::equal_to<>> domains_;
};

/// All reference data sets as they are at one time. Safe from any thread.
class ReferenceData {
 public:
  using Sets = std::vector<std::shared_ptr<const ReferenceSet>>;
  ReferenceData() = default;
  explicit ReferenceData(Sets sets) : sets_(std::move(sets)) {}
  /// Errors: not_found (no such file), invalid (file:line).
  static Result<ReferenceData> load(env::Files& files, std::span<const ListSource> sources);
  /// One data set from its bytes. Errors: invalid (file, and line where it has any).
  static Result<std::shared_ptr<const ReferenceSet>> read(const ListSource& source, ByteView bytes);

  [[nodiscard]] const Sets& sets() const { return sets_; }
  /// Is this domain one of a free mail provider, by the built-in list or one of the data sets?
  [[nodiscard]] bool is_free_mail(std::string_view domain) const;

 private:
  Sets sets_;
};

}  // namespace bonafide::trust
