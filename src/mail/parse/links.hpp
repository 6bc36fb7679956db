#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "mail/facts.hpp"

namespace bonafide::mail {

/// The host a reader of `url` would be taken to: lower-case A-labels or an IP address in canonical text; ""
/// if it names none. As browsers read it: user parts dropped, backslashes as slashes, percent signs resolved,
/// addresses in decimal, octal and hex understood. For mailto: the domain of the address.
std::string host_of_url(std::string_view url);

/// The links of one message, each (URL, shown text) once, bounded in number and bytes.
class LinkList {
 public:
  explicit LinkList(std::vector<Link>& out) : out_(out) {}

  /// Takes a link as it stood, entities decoded. What leads nowhere ("#top", "cid:…") is left out.
  void add(std::string_view url, std::string_view shown);
  /// Links there were, repeats counted once, those past the bounds too.
  [[nodiscard]] size_t total() const { return total_; }

 private:
  std::vector<Link>& out_;
  std::unordered_set<uint64_t> seen_;
  size_t total_ = 0, bytes_ = 0;
};

/// Finds links in plain text: "scheme://…" for http, https and ftp, and "www.…".
void find_links(std::string_view text, LinkList& links);

}  // namespace bonafide::mail
