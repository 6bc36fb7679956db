#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "avro/resolve.hpp"
#include "avro/schema.hpp"
#include "env/files.hpp"

// A schema registry in Confluent's sense, and its framing of values: 0x00, the schema's id as 4 bytes
// big-endian, the binary encoding.
namespace bonafide::avro {

void append_frame_header(int32_t id, std::string& out);
std::string frame(int32_t id, ByteView payload);

struct Framed {
  int32_t id = 0;
  ByteView payload;
};
/// Errors: invalid (too short, or the first byte is not 0).
Result<Framed> unframe(ByteView bytes);

/// One version of a subject.
struct SubjectVersion {
  std::string subject;
  int32_t version = 0;  ///< from 1; never given twice within a subject
  int32_t id = 0;       ///< from 1; the same for the same schema, whatever the subject
  Schema schema;
  bool deleted = false;  ///< softly: no longer listed or checked against, but its id stays readable
};

enum class Deleted : uint8_t { hide, show };

/// What may be done to a subject (Confluent's names, without its import).
enum class RegistryMode : uint8_t {
  read_write,
  read_only,           ///< no new versions, no deletions, no new levels
  read_only_override,  ///< in general: also where a subject has a mode of its own
};
/// "READWRITE", "READONLY", "READONLY_OVERRIDE".
std::string_view to_string(RegistryMode mode);
/// Errors: invalid, naming the modes.
Result<RegistryMode> parse_registry_mode(std::string_view name);

/// Schemas by subject and version. Safe from any thread. Errors of all calls: not_found (there is no such
/// subject, version or id), conflict (what may_change() objects to), and what storing may fail with.
class Registry {
 public:
  virtual ~Registry() = default;

  /// The id of the schema under this subject; registers it as the next version if it is new there. Errors:
  /// conflict (not compatible with the versions there are: names each place).
  virtual Result<int32_t> id_of(const std::string& subject, const Schema& schema) = 0;
  /// The same for a schema that this program writes by: the subject keeps the level FULL_TRANSITIVE and all
  /// its versions from then on, as long as the program runs, whoever asks; its mode is not looked at.
  virtual Result<int32_t> id_of_own(const std::string& subject, const Schema& schema) = 0;
  enum class Change : uint8_t { add, remove, configure };
  /// May the subject (all in general where it is empty) be changed so? Errors: conflict (its mode is
  /// read-only, or it is the program's own), with the reason.
  virtual Status may_change(const std::string& subject, Change change) = 0;
  /// The version of the subject that has this very schema; the newest where several had it.
  virtual Result<SubjectVersion> find(const std::string& subject, const Schema& schema, Deleted deleted) = 0;
  /// What id_of() would object to; Incompatibility::version is the version itself: print it with text(0).
  virtual Result<std::vector<Incompatibility>> check(const std::string& subject, const Schema& schema) = 0;
  /// The same against one version alone.
  virtual Result<std::vector<Incompatibility>> check_version(const std::string& subject, int32_t version,
                                                             const Schema& schema) = 0;

  virtual Result<Schema> schema_by_id(int32_t id) = 0;
  /// The subjects and versions that have the schema of this id.
  virtual Result<std::vector<SubjectVersion>> uses_of(int32_t id, Deleted deleted) = 0;
  virtual Result<std::vector<std::string>> subjects(Deleted deleted) = 0;
  /// Oldest first.
  virtual Result<std::vector<SubjectVersion>> versions(const std::string& subject, Deleted deleted) = 0;
  virtual Result<SubjectVersion> version(const std::string& subject, int32_t version, Deleted deleted) = 0;
  virtual Result<SubjectVersion> latest(const std::string& subject) = 0;

  /// First softly, then for good. Return the versions deleted. A subject without a version left loses its
  /// level and mode. Errors: conflict (for good before softly).
  virtual Result<std::vector<int32_t>> delete_subject(const std::string& subject, bool for_good) = 0;
  virtual Result<int32_t> delete_version(const std::string& subject, int32_t version, bool for_good) = 0;

