#pragma once
#include <span>

#include "mail/change.hpp"
#include "mail/codec.hpp"
#include "stores/sqlite/row_store.hpp"

namespace bonafide::steps {

/// What change capture tells of a row: of its columns and the event they came from. `out` is overwritten; it
/// keeps its memory.
void describe_change(const EventId& id, int32_t revision, std::span<const stores::ValueView> columns,
                     const mail::Scored& event, mail::Change& out);

/// Likewise of a row that is stored: the same as when it was written. Errors: those of EventCodec::decode.
Result<mail::Change> change_of(const stores::StoredRow& row, const mail::EventCodec& codec);

}  // namespace bonafide::steps
