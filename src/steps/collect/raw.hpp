#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "flow/log.hpp"
#include "flow/processor.hpp"
#include "mail/event.hpp"
#include "stores/sqlite/row_store.hpp"

namespace bonafide::steps {

/// A piece of a message's bytes as it travels on mail.raw beside its event: appended with it, so that both
/// are synced before the message is accepted, or neither. The record's key is the event id.
struct RawPiece {
  static constexpr std::string_view topic = "mail.raw";
  static constexpr size_t most_bytes = size_t{1} << 20;

  EventId id;
  std::string tenant, mail_from;  ///< what the message key was made from, with the bytes
  uint32_t number = 0, count = 1;
  ByteView bytes;  ///< of the record it was decoded from

  /// Compact form: a version byte, number and count as varints; tenant, mail_from and bytes with their
  /// lengths.
  [[nodiscard]] std::string encode() const;
  /// Errors: damaged; invalid (written by a newer version).
  static Result<RawPiece> decode(const flow::Record& record);
};

/// Begins the hash of a message key; what is left to add are the message's bytes.
void begin_message_key(Sha256& hash, std::string_view tenant, std::string_view mail_from);

/// Appends the pieces of a message behind the entry of its event.
void append_raw(const mail::Received& event, ByteView raw, flow::Lane lane,
                std::vector<flow::Entry>& entries);

/// The raw messages' sink: a row for each piece, its number as the row's revision.
class RawSink final : public flow::Sink {
 public:
  enum Column : size_t { tenant, mail_from, count };
  static std::vector<stores::Column> columns() {
    return {{"tenant", stores::ColumnType::text},
            {"mail_from", stores::ColumnType::text},
            {"pieces", stores::ColumnType::integer}};
  }
  explicit RawSink(stores::RowStore& raw) : raw_(raw) {}

  Result<flow::Applied> apply(std::span<const flow::Delivery> deliveries, const flow::Stretch& stretch,
                              size_t* poison) override;
  Result<flow::Position> applied(const flow::ShardId& shard) override { return raw_.durable(shard); }
  Status settle(Time steady, bool drain) override { return raw_.settle(steady, drain); }
  [[nodiscard]] Time settle_due() const override { return raw_.settle_due(); }

 private:
  stores::RowStore& raw_;
};

/// The bytes of a message as they were received, piece by piece, until `each` gives false. Errors: not_found
/// (none are kept, or not any more); damaged.
Status read_raw(stores::Rows& raw, const EventId& id, const std::function<bool(std::string piece)>& each);

}  // namespace bonafide::steps
