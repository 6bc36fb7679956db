#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/tenants.hpp"
#include "api/views.hpp"
#include "avro/registry.hpp"
#include "base/ids.hpp"
#include "base/ip.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http.hpp"

namespace bonafide::api {

/// A message as it was posted.
struct Submission {
  std::string raw;
  std::string tenant;                    ///< "": from the recipients
  std::optional<std::string> mail_from;  ///< "" = the null sender; nothing = not known
  std::vector<std::string> rcpt_to;
  // From trusted callers only.
  std::optional<IpAddress> client_ip;
  std::string helo;
  std::optional<Time> received_at;
};

/// A message that is durable.
struct Receipt {
  EventId id;  ///< of the first event; the same for a repeat
  bool duplicate = false;
  std::vector<EventId> ids;  ///< one a tenant; may be empty where there is only `id`
};

struct Reason {
  std::string text;
  double weight = 0;
};

/// What was decided about one event.
struct Decision {
  EventId id;
  std::string verdict, attack;  ///< the schema's words
  double trust = 0;
  std::vector<Reason> reasons;
};

/// How things are. `lines` says what is wrong, or what was looked at.
struct Health {
  bool ok = true;
  std::vector<std::pair<std::string, std::string>> lines;  ///< what → how it is
};

struct LedgerQuery {
  std::optional<Time> from, to;  ///< event time, [from, to)
  std::string tenant, hop;       ///< "" = all
  size_t limit = 1000;
  std::string cursor;  ///< as the last page gave it; "" = from the start
};

struct ParkedQuery {
  size_t limit = 100;
  std::string cursor;
  bool reveal = false;  ///< local parts of addresses and payloads in full
  std::string tenant;   ///< "" = all
};

struct SearchQuery {
  std::string text;                                        ///< the query language of docs/search.md
  std::string tenant, sender, recipient, verdict, attack;  ///< "" = all
  std::optional<Time> from, to;                            ///< event time, [from, to)
  size_t limit = 50;
  std::string cursor;
};

struct StatsQuery {
  std::string group_by = "hour";  ///< hour, day, domain, verdict, attack, direction, judgement or tenant
  std::string tz = "UTC";         ///< whose hours and days
  std::string text, tenant;       ///< as in SearchQuery
  std::optional<Time> from, to;
  size_t limit = 1000;  ///< groups
};

struct ReprocessQuery {
  Time from, to;                ///< of acceptance, [from, to)
  std::string step = "enrich";  ///< from which step on: enrich or score
  std::string tenant;           ///< "" = all
};

enum class ExportFormat { json_lines, avro };
struct ExportQuery {
  ExportFormat format = ExportFormat::json_lines;
  std::optional<Time> from, to;  ///< of acceptance, [from, to)
  std::string tenant;            ///< "" = all
  std::optional<EventId> after;  ///< rows after this id: the last one a caller has
  std::optional<size_t> limit;
};

enum class Judgement { good, bad };
/// A judgement that is durable.
struct Judged {
  bool applied = false;  ///< the row has it; else it will
  std::string json;      ///< {"id","judgement"}, and once applied "revision" and "changed"
};

/// What stands behind the API. Functions are called on the server's thread and must not block: whatever reads
/// a disk answers later, from any thread. Callbacks are called exactly once. JSON texts have no line end.
class Service {
 public:
  virtual ~Service() = default;
  using Answer = std::function<void(Result<std::string>)>;  ///< a JSON object
  using Source = std::function<void(Result<std::shared_ptr<net::BodySource>>)>;

  /// May a message of about so many bytes (0 if not known) be taken? Asked before it is read.
  struct Admission {
    bool now = true;
    Duration retry_after;
    std::string reason;
    Cause cause = Cause::exhausted;  ///< exhausted: 429, slow down; unavailable: 503, e.g. the disk is full
  };
  virtual Admission admit(size_t bytes) = 0;
  /// `done` once the event is synced. Errors: invalid; exhausted, unavailable (nothing was taken).
  virtual void submit(Submission submission, std::function<void(Result<Receipt>)> done) = 0;
  /// Tells the verdict of an event that was taken, at once where it has fallen. After `until` (steady) nobody
  /// listens, and `told` need not be called any more.
  virtual void await_verdict(const EventId& id, Time until, std::function<void(Decision)> told) = 0;