  /// The level of a subject, or the general one if it has none or `subject` is empty.
  virtual Result<Compatibility> compatibility(const std::string& subject) = 0;
  /// Of the subject; of all that have none of their own where `subject` is empty. nullopt takes the subject's
  /// own away.
  virtual Status set_compatibility(const std::string& subject, std::optional<Compatibility> level) = 0;
  /// The subject's own level; nullopt where the general one holds.
  virtual Result<std::optional<Compatibility>> own_compatibility(const std::string& subject) = 0;
  /// The mode that holds for a subject, in general where it is empty.
  virtual Result<RegistryMode> mode(const std::string& subject) = 0;
  virtual Result<std::optional<RegistryMode>> own_mode(const std::string& subject) = 0;
  /// As set_compatibility(); allowed whatever the mode.
  virtual Status set_mode(const std::string& subject, std::optional<RegistryMode> mode) = 0;
};

/// A registry of our own, in memory; with a file also across restarts: each change is on the disk before it
/// is answered.
class EmbeddedRegistry final : public Registry {
 public:
  /// In memory alone.
  EmbeddedRegistry() = default;
  /// Kept in the file at `path`, which is made with the first change. `files` must outlive the registry.
  /// Errors: damaged (the file is not a registry's), those of reading.
  static Result<std::unique_ptr<EmbeddedRegistry>> open(env::Files& files, std::string path);

  Result<int32_t> id_of(const std::string& subject, const Schema& schema) override;
  Result<int32_t> id_of_own(const std::string& subject, const Schema& schema) override;
  Status may_change(const std::string& subject, Change change) override;
  Result<SubjectVersion> find(const std::string& subject, const Schema& schema, Deleted deleted) override;
  Result<std::vector<Incompatibility>> check(const std::string& subject, const Schema& schema) override;
  Result<std::vector<Incompatibility>> check_version(const std::string& subject, int32_t version,
                                                     const Schema& schema) override;
  Result<Schema> schema_by_id(int32_t id) override;
  Result<std::vector<SubjectVersion>> uses_of(int32_t id, Deleted deleted) override;
  Result<std::vector<std::string>> subjects(Deleted deleted) override;
  Result<std::vector<SubjectVersion>> versions(const std::string& subject, Deleted deleted) override;
  Result<SubjectVersion> version(const std::string& subject, int32_t version, Deleted deleted) override;
  Result<SubjectVersion> latest(const std::string& subject) override;
  Result<std::vector<int32_t>> delete_subject(const std::string& subject, bool for_good) override;
  Result<int32_t> delete_version(const std::string& subject, int32_t version, bool for_good) override;
  Result<Compatibility> compatibility(const std::string& subject) override;
  Status set_compatibility(const std::string& subject, std::optional<Compatibility> level) override;
  Result<std::optional<Compatibility>> own_compatibility(const std::string& subject) override;
  Result<RegistryMode> mode(const std::string& subject) override;
  Result<std::optional<RegistryMode>> own_mode(const std::string& subject) override;
  Status set_mode(const std::string& subject, std::optional<RegistryMode> mode) override;

 private:
  friend class RegistryFile;
  struct Version {
    int32_t version = 0, id = 0;
    bool deleted = false;
  };
  struct Subject {
    std::vector<Version> versions;
    std::optional<Compatibility> level;
    std::optional<RegistryMode> mode;
    int32_t last_version = 0;
  };
  struct Content {
    std::map<int32_t, Schema> schemas;
    std::map<std::string, int32_t> ids;  ///< by the schema's full text
    std::map<std::string, Subject> subjects;
    Compatibility level = Compatibility::backward;
    RegistryMode mode = RegistryMode::read_write;
    int32_t last_id = 0;
  };

  Status commit(Content next);
  [[nodiscard]] std::optional<int32_t> known(const std::string& subject, const std::string& text) const;
  Result<int32_t> add(const std::string& subject, const Schema& schema, const std::string& text,
                      Content next);
  static void drop_settings_if_empty(Subject& entry);
  [[nodiscard]] RegistryMode mode_of(const std::string& subject) const;
  [[nodiscard]] Status allowed(const std::string& subject, Change change) const;
  [[nodiscard]] Compatibility level_of(const std::string& subject) const;
  Result<const Subject*> need(const std::string& subject, Deleted deleted) const;
  [[nodiscard]] SubjectVersion made(const std::string& subject, const Version& version) const;
  [[nodiscard]] std::vector<Incompatibility> objections(const std::string& subject,
                                                        const Schema& schema) const;

  std::mutex mutex_;
  env::Files* files_ = nullptr;
  std::string path_;
  Content content_;
  std::set<std::string> own_;  ///< the program's own subjects
};

}  // namespace bonafide::avro
