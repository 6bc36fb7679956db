#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>

#include "app/live_service.hpp"
#include "app/output.hpp"
#include "app/verbs.hpp"
#include "app/verdict_printer.hpp"
#include "env/real/signals.hpp"
#include "mail/parse/mailbox.hpp"

// bonafide run: the service; with paths, it is fed with the user's own messages first.
namespace bonafide::app {
namespace {

// What became of the messages of one path. Shared with the callbacks, which may outlive the feeding.
struct Fed {
  std::atomic<uint64_t> taken{0}, refused{0}, under_way{0};
  std::mutex mutex;
  std::string first_refusal;
};

// Feeds the messages of one path; a full pipeline slows it down.
Result<std::shared_ptr<Fed>> feed(LiveService& service, const std::string& path) {
  auto& files = service.world().files;
  BONAFIDE_ASSIGN(const auto source, mail::open_source(files, path));
  mail::Parser parser;
  auto fed = std::make_shared<Fed>();
  for (;;) {
    BONAFIDE_ASSIGN(const auto message, source->next());
    if (!message) break;
    while (!service.pipeline().collector().admit(message->bytes.size()).now) {
      if (!service.wait(service.world().clock.steady() + Duration::millis(5))) break;
    }
    if (service.interrupted()) break;
    steps::Submission submission;
    submission.raw = message->bytes.view();
    submission.door = "files";
    submission.edge.mode = mail::Edge::Mode::auto_;
    submission.lane = flow::Lane::backfill;
    ++fed->under_way;
    service.pipeline().collector().submit(parser, submission,
                                          [fed, name = message->name](const Result<steps::Receipt>& receipt) {
                                            if (receipt.ok()) {
                                              ++fed->taken;
                                            } else {
                                              const std::lock_guard lock(fed->mutex);
                                              if (fed->refused++ == 0)
                                                fed->first_refusal = name + ": " + receipt.error().message;
                                            }
                                            --fed->under_way;
                                          });
  }
  while (fed->under_way.load() > 0 && !service.runner().failure())
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return fed;
}

Status run_service(LiveService& service, const RunOptions& options, const Common& common) {
  BONAFIDE_TRY(service.open(options.listen));
  VerdictPrinter printer(common.json);
  if (!options.paths.empty()) {
    service.pipeline().verdicts().listen([&](const std::shared_ptr<const steps::ScoredPayload>& scored) {
      printer.print(scored->event, service.world().clock.now());
    });
  }
  BONAFIDE_TRY(service.start());
  std::cerr << "bonafide: API at " << service.url();
  for (const auto& [door, address] : service.mail_doors().addresses())
    std::cerr << ", " << door << " at " << address;
  std::cerr << ", data in " << common.data << "; Ctrl-C stops it\n";
  for (const auto& path : options.paths) {
    const auto fed = feed(service, path);
    if (!fed.ok()) {
      (void)service.stop().ok();
      return fed.error();
    }
    std::cerr << "bonafide: " << (*fed)->taken << " messages taken from " << path << "\n";
    if ((*fed)->refused > 0) {
      const std::lock_guard lock((*fed)->mutex);
      std::cerr << "bonafide: " << (*fed)->refused << " refused, the first: " << (*fed)->first_refusal
                << "\n";
    }
  }
  while (service.wait()) {
  }
  return service.stop();
}

}  // namespace

int run(const Common& common, const RunOptions& options) {
  LiveService service(common);
  const Status done = run_service(service, options, common);
  if (done.ok()) return exit_ok;
  const int code = complain(done.error());
  return done.error().cause == Cause::invalid ? exit_config : code;
}

}  // namespace bonafide::app
