#include "avro/registry.hpp"

#include <algorithm>

#include "avro/registry_file.hpp"
#include "base/bytes.hpp"

namespace bonafide::avro {
namespace {

Error no_subject(const std::string& subject) {
  return {Cause::not_found, "there is no subject \"" + subject + "\" in the schema registry"};
}

}  // namespace

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
  if (files_ != nullptr) BONAFIDE_TRY(files_->write_file(path_, RegistryFile::write(next)));
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
  auto all = check_compatibility(history, schema, found->second.level.value_or(content_.level));
  // Versions are numbered with gaps where some are deleted.
  for (Incompatibility& one : all) one.version = static_cast<size_t>(numbers[one.version]);
  return all;
}

Result<std::vector<Incompatibility>> EmbeddedRegistry::check(const std::string& subject,
                                                             const Schema& schema) {
  const std::lock_guard lock(mutex_);
  return objections(subject, schema);
}

Result<int32_t> EmbeddedRegistry::id_of(const std::string& subject, const Schema& schema) {
  if (subject.empty()) return {Cause::invalid, "a subject needs a name"};
  const std::lock_guard lock(mutex_);
  const std::string text = schema.to_json();
  const auto known = content_.ids.find(text);
  if (known != content_.ids.end()) {
    if (const auto found = content_.subjects.find(subject); found != content_.subjects.end()) {
      for (const Version& version : found->second.versions) {
        if (version.id == known->second && !version.deleted) return version.id;
      }
    }
  }
  if (const auto all = objections(subject, schema); !all.empty()) {
    std::string message = "the schema is not compatible with subject \"" + subject + "\"";
    for (size_t i = 0; i < std::min<size_t>(all.size(), 20); ++i) message += "\n  " + all[i].text(0);
    return {Cause::conflict, message};
  }
  Content next = content_;
  const int32_t id = known != content_.ids.end() ? known->second : ++next.last_id;
  next.schemas.emplace(id, schema);
  next.ids.emplace(text, id);
  Subject& entry = next.subjects[subject];
  entry.versions.push_back({++entry.last_version, id, false});
  BONAFIDE_TRY(commit(std::move(next)));
  return id;
}

Result<SubjectVersion> EmbeddedRegistry::find(const std::string& subject, const Schema& schema,
                                              Deleted deleted) {
  const std::lock_guard lock(mutex_);
  BONAFIDE_ASSIGN(const Subject* entry, need(subject, deleted));
  const auto id = content_.ids.find(schema.to_json());
  if (id != content_.ids.end()) {
    for (const Version& version : entry->versions) {
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
  return {Cause::not_found, "subject \"" + subject + "\" has no version " + std::to_string(version)};
}

Result<SubjectVersion> EmbeddedRegistry::latest(const std::string& subject) {
  BONAFIDE_ASSIGN(std::vector<SubjectVersion> all, versions(subject, Deleted::hide));
  return std::move(all.back());
}

Result<std::vector<int32_t>> EmbeddedRegistry::delete_subject(const std::string& subject, bool for_good) {
  const std::lock_guard lock(mutex_);
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
  BONAFIDE_TRY(commit(std::move(next)));
  return gone;
}

Result<int32_t> EmbeddedRegistry::delete_version(const std::string& subject, int32_t version, bool for_good) {
  const std::lock_guard lock(mutex_);
  BONAFIDE_TRY(need(subject, for_good ? Deleted::show : Deleted::hide));
  Content next = content_;
  auto& versions = next.subjects[subject].versions;
  const auto found = std::find_if(versions.begin(), versions.end(), [&](const Version& v) {
    return v.version == version && (for_good || !v.deleted);
  });
  if (found == versions.end()) {
    return {Cause::not_found, "subject \"" + subject + "\" has no version " + std::to_string(version)};
  }
  if (for_good && !found->deleted) {
    return {Cause::conflict, "version " + std::to_string(version) + " of subject \"" + subject +
                                 "\" is not deleted softly yet: do that first"};
  }
  if (for_good) {
    versions.erase(found);
  } else {
    found->deleted = true;
  }
  BONAFIDE_TRY(commit(std::move(next)));
  return version;
}

Result<Compatibility> EmbeddedRegistry::compatibility(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  const auto found = content_.subjects.find(subject);
  return found == content_.subjects.end() ? content_.level : found->second.level.value_or(content_.level);
}

Status EmbeddedRegistry::set_compatibility(const std::string& subject, std::optional<Compatibility> level) {
  const std::lock_guard lock(mutex_);
  if (const auto found = content_.subjects.find(subject);
      found != content_.subjects.end() && found->second.level == level) {
    return Ok{};
  }
  Content next = content_;
  if (subject.empty()) {
    next.level = level.value_or(Compatibility::backward);
  } else {
    next.subjects[subject].level = level;
  }
  return commit(std::move(next));
}

}  // namespace bonafide::avro
