#include <chrono>
#include <iostream>
#include <thread>

#include <boost/json.hpp>
#include <unistd.h>

#include "app/access.hpp"
#include "app/output.hpp"
#include "app/verbs.hpp"
#include "base/text.hpp"

// bonafide reprocess --from T --to T [--step enrich|score] [--tenant T] | --status | --cancel
namespace bonafide::app {
namespace {

namespace json = boost::json;

Result<json::object> parsed(const std::string& text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object())
    return Error{Cause::internal, "the answer is not JSON: " + error.message()};
  return value.as_object();
}

std::string text_of(const json::object& run, std::string_view key) {
  const auto* value = run.if_contains(json::string_view(key.data(), key.size()));
  if (value == nullptr) return "";
  return value->is_string() ? std::string(value->as_string()) : json::serialize(*value);
}

int print(const Common& common, const std::string& answer) {
  if (common.json) {
    std::cout << trim(answer) << "\n";
    return exit_ok;
  }
  const auto run = parsed(answer);
  if (!run.ok()) return complain(run.error());
  const std::string state = text_of(*run, "state");
  if (state == "none") {
    std::cout << "there was no reprocess yet\n";
    return exit_ok;
  }
  std::cout << "reprocess " << text_of(*run, "run") << " (" << text_of(*run, "step") << ", accepted from "
            << text_of(*run, "from") << " to " << text_of(*run, "to") << "): " << state << ", "
            << text_of(*run, "messages") << " messages";
  if (const std::string damaged = text_of(*run, "damaged"); damaged != "0")
    std::cout << ", " << damaged << " could not be read (see `bonafide verify`)";
  std::cout << "\n";
  return exit_ok;
}

// Until it has ended, whoever ends it.
Result<std::string> wait_for_end(Access& access) {
  for (;;) {
    BONAFIDE_ASSIGN(auto answer, access.reprocess_state());
    BONAFIDE_ASSIGN(const auto run, parsed(answer));
    if (text_of(run, "state") != "running") return answer;
    if (::isatty(STDERR_FILENO) != 0)
      std::cerr << "\r" << text_of(run, "messages") << " of " << text_of(run, "of") << "   \r";
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace

int reprocess(const Common& common, const ReprocessOptions& options) {
  api::ReprocessQuery query;
  query.step = options.step;
  query.tenant = options.tenant;
  const bool asks = options.status || options.cancel;
  if (!asks) {
    if (options.from.empty() || options.to.empty())
      return complain({Cause::invalid, "say what: --from and --to, the times of acceptance"});
    for (const auto& [text, bound] :
         {std::pair(&options.from, &query.from), std::pair(&options.to, &query.to)}) {
      const auto time = parse_rfc3339(text->size() == 10 ? *text + "T00:00:00Z" : *text);
      if (!time.ok()) return complain(time.error());
      *bound = *time;
    }
  }
  auto access = Access::open(common);
  if (!access.ok()) return complain(access.error());
  auto answer = options.status   ? (*access)->reprocess_state()
                : options.cancel ? (*access)->cancel_reprocess()
                                 : (*access)->reprocess(query);
  if (answer.ok() && !asks && !options.no_wait) answer = wait_for_end(**access);
  if (!answer.ok()) return complain(answer.error());
  return print(common, *answer);
}

}  // namespace bonafide::app
