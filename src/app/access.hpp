#pragma once
#include <functional>
#include <memory>
#include <string>

#include "api/service.hpp"
#include "app/verbs.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace bonafide::app {

/// How a verb asks about a data folder: the running service through its API, or, where none runs, the folder
/// itself under its lock. The answers are the same JSON.
class Access {
 public:
  virtual ~Access() = default;
  /// Errors: not_found (no data there); conflict (another process holds the folder and does not answer).
  static Result<std::unique_ptr<Access>> open(const Common& common);
  /// Of the running service alone. Errors: not_found; unavailable (none runs).
  static Result<std::unique_ptr<Access>> open_running(const Common& common);
  /// Is there a service behind it?
  [[nodiscard]] virtual bool running() const = 0;

  using Take = std::function<bool(ByteView)>;
  virtual Result<std::string> message(const EventId& id, bool rescore) = 0;
  /// The bytes of the message as they were received.
  virtual Status raw(const EventId& id, const Take& take) = 0;
  virtual Result<std::string> judge(const EventId& id, api::Judgement judgement) = 0;
  virtual Result<std::string> status() = 0;
  virtual Result<std::string> parked(const api::ParkedQuery& query) = 0;
  virtual Result<std::string> parked_record(const std::string& id) = 0;
  virtual Result<std::string> settle_parked(const std::string& id, api::Service::ParkedAction action) = 0;
  virtual Status export_rows(const api::ExportQuery& query, const Take& take) = 0;
  virtual Status verify(bool quick, const Take& take) = 0;
  virtual Result<std::string> search(const api::SearchQuery& query) = 0;
  virtual Result<std::string> stats(const api::StatsQuery& query) = 0;
  /// Begins one; where no service runs, it is over when this returns.
  virtual Result<std::string> reprocess(const api::ReprocessQuery& query) = 0;
  virtual Result<std::string> reprocess_state() = 0;
  virtual Result<std::string> cancel_reprocess() = 0;
  virtual Status reindex(const Take& take) = 0;
  virtual Status tail(const api::TailQuery& query, const Take& take) = 0;
};

}  // namespace bonafide::app
