#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/components.hpp"
#include "app/data_folder.hpp"
#include "app/relay_wake.hpp"
#include "app/reprocess_source.hpp"
#include "app/tenant_book.hpp"
#include "avro/registry.hpp"
#include "base/current.hpp"
#include "control/reference/keeper.hpp"
#include "control/reprocess/reprocessor.hpp"
#include "control/retention/keeper.hpp"
#include "env/clock.hpp"
#include "env/log.hpp"
#include "env/metrics.hpp"
#include "flow/config.hpp"
#include "mail/codec.hpp"
#include "steps/capture/capture.hpp"
#include "steps/collect/collector.hpp"
#include "steps/collect/tenants.hpp"
#include "steps/index/rebuild.hpp"
#include "steps/index/search_index.hpp"
#include "steps/reply/verdict_board.hpp"
#include "stores/directory/directory_blobs.hpp"
#include "stores/sqlite/row_store.hpp"
#include "stores/state/embedded_state.hpp"
#include "streams/journal/journal.hpp"
#include "trust/model.hpp"
#include "trust/reference.hpp"

namespace bonafide::app {

struct Outside {
  env::Files& files;
  env::Clock& clock;
  env::Random& random;
  env::Logger& logger;
  env::Metrics& metrics;
};

struct PipelineSettings {
  steps::Collector::Settings collector;
  std::vector<steps::Tenants::Tenant> tenants;  ///< of the configuration
  std::shared_ptr<const trust::ReferenceData> reference;
  std::vector<trust::ListSource>
      reference_sources;  ///< files that are read again when they change; none: frozen
  Duration reference_every = Duration::seconds(2);
  std::shared_ptr<const trust::Model> model;
  streams::journal::Settings journal;
  flow::WorkerOptions worker;
  flow::Topology topology = default_topology();
  std::shared_ptr<const flow::Config> config;  ///< of the components; null = defaults
  control::RetentionSettings retention;
  size_t search_text_bytes = 128;  ///< of a message's text, in the search index
  size_t history_memory_bytes = size_t{96} << 20;
  Duration history_checkpoint_every = Duration::seconds(5);
  size_t dedupe_memory_bytes = size_t{32} << 20;
  std::string installation_key;      ///< "": the data folder's
  stores::Tables::Open open_tables;  ///< under history and dedupe; null: RocksDB
  /// What the door, the steps and the sinks are given in the journal's place, and in the history's: the same
  /// with something done to it, for simulations. Null: they themselves.
  std::function<std::unique_ptr<flow::Log>(flow::Log&)> around_log;
  std::function<std::unique_ptr<flow::State>(flow::State&)> around_history;
};

/// All parts of the embedded pipeline in one data folder, put together: the one meeting place of steps,
/// streams and stores. Starts nothing: somebody steps the jobs (Runner on threads, tests by hand). The caller
/// holds the folder's lock.
class Pipeline {
 public:
  /// Something to be stepped, and how it is woken.
  struct Job {
    std::string thread;  ///< jobs of one name run on one thread
    flow::Stepper* stepper = nullptr;
    RelayWake* wake = nullptr;
  };

  /// Opens the folder's journal, stores and states, recovering what a crash left. Errors: those of the parts,
  /// naming them.
  static Result<std::unique_ptr<Pipeline>> open(const DataFolder& folder, PipelineSettings settings,
                                                Outside outside);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  [[nodiscard]] const std::vector<Job>& jobs() const { return jobs_; }
  /// Processors first, then sinks: the order to stop them in.
  [[nodiscard]] const std::vector<flow::Worker*>& processors() const { return processors_; }
  [[nodiscard]] const std::vector<flow::Worker*>& sinks() const { return sinks_; }
  /// Worker of a name; null if there is none.
  [[nodiscard]] const flow::Worker* worker(std::string_view name) const;

  /// Group of the worker of steps that reads a topic; nothing if the topology has none.
  [[nodiscard]] std::optional<std::string> group_reading(std::string_view topic) const;

