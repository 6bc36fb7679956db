#pragma once
#include "api/service.hpp"
#include "app/pipeline.hpp"
#include "app/produced_body.hpp"

namespace bonafide::app {

/// Do the books balance, and (unless `quick`) is every live byte sound? Compares every store with the door's
/// list, beside a running pipeline or at rest (invariant 9). Gives JSON lines: findings {"finding", "place",
/// "what", "ids"}, progress
/// {"progress"}, and last the result {"sound", "findings", "accepted", …}.
Status produce_verification(Pipeline& pipeline, bool quick, const BodyProducers::Put& put);

/// Counts and order-free hashes by tenant, hop and event minute of acceptance, counted when asked.
Result<std::string> ledger_json(Pipeline& pipeline, const api::LedgerQuery& query);

}  // namespace bonafide::app
