#include "app/export.hpp"

#include "app/event_json.hpp"
#include "avro/bind.hpp"
#include "avro/container.hpp"
#include "base/hash.hpp"

namespace bonafide::app {
namespace {

constexpr size_t piece_bytes = size_t{64} << 10;
constexpr std::string_view row_namespace = "bonafide.export";

// Turns rows into the bytes of the chosen format.
class Formatter {
 public:
  static Result<Formatter> make(api::ExportFormat format) {
    Formatter formatter;
    if (format == api::ExportFormat::avro) {
      BONAFIDE_ASSIGN(const auto schema, avro::parse_schema(avro::schema_of<ExportRow>(row_namespace)));
      avro::ContainerOptions options;
      options.codec = avro::Codec::deflate;  // what every reader knows
      const Digest mark = sha256("bonafide export");
      std::copy_n(mark.begin(), options.sync.size(), options.sync.begin());
      formatter.container_.emplace(schema, options);
      BONAFIDE_TRY(formatter.container_->header(formatter.out));
    }
    return formatter;
  }

  Status add(const mail::Scored& scored) {
    const ExportRow row = ExportRow::of(scored);
    if (!container_) {
      avro::write_json(row, out);
      out += '\n';
      return Ok{};
    }
    encoded_.clear();
    avro::encode(row, encoded_);
    return container_->append(encoded_, out);
  }
  Status finish() { return container_ ? container_->end_block(out) : Ok{}; }

  std::string out;

 private:
  std::optional<avro::ContainerWriter> container_;
  std::string encoded_;
};

}  // namespace

Status produce_export(Pipeline& pipeline, const api::ExportQuery& query, const BodyProducers::Put& put) {
  BONAFIDE_ASSIGN(auto formatter, Formatter::make(query.format));
  stores::Rows::Query rows;
  rows.limit = 500;
  if (query.from) rows.from = EventId::lowest(*query.from);
  if (query.to) rows.before = EventId::lowest(*query.to);
  if (query.after && *query.after > rows.from) rows.from = *query.after;
  size_t left = query.limit.value_or(SIZE_MAX);
  Status failed = Ok{};
  const auto each = [&](const stores::StoredRow& row) {
    if (query.after && row.id == *query.after) return true;
    mail::Scored scored;
    failed = pipeline.codec().decode(row.event, scored);
    if (!failed.ok()) return false;
    if (!query.tenant.empty() && scored.received.tenant != query.tenant) return true;
    failed = formatter.add(scored);
    if (failed.ok() && formatter.out.size() >= piece_bytes && !put(std::exchange(formatter.out, {})))
      return false;
    return failed.ok() && --left > 0;
  };
  // A damaged row is not served; that there is one breaks the export off, so that nobody takes it for whole.
  std::optional<Error> damaged;
  BONAFIDE_TRY(pipeline.rows().rows().scan(rows, each, [&](const stores::Damage& damage) {
    if (!damaged)
      damaged = Error{Cause::damaged, damage.place + ": " + damage.what + "; run `bonafide verify`"};
  }));
  BONAFIDE_TRY(failed);
  BONAFIDE_TRY(formatter.finish());
  put(std::move(formatter.out));
  if (damaged) return *damaged;
  return Ok{};
}

}  // namespace bonafide::app
