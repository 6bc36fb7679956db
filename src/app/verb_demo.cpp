#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include <boost/json.hpp>

#include "app/demo/company.hpp"
#include "app/demo/scenario.hpp"
#include "app/demo/scoreboard.hpp"
#include "app/demo/terminal.hpp"
#include "app/live_service.hpp"
#include "app/output.hpp"
#include "app/verbs.hpp"
#include "app/verdict_printer.hpp"
#include "base/json.hpp"

// bonafide demo: the service, fed by a simulated company: its past at full speed, then live.
namespace bonafide::app {
namespace {

// Live mail begins a day before now, so that there is something to see; then it runs at the speed asked for
// until it has caught up with the clock.
constexpr Duration live_day = Duration::days(1);
constexpr Duration save_every = Duration::seconds(1);
constexpr Duration summary_every = Duration::minutes(1);

// Where a demo has come to, kept in the data folder so that it carries on after a restart.
struct Bookmark {
  std::string scenario;  ///< demo::scenario_text()
  Time start, live_from;
  uint64_t next_number = 0;

  static Result<std::optional<Bookmark>> load(env::Files& files, const std::string& path) {
    const auto text = files.read_file(path);
    if (!text.ok()) {
      if (text.error().cause == Cause::not_found) return std::optional<Bookmark>();
      return text.error();
    }
    boost::system::error_code error;
    const auto json = boost::json::parse(*text, error);
    const auto number = [&](const char* key) -> int64_t {
      const auto* value = error || !json.is_object() ? nullptr : json.as_object().if_contains(key);
      return value == nullptr || !value->is_int64() ? -1 : value->as_int64();
    };
    const auto* told = error || !json.is_object() ? nullptr : json.as_object().if_contains("scenario");
    Bookmark read{"", Time{number("start_us")}, Time{number("live_from_us")},
                  static_cast<uint64_t>(number("next_number"))};
    if (told != nullptr && told->is_string()) read.scenario = told->as_string();
    if (read.scenario.empty() || number("next_number") < 0) {
      return {
          Cause::damaged,
          path +
              " is not what a demo has written; delete it to begin anew, or give another folder with --data"};
    }
    return std::optional(read);
  }
  [[nodiscard]] Status save(env::Files& files, const std::string& path) const {
    JsonWriter json;
    json.begin_object()
        .member("scenario", std::string_view(scenario))
        .member("start_us", start.us)
        .member("live_from_us", live_from.us);
    json.member("next_number", next_number).end_object().end_line();
    return files.write_file(path, json.text());
  }
};

class Demo {
 public:
  Demo(const Common& common, const DemoOptions& options)
      : common_(common),
        options_(options),
        path_(common.data + "/demo.json"),
        service_(common),
        printer_(common.json) {}

  Status run() {
    BONAFIDE_TRY(open());
    BONAFIDE_TRY(service_.start());
    std::cerr << "bonafide: " << company_->name() << " (" << company_->domain() << ") writes mail; API at "
              << service_.url() << ", data in " << common_.data
              << "; Ctrl-C stops it, started again it carries on\n";
    const Status fed = feed();
    const Status saved = bookmark_.save(service_.world().files, path_);
    Status stopped = service_.stop();
    std::cerr << scoreboard_text(true);
    BONAFIDE_TRY(fed);
    BONAFIDE_TRY(saved);
    return stopped;
  }

 private:
  Status open() {
    auto& world = service_.world();
    BONAFIDE_ASSIGN(const auto earlier, Bookmark::load(world.files, path_));
    const Time now = world.clock.now();
    const Time today{now.us - now.us % Duration::days(1).us};
    BONAFIDE_ASSIGN(auto settings, asked_for(earlier ? earlier->scenario : ""));
    bookmark_ = earlier ? *earlier
                        : Bookmark{demo::scenario_text(settings), today - Duration::days(options_.past_days),
                                   now - live_day, 0};
    settings.start = bookmark_.start;
    company_.emplace(settings);
    learning_until_ = settings.start + settings.quiet;
    company_->skip_to(bookmark_.next_number);
    BONAFIDE_TRY(
        service_.open(options_.listen, [this](Configuration& configuration) { adjust(configuration); }));
    service_.pipeline().verdicts().listen(
        [this](const std::shared_ptr<const steps::ScoredPayload>& scored) { hear(scored->event); });
    return Ok{};
  }

