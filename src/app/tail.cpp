#include "app/tail.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "base/text.hpp"

namespace bonafide::app {
namespace {

constexpr size_t read_records = 64;
constexpr size_t read_bytes = size_t{256} << 10;
// People watch: so late is soon enough, and looking costs a lock each time.
constexpr auto look_again = std::chrono::milliseconds(50);
// So that who listens, and whatever stands in between, knows that the connection lives.
constexpr Duration keep_alive = Duration::seconds(15);
// The newest records are looked for in so much of the log, and in more only while there are too few of them.
constexpr uint64_t first_window = uint64_t{256} << 10, last_window = uint64_t{64} << 20;
// Records of one lane stand in the order of their acceptance, but for what the steps overtook.
constexpr Duration disorder = Duration::minutes(1);

flow::Position before(flow::Position position) {
  for (size_t i = position.bytes.size(); i-- > 0;) {
    auto& byte = position.bytes[i];
    byte = static_cast<char>(static_cast<unsigned char>(byte) - 1);
    if (static_cast<unsigned char>(byte) != 0xff) break;
  }
  return position;
}

/// What a reader gives next, past damage: whoever looks for a place need not be told of it.
Result<std::vector<flow::Delivery>> read_past_damage(flow::Reader& reader, size_t records, size_t bytes) {
  for (;;) {
    auto some = reader.read(records, bytes);
    if (some.ok() || some.error().cause != Cause::damaged) return some;
  }
}

}  // namespace

// --- where one is: "l0-00000000000012ab_b0-": lane and number of a shard, position in hex without the zeros
// at its end.

std::string TailCursor::text() const {
  std::string out;
  for (const auto& [shard, position] : at) {
    ByteView bytes = position.view();
    while (!bytes.empty() && bytes.back() == '\0') bytes.remove_suffix(1);
    out += (out.empty() ? "" : "_") + std::string(shard.lane == flow::Lane::live ? "l" : "b") +
           std::to_string(shard.number) + "-" + to_hex(bytes);
  }
  return out;
}

Result<TailCursor> TailCursor::parse(const std::string& stream, const std::string& text) {
  TailCursor cursor;
  const Error wrong{Cause::invalid, "\"" + clean_text(text, 100) +
                                        "\" is no place in a stream: give the \"at\" (" +
                                        "the event id) of the last record you have"};
  for (const auto part : split(text, '_')) {
    const size_t dash = part.find('-');
    if (dash == std::string_view::npos || dash < 2 || (part[0] != 'l' && part[0] != 'b')) return wrong;
    const auto number = parse_int(part.substr(1, dash - 1));
    const auto bytes = from_hex(part.substr(dash + 1));
    flow::Position position;
    if (!number.ok() || *number < 0 || *number > UINT16_MAX || !bytes.ok() ||
        bytes->size() > position.bytes.size())
      return wrong;
    std::ranges::copy(*bytes, position.bytes.begin());
    cursor.at[{stream, part[0] == 'l' ? flow::Lane::live : flow::Lane::backfill,
               static_cast<uint32_t>(*number)}] = position;
  }
  return cursor;
}

// --- beginning

std::vector<std::string> stream_names(const Pipeline& pipeline) {
  std::set<std::string> names;
  for (const auto& topic : input_topics()) names.insert(topic);
  const auto& topology = pipeline.topology();
  names.insert(topology.parked);
  for (const auto& worker : topology.workers) {
    for (const auto* topic : {&worker.from, &worker.to, &worker.parked})
      if (!topic->empty()) names.insert(*topic);
  }
  return {names.begin(), names.end()};
}

Result<std::shared_ptr<Tail>> Tail::open(Pipeline& pipeline, env::Clock& clock, const api::TailQuery& query) {
  // Asked for by name alone, a topic would be made.
  const auto names = stream_names(pipeline);
  if (std::ranges::find(names, query.stream) == names.end()) {
    const std::string likely = closest(query.stream, names);
    return Error{Cause::not_found,
                 "there is no stream \"" + clean_text(query.stream, 100) + "\"; " +
                     (likely.empty() ? "there are " + join(names, ", ") : "do you mean " + likely + "?")};
  }
  BONAFIDE_ASSIGN(auto view,
                  StreamView::make(pipeline.codec(), pipeline.schemas(), query, pipeline.topology().parked));
  std::shared_ptr<Tail> tail(new Tail(pipeline, clock, query, std::move(view)));
  if (!query.after.empty()) {
    BONAFIDE_ASSIGN(tail->cursor_, TailCursor::parse(query.stream, query.after));
  }
  BONAFIDE_ASSIGN(const auto shards, pipeline.journal().shards(query.stream));
  const bool from_now = query.after.empty() && !query.beginning && !query.from && !query.last;
  TailCursor known;
  for (const auto& shard : shards) {
    BONAFIDE_ASSIGN(const auto end, pipeline.journal().synced(shard.id));
    tail->shards_.push_back({shard.id, end, nullptr});
    known.at[shard.id] = from_now || query.last ? end : tail->cursor_.at[shard.id];
  }
  tail->cursor_ = std::move(known);
  return tail;
}

// The last place before which everything was accepted earlier. Retries and the past being loaded stand in the
// order of their own, so in that lane all is looked at.
Result<flow::Position> Tail::place_of(const Shard& shard, Time time) {
  if (shard.id.lane != flow::Lane::live) return flow::Position{};
  uint64_t low = 0, high = shard.end.major();
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    BONAFIDE_ASSIGN(const auto reader, pipeline_.journal().reader(shard.id, flow::Position::of(middle)));
    BONAFIDE_ASSIGN(const auto one, read_past_damage(*reader, 1, 1));
    const bool earlier = !one.empty() && one.front().record.timestamp < time - disorder;
    (earlier ? low : high) = middle;
  }
  return flow::Position::of(low);
}

