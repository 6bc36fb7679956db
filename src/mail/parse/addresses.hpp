#pragma once
#include <string_view>
#include <vector>

#include "mail/facts.hpp"
#include "mail/parse/charset.hpp"

namespace bonafide::mail {

/// What was found in an address list.
struct AddressList {
  size_t total = 0;   ///< mailboxes there were, also those past the bound
  bool sound = true;  ///< false: something in it cannot be read as RFC 5322 says
};

/// Reads an address list (RFC 5322 3.4, with its obsolete forms) and appends at most `max` mailboxes to
/// `out`. Groups give their members, comments and routes are dropped, a comment is the display name where
/// there is no other. Domains come out as lower-case A-labels, display names decoded. Tolerant: missing or
/// doubled brackets, mailboxes without commas between, unclosed quotes, names that need quotes and have none.
/// An entry without a usable address is kept with what it has, so that a display name shows. Takes folded
/// values.
AddressList append_addresses(std::string_view value, Charsets& charsets, size_t max,
                             std::vector<Address>& out);

/// One address without display name, e.g. of Return-Path or a path in an SMTP command; with or without
/// brackets.
Address parse_path(std::string_view text);

}  // namespace bonafide::mail
