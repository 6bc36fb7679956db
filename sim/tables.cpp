#include "sim/tables.hpp"

#include "base/hash.hpp"

namespace bonafide::sim {
namespace {

// A file is a hash of what follows, then for each record the lengths of key and value and their bytes.
constexpr size_t hash_bytes = 8;

}  // namespace

Result<std::unique_ptr<stores::Tables>> SimTables::open(env::Files& files, const Settings& settings,
                                                        std::string late_prefix) {
  std::unique_ptr<SimTables> tables(new SimTables(files, settings, std::move(late_prefix)));
  BONAFIDE_TRY(files.make_folders(settings.folder));
  BONAFIDE_ASSIGN(tables->records_, tables->read());
  tables->late_ = tables->records_;
  return std::unique_ptr<stores::Tables>(std::move(tables));
}

Result<SimTables::Records> SimTables::read() {
  BONAFIDE_ASSIGN(const bool exists, files_.exists(path()));
  if (!exists) return Records();
  BONAFIDE_ASSIGN(const std::string bytes, files_.read_file(path()));
  const Error damaged = {Cause::damaged, path() + ": its bytes are not what was written"};
  if (bytes.size() < hash_bytes) return damaged;
  const ByteView body = ByteView(bytes).substr(hash_bytes);
  if (load_le<uint64_t>(bytes.data()) != hash64(body)) return damaged;
  disk_bytes_ = bytes.size();
  Records records;
  for (size_t at = 0; at < body.size();) {
    const auto key = load_le<uint32_t>(body.data() + at), value = load_le<uint32_t>(body.data() + at + 4);
    records.emplace(body.substr(at + 8, key), body.substr(at + 8 + key, value));
    at += size_t{8} + key + value;
  }
  return records;
}

Result<std::vector<std::optional<std::string>>> SimTables::get(const std::vector<std::string>& keys) {
  std::vector<std::optional<std::string>> answers(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (const auto at = records_.find(keys[i]); at != records_.end()) answers[i] = at->second;
  }
  return answers;
}

Status SimTables::recover() {
  if (!failed_) return Ok{};
  BONAFIDE_TRY(flush());
  failed_ = false;
  return Ok{};
}

Status SimTables::write(const std::vector<Put>& puts) {
  for (const auto& [key, value] : puts) records_[key] = value;
  return Ok{};
}

Status SimTables::begin_flush() {
  flushing_ = true;
  return Ok{};
}

Result<bool> SimTables::flushed() {
  BONAFIDE_TRY(wait_flushed());
  return true;
}

Status SimTables::wait_flushed() {
  if (!flushing_) return Ok{};
  flushing_ = false;
  Status done = flush();
  failed_ = !done.ok();
  return done;
}

Status SimTables::flush() {
  std::string body;
  const auto put = [&](const std::string& key, const std::string& value) {
    append_le(body, static_cast<uint32_t>(key.size()));
    append_le(body, static_cast<uint32_t>(value.size()));
    body.append(key).append(value);
  };
  for (const auto& [key, value] : records_) {
    if (settings_.expired && settings_.expired(key, value)) continue;
    const bool late = !late_prefix_.empty() && key.starts_with(late_prefix_);
    if (!late) {
      put(key, value);
    } else if (const auto before = late_.find(key); before != late_.end()) {
      put(key, before->second);
    }
  }
  std::string bytes;
  append_le(bytes, hash64(body));
  bytes += body;
  BONAFIDE_TRY(files_.write_file(path(), bytes));
  disk_bytes_ = bytes.size();
  if (!late_prefix_.empty()) late_ = records_;
  return Ok{};
}

Status SimTables::scan(const std::string& prefix,
                       const std::function<Status(ByteView key, ByteView value)>& each) {
  for (auto at = records_.lower_bound(prefix); at != records_.end() && at->first.starts_with(prefix); ++at)
    BONAFIDE_TRY(each(at->first, at->second));
  return Ok{};
}

uint64_t SimTables::free_bytes() const {
  const auto space = files_.space(settings_.folder);
  return space.ok() ? space->free_bytes : UINT64_MAX;
}

Status SimTables::verify(const stores::OnDamage& on_damage) {
  if (const auto read = this->read(); !read.ok()) on_damage({path(), read.error().message, {}});
  return Ok{};
}

}  // namespace bonafide::sim
