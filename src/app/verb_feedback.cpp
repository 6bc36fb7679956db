#include <iostream>

#include <boost/json.hpp>

#include "app/access.hpp"
#include "app/output.hpp"
#include "app/verbs.hpp"
#include "base/text.hpp"

// bonafide feedback ID good|bad
namespace bonafide::app {

int feedback(const Common& common, const FeedbackOptions& options) {
  const auto id = EventId::parse(options.id);
  if (!id.ok()) return complain(id.error());
  auto access = Access::open(common);
  if (!access.ok()) return complain(access.error());
  const bool good = options.judgement == "good";
  const auto answer = (*access)->judge(*id, good ? api::Judgement::good : api::Judgement::bad);
  if (!answer.ok()) return complain(answer.error());
  if (common.json) {
    std::cout << trim(*answer) << "\n";
    return exit_ok;
  }
  boost::system::error_code error;
  const auto value = boost::json::parse(*answer, error);
  if (error || !value.is_object())
    return complain({Cause::internal, "the answer is not JSON: " + error.message()});
  const auto& object = value.as_object();
  if (!object.contains("revision")) {
    std::cout << "taken: " << options.judgement << "; the row follows\n";
  } else if (object.at("changed").as_bool()) {
    std::cout << "judged " << options.judgement << ": revision " << object.at("revision").to_number<int64_t>()
              << "\n";
  } else {
    std::cout << "nothing changed: it was judged " << options.judgement << " before\n";
  }
  return exit_ok;
}

}  // namespace bonafide::app
