#include "app/components.hpp"

#include "mail/change.hpp"
#include "mail/revision.hpp"
#include "steps/collect/dedupe_sink.hpp"
#include "steps/collect/door_list.hpp"
#include "steps/collect/raw.hpp"
#include "steps/enrich/enrich.hpp"
#include "steps/feedback/feedback.hpp"
#include "steps/import/import_sink.hpp"
#include "steps/import/parked_sink.hpp"
#include "steps/index/index_sink.hpp"
#include "steps/reprocess/reprocess.hpp"
#include "steps/score/score.hpp"

namespace bonafide::app {
namespace {

constexpr const char* parked_topic = "mail.parked";  // every worker writes it

using Parts = const ComponentParts*;
template <class T>
using Made = Result<std::unique_ptr<T>>;

Made<flow::Processor> processor(std::unique_ptr<flow::Processor> made) { return made; }
Made<flow::Sink> sink(std::unique_ptr<flow::Sink> made) { return made; }
// A sink of mail.scored that also shows when a heartbeat came through.
Made<flow::Sink> watched(Parts parts, const char* step, std::unique_ptr<flow::Sink> made) {
  return sink(std::make_unique<steps::HeartbeatWatch>(step, std::move(made), *parts->metrics));
}

flow::StepComponent enrich_step(Parts parts) {
  return {{"enrich",
           "identities, traits and reference hits from the facts alone",
           {},
           [parts](const flow::Settings&) {
             return processor(
                 std::make_unique<steps::EnrichStep>(*parts->codec, *parts->reference, *parts->directories));
           }}};
}

flow::StepComponent score_step(Parts parts) {
  flow::StepComponent step{{"score",
                            "trust, verdict and reasons from the histories of a message's identities",
                            {},
                            [parts](const flow::Settings&) {
                              return processor(
                                  std::make_unique<steps::ScoreStep>(*parts->codec, parts->model));
                            }}};
  step.fold = [parts](const flow::Settings&) -> Made<flow::Fold> {
    return std::unique_ptr<flow::Fold>(std::make_unique<steps::HistoryFold>(*parts->codec));
  };
  return step;
}

flow::StepComponent feedback_step(Parts parts) {
  return {{"feedback",
           "a judgement (good or bad) becomes a new revision, and teaches; beside score, on its worker",
           {},
           [parts](const flow::Settings&) {
             return processor(std::make_unique<steps::FeedbackStep>(*parts->codec));
           }}};
}

flow::StepComponent reprocess_step(Parts parts) {
  return {{"reprocess",
           "a stored message enriched or scored again, as a new revision; beside score, on its worker",
           {},
           [parts](const flow::Settings&) {
             return processor(std::make_unique<steps::ReprocessStep>(*parts->codec, *parts->reference,
                                                                     *parts->directories, parts->model));
           }}};
}

flow::SinkComponent dedupe_sink(Parts parts) {
  return {"dedupe",
          "what the door has seen lately, so that a repeat is answered with the first id",
          {},
          [parts](const flow::Settings&) {
            auto* state = parts->dedupe;
            return sink(std::make_unique<steps::DedupeSink>(
                *parts->codec, *state, *parts->collector,
                steps::DedupeSink::Keeper{
                    [state](Time steady, bool drain) { return state->settle(steady, drain); },
                    [state] { return state->settle_due(); }}));
          }};
}

flow::SinkComponent door_list_sink(Parts parts) {
  return {"doorlist",
          "the door's list of what it accepted, which verify holds every store against",
          {},
          [parts](const flow::Settings&) {
            return sink(std::make_unique<steps::DoorListSink>(*parts->codec, *parts->door_list));
          }};
}

flow::SinkComponent raw_sink(Parts parts) {
  return {"raw",
          "the bytes of messages as they were received, where door.keep_raw is set",
          {},
          [parts](const flow::Settings&) { return sink(std::make_unique<steps::RawSink>(*parts->raw)); }};
}

flow::SinkComponent rows_sink(Parts parts) {
  return {
      "rows", "clean rows in SQLite, one for each revision of a message", {}, [parts](const flow::Settings&) {
        return watched(parts, "import",
                       std::make_unique<steps::ImportSink>(*parts->codec, *parts->rows, *parts->logger,
                                                           *parts->metrics));
      }};
}

flow::SinkComponent archive_sink(Parts parts) {
  using flow::FieldType;
  return {"archive",
          "Avro container files of everything that was scored, readable by Spark, fastavro and avro-tools",
          {{"codec",
            FieldType::choice,
            "zstandard",
            "compression of a block",
            false,
            {},
            {},
            {"null", "deflate", "snappy", "zstandard"}},
           {"file_size", FieldType::bytes, "64MiB", "a file is closed at this size", false, 1 << 16, 1 << 30},
           {"file_age", FieldType::duration, "1m", "or when it is so old", false, 1, 86'400}},
          [parts](const flow::Settings& settings) -> Made<flow::Sink> {
            steps::ArchiveSettings archive;
            BONAFIDE_ASSIGN(archive.file.codec, avro::parse_codec(settings.text("codec")));
            archive.file_bytes = settings.bytes("file_size");
            archive.file_age = settings.duration("file_age");
            BONAFIDE_ASSIGN(auto made,
                            steps::ArchiveSink::open({*parts->archive, *parts->codec, *parts->schemas,
                                                      *parts->random, *parts->logger, *parts->metrics},
                                                     archive));
            return watched(parts, "archive", std::move(made));
          }};
}

flow::SinkComponent index_sink(Parts parts) {
  return {"index",
          "full text and facts of the rows, for search and stats; follows mail.changes",
          {},
          [parts](const flow::Settings&) {
            return sink(std::make_unique<steps::IndexSink>(*parts->codec, *parts->index, *parts->metrics));
          }};
}

flow::SinkComponent reply_sink(Parts parts) {
  return {"reply",
          "tells whoever waits for a verdict, and measures how long it took",
          {},
          [parts](const flow::Settings&) {
            auto board = std::make_unique<steps::VerdictBoard>(*parts->codec, *parts->clock, *parts->metrics);
            *parts->verdicts = board.get();
            return sink(std::move(board));
          }};
}

flow::SinkComponent parked_sink(Parts parts) {
  return {"parked",
          "the records that could not be processed, for `bonafide parked`",
          {},
          [parts](const flow::Settings&) {
            return sink(std::make_unique<steps::ParkedSink>(*parts->codec, *parts->parked));
          }};
}

}  // namespace

flow::Registry components(const ComponentParts* parts) {
  return {{enrich_step(parts), score_step(parts), feedback_step(parts), reprocess_step(parts)},
          {dedupe_sink(parts), door_list_sink(parts), rows_sink(parts), archive_sink(parts),
           reply_sink(parts), parked_sink(parts), raw_sink(parts), index_sink(parts)}};
}

flow::Topology default_topology() {
  const std::string received(mail::Received::topic), scored(mail::Scored::topic);
  flow::Topology topology;
  topology.parked = parked_topic;
  // A verdict waits for score and reply alone; the others rest, which leaves the processor to these two.
  const Duration rest = Duration::millis(20), short_rest = Duration::millis(5),
                 long_rest = Duration::millis(50);
  topology.workers = {
      {.name = "dedupe", .from = received, .sink = "dedupe", .pace = rest},
      {.name = "doorlist", .from = received, .sink = "doorlist", .pace = rest},
      {.name = "score",
       .from = received,
       .steps = {"enrich", "score"},
       .to = scored,
       .also = {{std::string(mail::Feedback::topic), {"feedback"}},
                {std::string(mail::Reprocess::topic), {"reprocess"}}}},
      {.name = "import", .from = scored, .sink = "rows", .pace = short_rest},
      {.name = "archive", .from = scored, .sink = "archive", .pace = rest},
      {.name = "reply", .from = scored, .sink = "reply"},
      {.name = "parked", .from = parked_topic, .sink = "parked"},
      {.name = "raw", .from = std::string(steps::RawPiece::topic), .sink = "raw", .pace = rest},
      {.name = "index", .from = std::string(mail::Change::topic), .sink = "index", .pace = long_rest},
  };
  return topology;
}

std::vector<std::string> input_topics() {
  return {std::string(mail::Received::topic),  parked_topic,
          std::string(steps::RawPiece::topic), std::string(mail::Change::topic),
          std::string(mail::Feedback::topic),  std::string(mail::Reprocess::topic)};
}

}  // namespace bonafide::app
