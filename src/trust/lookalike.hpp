#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trust/keys.hpp"

// Names made to be mistaken for others. The organisations and persons a tenant knows stand in histories under
// keys made from their own names, so that a handful of look-ups finds all that a new name could be mistaken
// for, however many there are.
namespace bonafide::trust {

/// What a reader sees in a label: confusable characters folded together (UTS 39 skeleton for other scripts;
/// 0/o, 1/l/i, rn/m, vv/w, cl/d and the like in ASCII). `label` is an A-label or UTF-8.
std::string folded_label(std::string_view label);
/// The label somebody registered: "acme" of "acme.co.uk". Takes an organisational domain.
std::string_view registered_label(std::string_view organisation);

/// How a domain resembles the organisation of another.
enum class Resemblance : uint8_t {
  none,
  look,        ///< the same to the eye: homoglyphs, or the same label under another suffix
  typo,        ///< an edit or two apart
  added_word,  ///< "acme-support", "my-acme"
  sub_domain,  ///< "acme.com.elsewhere.example"
};
std::string_view to_string(Resemblance resemblance);

/// How `domain` resembles `organisation`. `short_name`: the label is so short that chance is likely; believe
/// it only if something else (the name of a person there) agrees.
struct Likeness {
  Resemblance resemblance = Resemblance::none;
  bool short_name = false;
};
Likeness likeness(std::string_view domain, std::string_view organisation);

using IndexKey = std::pair<Kind, std::string>;
/// The keys under which organisations stand that `domain` could be mistaken for. At most 15.
std::vector<IndexKey> look_questions(std::string_view domain);
/// The keys an organisation is to stand under. At most 3.
std::vector<IndexKey> look_index(std::string_view organisation);

/// A display name as a person is known by: case, accents, order, initials and punctuation dropped,
/// confusables folded.
/// "" where it names no person (an address, "Info", "Support Team").
std::string person_subject(std::string_view display_name);
/// An e-mail address or domain that a display name pretends to: its domain; "" if there is none.
std::string address_in_name(std::string_view display_name);

/// Edits (insertion, deletion, substitution, transposition of neighbours) between two words, or `limit` + 1
/// if more.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit);

}  // namespace bonafide::trust
