#pragma once
#include <memory>

#include "api/settings.hpp"
#include "app/files_door.hpp"
#include "app/mail_door.hpp"
#include "app/pipeline.hpp"
#include "app/service.hpp"
#include "app/verbs.hpp"

namespace bonafide::app {

/// Everything that can be configured, as the parts want it. Without a file: the embedded default, on loopback
/// only.
struct Configuration {
  PipelineSettings pipeline;
  api::ApiSettings api;
  Service::Settings service;
  std::vector<MailDoorSettings> mail_doors;
  FilesDoorSettings files_door;
  Duration heartbeat = Duration::seconds(5);
  std::string file;  ///< "" = none was found
};

/// The sections of the file: the program's own and those of its components.
std::vector<flow::Section> configuration_sections();
/// The file that would be read: --config, DATA/bonafide.yaml, /etc/bonafide/bonafide.yaml; "" if there is
/// none.
std::string configuration_file(env::Files& files, const Common& common);
/// Environment variables, and files for secrets.
flow::Config::Outside configuration_outside(env::Files& files);
/// Errors: invalid (all mistakes, each with file, line and column); not_found (--config names no file).
Result<Configuration> load_configuration(env::Files& files, const Common& common);

}  // namespace bonafide::app
