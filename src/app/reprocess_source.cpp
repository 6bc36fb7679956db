#include "app/reprocess_source.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/revision.hpp"
#include "steps/archive/file_reader.hpp"
#include "steps/import/clean_row.hpp"

namespace bonafide::app {
namespace {

using control::ReprocessPlan;
using control::ReprocessRun;

constexpr std::string_view in_rows = "rows:", in_archive = "archive:";
constexpr size_t paths_a_page = 100;
constexpr size_t most_looked_at = 20'000;  // records of the archive in one page

bool is_first(const mail::Scored& event) { return event.failure.empty() && mail::has_new_verdict(event); }

// Of a path "TENANT/YYYY-MM-DD/…".
std::optional<int64_t> day_of(const std::string& path) {
  const auto parts = split(path, '/');
  if (parts.size() != 3) return std::nullopt;
  const auto time = parse_rfc3339(std::string(parts[1]) + "T00:00:00Z");
  return time.ok() ? std::optional(time->day()) : std::nullopt;
}

std::string place(const std::string& path, size_t record) {
  return std::string(in_archive) + path + "#" + std::to_string(record);
}

}  // namespace

Result<ReprocessSource::Page> ReprocessSource::read(const ReprocessRun& run, size_t most) {
  if (run.cursor.starts_with(in_archive))
    return read_archive(run, run.cursor.substr(in_archive.size()), most);
  const bool begun = run.cursor.starts_with(in_rows);
  BONAFIDE_ASSIGN(Page page, read_rows(run, begun ? run.cursor.substr(in_rows.size()) : "", most));
  // What retention takes while the rows are read is looked for in the archive too; the step drops what it has
  // done.
  if (page.cursor.empty() && run.plan.from < parts_.rows_horizon()) page.cursor = in_archive;
  return page;
}

Result<uint64_t> ReprocessSource::count(const ReprocessPlan& plan) {
  stores::Rows::Query query;
  query.from = EventId::lowest(plan.from);
  query.before = EventId::lowest(plan.to);
  return parts_.rows.count(query);
}

Result<ReprocessSource::Page> ReprocessSource::read_rows(const ReprocessRun& run, const std::string& cursor,
                                                         size_t most) {
  stores::Rows::Query query;
  query.from = EventId::lowest(run.plan.from);
  query.before = EventId::lowest(run.plan.to);
  query.newest_revision = false;
  query.limit = most;
  query.cursor = cursor;
  BONAFIDE_ASSIGN(auto found, parts_.rows.page(query));
  Page page;
  page.damaged = found.damaged.size();
  for (auto& row : found.rows) {
    if (!run.plan.tenant.empty() && steps::column(row, steps::EventColumn::tenant) != run.plan.tenant)
      continue;
    mail::Scored event;
    if (!parts_.codec.decode(row.event, event).ok()) {
      ++page.damaged;
    } else if (is_first(event)) {
      add(run, event, std::move(row.event), page);
    }
  }
  if (!found.cursor.empty()) page.cursor = std::string(in_rows) + found.cursor;
  return page;
}

/// `cursor`: "" or "PATH#RECORD".
Result<ReprocessSource::Page> ReprocessSource::read_archive(const ReprocessRun& run,
                                                            const std::string& cursor, size_t most) {
  const size_t hash = cursor.rfind('#');
  std::string path = cursor.substr(0, hash);
  Page page;
  if (hash != std::string::npos) {
    const auto first = parse_int(std::string_view(cursor).substr(hash + 1));
    if (!first.ok() || *first < 0) return Error{Cause::damaged, "the cursor of the reprocess is none"};
    BONAFIDE_TRY(read_file(run, path, static_cast<size_t>(*first), most, page));
    if (!page.cursor.empty()) return page;
  }
  const std::string prefix =
      run.plan.tenant.empty() ? "" : steps::archive_tenant_folder(run.plan.tenant) + "/";
  const int64_t first_day = run.plan.from.day();
  const int64_t last_day = std::min(run.plan.to, parts_.rows_horizon()).day();
  for (;;) {
    BONAFIDE_ASSIGN(const auto paths, parts_.archive.list(prefix, path, paths_a_page));
    for (const auto& next : paths) {
      const auto day = day_of(next);
      if (!steps::is_archive_file(next) || !day || *day < first_day || *day > last_day) continue;
      page.cursor = place(next, 0);
      return page;
    }
    if (paths.size() < paths_a_page) return page;  // that was all
    path = paths.back();
  }
}

Status ReprocessSource::read_file(const ReprocessRun& run, const std::string& path, size_t first, size_t most,
                                  Page& page) {
  auto file = steps::ArchiveFileReader::open(parts_.archive, parts_.codec, path);
  if (!file.ok()) {
    if (file.error().cause == Cause::unavailable) return file.error();
    ++page.damaged;  // or gone, behind the archive's own horizon
    return Ok{};
  }
  const EventId from = EventId::lowest(run.plan.from);
  const EventId before = EventId::lowest(std::min(run.plan.to, parts_.rows_horizon()));
  const auto take = [&](const steps::ArchivedEvent& archived) {
    const EventId& id = archived.event.received.id;
    if (!(id < from) && id < before && is_first(archived.event)) {
      std::string framed;
      parts_.codec.encode(archived.event, framed);
      add(run, archived.event, std::move(framed), page);
    }
    if (page.records.size() < most && archived.record - first < most_looked_at) return true;
    page.cursor = place(path, archived.record + 1);
    return false;
  };
  return (*file)->read(
      take, [&page](const stores::Damage& damage) { page.damaged += damage.lost.size(); }, first);
}

void ReprocessSource::add(const ReprocessRun& run, const mail::Scored& event, std::string framed,
                          Page& page) {
  const auto& received = event.received;
  mail::Reprocess again{received.id,
                        received.tenant,
                        received.order_key,
                        run.number,
                        run.plan.step == "score" ? mail::Again::score : mail::Again::enrich,
                        parts_.clock.now(),
                        {std::move(framed)}};
  flow::Record record;
  record.key = SharedBytes(received.order_key);
  record.timestamp = again.asked_at;
  std::string value;
  parts_.codec.encode(again, value);
  record.value = SharedBytes(std::move(value));
  page.records.push_back(std::move(record));
}

}  // namespace bonafide::app
