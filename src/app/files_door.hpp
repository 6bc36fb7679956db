#pragma once
#include <memory>
#include <string>
#include <vector>

#include "app/mail_watch.hpp"
#include "app/pipeline.hpp"
#include "env/real/loop_thread.hpp"
#include "mail/parse/parse.hpp"

namespace bonafide::app {

struct FilesDoorSettings {
  std::vector<std::string> watch;  ///< Maildirs and mboxes; none = no door
  Duration every = Duration::seconds(2);
};

/// Mail from watched Maildirs and mboxes into the pipeline, on a thread of its own.
class FilesDoor {
 public:
  /// `memory_file` holds what was taken. The pipeline's workers stop after this.
  FilesDoor(const FilesDoorSettings& settings, std::string memory_file, Pipeline& pipeline, Outside outside);
  void start();
  void stop();

 private:
  void submit(const mail::RawMessage& message, bool old, std::function<void(bool settled)> done);

  Pipeline& pipeline_;
  env::Logger& logger_;
  env::Clock& clock_;
  mail::Parser parser_;
  env::LoopThread thread_;
  std::unique_ptr<MailWatch> watch_;
};

}  // namespace bonafide::app