// Of what the filter lets through, the newest; all of the log is gone through only where that is little.
Status Tail::keep_last(Shard& shard, size_t count, std::vector<flow::Delivery>& kept) const {
  for (uint64_t window = first_window;; window *= 4) {
    const uint64_t end = shard.end.major();
    const uint64_t start = end > window ? end - window : 0;
    kept.clear();
    BONAFIDE_ASSIGN(const auto reader, pipeline_.journal().reader(shard.id, flow::Position::of(start)));
    for (bool more = true; more;) {
      BONAFIDE_ASSIGN(auto some, read_past_damage(*reader, read_records, read_bytes));
      more = !some.empty();
      for (auto& delivery : some) {
        if (delivery.position > shard.end) more = false;
        JsonWriter unused(std::string("{"));
        if (delivery.position <= shard.end && view_.show(delivery, unused))
          kept.push_back(std::move(delivery));
      }
      if (kept.size() > count) kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(count));
    }
    if (kept.size() == count || start == 0 || window >= last_window) return Ok{};
  }
}

Status Tail::show_last(const LiveViews::Put& put) {
  std::vector<flow::Delivery> all;
  for (auto& shard : shards_) {
    std::vector<flow::Delivery> kept;
    BONAFIDE_TRY(keep_last(shard, *query_.last, kept));
    if (!kept.empty()) cursor_.at[shard.id] = before(kept.front().position);
    std::ranges::move(kept, std::back_inserter(all));
  }
  std::ranges::stable_sort(all, {}, [](const flow::Delivery& delivery) { return delivery.record.timestamp; });
  const size_t surplus = all.size() - std::min(all.size(), *query_.last);
  for (size_t i = 0; i < all.size(); ++i) {
    cursor_.at[all[i].shard] = std::max(cursor_.at[all[i].shard], all[i].position);
    if (i >= surplus) BONAFIDE_TRY(show_one(all[i], put));
  }
  for (auto& shard : shards_) cursor_.at[shard.id] = shard.end;
  return Ok{};
}

Status Tail::begin(const LiveViews::Put& put) {
  if (query_.last) BONAFIDE_TRY(show_last(put));
  for (auto& shard : shards_) {
    auto& after = cursor_.at[shard.id];
    if (query_.from) {
      BONAFIDE_ASSIGN(after, place_of(shard, *query_.from));
    }
    if (!query_.after.empty() && after != flow::Position{}) {
      BONAFIDE_ASSIGN(const auto oldest, pipeline_.journal().reader(shard.id, {}));
      BONAFIDE_ASSIGN(const auto first, read_past_damage(*oldest, 1, 1));
      if (!first.empty() && first.front().position > after)
        note(put, "gap",
             "what came before " + format_rfc3339(first.front().record.timestamp) + " is not kept any more");
    }
    BONAFIDE_ASSIGN(shard.reader, pipeline_.journal().reader(shard.id, after));
  }
  return Ok{};
}

