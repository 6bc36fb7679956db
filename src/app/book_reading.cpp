#include "app/book_reading.hpp"

#include "base/text.hpp"
#include "steps/archive/sink.hpp"
#include "steps/collect/door_list.hpp"
#include "steps/import/clean_row.hpp"
#include "steps/import/parked_sink.hpp"

namespace bonafide::app {
namespace {

constexpr size_t read_records = 1000;
constexpr size_t read_bytes = size_t{8} << 20;
constexpr size_t parked_page = 1000;

const mail::Received& received_of(const mail::Received& event) { return event; }
const mail::Received& received_of(const mail::Scored& event) { return event.received; }

std::optional<Hop> hop_of(std::string_view step) {
  if (step == "enrich" || step == "score") return Hop::score;
  if (step == "import") return Hop::import;
  if (step == "archive") return Hop::archive;
  return std::nullopt;
}

}  // namespace

Result<Shards> shard_positions(flow::Log& log, std::string_view topic, const PositionOf& of) {
  BONAFIDE_ASSIGN(const auto shards, log.shards(std::string(topic)));
  Shards found;
  for (const auto& shard : shards) {
    BONAFIDE_ASSIGN(const auto position, of(shard.id));
    found.emplace_back(shard.id, position);
  }
  return found;
}

Status each_behind(flow::Log& log, const Shards& after,
                   const std::function<void(const flow::Delivery&)>& each) {
  for (const auto& [shard, position] : after) {
    BONAFIDE_ASSIGN(const auto reader, log.written_reader(shard, position));
    for (;;) {
      auto records = reader->read(read_records, read_bytes);
      if (!records.ok()) {
        if (records.error().cause != Cause::damaged) return records.error();
        continue;
      }
      if (records->empty()) break;
      for (const auto& delivery : *records) each(delivery);
    }
  }
  return Ok{};
}

void BookReading::listed(Books& books, const stores::StoredRow& row) {
  const auto* content = std::get_if<int64_t>(&row.values[steps::DoorListSink::content]);
  books.accepted(row.id, row.text(steps::DoorListSink::tenant), content == nullptr ? 0 : *content);
}

void BookReading::imported(Books& books, const stores::StoredRow& row) {
  const auto key = from_hex(steps::column(row, steps::EventColumn::message_key));
  const int64_t content = key.ok() && key->size() >= 8 ? static_cast<int64_t>(load_be64(key->data())) : 0;
  books.stored(Hop::import, row.id, steps::column(row, steps::EventColumn::tenant), content, row.revision);
}

Status BookReading::note_positions() {
  using Where = Result<flow::Position>;
  const auto positions = [this](std::string_view topic, const PositionOf& of) {
    return shard_positions(pipeline_.journal(), topic, of);
  };
  std::map<flow::ShardId, flow::Position> committed;
  BONAFIDE_ASSIGN(const auto backlog, pipeline_.journal().backlog("bonafide.score"));
  for (const auto& shard : backlog) committed[shard.shard] = shard.committed;
  BONAFIDE_ASSIGN(auto archived_upto, steps::read_archive_progress(pipeline_.archive()));
  BONAFIDE_ASSIGN(listed_, positions(mail::Received::topic, [&](const flow::ShardId& shard) -> Where {
                    return pipeline_.door_list().written(shard);
                  }));
  BONAFIDE_ASSIGN(scored_, positions(mail::Received::topic,
                                     [&](const flow::ShardId& shard) -> Where { return committed[shard]; }));
  BONAFIDE_ASSIGN(imported_, positions(mail::Scored::topic, [&](const flow::ShardId& shard) -> Where {
                    return pipeline_.rows().written(shard);
                  }));
  BONAFIDE_ASSIGN(archived_, positions(mail::Scored::topic, [&](const flow::ShardId& shard) -> Where {
                    return archived_upto[shard];
                  }));
  BONAFIDE_ASSIGN(parked_, positions("mail.parked", [&](const flow::ShardId& shard) -> Where {
                    return pipeline_.parked_store().written(shard);
                  }));
  return Ok{};
}

template <class Event>
Status BookReading::read_behind(const Shards& after, const Each& each) {
  return each_behind(pipeline_.journal(), after, [&](const flow::Delivery& delivery) {
    const auto event = pipeline_.codec().read<Event>(delivery.record);
    if (!event.ok()) return;  // no event: it waits among the parked ones
    const mail::Received& received = received_of((*event)->event);
    if (received.kind == mail::Kind::message) each(received, delivery);
  });
}

Status BookReading::read_on_the_way() {
  const auto to = [this](Hop hop) {
    return [this, hop](const mail::Received& event, const flow::Delivery& delivery) {
      books_.on_the_way(hop, event.id, event.tenant, steps::DoorListSink::content_of(event));
      if (hop == Hop::score) looked_upto_[delivery.shard] = delivery.position;
    };
  };
  looked_upto_ = {scored_.begin(), scored_.end()};
  BONAFIDE_TRY(read_behind<mail::Received>(scored_, to(Hop::score)));
  BONAFIDE_TRY(read_behind<mail::Scored>(imported_, to(Hop::import)));
  BONAFIDE_TRY(read_behind<mail::Scored>(archived_, to(Hop::archive)));
  return read_parking();
}

// Records on their way to the parked store.
Status BookReading::read_parking() {
  const steps::ParkedSink sink(pipeline_.codec(), pipeline_.parked_store());
  return each_behind(pipeline_.journal(), parked_, [&](const flow::Delivery& delivery) {
    const auto record = flow::ParkedRecord::decode(delivery.record.value.view());
    if (record.ok()) parked(*record, sink.subject_of(*record), false);
  });
}

Status BookReading::read_parked() {
  for (int64_t cursor = 0;;) {
    BONAFIDE_ASSIGN(const auto page, pipeline_.parked_store().list(std::nullopt, cursor, parked_page));
    for (const auto& item : page.items) {
      if (item.state != stores::ParkedState::retried)
        parked(item.record, item.subject, item.state == stores::ParkedState::dropped);
    }
    if (page.cursor == 0) return Ok{};
    cursor = page.cursor;
  }
}

void BookReading::parked(const flow::ParkedRecord& record, const std::string& subject, bool dropped) {
  const auto hop = hop_of(record.step);
  const auto id = EventId::parse(subject);
  if (hop && id.ok()) books_.parked(*hop, *id, dropped);
}

Status BookReading::read_not_listed() {
  return read_behind<mail::Received>(listed_, [&](const mail::Received& event, const flow::Delivery& at) {
    const int64_t content = steps::DoorListSink::content_of(event);
    books_.accepted(event.id, event.tenant, content);
    if (at.position > looked_upto_[at.shard]) books_.on_the_way(Hop::score, event.id, event.tenant, content);
  });
}

}  // namespace bonafide::app
