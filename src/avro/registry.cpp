#include "avro/registry.hpp"

#include <algorithm>
#include <array>

#include "avro/registry_file.hpp"
#include "base/bytes.hpp"

namespace bonafide::avro {
namespace {

// All schemas are held in memory, and written whole with each change.
constexpr size_t max_file_bytes = size_t{64} << 20;
constexpr std::array<std::string_view, 3> mode_names = {"READWRITE", "READONLY", "READONLY_OVERRIDE"};

Error no_subject(const std::string& subject) {
  return {Cause::not_found, "there is no subject \"" + subject + "\" in the schema registry"};
}

Error no_version(const std::string& subject, int32_t version) {
  return {Cause::not_found, "subject \"" + subject + "\" has no version " + std::to_string(version)};
}

Error incompatible(const std::string& subject, const std::vector<Incompatibility>& all) {
  std::string message = "the schema is not compatible with subject \"" + subject + "\"";
  for (size_t i = 0; i < std::min<size_t>(all.size(), 20); ++i) message += "\n  " + all[i].text(0);
  return {Cause::conflict, message};
}

}  // namespace

std::string_view to_string(RegistryMode mode) { return mode_names[static_cast<size_t>(mode)]; }

Result<RegistryMode> parse_registry_mode(std::string_view name) {
  const auto found = std::find(mode_names.begin(), mode_names.end(), name);
  if (found != mode_names.end()) return static_cast<RegistryMode>(found - mode_names.begin());
  return {Cause::invalid, "\"" + std::string(name.substr(0, 40)) +
                              "\" is not a mode: use READWRITE, READONLY or READONLY_OVERRIDE"};
}

void append_frame_header(int32_t id, std::string& out) {
  out += '\0';
  append_be32(out, static_cast<uint32_t>(id));
}

std::string frame(int32_t id, ByteView payload) {
  std::string out;
  out.reserve(5 + payload.size());
  append_frame_header(id, out);
  out += payload;
  return out;
}

Result<Framed> unframe(ByteView bytes) {
  if (bytes.size() < 5 || bytes[0] != '\0') {
    return {Cause::invalid, "not a framed Avro value: it must begin with 0x00 and a schema id of 4 bytes"};
  }
  return Framed{static_cast<int32_t>(load_be32(bytes.data() + 1)), bytes.substr(5)};
}

Result<std::unique_ptr<EmbeddedRegistry>> EmbeddedRegistry::open(env::Files& files, std::string path) {
  auto registry = std::make_unique<EmbeddedRegistry>();
  BONAFIDE_ASSIGN(const bool there, files.exists(path));
  if (there) {
    BONAFIDE_ASSIGN(const std::string text, files.read_file(path));
    auto content = RegistryFile::read(text);
    if (!content.ok()) return Error{Cause::damaged, path + ": " + content.error().message};
    registry->content_ = std::move(content).value();
  }
  registry->files_ = &files;
  registry->path_ = std::move(path);
  return registry;
}

/// Makes `next` the content once it is on the disk; after an error nothing has changed.
Status EmbeddedRegistry::commit(Content next) {
  if (files_ != nullptr) {
    const std::string text = RegistryFile::write(next);
    if (text.size() > max_file_bytes)
      return Error{Cause::exhausted, "the schema registry is full: its file would be larger than 64 MiB"};
    BONAFIDE_TRY(files_->write_file(path_, text));
  }
  content_ = std::move(next);
  return Ok{};
}

Result<const EmbeddedRegistry::Subject*> EmbeddedRegistry::need(const std::string& subject,
                                                                Deleted deleted) const {
  const auto found = content_.subjects.find(subject);
  if (found == content_.subjects.end()) return no_subject(subject);
  const auto& versions = found->second.versions;
  const bool any = std::any_of(versions.begin(), versions.end(),
                               [&](const Version& v) { return deleted == Deleted::show || !v.deleted; });
  if (!any) return no_subject(subject);
  return &found->second;
}

SubjectVersion EmbeddedRegistry::made(const std::string& subject, const Version& version) const {
  return {subject, version.version, version.id, content_.schemas.at(version.id), version.deleted};
}

Compatibility EmbeddedRegistry::level_of(const std::string& subject) const {
  const auto found = content_.subjects.find(subject);
  return found == content_.subjects.end() ? content_.level : found->second.level.value_or(content_.level);
}

std::vector<Incompatibility> EmbeddedRegistry::objections(const std::string& subject,
                                                          const Schema& schema) const {
  const auto found = content_.subjects.find(subject);
  if (found == content_.subjects.end()) return {};
  std::vector<Schema> history;
  std::vector<int32_t> numbers;
  for (const Version& version : found->second.versions) {
    if (version.deleted) continue;
    history.push_back(content_.schemas.at(version.id));
    numbers.push_back(version.version);
  }
  auto all = check_compatibility(history, schema, level_of(subject));
  // Versions are numbered with gaps where some are deleted.
  for (Incompatibility& one : all) one.version = static_cast<size_t>(numbers[one.version]);
  return all;
}

Result<std::vector<Incompatibility>> EmbeddedRegistry::check(const std::string& subject,
                                                             const Schema& schema) {
  const std::lock_guard lock(mutex_);
  return objections(subject, schema);
}

Result<std::vector<Incompatibility>> EmbeddedRegistry::check_version(const std::string& subject,
                                                                     int32_t version, const Schema& schema) {
  const std::lock_guard lock(mutex_);
  BONAFIDE_ASSIGN(const Subject* entry, need(subject, Deleted::hide));
  for (const Version& one : entry->versions) {
    if (one.version != version || one.deleted) continue;
    auto all = check_compatibility(content_.schemas.at(one.id), schema, level_of(subject));
    for (Incompatibility& found : all) found.version = static_cast<size_t>(version);
    return all;
  }
  return no_version(subject, version);
}

/// The id of a schema that the subject has already.
std::optional<int32_t> EmbeddedRegistry::known(const std::string& subject, const std::string& text) const {
  const auto id = content_.ids.find(text);
  const auto found = content_.subjects.find(subject);
  if (id == content_.ids.end() || found == content_.subjects.end()) return std::nullopt;
  for (const Version& version : found->second.versions) {
    if (version.id == id->second && !version.deleted) return version.id;
  }
  return std::nullopt;
}

Result<int32_t> EmbeddedRegistry::add(const std::string& subject, const Schema& schema,
                                      const std::string& text, Content next) {
  const auto same = next.ids.find(text);
  const int32_t id = same != next.ids.end() ? same->second : ++next.last_id;
  next.schemas.emplace(id, schema);
  next.ids.emplace(text, id);
  Subject& entry = next.subjects[subject];
  entry.versions.push_back({++entry.last_version, id, false});
  BONAFIDE_TRY(commit(std::move(next)));
  return id;
}

Result<int32_t> EmbeddedRegistry::id_of(const std::string& subject, const Schema& schema) {
  if (subject.empty()) return {Cause::invalid, "a subject needs a name"};
  const std::lock_guard lock(mutex_);
  const std::string text = schema.to_json();
  if (const auto id = known(subject, text)) return *id;
  BONAFIDE_TRY(allowed(subject, Change::add));
  if (const auto all = objections(subject, schema); !all.empty()) return incompatible(subject, all);
  return add(subject, schema, text, content_);
}

Result<int32_t> EmbeddedRegistry::id_of_own(const std::string& subject, const Schema& schema) {
  if (subject.empty()) return {Cause::invalid, "a subject needs a name"};
  const std::lock_guard lock(mutex_);
  Content next = content_;
  Subject& entry = next.subjects[subject];
  const bool leveled = entry.level == Compatibility::full_transitive;
  entry.level = Compatibility::full_transitive;
  if (!leveled) BONAFIDE_TRY(commit(next));
  own_.insert(subject);
  const std::string text = schema.to_json();
  if (const auto id = known(subject, text)) return *id;
  if (const auto all = objections(subject, schema); !all.empty()) return incompatible(subject, all);
  return add(subject, schema, text, std::move(next));
}

// ---- what may be changed

RegistryMode EmbeddedRegistry::mode_of(const std::string& subject) const {
  const auto found = content_.subjects.find(subject);
  if (found == content_.subjects.end() || content_.mode == RegistryMode::read_only_override)
    return content_.mode;
  return found->second.mode.value_or(content_.mode);
}

Status EmbeddedRegistry::allowed(const std::string& subject, Change change) const {
  std::string why;
  if (mode_of(subject) != RegistryMode::read_write) {
    why = subject.empty() ? "the schema registry is in read-only mode"
                          : "subject \"" + subject + "\" is in read-only mode: PUT /mode changes it";
  } else if (change != Change::add && own_.find(subject) != own_.end()) {
    why = "subject \"" + subject + "\" holds the schemas of this program's own events: ";
    why += change == Change::remove ? "none can be deleted, as events are stored that were written by them"
                                    : "its compatibility level stays FULL_TRANSITIVE";
  }
  if (why.empty()) return Ok{};
  return {Cause::conflict, why};
}

Status EmbeddedRegistry::may_change(const std::string& subject, Change change) {
  const std::lock_guard lock(mutex_);
  return allowed(subject, change);
}

Result<RegistryMode> EmbeddedRegistry::mode(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  return mode_of(subject);
}

Result<std::optional<RegistryMode>> EmbeddedRegistry::own_mode(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  const auto found = content_.subjects.find(subject);
  return found == content_.subjects.end() ? std::nullopt : found->second.mode;
}

Status EmbeddedRegistry::set_mode(const std::string& subject, std::optional<RegistryMode> mode) {
  const std::lock_guard lock(mutex_);
  Content next = content_;
  if (subject.empty()) {
    next.mode = mode.value_or(RegistryMode::read_write);
  } else if (mode) {
    next.subjects[subject].mode = mode;
  } else if (const auto found = next.subjects.find(subject); found != next.subjects.end()) {
    found->second.mode = mode;
  }
  return commit(std::move(next));
}

// ---- reading

Result<SubjectVersion> EmbeddedRegistry::find(const std::string& subject, const Schema& schema,
                                              Deleted deleted) {
  const std::lock_guard lock(mutex_);
  BONAFIDE_ASSIGN(const Subject* entry, need(subject, deleted));
  const auto id = content_.ids.find(schema.to_json());
  if (id != content_.ids.end()) {
    for (auto at = entry->versions.rbegin(); at != entry->versions.rend(); ++at) {
      const Version& version = *at;
      if (version.id == id->second && (deleted == Deleted::show || !version.deleted))
        return made(subject, version);
    }
  }
  return {Cause::not_found, "subject \"" + subject + "\" has no version with this schema"};
}

Result<Schema> EmbeddedRegistry::schema_by_id(int32_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = content_.schemas.find(id);
  if (found != content_.schemas.end()) return found->second;
  return {Cause::not_found, "there is no schema with id " + std::to_string(id) + " in the schema registry"};
}

Result<std::vector<SubjectVersion>> EmbeddedRegistry::uses_of(int32_t id, Deleted deleted) {
  const std::lock_guard lock(mutex_);
  std::vector<SubjectVersion> uses;
  if (content_.schemas.find(id) == content_.schemas.end()) {
    return {Cause::not_found, "there is no schema with id " + std::to_string(id) + " in the schema registry"};
  }
  for (const auto& [subject, entry] : content_.subjects) {
    for (const Version& version : entry.versions) {
      if (version.id == id && (deleted == Deleted::show || !version.deleted))
        uses.push_back(made(subject, version));
    }
  }
  return uses;
}

Result<std::vector<std::string>> EmbeddedRegistry::subjects(Deleted deleted) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [subject, entry] : content_.subjects) {
    if (need(subject, deleted).ok()) names.push_back(subject);
  }
  return names;
}