  /// What would be said of a message against the history as it is, as a JSON object: the message is read as a
  /// file is (its topmost Received is the edge). Nothing is stored or learned. Errors: invalid.
  virtual void score(Submission submission, Answer answer) = 0;

  /// The stored row with reasons, evidence and hop times; with `rescore` also "rescored": the score computed
  /// anew, and whether it is the same. Errors: not_found, damaged.
  virtual void message(const EventId& id, bool rescore, Answer answer) = 0;
  /// The bytes of a message as they were received. Errors: not_found (none are kept), damaged.
  virtual void raw(const EventId& id, Source source) = 0;
  /// Somebody says what a message is. `done` once that is synced, and stands in the row where this does not
  /// take long. Errors: not_found; conflict (the message is parked); exhausted, unavailable (nothing was
  /// taken).
  virtual void judge(const EventId& id, Judgement judgement, std::function<void(Result<Judged>)> done) = 0;
  virtual void status(Answer answer) = 0;
  /// {"rows":[…],"next_cursor"}; next_cursor is absent on the last page.
  virtual void ledger(const LedgerQuery& query, Answer answer) = 0;
  /// {"parked":[…],"next_cursor"}, likewise.
  virtual void parked(const ParkedQuery& query, Answer answer) = 0;
  /// Errors: not_found.
  virtual void parked_record(const std::string& id, bool reveal, Answer answer) = 0;
  enum class ParkedAction { retry, drop };
  virtual void settle_parked(const std::string& id, ParkedAction action, Answer answer) = 0;

  /// {"messages":[…],"next_cursor"}, newest first. Errors: invalid, telling the place in the query.
  virtual void search(const SearchQuery& query, Answer answer) = 0;
  /// {"group_by","groups":[{"key","count",…}],"total"}, counted when asked.
  virtual void stats(const StatsQuery& query, Answer answer) = 0;
  /// Builds the search index anew; progress as JSON lines.
  virtual void reindex(Source source) = 0;

  /// Stored messages enriched or scored again, as new revisions, behind live mail. Answers as
  /// reprocess_state(), once that is durable; it goes on by itself. Errors: invalid; conflict (one is under
  /// way).
  virtual void reprocess(const ReprocessQuery& query, Answer answer) = 0;
  /// {"state","run","from","to","step","messages","of","damaged",…} of the last one.
  virtual void reprocess_state(Answer answer) = 0;
  /// Errors: conflict (none is under way).
  virtual void cancel_reprocess(Answer answer) = 0;

  /// All rows in the order of their ids: JSON lines, or an Avro object container file.
  virtual void export_rows(const ExportQuery& query, Source source) = 0;
  /// Findings and progress as JSON lines; the last line is the result. Errors: conflict (one is under way).
  virtual void verify(bool quick, Source source) = 0;

  /// The records of a stream, as JSON lines or server-sent events; with `follow` until the reader goes, or
  /// this does. Errors: not_found (no such stream), invalid, exhausted (too many watch already).
  virtual void tail(const TailQuery& query, Source source) = 0;

  /// Calls `work` with the schema registry, off the server's thread: a change waits for the disk.
  virtual void with_registry(std::function<void(avro::Registry&)> work) = 0;
  /// Calls `work` with the tenants, likewise.
  virtual void with_tenants(std::function<void(TenantAdmin&)> work) = 0;

  /// Prometheus text 0.0.4.
  virtual std::string metrics() = 0;
  /// The process makes progress.
  virtual Health alive() = 0;
  /// What it depends on answers: mail can be taken.
  virtual Health ready() = 0;
};

}  // namespace bonafide::api
