#pragma once
#include <memory>

#include "base/current.hpp"
#include "flow/topology.hpp"
#include "mail/codec.hpp"
#include "steps/archive/sink.hpp"
#include "steps/collect/collector.hpp"
#include "steps/index/search_index.hpp"
#include "steps/reply/verdict_board.hpp"
#include "stores/sqlite/parked_store.hpp"
#include "stores/sqlite/row_store.hpp"
#include "stores/state/embedded_state.hpp"
#include "trust/directory.hpp"
#include "trust/model.hpp"
#include "trust/reference.hpp"

namespace bonafide::app {

/// What the components are made of: opened by Pipeline before it makes them.
struct ComponentParts {
  const mail::EventCodec* codec = nullptr;
  const Current<trust::ReferenceData>* reference = nullptr;
  const Current<trust::Directories>* directories = nullptr;
  std::shared_ptr<const trust::Model> model;
  stores::EmbeddedState* dedupe = nullptr;
  stores::RowStore* door_list = nullptr;
  stores::RowStore* rows = nullptr;
  stores::ParkedStore* parked = nullptr;
  stores::RowStore* raw = nullptr;
  steps::Collector* collector = nullptr;
  stores::BlobStore* archive = nullptr;
  steps::SearchIndex* index = nullptr;
  avro::Registry* schemas = nullptr;
  steps::VerdictBoard** verdicts = nullptr;  ///< where the reply sink says who it is
  env::Random* random = nullptr;
  env::Clock* clock = nullptr;
  env::Logger* logger = nullptr;
  env::Metrics* metrics = nullptr;
};

/// The list: every step and sink a topology can name. `parts` is looked at only when one is made.
flow::Registry components(const ComponentParts* parts);

/// The pipeline as it is without a `topology` section.
flow::Topology default_topology();

/// Topics that front doors write.
std::vector<std::string> input_topics();

}  // namespace bonafide::app