Result<std::vector<SubjectVersion>> EmbeddedRegistry::versions(const std::string& subject, Deleted deleted) {
  const std::lock_guard lock(mutex_);
  BONAFIDE_ASSIGN(const Subject* entry, need(subject, deleted));
  std::vector<SubjectVersion> all;
  for (const Version& version : entry->versions) {
    if (deleted == Deleted::show || !version.deleted) all.push_back(made(subject, version));
  }
  return all;
}

Result<SubjectVersion> EmbeddedRegistry::version(const std::string& subject, int32_t version,
                                                 Deleted deleted) {
  const std::lock_guard lock(mutex_);
  BONAFIDE_ASSIGN(const Subject* entry, need(subject, deleted));
  for (const Version& one : entry->versions) {
    if (one.version == version && (deleted == Deleted::show || !one.deleted)) return made(subject, one);
  }
  return no_version(subject, version);
}

Result<SubjectVersion> EmbeddedRegistry::latest(const std::string& subject) {
  BONAFIDE_ASSIGN(std::vector<SubjectVersion> all, versions(subject, Deleted::hide));
  return std::move(all.back());
}

void EmbeddedRegistry::drop_settings_if_empty(Subject& entry) {
  const auto live = [](const Version& version) { return !version.deleted; };
  if (std::any_of(entry.versions.begin(), entry.versions.end(), live)) return;
  entry.level.reset();
  entry.mode.reset();
}

