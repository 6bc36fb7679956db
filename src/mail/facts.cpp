#include "mail/facts.hpp"

#include "base/text.hpp"

namespace bonafide::mail {

std::string Address::key() const { return ascii_lower(local) + "@" + domain; }

}  // namespace bonafide::mail
