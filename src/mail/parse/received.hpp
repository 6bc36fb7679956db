#pragma once
#include <string>
#include <string_view>

#include "mail/facts.hpp"

namespace bonafide::mail {

/// A Received line with what a Hop does not keep.
struct ReceivedLine {
  Hop hop;
  std::string for_address;  ///< the one recipient some servers name, "" if none
};

/// Reads an unfolded Received value (RFC 5321 4.4) as Postfix, Exim, Sendmail, qmail, Exchange, Gmail and
/// their like write it. What is not there stays empty.
ReceivedLine parse_received(std::string_view value);

}  // namespace bonafide::mail
