#pragma once
#include <memory>
#include <string>

#include "flow/state.hpp"
#include "mail/event.hpp"
#include "mail/parse/parse.hpp"
#include "trust/directory.hpp"
#include "trust/model.hpp"
#include "trust/reference.hpp"

namespace bonafide::app {

/// What a message is scored against when nothing is to be stored or learned.
struct ScoringParts {
  std::shared_ptr<const trust::ReferenceData> reference;
  std::shared_ptr<const trust::Directories> directories;
  const trust::Model& model;
  flow::State* history = nullptr;  ///< null: nothing is known of anybody
};

/// The score of a message read as a file is (its topmost Received is the edge), as of `now` where the message
/// does not say when it came.
mail::Scored score_once(mail::Parser& parser, ByteView raw, const std::string& tenant,
                        const ScoringParts& parts, Time now);

/// An export row with its evidence: what `score` answers.
std::string scored_json(const mail::Scored& scored);

}  // namespace bonafide::app
