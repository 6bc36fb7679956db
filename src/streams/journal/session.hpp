#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "streams/journal/cursor.hpp"

namespace bonafide::streams::journal {

/// One worker's share of a group.
class JournalSession final : public flow::Session {
 public:
  /// Makes the group and its topics where they are new, and takes its share.
  static Result<std::unique_ptr<flow::Session>> join(const std::shared_ptr<Core>& core,
                                                     const flow::Join& join);
  ~JournalSession() override;
  JournalSession(const JournalSession&) = delete;
  JournalSession& operator=(const JournalSession&) = delete;

  Result<std::vector<flow::Delivery>> read(flow::Lane lane, size_t max_records, size_t max_bytes) override;
  std::vector<flow::ShardId> gained() override;
  std::vector<flow::ShardId> lost() override;
  flow::Position committed(const flow::ShardId& shard) override;
  Status seek(const flow::ShardId& shard, flow::Position position) override;
  std::unique_ptr<flow::Transaction> begin() override;

  /// What the commit of a position says to the journal. The offset behind it is remembered from the read,
  /// else the disk is asked. Errors: fenced (the shard is not held).
  Result<Core::Consumed> consumed(const flow::ShardId& shard, flow::Position position);
  /// What comes after a commit that was not done must not land: its progress would go past what that one was
  /// to do.
  void settled(flow::Fate fate) { refuses_commits_ |= fate != flow::Fate::done; }
  [[nodiscard]] bool refuses_commits() const { return refuses_commits_; }

 private:
  struct Held {
    uint64_t serial;
    Cursor cursor;
    /// What was read and not committed: position and the offset behind it.
    std::deque<std::pair<flow::Position, uint64_t>> read;
    std::vector<ShardKey> forebears;  ///< which come first wherever this session still reads them
    std::optional<uint64_t> end;      ///< of an ended shard: the offset behind its last record
    [[nodiscard]] bool at_end() const { return end && cursor.next() >= *end; }
  };

  JournalSession(std::shared_ptr<Core> core, std::shared_ptr<Member> member)
      : core_(std::move(core)), member_(std::move(member)) {}
  /// Makes held_ what the group says. Errors: fenced.
  Status follow_group();
  void note_ends();
  Status read_shards(flow::Lane lane, size_t max_records, size_t& max_bytes,
                     std::vector<flow::Delivery>& out);

  std::shared_ptr<Core> core_;
  std::shared_ptr<Member> member_;
  std::map<ShardKey, Held> held_;
  std::optional<Error> error_;  ///< of a shard that could not say it because another had records
  size_t turn_ = 0;
  bool waits_for_room_ = false, refuses_commits_ = false;
};

/// Reads one shard without a group.
class JournalReader final : public flow::Reader {
 public:
  JournalReader(std::shared_ptr<Core> core, Cursor cursor, flow::Visibility visibility)
      : core_(std::move(core)), cursor_(std::move(cursor)), visibility_(visibility) {}
  Result<std::vector<flow::Delivery>> read(size_t max_records, size_t max_bytes) override;

 private:
  std::shared_ptr<Core> core_;
  Cursor cursor_;
  flow::Visibility visibility_;
};

}  // namespace bonafide::streams::journal
