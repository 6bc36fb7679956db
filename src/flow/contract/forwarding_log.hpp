#pragma once
#include <memory>
#include <string>
#include <vector>

#include "flow/log.hpp"

namespace bonafide::flow::contract {

/// Another log, as it is: for tests that change one thing about it.
class ForwardingLog : public Log {
 public:
  explicit ForwardingLog(Log& log) : log_(log) {}
  [[nodiscard]] Traits traits() const override { return log_.traits(); }
  Inlet& inlet() override { return log_.inlet(); }
  Result<std::unique_ptr<Session>> join(const Join& join) override { return log_.join(join); }
  Result<std::unique_ptr<Reader>> reader(const ShardId& shard, Position after) override {
    return log_.reader(shard, after);
  }
  Result<std::unique_ptr<Reader>> written_reader(const ShardId& shard, Position after) override {
    return log_.written_reader(shard, after);
  }
  Result<std::vector<Shard>> shards(const std::string& topic) override { return log_.shards(topic); }
  Result<std::vector<Backlog>> backlog(const std::string& group) override { return log_.backlog(group); }
  Result<Position> synced(const ShardId& shard) override { return log_.synced(shard); }
  Result<Position> written(const ShardId& shard) override { return log_.written(shard); }

 private:
  Log& log_;
};

}  // namespace bonafide::flow::contract
