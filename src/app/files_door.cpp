#include "app/files_door.hpp"

#include <utility>

namespace bonafide::app {

FilesDoor::FilesDoor(const FilesDoorSettings& settings, std::string memory_file, Pipeline& pipeline,
                     Outside outside)
    : pipeline_(pipeline),
      logger_(outside.logger),
      clock_(outside.clock),
      thread_("files", outside.clock, [&logger = outside.logger](const std::string&, const Error& error) {
        logger.error("files.stopped", {{"error", error.message}});
      }) {
  if (settings.watch.empty()) return;
  watch_ = std::make_unique<MailWatch>(
      MailWatch::Settings{settings.watch, settings.every, std::move(memory_file)},
      MailWatch::Parts{outside.files, outside.logger,
                       [this](size_t bytes) { return pipeline_.collector().admit(bytes).now; },
                       [this](const mail::RawMessage& message, bool old, std::function<void(bool)> done) {
                         submit(message, old, std::move(done));
                       },
                       [this] { thread_.wake().wake(); }});
  thread_.add({"files", [this] { return watch_->step(clock_.steady()); }, [this] { return watch_->due(); }});
}

void FilesDoor::submit(const mail::RawMessage& message, bool old, std::function<void(bool settled)> done) {
  steps::Submission submission;
  submission.raw = message.bytes.view();
  submission.door = "files";
  submission.edge.mode = mail::Edge::Mode::auto_;
  submission.lane = old ? flow::Lane::backfill : flow::Lane::live;
  pipeline_.collector().submit(
      parser_, submission,
      [done = std::move(done), name = message.name,
       &logger = logger_](const Result<steps::Receipt>& receipt) {
        const bool refused = !receipt.ok() && receipt.error().cause == Cause::invalid;
        if (refused) logger.warn("files.refused", {{"path", name}, {"error", receipt.error().message}});
        done(receipt.ok() || refused);
      });
}

void FilesDoor::start() {
  if (watch_ != nullptr) thread_.start();
}

void FilesDoor::stop() { thread_.stop(); }

}  // namespace bonafide::app
