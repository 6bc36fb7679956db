#include "steps/collect/raw.hpp"

#include <algorithm>
#include <array>

#include "flow/varint.hpp"

namespace bonafide::steps {
namespace {

constexpr char layout = 1;
constexpr uint64_t most_pieces = 1 << 16;

int64_t pieces_of(const stores::StoredRow& row) {
  const auto* count = std::get_if<int64_t>(&row.values[RawSink::count]);
  return count == nullptr ? 0 : *count;
}

}  // namespace

void begin_message_key(Sha256& hash, std::string_view tenant, std::string_view mail_from) {
  constexpr std::string_view separator("\0", 1);
  hash.update(tenant);
  hash.update(separator);
  hash.update(mail_from);
  hash.update(separator);
}

std::string RawPiece::encode() const {
  std::string out(1, layout);
  out.reserve(bytes.size() + tenant.size() + mail_from.size() + 16);
  flow::put_varint(out, number);
  flow::put_varint(out, count);
  flow::put_bytes(out, tenant);
  flow::put_bytes(out, mail_from);
  flow::put_bytes(out, bytes);
  return out;
}

Result<RawPiece> RawPiece::decode(const flow::Record& record) {
  const ByteView value = record.value.view();
  const auto id = EventId::from_bytes(record.key.view());
  if (value.empty() || !id.ok()) return Error{Cause::damaged, "a piece of a raw message is cut short"};
  if (value.front() != layout)
    return Error{Cause::invalid, "a piece of a raw message of a newer version: run that one"};
  flow::VarintReader in(value.substr(1));
  RawPiece piece;
  piece.id = *id;
  const uint64_t number = in.varint(), count = in.varint();
  piece.tenant = in.bytes();
  piece.mail_from = in.bytes();
  piece.bytes = in.bytes();
  if (!in.at_end() || count > most_pieces || number >= count)
    return Error{Cause::damaged, "a piece of the raw message of " + piece.id.hex() + " cannot be read"};
  piece.number = static_cast<uint32_t>(number), piece.count = static_cast<uint32_t>(count);
  return piece;
}

void append_raw(const mail::Received& event, ByteView raw, flow::Lane lane,
                std::vector<flow::Entry>& entries) {
  const size_t count = std::max<size_t>((raw.size() + RawPiece::most_bytes - 1) / RawPiece::most_bytes, 1);
  for (size_t number = 0; number < count; ++number) {
    const RawPiece piece{event.id,
                         event.tenant,
                         event.envelope.mail_from,
                         static_cast<uint32_t>(number),
                         static_cast<uint32_t>(count),
                         raw.substr(number * RawPiece::most_bytes, RawPiece::most_bytes)};
    flow::Record record;
    record.key = SharedBytes::copy(event.id.view());
    record.value = SharedBytes(piece.encode());
    record.timestamp = event.accepted_at;
    entries.push_back({std::string(RawPiece::topic), lane, std::move(record)});
  }
}

Result<flow::Applied> RawSink::apply(std::span<const flow::Delivery> deliveries, const flow::Stretch& stretch,
                                     size_t* poison) {
  if (stretch.upto <= raw_.written(stretch.shard)) return flow::Applied::already;
  using Values = std::array<stores::ValueView, 3>;
  std::vector<RawPiece> pieces;
  std::vector<Values> values;
  std::vector<stores::RowView> rows;
  pieces.reserve(deliveries.size());
  values.reserve(deliveries.size());
  for (size_t i = 0; i < deliveries.size(); ++i) {
    auto piece = RawPiece::decode(deliveries[i].record);
    if (!piece.ok()) {
      *poison = i;
      return piece.error();
    }
    const auto& kept = pieces.emplace_back(std::move(*piece));
    values.push_back({std::string_view(kept.tenant), std::string_view(kept.mail_from), int64_t{kept.count}});
    rows.push_back({kept.id, static_cast<int32_t>(kept.number), values.back(), kept.bytes});
  }
  BONAFIDE_TRY(raw_.write(rows, {}, stretch));
  return flow::Applied::now;
}

Status read_raw(stores::Rows& raw, const EventId& id, const std::function<bool(std::string piece)>& each) {
  int64_t count = 1;
  for (int32_t number = 0; number < count; ++number) {
    auto row = raw.get(id, number);
    if (!row.ok()) {
      if (row.error().cause != Cause::not_found) return row.error();
      if (number > 0)
        return {Cause::damaged, "piece " + std::to_string(number) + " of the bytes of " + id.hex() +
                                    " is missing, unless they are being removed"};
      return {Cause::not_found, "the bytes of " + id.hex() +
                                    " are not kept: door.keep_raw says for how long they are, beginning with "
                                    "the next message"};
    }
    count = pieces_of(*row);
    if (!each(std::move(row->event))) return Ok{};
  }
  return Ok{};
}

}  // namespace bonafide::steps
