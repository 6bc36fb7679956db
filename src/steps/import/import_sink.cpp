#include "steps/import/import_sink.hpp"

namespace bonafide::steps {

ImportSink::ImportSink(const mail::EventCodec& codec, stores::RowStore& rows, env::Logger& log,
                       env::Metrics& metrics)
    : codec_(codec),
      rows_(rows),
      log_(log),
      written_(metrics.counter("bonafide_rows_written_total", "Rows put into the primary store")),
      duplicate_(metrics.counter("bonafide_rows_duplicate_total",
                                 "Rows that were there already, with the same content")),
      replaced_(metrics.counter("bonafide_rows_replaced_total", "Rows that were there with another content")),
      cleaned_(metrics.counter("bonafide_rows_cleaned_total", "Rows in which something had to be cleaned")) {}

Result<flow::Applied> ImportSink::apply(std::span<const flow::Delivery> deliveries,
                                        const flow::Stretch& stretch, size_t* poison) {
  const flow::Position at = rows_.written(stretch.shard);
  if (stretch.upto <= at) return flow::Applied::already;
  if (stretch.after > at) {
    return {Cause::conflict, "import: shard " + stretch.shard.text() + " was applied up to " +
                                 to_hex(at.view()) + ", the stretch begins after that, at " +
                                 to_hex(stretch.after.view())};
  }
  views_.clear(), heartbeats_.clear(), events_.clear(), encoded_.clear();
  used_ = 0;
  for (size_t i = 0; i < deliveries.size(); ++i) {
    if (deliveries[i].position <= at) continue;  // the stretch begins before what is there
    const auto& record = deliveries[i].record;
    auto event = codec_.read<mail::Scored>(record);
    if (!event.ok()) {
      if (event.error().cause == Cause::unavailable || event.error().cause == Cause::exhausted)
        return event.error();
      *poison = i;
      return Error{Cause::invalid, "import: the event cannot be read: " + event.error().message};
    }
    events_.push_back(std::move(event).value());
    ByteView framed = record.value.view();
    if (framed.empty()) {
      encoded_.emplace_back();
      events_.back()->encode(encoded_.back());
      framed = encoded_.back();
    }
    take(events_.back()->event, framed, stretch.shard.lane);
  }
  BONAFIDE_ASSIGN(const auto written, rows_.write(views_, heartbeats_, stretch));
  count(written, stretch.shard);
  events_.clear();
  return flow::Applied::now;
}

void ImportSink::take(const mail::Scored& event, ByteView framed, flow::Lane lane) {
  const auto& received = event.received;
  if (received.kind == mail::Kind::heartbeat) {
    heartbeats_.push_back(
        {lane == flow::Lane::live ? "live" : "backfill", received.id, received.accepted_at});
    return;
  }
  if (used_ == clean_.size()) clean_.emplace_back();
  views_.push_back(clean_[used_++].of(event, framed));
  if (rows_.has_consumers()) {
    if (changes_.size() < used_) changes_.emplace_back();
    std::string& body = changes_[used_ - 1];
    body.clear();
    describe_change(received.id, event.revision, views_.back().values, event, change_);
    codec_.encode(change_, body);
    views_.back().change = body;
  }
  const auto* flags =
      std::get_if<std::string_view>(&views_.back().values[static_cast<size_t>(EventColumn::flags)]);
  if (flags != nullptr && !flags->empty()) cleaned_.add();
}

void ImportSink::count(const stores::RowStore::Written& written, const flow::ShardId& shard) {
  written_.add(written.rows);
  duplicate_.add(written.duplicates);
  replaced_.add(written.replaced);
  if (written.duplicates > 0) {
    log_.info("import.duplicate", {{"shard", shard.text()}, {"rows", written.duplicates}});
  }
  if (written.replaced > 0)
    log_.warn("import.replaced", {{"shard", shard.text()}, {"rows", written.replaced}});
}

}  // namespace bonafide::steps
