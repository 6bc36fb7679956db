#include "app/data_folder.hpp"
#include "app/output.hpp"
#include "app/verbs.hpp"
#include "avro/registry.hpp"
#include "avro/schema_store.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "env/real/files.hpp"
#include "mail/codec.hpp"

// bonafide schema list|check.
namespace bonafide::app {
namespace {

// The registry of a data folder with what is in it, or of this binary alone, in memory.
Result<std::unique_ptr<avro::EmbeddedRegistry>> registry_of(const Common& common, env::Files& files) {
  if (!common.data_given) return std::make_unique<avro::EmbeddedRegistry>();
  BONAFIDE_ASSIGN(const auto folder, DataFolder::find(files, common.data));
  BONAFIDE_ASSIGN(const std::string text, files.read_file(folder.in("registry.json")));
  (void)text;  // only to say early that there is none
  return avro::EmbeddedRegistry::open(files, folder.in("registry.json"));
}

Status list(const Common& common, env::Files& files) {
  BONAFIDE_ASSIGN(const auto registry, registry_of(common, files));
  if (!common.data_given) BONAFIDE_TRY(mail::EventCodec::open(*registry));
  BONAFIDE_ASSIGN(const auto subjects, registry->subjects(avro::Deleted::hide));
  for (const auto& subject : subjects) {
    BONAFIDE_ASSIGN(const auto versions, registry->versions(subject, avro::Deleted::hide));
    for (const auto& version : versions) {
      std::string crc(8, '\0');
      store_be64(crc.data(), avro::fingerprint64(version.schema));
      if (common.json) {
        JsonWriter json;
        json.begin_object()
            .member("subject", subject)
            .member("version", version.version)
            .member("id", version.id);
        json.member("fingerprint", to_hex(crc)).end_object().end_line();
        std::cout << json.text();
      } else {
        std::cout << subject << " v" << version.version << "  id " << version.id << "  " << to_hex(crc)
                  << "\n";
      }
    }
  }
  return Ok{};
}

}  // namespace

int schema_list(const Common& common) {
  env::RealFiles files;
  const Status done = list(common, files);
  return done.ok() ? exit_ok : complain(done.error());
}

int schema_check(const Common& common, const std::string& folder) {
  env::RealFiles files;
  std::vector<std::string> objections;
  std::string checked = folder;
  if (folder.empty()) {
    // The built-in schemas against those the data folder has (or none): what a start would register.
    checked = "the built-in schemas";
    const auto registry = registry_of(common, files);
    if (!registry.ok()) return complain(registry.error());
    const auto codec = mail::EventCodec::open(**registry);
    if (!codec.ok()) objections.push_back(codec.error().message);
  } else {
    const auto found = avro::check_schema_history(files, folder);
    if (!found.ok()) return complain(found.error());
    objections = *found;
  }
  for (const auto& objection : objections) std::cout << objection << "\n";
  if (objections.empty() && !common.json) std::cout << checked << ": every version reads every other\n";
  return objections.empty() ? exit_ok : exit_failed;
}

}  // namespace bonafide::app