  // The company of the options; of a demo that goes on, the one it was begun with.
  Result<demo::Settings> asked_for(const std::string& earlier) {
    auto& files = service_.world().files;
    demo::Settings settings;
    if (!options_.scenario.empty()) {
      BONAFIDE_ASSIGN(const auto text, files.read_file(options_.scenario));
      BONAFIDE_ASSIGN(settings, demo::read_scenario(text, options_.scenario, files));
    } else if (!earlier.empty()) {
      BONAFIDE_ASSIGN(settings, demo::read_scenario(earlier, path_, files));
    }
    if (options_.seed) settings.seed = *options_.seed;
    if (options_.people) settings.people = *options_.people;
    if (options_.messages_per_day) settings.messages_per_day = *options_.messages_per_day;
    if (options_.attacks_per_day) settings.attacks_per_day = *options_.attacks_per_day;
    if (options_.quiet) {
      auto quiet = parse_duration(*options_.quiet);
      if (!quiet.ok()) return quiet.error().in("--quiet");
      settings.quiet = *quiet;
    }
    if (!options_.attacks.empty()) {
      auto mix = demo::parse_attacks(options_.attacks);
      if (!mix.ok()) return mix.error().in("--attacks");
      settings.attacks = std::move(*mix);
    }
    if (!earlier.empty() && demo::scenario_text(settings) != earlier) {
      return {Cause::invalid,
              common_.data +
                  " holds the demo of another company, which goes on as it was begun: leave the "
                  "options out, or give another folder with --data"};
    }
    return settings;
  }

  // The company is the tenant; its free mail providers are as invented as everything else.
  void adjust(Configuration& configuration) {
    configuration.mail_doors.clear();  // the company is all that sends here
    configuration.pipeline.tenants = {{company_->domain(), {company_->domain()}, company_->networks()}};
    trust::ReferenceData::Sets sets = configuration.pipeline.reference->sets();
    std::string free_mail;
    for (const auto& domain : company_->free_mail_domains()) free_mail += domain + "\n";
    if (auto list = trust::ReferenceList::parse("demo", trust::ListRole::free_mail, free_mail, "demo");
        list.ok()) {
      sets.push_back(std::make_shared<const trust::ReferenceList>(std::move(*list)));
    }
    configuration.pipeline.reference = std::make_shared<const trust::ReferenceData>(std::move(sets));
  }

  Status feed() {
    auto& clock = service_.world().clock;
    const Time wall = clock.now();
    const uint64_t first = company_->next_number();
    const demo::Pace pace(
        company_->next_at() < bookmark_.live_from ? bookmark_.live_from : company_->next_at(), wall,
        options_.speed);
    demo::SimulatedMessage message;
    if (company_->next_at() < bookmark_.live_from) {
      progress_.emplace(demo::Terminal::of(2), "the company's past", clock.steady());
    }
    Time save_due = clock.steady() + save_every, summary_due = clock.steady() + summary_every;
    while (options_.stop_after == 0 ||
           company_->next_number() - first < static_cast<uint64_t>(options_.stop_after)) {
      const bool past = company_->next_at() < bookmark_.live_from;
      const Time due = past ? clock.now() : pace.due(company_->next_at());
      const Time steady = clock.steady();
      if (!service_.wait(std::min({steady + (due - clock.now()), save_due, summary_due}))) break;
      if (clock.steady() >= summary_due) {
        std::cerr << scoreboard_text(false);
        summary_due = clock.steady() + summary_every;
      }
      if (clock.steady() >= save_due) {
        BONAFIDE_TRY(bookmark_.save(service_.world().files, path_));
        save_due = clock.steady() + save_every;
      }
      if (due > clock.now()) continue;
      company_->next(message);
      if (!take(message, past)) break;
      show_progress(message.at);
    }
    return wait_for_answers();
  }

