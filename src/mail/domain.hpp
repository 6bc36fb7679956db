#pragma once
#include <string>
#include <string_view>

namespace bonafide::mail {

/// The lower-case A-label form of a domain name (RFC 5890, UTS 46 non-transitional, trailing dot dropped), or
/// of an address literal its canonical text in brackets ("[192.0.2.1]", "[2001:db8::1]"). "" if it is not
/// usable as either: empty labels, labels over 63 or names over 253 bytes, characters no host name has
/// (underscores are let pass: they are in use).
std::string to_ascii_domain(std::string_view text);

/// The domain somebody registered: one label below the longest public suffix (publicsuffix.org, the list
/// built into libpsl). A public suffix itself, a single label and an address literal are returned as they
/// are. Takes lower-case A-labels.
std::string organisational_domain(std::string_view domain);

/// Does this domain give mailboxes to anybody who asks? Its users are known by address, never by domain.
bool is_free_mail(std::string_view domain);

}  // namespace bonafide::mail
