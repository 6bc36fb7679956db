#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "mail/facts.hpp"

namespace bonafide::mail {

/// An Authentication-Results header as it stands; whether it is believed is another question.
struct AuthResults {
  std::string authserv_id;  ///< lower case; "" if the header cannot be read
  std::vector<AuthMethod> methods;
};

/// Reads an unfolded Authentication-Results value (RFC 8601 2.2), or one of ARC-Authentication-Results, whose
/// "i=1;" is passed over. Comments are dropped, at most 50 methods kept. Tolerant: what cannot be read is
/// left out.
AuthResults parse_auth_results(std::string_view value);

/// The tags of a DKIM-Signature (RFC 6376 3.5) that say who claims to have signed.
SignatureClaim parse_signature(std::string_view value);

}  // namespace bonafide::mail