  // False: it is time to stop.
  bool take(const demo::SimulatedMessage& message, bool past) {
    while (!service_.pipeline().collector().admit(message.raw.size()).now || under_way_.load() >= 4096) {
      if (!service_.wait(service_.world().clock.steady() + Duration::millis(2))) return false;
    }
    steps::Submission submission;
    submission.raw = message.raw;
    submission.door = "demo";
    submission.envelope = message.envelope;
    submission.session_known = true;
    submission.received_at = message.at;
    submission.edge.mode = mail::Edge::Mode::auto_;
    submission.lane = past ? flow::Lane::backfill : flow::Lane::live;
    ++under_way_;
    const demo::Label label{message.label == "attack", message.scenario, message.at < learning_until_};
    const bool judged = message.direction != mail::Direction::outbound;
    service_.pipeline().collector().submit(
        parser_, submission, [this, label, judged](const Result<steps::Receipt>& receipt) {
          if (receipt.ok() && judged && !receipt->duplicate) {
            const std::lock_guard lock(mutex_);
            scoreboard_.sent(receipt->id, label);
          }
          if (!receipt.ok()) {
            service_.world().logger->warn("demo.refused", {{"error", receipt.error().message}});
          }
          --under_way_;
        });
    bookmark_.next_number = message.number + 1;
    return true;
  }

  Status wait_for_answers() {
    while (under_way_.load() > 0) {
      if (auto failed = service_.runner().failure()) return *failed;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return Ok{};
  }

  // On the reply worker's thread.
  void hear(const mail::Scored& scored) {
    if (scored.received.direction == mail::Direction::outbound) return;  // teaches relations, gets no verdict
    const Time now = service_.world().clock.now();
    std::optional<bool> attack;
    {
      const std::lock_guard lock(mutex_);
      const auto* label =
          scoreboard_.fell(scored.received.id, scored.score.verdict, now - scored.received.accepted_at);
      if (label != nullptr) attack = label->attack;
    }
    if (scored.received.received_at >= bookmark_.live_from) printer_.print(scored, now, attack);
  }

  void show_progress(Time at) {
    if (!progress_) return;
    const Time now = service_.world().clock.steady();
    const auto count = static_cast<int64_t>(company_->next_number());
    const bool done = company_->next_at() >= bookmark_.live_from;
    std::cerr << (done ? progress_->finish(count, now)
                       : progress_->update((at - bookmark_.start).us,
                                           (bookmark_.live_from - bookmark_.start).us, count, now))
              << std::flush;
    if (done) progress_.reset();
  }

  std::string scoreboard_text(bool whole) {
    const std::lock_guard lock(mutex_);
    return scoreboard_.summary(service_.world().clock.steady()) + "\n" + (whole ? scoreboard_.table() : "");
  }

  Common common_;
  DemoOptions options_;
  std::string path_;
  LiveService service_;
  VerdictPrinter printer_;
  Bookmark bookmark_;
  std::optional<demo::Company> company_;
  Time learning_until_;  // attacks begin then
  std::optional<demo::ProgressBar> progress_;
  mail::Parser parser_;
  std::atomic<int64_t> under_way_{0};
  std::mutex mutex_;  // guards scoreboard_
  demo::Scoreboard scoreboard_;
};

}  // namespace

int run_demo(const Common& common, const DemoOptions& options) {
  Demo demo(common, options);
  const Status done = demo.run();
  return done.ok() ? exit_ok : complain(done.error());
}

}  // namespace bonafide::app
