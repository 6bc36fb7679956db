#pragma once
#include "api/service.hpp"
#include "app/pipeline.hpp"
#include "app/produced_body.hpp"

namespace bonafide::app {

/// All stored rows of a query, newest revision of each, in the order of their ids: JSON lines or an Avro
/// container file.
Status produce_export(Pipeline& pipeline, const api::ExportQuery& query, const BodyProducers::Put& put);

}  // namespace bonafide::app
