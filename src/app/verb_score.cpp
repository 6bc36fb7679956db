#include <cstdio>

#include "app/configuration.hpp"
#include "app/event_json.hpp"
#include "app/installation.hpp"
#include "app/output.hpp"
#include "app/verbs.hpp"
#include "avro/bind.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "mail/parse/mailbox.hpp"
#include "trust/enrich.hpp"
#include "trust/score.hpp"

// bonafide score: what would be said of these messages; nothing is stored or learned.
namespace bonafide::app {
namespace {

// Scores against the history of a data folder, or against none.
class Scorer {
 public:
  static Result<std::unique_ptr<Scorer>> make(const Common& common, const std::string& tenant) {
    auto scorer = std::make_unique<Scorer>(common);
    scorer->tenant_ = tenant.empty() ? std::string(mail::default_tenant) : tenant;
    if (common.data_given) {
      BONAFIDE_ASSIGN(const auto folder, scorer->world_.find(common.data));
      stores::EmbeddedStateSettings history;
      history.folder = folder.in("history");
      BONAFIDE_ASSIGN(scorer->history_, stores::EmbeddedState::open(history, scorer->world_.clock));
    }
    BONAFIDE_ASSIGN(auto configuration, load_configuration(scorer->world_.files, common));
    scorer->reference_ = configuration.pipeline.reference;
    return scorer;
  }
  explicit Scorer(const Common& common) : world_(common) {}

  mail::Scored score(ByteView raw) {
    mail::Parsed parsed;
    mail::Edge edge;
    edge.mode = mail::Edge::Mode::auto_;
    parser_.parse(raw, edge, parsed);
    mail::Enriched enriched;
    auto& received = enriched.received;
    received.tenant = tenant_;
    received.envelope = std::move(parsed.envelope);
    received.facts = std::move(parsed.facts);
    received.door = "files";
    received.accepted_at = world_.clock.now();
    received.received_at = parsed.edge_time.value_or(received.accepted_at);
    enriched.enrichment = trust::enrich(received, *reference_);
    mail::Scored scored;
    scored.score = trust::score(enriched, answers(trust::questions(enriched)), trust::Model::built_in());
    scored.received = std::move(enriched.received);
    scored.enrichment = std::move(enriched.enrichment);
    return scored;
  }

  env::Files& files() { return world_.files; }

 private:
  flow::Answers answers(const std::vector<std::string>& keys) {
    flow::Answers given(keys.size(), std::make_shared<const flow::History>());
    if (history_) {
      history_->ask(keys, Time{INT64_MAX}, [&](flow::Answers found) { given = std::move(found); });
    }
    return given;
  }

  Installation world_;
  std::string tenant_;
  std::unique_ptr<stores::EmbeddedState> history_;
  std::shared_ptr<const trust::ReferenceData> reference_;
  mail::Parser parser_;
};

void print(const Common& common, const std::string& name, const mail::Scored& scored) {
  if (common.json) {
    std::string row;
    avro::write_json(ExportRow::of(scored), row);
    row.pop_back();  // the object goes on
    JsonWriter json(std::move(row));
    json.key("evidence").begin_array();
    for (const auto& evidence : scored.score.evidence) {
      std::string text;
      avro::write_json(evidence, text);
      json.raw(text);
    }
    json.end_array().member("file", name).end_object().end_line();
    std::cout << json.text();
    return;
  }
  std::printf("%s: %s, trust %.1f, attack %s\n", name.c_str(),
              std::string(avro::symbol_of(scored.score.verdict)).c_str(), scored.score.trust,
              std::string(avro::symbol_of(scored.score.attack)).c_str());
  for (const auto& reason : scored.score.reasons)
    std::printf("  %+.2f  %s\n", reason.weight, reason.text.c_str());
  for (const auto& phrase : scored.received.facts.malformed) std::printf("  malformed: %s\n", phrase.c_str());
}

Status score_all(const Common& common, Scorer& scorer, mail::MailSource& source) {
  for (;;) {
    BONAFIDE_ASSIGN(const auto message, source.next());
    if (!message) return Ok{};
    print(common, message->name, scorer.score(message->bytes.view()));
  }
}

Status score_path(const Common& common, Scorer& scorer, const std::string& path) {
  if (path == "-") {
    const auto source =
        mail::open_bytes("-", SharedBytes(std::string(std::istreambuf_iterator<char>(std::cin), {})));
    return score_all(common, scorer, *source);
  }
  BONAFIDE_ASSIGN(const auto source, mail::open_source(scorer.files(), path));
  return score_all(common, scorer, *source);
}

}  // namespace

int score(const Common& common, const ScoreOptions& options) {
  auto scorer = Scorer::make(common, options.tenant);
  if (!scorer.ok()) return complain(scorer.error());
  const std::vector<std::string> standard_input = {"-"};
  for (const auto& path : options.paths.empty() ? standard_input : options.paths) {
    if (const Status done = score_path(common, **scorer, path); !done.ok()) return complain(done.error());
  }
  return exit_ok;
}

}  // namespace bonafide::app
