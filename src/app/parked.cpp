#include <future>

#include "app/service.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "mail/redact.hpp"

// The parked records as the API and the command line see them.
namespace bonafide::app {
namespace {

void write_item(JsonWriter& json, const stores::ParkedItem& item) {
  json.member("id", item.name)
      .member("event", item.subject)
      .member("step", item.record.step)
      .member("topic", item.record.shard.topic)
      .member("cause", item.record.cause)
      .member("attempt", static_cast<int>(item.record.attempt))
      .member("parked_at", item.record.parked_at)
      .member("state", stores::to_string(item.state))
      .member("payload_bytes", item.record.value.size());
}

// The keys of all records begin with the tenant.
bool is_of(const stores::ParkedItem& item, const std::string& tenant) {
  const ByteView key = item.record.key.view();
  return tenant.empty() || key.substr(0, key.find('\0')) == tenant;
}

}  // namespace

Result<std::string> Service::parked_json(const api::ParkedQuery& query) {
  int64_t cursor = 0;
  if (!query.cursor.empty()) {
    const auto number = parse_int(query.cursor);
    if (!number.ok()) return {Cause::invalid, "cursor: " + number.error().message};
    cursor = *number;
  }
  JsonWriter json;
  json.begin_object().key("parked").begin_array();
  size_t left = query.limit;
  do {
    BONAFIDE_ASSIGN(const auto page,
                    pipeline_.parked_store().list(stores::ParkedState::parked, cursor, left));
    for (const auto& item : page.items) {
      if (!is_of(item, query.tenant)) continue;
      json.begin_object();
      write_item(json, item);
      json.end_object();
      --left;
    }
    cursor = page.cursor;
  } while (cursor != 0 && left > 0);
  json.end_array();
  if (cursor != 0) json.member("next_cursor", std::to_string(cursor));
  return json.end_object().take();
}

void Service::parked(const api::ParkedQuery& query, Answer answer) {
  tasks_.run([this, query, answer = std::move(answer)] { answer(parked_json(query)); });
}

void Service::parked_record(const std::string& id, bool reveal, Answer answer) {
  tasks_.run([this, id, reveal, answer = std::move(answer)] {
    const auto item = pipeline_.parked_store().get(id);
    if (!item.ok()) return answer(item.error());
    JsonWriter json;
    json.begin_object();
    write_item(json, *item);
    const ByteView key = item->record.key.view();
    json.member("key", reveal ? std::string(key) : mail::redact(key));
    if (reveal) json.member("payload_base64", to_base64(item->record.value.view()));
    answer(json.end_object().take());
  });
}

// The record goes back to where it was read, in the backfill lane, as one attempt later.
Status Service::put_back(const stores::ParkedItem& item) {
  flow::Record record;
  record.key = item.record.key;
  record.value = item.record.value;
  record.timestamp = item.record.timestamp;
  record.attempt = static_cast<uint16_t>(item.record.attempt + 1);
  std::vector<flow::Entry> entries;
  entries.push_back({item.record.shard.topic, flow::Lane::backfill, std::move(record)});
  std::promise<Status> promise;
  auto synced = promise.get_future();
  pipeline_.journal().inlet().append(std::move(entries),
                                     [&promise](const Result<flow::Inlet::Landed>& landed) {
                                       promise.set_value(landed.ok() ? Status(Ok{}) : Status(landed.error()));
                                     });
  if (runner_ == nullptr) {  // nobody else steps the journal
    while (synced.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      BONAFIDE_TRY(pipeline_.journal().flusher().step());
    }
  }
  return synced.get();
}

Result<std::string> Service::settle_parked_json(const std::string& id, ParkedAction action) {
  BONAFIDE_ASSIGN(const auto item, pipeline_.parked_store().get(id));
  const auto to = action == ParkedAction::retry ? stores::ParkedState::retried : stores::ParkedState::dropped;
  if (item.state != stores::ParkedState::parked) {
    return {Cause::conflict, item.name + " has been " + stores::to_string(item.state) + " already"};
  }
  // First back, then noted: a crash in between puts it back twice, which gives the same revision under the
  // same id.
  if (action == ParkedAction::retry) BONAFIDE_TRY(put_back(item));
  BONAFIDE_TRY(
      pipeline_.parked_store().set_state(item.name, stores::ParkedState::parked, to, outside_.clock.now()));
  JsonWriter json;
  json.begin_object()
      .member("id", item.name)
      .member("event", item.subject)
      .member("state", stores::to_string(to));
  return json.end_object().take();
}

void Service::settle_parked(const std::string& id, ParkedAction action, Answer answer) {
  tasks_.run([this, id, action, answer = std::move(answer)] { answer(settle_parked_json(id, action)); });
}

}  // namespace bonafide::app
