#include "steps/archive/archive.hpp"

#include <algorithm>
#include <set>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "steps/archive/sink.hpp"

namespace bonafide::steps {
namespace {

/// What is wrong with a file decides nothing about the others; only the store being away ends the work.
bool is_damage(const Error& error) {
  return error.cause == Cause::damaged || error.cause == Cause::invalid || error.cause == Cause::not_found;
}

/// "YYYY-MM-DD" of a path, "" if it is in no day's folder.
std::string_view day_of(std::string_view path) {
  const auto parts = split(path, '/');
  return parts.size() == 3 ? parts[1] : std::string_view();
}

/// "YYYY-MM-DD".
std::string day_text(int64_t day) { return format_rfc3339(Time{} + Duration::days(day)).substr(0, 10); }

/// The day, and a checksum.
std::string retention_text(const std::string& day) {
  std::string crc;
  append_be32(crc, crc32c(day));
  return day + "\ncrc32c " + to_hex(crc) + "\n";
}

}  // namespace

Status Archive::for_each_path(const std::string& prefix, const EachPath& each) {
  constexpr size_t page_size = 1000;
  for (std::string after;;) {
    BONAFIDE_ASSIGN(const auto page, blobs_.list(prefix, after, page_size));
    for (const auto& path : page) {
      BONAFIDE_ASSIGN(const bool more, each(path));
      if (!more) return Ok{};
    }
    if (page.size() < page_size) return Ok{};
    after = page.back();
  }
}

Status Archive::scan(const Query& query, const std::function<bool(const ArchivedEvent&)>& each,
                     const stores::OnDamage& on_damage) {
  const std::string prefix = query.tenant ? archive_tenant_folder(*query.tenant) + "/" : "";
  return for_each_path(prefix, [&](const std::string& path) -> Result<bool> {
    if (!is_archive_file(path)) return true;
    BONAFIDE_ASSIGN(const ArchiveName name, ArchiveName::parse(path));
    const auto index = ArchiveFileReader::read_index(blobs_, name);
    if (index.ok() && (index->latest < query.from || index->earliest >= query.before)) return true;
    auto reader = ArchiveFileReader::open(blobs_, codec_, path);
    if (!reader.ok()) {
      if (!is_damage(reader.error())) return reader.error();
      on_damage({path, reader.error().message,
                 index.ok() ? ArchiveFileReader::ids_of(*index) : std::vector<EventId>()});
      return true;
    }
    bool more = true;
    const auto within = [&](const ArchivedEvent& event) {
      const Time at = event.event.received.received_at;
      if (at >= query.from && at < query.before) more = each(event);
      return more;
    };
    BONAFIDE_TRY((*reader)->read(within, on_damage));
    return more;
  });
}

Result<Archive::Found> Archive::verify(const std::function<void(const ArchivedEvent&)>& each,
                                       const stores::OnDamage& on_damage) {
  Found found;
  std::string kept_from;
  if (auto day = read_retention(); day.ok()) {
    kept_from = std::move(day).value();
  } else {
    on_damage({archive_retention_name, day.error().message, {}});
  }
  const Status read = for_each_path("", [&](const std::string& path) -> Result<bool> {
    if (path == archive_progress_name || path == archive_retention_name || day_of(path) < kept_from)
      return true;
    const auto told = [&](const stores::Damage& damage) {
      if (const auto now = read_retention(); now.ok()) kept_from = *now;  // it may go while it is read
      if (day_of(path) >= kept_from) on_damage(damage);
    };
    if (is_archive_file(path)) {
      BONAFIDE_TRY(verify_file(path, found, each, told));
    } else if (is_archive_index(path)) {
      BONAFIDE_TRY(verify_index(path, found, told));
    } else {
      on_damage({path, "does not belong into the archive", {}});
    }
    return true;
  });
  BONAFIDE_TRY(read);
  const auto progress = read_archive_progress(blobs_);
  if (!progress.ok()) on_damage({archive_progress_name, progress.error().message, {}});
  return found;
}

Status Archive::verify_file(const std::string& path, Found& found,
                            const std::function<void(const ArchivedEvent&)>& each,
                            const stores::OnDamage& on_damage) {
  auto reader = ArchiveFileReader::open(blobs_, codec_, path);
  if (!reader.ok()) {
    if (!is_damage(reader.error())) return reader.error();
    std::vector<EventId> lost;
    if (const auto name = ArchiveName::parse(path); name.ok()) {
      const auto index = ArchiveFileReader::read_index(blobs_, *name);
      if (index.ok()) lost = ArchiveFileReader::ids_of(*index);
    }
    on_damage({path, reader.error().message, std::move(lost)});
    return Ok{};
  }
  ++found.files;
  found.bytes += (*reader)->index().file_bytes();
  (*reader)->check(on_damage);
  const auto count = [&](const ArchivedEvent& event) {
    ++found.events;
    if (each) each(event);
    return true;
  };
  return (*reader)->read(count, on_damage);
}

/// An index without its file: the file is gone, or the power took it before it was seen; progress tells
/// which.
Status Archive::verify_index(const std::string& path, Found& found, const stores::OnDamage& on_damage) {
  BONAFIDE_ASSIGN(const ArchiveName name, ArchiveName::parse(path));
  const auto file = blobs_.open(name.file());
  if (file.ok()) return Ok{};
  if (file.error().cause != Cause::not_found) return file.error();
  const auto progress = read_archive_progress(blobs_);
  if (progress.ok()) {
    const auto at = progress->find(name.shard);
    if (at == progress->end() || at->second < name.last) {
      ++found.unfinished;
      return Ok{};
    }
  }
  const auto index = ArchiveFileReader::read_index(blobs_, name);
  on_damage({name.file(), "the file is gone; its index is " + path,
             index.ok() ? ArchiveFileReader::ids_of(*index) : std::vector<EventId>()});
  return Ok{};
}

Result<std::string> Archive::read_retention() {
  const auto text = blobs_.read(archive_retention_name);
  if (!text.ok()) {
    if (text.error().cause == Cause::not_found) return std::string();
    return text.error();
  }
  const std::string day = text->substr(0, 10);
  if (*text != retention_text(day))
    return Error{Cause::damaged, "is damaged: delete it, the next clean-up writes it again"};
  return day;
}

/// First, so that what a power cut leaves of earlier days is not taken for damage.
Status Archive::keep_from(const std::string& day) {
  const auto before = read_retention();
  if (!before.ok() && before.error().cause != Cause::damaged) return before.error();
  if (before.ok() && *before >= day) return Ok{};
  return blobs_.write(archive_retention_name, retention_text(day));
}

/// Folders "TENANT/YYYY-MM-DD/" that have anything, until `each` gives false.
Status Archive::for_each_day(
    const std::function<Result<bool>(const std::string& folder, int64_t day)>& each) {
  BONAFIDE_ASSIGN(const auto tenants, blobs_.folders(""));
  for (const auto& tenant : tenants) {
    BONAFIDE_ASSIGN(const auto days, blobs_.folders(tenant + "/"));
    for (const auto& day : days) {
      const auto time = parse_rfc3339(day + "T00:00:00Z");
      if (!time.ok()) continue;  // a stranger: named by verify()
      std::string folder = tenant;
      folder.append("/").append(day).append("/");
      BONAFIDE_ASSIGN(const bool more, each(folder, time->day()));
      if (!more) return Ok{};
    }
  }
  return Ok{};
}

Result<uint64_t> Archive::remove_before(int64_t day, size_t most) {
  constexpr size_t page_size = 100;
  uint64_t gone = 0;
  const Status done = for_each_day([&](const std::string& folder, int64_t its_day) -> Result<bool> {
    if (its_day >= day) return true;
    BONAFIDE_TRY(keep_from(day_text(day)));
    while (gone < most) {
      BONAFIDE_ASSIGN(const auto page, blobs_.list(folder, "", std::min<size_t>(most - gone, page_size)));
      if (page.empty()) return true;
      for (const auto& path : page) BONAFIDE_TRY(blobs_.remove(path));
      gone += page.size();
    }
    return false;
  });
  BONAFIDE_TRY(done);
  return gone;
}

Result<std::vector<int64_t>> Archive::days() {
  std::set<int64_t> found;
  const Status done = for_each_day([&](const std::string&, int64_t day) -> Result<bool> {
    found.insert(day);
    return true;
  });
  BONAFIDE_TRY(done);
  return std::vector(found.begin(), found.end());
}

Result<uint64_t> Archive::bytes_of(int64_t day) {
  uint64_t bytes = 0;
  const auto add = [&](const std::string& path) -> Result<bool> {
    BONAFIDE_ASSIGN(const auto blob, blobs_.open(path));
    BONAFIDE_ASSIGN(const uint64_t size, blob->size());
    bytes += size;
    return true;
  };
  const Status done = for_each_day([&](const std::string& folder, int64_t its_day) -> Result<bool> {
    if (its_day != day) return true;
    BONAFIDE_TRY(for_each_path(folder, add));
    return true;
  });
  BONAFIDE_TRY(done);
  return bytes;
}

}  // namespace bonafide::steps
