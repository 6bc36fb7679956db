#include <cstdio>

#include <boost/json.hpp>

#include "api/client.hpp"
#include "app/configuration.hpp"
#include "app/installation.hpp"
#include "app/output.hpp"
#include "app/scoring.hpp"
#include "app/verbs.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "mail/parse/mailbox.hpp"

// bonafide score: what would be said of these messages; nothing is stored or learned.
namespace bonafide::app {
namespace {

// Gives the JSON of a message's score.
class Scorer {
 public:
  virtual ~Scorer() = default;
  virtual Result<std::string> score(ByteView raw) = 0;
};

// Asks the running service: its history is in its memory.
class RemoteScorer final : public Scorer {
 public:
  RemoteScorer(const ServiceAddress& address, std::string tenant)
      : client_({address.api, address.token}), tenant_(std::move(tenant)) {}
  Result<std::string> score(ByteView raw) override {
    const net::Query query = tenant_.empty() ? net::Query{} : net::Query{{"tenant", tenant_}};
    BONAFIDE_ASSIGN(const auto answer,
                    client_.call("POST", "/v1/score", query, std::string(raw), "message/rfc822"));
    return std::string(trim(answer.body));  // without its line end
  }
  bool answers() { return client_.get("/livez").ok(); }

 private:
  api::Client client_;
  std::string tenant_;
};

// Scores here, against the history in a data folder or against none.
class LocalScorer final : public Scorer {
 public:
  explicit LocalScorer(const Common& common, std::string tenant)
      : world_(common), tenant_(std::move(tenant)) {}

  Status open(const Common& common) {
    if (common.data_given) {
      BONAFIDE_ASSIGN(const auto folder, world_.find(common.data));
      stores::EmbeddedStateSettings history;
      history.folder = folder.in("history");
      BONAFIDE_ASSIGN(history_, stores::EmbeddedState::open(history, world_.clock));
    }
    BONAFIDE_ASSIGN(configuration_, load_configuration(world_.files, common));
    auto& tenants = configuration_.pipeline.tenants;
    if (!common.data_given) {
      directories_ = std::make_shared<const trust::Directories>(tenants);
      return Ok{};
    }
    BONAFIDE_ASSIGN(const auto book, TenantBook::open(common.data + "/tenants", tenants,
                                                      {world_.files, world_.clock, *world_.logger}));
    directories_ = book->directories().get();
    return Ok{};
  }
  Result<std::string> score(ByteView raw) override {
    const ScoringParts parts{configuration_.pipeline.reference, directories_, *configuration_.pipeline.model,
                             history_.get()};
    return scored_json(score_once(parser_, raw, tenant_, parts, world_.clock.now()));
  }

 private:
  Installation world_;
  std::string tenant_;
  Configuration configuration_;
  std::unique_ptr<stores::EmbeddedState> history_;
  std::shared_ptr<const trust::Directories> directories_;
  mail::Parser parser_;
};

Result<std::unique_ptr<Scorer>> make_scorer(const Common& common, const std::string& tenant) {
  if (common.data_given) {
    env::RealFiles files;
    BONAFIDE_ASSIGN(const auto folder, DataFolder::find(files, common.data));
    if (const auto address = folder.service(files)) {
      auto remote = std::make_unique<RemoteScorer>(*address, tenant);
      if (remote->answers()) return std::unique_ptr<Scorer>(std::move(remote));
    }
  }
  auto local = std::make_unique<LocalScorer>(common, tenant);
  BONAFIDE_TRY(local->open(common));
  return std::unique_ptr<Scorer>(std::move(local));
}

void print_text(const std::string& name, const boost::json::object& row) {
  std::printf("%s: %s, trust %.1f, attack %s\n", name.c_str(), row.at("verdict").as_string().c_str(),
              row.at("trust").to_number<double>(), row.at("attack").as_string().c_str());
  for (const auto& reason : row.at("reasons").as_array()) {
    std::printf("  %+.2f  %s\n", reason.at("weight").to_number<double>(),
                reason.at("text").as_string().c_str());
  }
  for (const auto& phrase : row.at("malformed").as_array())
    std::printf("  malformed: %s\n", phrase.as_string().c_str());
}

Status score_all(const Common& common, Scorer& scorer, mail::MailSource& source) {
  for (;;) {
    BONAFIDE_ASSIGN(const auto message, source.next());
    if (!message) return Ok{};
    BONAFIDE_ASSIGN(std::string answer, scorer.score(message->bytes.view()));
    if (common.json) {
      answer.pop_back();  // the object goes on with the name of its file
      JsonWriter json(std::move(answer));
      std::fputs(json.member("file", message->name).end_object().end_line().text().c_str(), stdout);
      continue;
    }
    boost::system::error_code error;
    const auto row = boost::json::parse(answer, error);
    if (error || !row.is_object()) return {Cause::internal, "the answer is not JSON: " + error.message()};
    print_text(message->name, row.as_object());
  }
}

Status score_path(const Common& common, Scorer& scorer, const std::string& path) {
  if (path == "-") {
    const auto source =
        mail::open_bytes("-", SharedBytes(std::string(std::istreambuf_iterator<char>(std::cin), {})));
    return score_all(common, scorer, *source);
  }
  env::RealFiles files;
  BONAFIDE_ASSIGN(const auto source, mail::open_source(files, path));
  return score_all(common, scorer, *source);
}

}  // namespace

int score(const Common& common, const ScoreOptions& options) {
  const auto scorer = make_scorer(common, options.tenant);
  if (!scorer.ok()) return complain(scorer.error());
  const std::vector<std::string> standard_input = {"-"};
  for (const auto& path : options.paths.empty() ? standard_input : options.paths) {
    if (const Status done = score_path(common, **scorer, path); !done.ok()) return complain(done.error());
  }
  return exit_ok;
}

}  // namespace bonafide::app