Result<std::vector<int32_t>> EmbeddedRegistry::delete_subject(const std::string& subject, bool for_good) {
  const std::lock_guard lock(mutex_);
  BONAFIDE_TRY(allowed(subject, Change::remove));
  BONAFIDE_TRY(need(subject, for_good ? Deleted::show : Deleted::hide));
  Content next = content_;
  Subject& entry = next.subjects[subject];
  std::vector<int32_t> gone;
  for (Version& version : entry.versions) {
    if (for_good && !version.deleted) {
      return {Cause::conflict, "subject \"" + subject + "\" is not deleted softly yet: do that first"};
    }
    if (for_good || !version.deleted) gone.push_back(version.version);
    version.deleted = true;
  }
  // What remains is the number of the last version: a number is not given twice.
  if (for_good) entry.versions.clear();
  drop_settings_if_empty(entry);
  BONAFIDE_TRY(commit(std::move(next)));
  return gone;
}

Result<int32_t> EmbeddedRegistry::delete_version(const std::string& subject, int32_t version, bool for_good) {
  const std::lock_guard lock(mutex_);
  BONAFIDE_TRY(allowed(subject, Change::remove));
  BONAFIDE_TRY(need(subject, for_good ? Deleted::show : Deleted::hide));
  Content next = content_;
  Subject& entry = next.subjects[subject];
  auto& versions = entry.versions;
  const auto found = std::find_if(versions.begin(), versions.end(), [&](const Version& v) {
    return v.version == version && (for_good || !v.deleted);
  });
  if (found == versions.end()) return no_version(subject, version);
  if (for_good && !found->deleted) {
    return {Cause::conflict, "version " + std::to_string(version) + " of subject \"" + subject +
                                 "\" is not deleted softly yet: do that first"};
  }
  if (for_good) {
    versions.erase(found);
  } else {
    found->deleted = true;
  }
  drop_settings_if_empty(entry);
  BONAFIDE_TRY(commit(std::move(next)));
  return version;
}

Result<Compatibility> EmbeddedRegistry::compatibility(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  return level_of(subject);
}

Result<std::optional<Compatibility>> EmbeddedRegistry::own_compatibility(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  const auto found = content_.subjects.find(subject);
  return found == content_.subjects.end() ? std::nullopt : found->second.level;
}

Status EmbeddedRegistry::set_compatibility(const std::string& subject, std::optional<Compatibility> level) {
  const std::lock_guard lock(mutex_);
  const auto there = content_.subjects.find(subject);
  if (there != content_.subjects.end() && there->second.level == level) return Ok{};
  BONAFIDE_TRY(allowed(subject, Change::configure));
  Content next = content_;
  if (subject.empty()) {
    next.level = level.value_or(Compatibility::backward);
  } else if (level || there != content_.subjects.end()) {
    next.subjects[subject].level = level;
  }
  return commit(std::move(next));
}

}  // namespace bonafide::avro
