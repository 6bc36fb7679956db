#pragma once
#include "api/service.hpp"
#include "app/pipeline.hpp"
#include "app/produced_body.hpp"

namespace bonafide::app {

/// What the search index finds, with the rows from the primary store: {"messages":[…],"next_cursor"}.
/// Errors: invalid (the query; tells the place), unavailable (the topology has no index).
Result<std::string> search_json(Pipeline& pipeline, env::Clock& clock, const api::SearchQuery& query);

/// Counts by hour, day, domain …, made when asked: {"group_by","groups":[…],"total"}. Errors: as above.
Result<std::string> stats_json(Pipeline& pipeline, const api::StatsQuery& query);

/// Builds the index anew and tells how far it is, as JSON lines; the last one has "rebuilt". `by_hand`:
/// nobody else steps the pipeline. Ends when nobody reads any more; whoever steps the pipeline goes on
/// building. Errors: conflict (it is being built already), unavailable.
Status produce_reindex(Pipeline& pipeline, bool by_hand, const BodyProducers::Put& put);

}  // namespace bonafide::app
