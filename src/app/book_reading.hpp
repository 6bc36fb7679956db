#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/books.hpp"
#include "app/pipeline.hpp"

namespace bonafide::app {

using Shards = std::vector<std::pair<flow::ShardId, flow::Position>>;
using PositionOf = std::function<Result<flow::Position>(const flow::ShardId&)>;
/// Where somebody stands in every shard of a topic.
Result<Shards> shard_positions(flow::Log& log, std::string_view topic, const PositionOf& of);
/// Calls `each` for what lies behind the positions, also what is written and not synced yet: a step's
/// progress may already lie behind it. Damage is passed over: whoever reads the journal itself names it.
Status each_behind(flow::Log& log, const Shards& after,
                   const std::function<void(const flow::Delivery&)>& each);

/// Reads into Books what stands between the stores, beside a running pipeline. The order makes it true while
/// mail flows: positions first; then the caller reads the door's list; then what lies behind the positions
/// (so whatever is on the list is behind a position, or has been stored before); then the caller reads the
/// stores; last what the door has taken meanwhile, some of which is in the stores, and the rest on its way.
class BookReading {
 public:
  BookReading(Pipeline& pipeline, Books& books) : pipeline_(pipeline), books_(books) {}

  Status note_positions();
  Status read_on_the_way();
  Status read_parked();
  Status read_not_listed();

  /// An event as a store's row has it.
  static void listed(Books& books, const stores::StoredRow& row);
  static void imported(Books& books, const stores::StoredRow& row);

 private:
  using Each = std::function<void(const mail::Received&, const flow::Delivery&)>;
  template <class Event>
  Status read_behind(const Shards& after, const Each& each);
  Status read_parking();
  void parked(const flow::ParkedRecord& record, const std::string& subject, bool dropped);

  Pipeline& pipeline_;
  Books& books_;
  Shards listed_, scored_, imported_, archived_, parked_;
  std::map<flow::ShardId, flow::Position> looked_upto_;  ///< in mail.received, for what is on the way
};

}  // namespace bonafide::app