// --- going on

// What came into being meanwhile is read from its beginning.
Status Tail::add_new_shards() {
  const Time now = clock_.steady();
  if (!query_.follow || now < shards_due_) return Ok{};
  shards_due_ = now + Duration::seconds(1);
  BONAFIDE_ASSIGN(const auto there, pipeline_.journal().shards(query_.stream));
  for (const auto& shard : there) {
    if (cursor_.at.contains(shard.id)) continue;
    BONAFIDE_ASSIGN(auto reader, pipeline_.journal().reader(shard.id, {}));
    cursor_.at[shard.id] = {};
    shards_.push_back({shard.id, {}, std::move(reader)});
  }
  return Ok{};
}

bool Tail::is_over(bool found) const {
  if (reader_gone_ || (query_.limit && shown_ >= *query_.limit)) return true;
  return !found && !query_.follow &&
         std::ranges::all_of(shards_, [](const Shard& shard) { return shard.done; });
}

Status Tail::show(const LiveViews::Put& put, const std::function<bool()>& closing) {
  said_ = clock_.steady();
  if (query_.framing == api::TailQuery::Framing::events) reader_gone_ = !put("retry: 1000\n\n");
  BONAFIDE_TRY(begin(put));
  for (bool found = false; !is_over(found) && !closing();) {
    found = false;
    BONAFIDE_TRY(add_new_shards());
    for (auto& shard : shards_) {
      BONAFIDE_ASSIGN(const bool more, show_more(shard, put));
      found |= more;
    }
    if (found || is_over(found)) continue;
    const bool quiet = clock_.steady() - said_ > keep_alive;
    if (quiet) said_ = clock_.steady();
    // Also without a word: it tells whether somebody still reads.
    reader_gone_ |= !put(!quiet                                              ? ""
                         : query_.framing == api::TailQuery::Framing::events ? ": keep-alive\n\n"
                                                                             : "\n");
    std::this_thread::sleep_for(look_again);
  }
  return Ok{};
}

Result<std::vector<flow::Delivery>> Tail::read(Shard& shard, const LiveViews::Put& put) {
  for (;;) {
    auto some = shard.reader->read(read_records, read_bytes);
    if (some.ok() || some.error().cause != Cause::damaged) return some;
    if (!note(put, "damaged", some.error().message)) return std::vector<flow::Delivery>();
  }
}

Result<bool> Tail::show_more(Shard& shard, const LiveViews::Put& put) {
  if (shard.done || is_over(true)) return false;
  BONAFIDE_ASSIGN(const auto some, read(shard, put));
  for (const auto& delivery : some) {
    if (!query_.follow && delivery.position > shard.end) break;
    cursor_.at[shard.id] = delivery.position;
    if (!query_.from || delivery.record.timestamp >= *query_.from) BONAFIDE_TRY(show_one(delivery, put));
    if (is_over(true)) break;
  }
  // Without following, what comes meanwhile is not waited for.
  if (!query_.follow) shard.done = some.empty() || some.back().position >= shard.end;
  return !some.empty();
}

Status Tail::show_one(const flow::Delivery& delivery, const LiveViews::Put& put) {
  const std::string at = cursor_.text();
  JsonWriter json;
  json.begin_object()
      .member("at", at)
      .member("stream", delivery.shard.topic)
      .member("lane", delivery.shard.lane == flow::Lane::live ? "live" : "backfill")
      .member("accepted_at", delivery.record.timestamp);
  if (!view_.show(delivery, json)) return Ok{};
  json.end_object();
  ++shown_;
  said_ = clock_.steady();
  const bool events = query_.framing == api::TailQuery::Framing::events;
  reader_gone_ |= !put(events ? "id: " + at + "\ndata: " + json.text() + "\n\n" : json.end_line().take());
  return Ok{};
}

/// Something about the stream itself. False: nobody reads any more.
bool Tail::note(const LiveViews::Put& put, const char* what, const std::string& how) const {
  JsonWriter json;
  json.begin_object().member("stream", query_.stream).member(what, how).end_object();
  const bool events = query_.framing == api::TailQuery::Framing::events;
  return put(events ? "event: " + std::string(what) + "\ndata: " + json.text() + "\n\n"
                    : json.end_line().take());
}

}  // namespace bonafide::app
