#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "stores/sqlite/search_store.hpp"

namespace bonafide::steps {

/// The query language, in one paragraph: every word must be there, in any text of the message; "words in
/// quotes" stand next to each other; `word*` is the beginning of a word. `from:` `to:` `subject:` `text:`
/// `file:` `link:` look into one text; `domain:acme.example` is the domain of From or one below it;
/// `verdict:` `attack:` `direction:` take the words of the schema, several with commas; `after:` `before:` a
/// day or a time (RFC 3339, UTC), of the event; `has:attachment`. docs/search.md has examples.
///
/// Errors: invalid; the message tells the position (characters, from 1) and what to write instead.
Result<stores::SearchFilter> parse_query(std::string_view text);

// For the parameters that say the same without the language; they add to the filter. Errors: as above,
// without a position.
Status require_text(stores::SearchFilter& filter, stores::SearchText where, std::string_view words);
Status require_verdict(stores::SearchFilter& filter, std::string_view words);
Status require_attack(stores::SearchFilter& filter, std::string_view words);

}  // namespace bonafide::steps
