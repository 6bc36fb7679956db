#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mail/event.hpp"
#include "trust/lookalike.hpp"
#include "trust/reading.hpp"

// From evidence to numbers a model can weigh. Pure, and exact: only + - * / and base/math.hpp.
namespace bonafide::trust {

/// What is weighed beside familiarity and contradiction of each trait.
enum class Extra : uint8_t {
  seniority,     ///< log(1 + messages of the address)
  days,          ///< log(1 + days on which it wrote)
  organisation,  ///< log(1 + messages of its organisation)
  relation_in,   ///< log(1 + messages to this recipient)
  relation_out,  ///< log(1 + messages somebody here wrote to it)
  dkim_aligned,
  spf_aligned,
  dmarc_fail,
  spf_fail,
  reputation_good,  ///< log(1 + known senders' messages from the client's network)
  reputation_bad,   ///< log of unvouched messages from there against known senders', at least 0
  helo_odd,         ///< an address, a bare label or nothing usable
  helo_own,         ///< HELO of the From organisation
  envelope_other,   ///< envelope sender of another organisation, no list
  reply_elsewhere,  ///< answers go to another organisation, never seen with this sender
  common_network,   ///< log(1 + others on the client's network)
  common_helo,      ///< log(1 + others with that HELO organisation)
  common_id,        ///< log(1 + others with that form of Message-ID)
  common_mailer,    ///< log(1 + others with that mailer)
  name_claims,      ///< the display name shows an address of another domain
  free_mail,
  disposable,
  malformed,   ///< more than one From, no Date, no Message-ID
  own_domain,  ///< claims the recipient's own organisation without its authentication
};
inline constexpr size_t extra_count = 24;
inline constexpr size_t feature_count = 2 * trait_count + extra_count;

constexpr size_t familiar(TraitId trait) { return static_cast<size_t>(trait); }
constexpr size_t contrary(TraitId trait) { return trait_count + static_cast<size_t>(trait); }
constexpr size_t extra(Extra which) { return 2 * trait_count + static_cast<size_t>(which); }
/// "network+", "network-", "seniority" …: the names in a model file.
std::string feature_name(size_t feature);

/// Whose history stands behind the claimed identity.
enum class Standing : uint8_t { address, organisation, stranger };

/// From how many vouched messages, on how many days, an identity is known.
inline constexpr int64_t known_messages = 3, known_days = 2;
inline constexpr int64_t known_organisation_messages = 5, known_organisation_days = 3;

/// All the score is made of.
struct Findings {
  Standing standing = Standing::stranger;
  bool aligned = false;  ///< DKIM or SPF passes for the organisation of From
  std::array<double, feature_count> features{};

  const mail::Evidence* address = nullptr;
  const mail::Evidence* organisation = nullptr;
  const mail::Evidence* unit = nullptr;      ///< the one `standing` names; null for a stranger
  const mail::Evidence* relation = nullptr;  ///< of the recipient who knows the sender best
  TraitReadings address_traits{}, organisation_traits{}, population{};

  // Attacks that show by themselves.
  Likeness likeness;
  bool likeness_believed = false;
  std::string resembled;                        ///< the organisation that is resembled
  bool resembled_here = false;                  ///< it is the recipient's own
  const mail::Reading* impersonated = nullptr;  ///< the address that usually bears the display name
  const mail::ReferenceHit* colleague =
      nullptr;  ///< the display name is that of somebody in the tenant's directory
  bool impersonation_believed = false;
  bool name_claims = false;  ///< a stranger whose display name shows an address of another domain
  bool diverted = false;     ///< a known sender's answers would go to a stranger's free mailbox
  const mail::ReferenceHit* blocked = nullptr;
  bool failed = false;      ///< somebody we believe says that SPF or DMARC fails
  bool own_domain = false;  ///< From is of the recipient's own organisation, not authenticated for it
  bool no_sender = false;
  bool unknown = false;  ///< some history did not answer in time
};

/// Derives the findings. `evidence` must outlive them.
Findings find_out(const mail::Received& received, const mail::Enrichment& enrichment,
                  const std::vector<mail::Evidence>& evidence);

/// Days, and days from first to last, on which an unvouched way must have been seen before its address learns
/// it.
inline constexpr int64_t promotion_days = 5, promotion_span = 14;
inline constexpr int64_t aligned_promotion_days = 3, aligned_promotion_span = 7;
/// Was the way this message came seen so often that its address may learn it although nothing vouches for it?
bool is_promoted(const Findings& findings);

/// Is the identity of such readings known well enough to be impersonated?
bool is_known(const mail::Evidence* evidence, int64_t messages, int64_t days);

}  // namespace bonafide::trust