  streams::journal::Journal& journal() { return *journal_; }
  steps::Collector& collector() { return *collector_; }
  const Current<steps::Tenants>& tenants() const { return tenant_book_->tenants(); }
  TenantBook& tenant_book() { return *tenant_book_; }
  steps::VerdictBoard& verdicts() { return *verdicts_; }
  stores::RowStore& rows() { return *rows_; }
  stores::RowStore& door_list() { return *door_list_; }
  stores::RowStore& raw() { return *raw_; }
  const mail::EventCodec& codec() const { return *codec_; }
  avro::Registry& schemas() { return *registry_; }
  const flow::Topology& topology() const { return settings_.topology; }
  const trust::Model& model() const { return *settings_.model; }
  std::shared_ptr<const trust::ReferenceData> reference() const { return reference_.get(); }
  /// Null where the data sets are frozen.
  const control::ReferenceKeeper* reference_keeper() const { return reference_keeper_.get(); }
  stores::EmbeddedState& history() { return *history_; }
  stores::EmbeddedState& dedupe() { return *dedupe_; }
  stores::ParkedStore& parked_store() { return *parked_; }
  stores::BlobStore& archive() { return *archive_; }
  /// Null, all three, where the topology has no worker with the sink index.
  steps::SearchIndex* index() { return index_.get(); }
  const steps::Capture* capture() const { return capture_; }
  steps::IndexRebuild* rebuild() { return rebuild_; }
  /// Does the sink read what capture writes?
  [[nodiscard]] bool is_behind_capture(const flow::Worker& sink) const;
  /// While nobody else steps the jobs: one step of each. True: something was done.
  Result<bool> step_jobs();
  /// While nobody steps the jobs: brings what stands in the rows into the index.
  Status catch_up_index();

  control::Reprocessor& reprocessor() { return *reprocessor_; }
  /// What retention has removed, and whether it knows.
  const control::RetentionKeeper& retention() const { return *retention_; }

  /// Has the fold over what was accepted caught up with what lay in the journal at open()? Before it has, a
  /// repeat of a message might not be known.
  Result<bool> door_memory_is_whole();

  /// Is what the steps have written synced, so that the sinks can see it?
  Result<bool> outputs_are_synced();

  /// After all workers have stopped: everything in memory to the disk.
  Status close();

 private:
  Pipeline(PipelineSettings settings, Outside outside) : settings_(std::move(settings)), outside_(outside) {}
  Status open_log(const DataFolder& folder);
  Status open_stores(const DataFolder& folder);
  Status start_reply_at_end();
  Status add_retention(const DataFolder& folder);
  Status add_reprocessor(const DataFolder& folder);
  Result<Time> oldest_under_way();
  Status add_workers();
  Status open_index(const DataFolder& folder);
  Status add_capture();
  Status build_index_if_needed();
  void add_reference_keeper();
  Result<bool> are_synced(const std::map<flow::ShardId, flow::Position>& positions);
  Status hold_for_history();
  RelayWake& new_wake();
  [[nodiscard]] flow::Log& log() { return around_log_ ? *around_log_ : *journal_; }

  PipelineSettings settings_;
  Outside outside_;
  std::vector<std::unique_ptr<RelayWake>> wakes_;
  std::unique_ptr<avro::EmbeddedRegistry> registry_;
  std::unique_ptr<mail::EventCodec> codec_;
  std::unique_ptr<TenantBook> tenant_book_;
  Current<trust::ReferenceData> reference_;
  std::unique_ptr<control::ReferenceKeeper> reference_keeper_;
  std::vector<std::pair<flow::ShardId, flow::Position>>
      accepted_before_;  ///< ends of mail.received at open()
  std::unique_ptr<streams::journal::Journal> journal_;
  std::unique_ptr<flow::Log> around_log_;
  std::unique_ptr<stores::EmbeddedState> history_, dedupe_;
  std::unique_ptr<flow::State> around_history_;
  std::unique_ptr<stores::RowStore> rows_, door_list_, raw_;
  std::unique_ptr<stores::ParkedStore> parked_;
  std::unique_ptr<stores::DirectoryBlobs> archive_;
  std::unique_ptr<steps::SearchIndex> index_;
  std::unique_ptr<control::RetentionKeeper> retention_;
  std::unique_ptr<ReprocessSource> reprocess_source_;
  std::unique_ptr<control::Reprocessor> reprocessor_;
  std::unique_ptr<steps::Collector> collector_;
  steps::VerdictBoard* verdicts_ = nullptr;
  steps::Capture* capture_ = nullptr;
  steps::IndexRebuild* rebuild_ = nullptr;
  ComponentParts component_parts_;
  flow::Registry registry_of_components_;
  std::map<std::string, flow::Settings> component_settings_;
  std::vector<std::unique_ptr<flow::Stepper>> owned_;
  std::vector<flow::Worker*> processors_, sinks_;
  std::vector<Job> jobs_;
};

}  // namespace bonafide::app
