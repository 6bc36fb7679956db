#pragma once
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "flow/contract/forwarding_log.hpp"

namespace bonafide::flow::contract {

/// A log behind a connection that can break at a commit: the request is lost, or the answer is. What a worker
/// in this process never sees of an embedded log is the normal bad day of a log behind a network; the suite
/// holds all of them to it.
class BreakingLog final : public ForwardingLog {
 public:
  using ForwardingLog::ForwardingLog;

  /// The connection of the session that commits next breaks: after the log has done it (`lands`), or before
  /// the log has heard of it.
  void break_next_commit(bool lands) { *lands_ = lands; }

  Result<std::unique_ptr<Session>> join(const Join& join) override {
    BONAFIDE_ASSIGN(auto session, ForwardingLog::join(join));
    return {std::make_unique<Connection>(std::move(session), lands_)};
  }

 private:
  using Breaks = std::shared_ptr<std::optional<bool>>;  ///< nothing: all is well; else: does it land?

  class Settled final : public Commit {
   public:
    explicit Settled(Fate fate) : fate_(fate) {}
    std::optional<Fate> poll() override { return fate_; }
    [[nodiscard]] const Inlet::Landed& landed() const override { return landed_; }

   private:
    Fate fate_;
    Inlet::Landed landed_;
  };

  class Connection final : public Session {
   public:
    Connection(std::unique_ptr<Session> session, Breaks lands)
        : session_(std::move(session)), lands_(std::move(lands)) {}
    Result<std::vector<Delivery>> read(Lane lane, size_t max_records, size_t max_bytes) override {
      if (!session_) return broken();
      return session_->read(lane, max_records, max_bytes);
    }
    std::vector<ShardId> gained() override { return session_ ? session_->gained() : std::vector<ShardId>(); }
    std::vector<ShardId> lost() override { return session_ ? session_->lost() : std::vector<ShardId>(); }
    Position committed(const ShardId& shard) override {
      return session_ ? session_->committed(shard) : Position{};
    }
    Status seek(const ShardId& shard, Position position) override {
      if (!session_) return broken();
      return session_->seek(shard, position);
    }
    std::unique_ptr<Transaction> begin() override {
      return std::make_unique<Request>(*this, session_ ? session_->begin() : nullptr);
    }
    /// The log notices that the other end is gone: the session's shards are given back.
    std::unique_ptr<Commit> commit(std::unique_ptr<Transaction> transaction) {
      if (!transaction || !session_) return std::make_unique<Settled>(Fate::fenced);
      const auto breaks = std::exchange(*lands_, std::nullopt);
      if (!breaks) return transaction->commit();
      if (*breaks) {
        const auto done = transaction->commit();
        while (!done->poll()) {
        }
      }
      transaction.reset();
      session_.reset();
      return std::make_unique<Settled>(Fate::unknown);
    }

   private:
    static Error broken() { return {Cause::fenced, "the connection is broken; join again"}; }
    std::unique_ptr<Session> session_;
    Breaks lands_;
  };

  class Request final : public Transaction {
   public:
    Request(Connection& connection, std::unique_ptr<Transaction> transaction)
        : connection_(connection), transaction_(std::move(transaction)) {}
    void append(Entry entry) override {
      if (transaction_) transaction_->append(std::move(entry));
    }
    void consumed(const ShardId& shard, Position position) override {
      if (transaction_) transaction_->consumed(shard, position);
    }
    std::unique_ptr<Commit> commit() override { return connection_.commit(std::move(transaction_)); }

   private:
    Connection& connection_;
    std::unique_ptr<Transaction> transaction_;
  };

  Breaks lands_ = std::make_shared<std::optional<bool>>();
};

}  // namespace bonafide::flow::contract
