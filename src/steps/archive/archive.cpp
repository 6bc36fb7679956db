#include "steps/archive/archive.hpp"

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
    if (is_archive_file(path)) {
      BONAFIDE_TRY(verify_file(path, found, each, on_damage));
    } else if (is_archive_index(path)) {
      BONAFIDE_TRY(verify_index(path, found, on_damage));
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

Result<uint64_t> Archive::remove_before(int64_t day) {
  const std::string limit = format_rfc3339(Time{} + Duration::days(day)).substr(0, 10);
  std::vector<std::string> doomed;
  const Status listed = for_each_path("", [&](const std::string& path) -> Result<bool> {
    if (!day_of(path).empty() && day_of(path) < limit) doomed.push_back(path);
    return true;
  });
  BONAFIDE_TRY(listed);
  if (doomed.empty()) return uint64_t{0};
  // First, so that what a power cut leaves of these days is not taken for damage.
  BONAFIDE_TRY(blobs_.write(archive_retention_name, retention_text(limit)));
  uint64_t files = 0;
  for (const auto& path : doomed) {
    BONAFIDE_TRY(blobs_.remove(path));
    files += is_archive_file(path) ? 1 : 0;
  }
  return files;
}

}  // namespace bonafide::steps
