#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/bytes.hpp"
#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace bonafide::stores {

/// A value as SQLite stores it. `Value` owns its bytes, `ValueView` does not. Blobs are told from text by the
/// column.
using Value = std::variant<std::monostate, int64_t, double, std::string>;
using ValueView = std::variant<std::monostate, int64_t, double, std::string_view>;

class Connection;

/// A prepared statement. Bytes that are bound must live until run() or the last step(). Not safe from several
/// threads.
class Statement {
 public:
  Statement() = default;
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;

  // Parameters count from 1, columns from 0, as in SQLite.
  Statement& bind(int at, int64_t value);
  Statement& bind_text(int at, std::string_view value);
  Statement& bind_blob(int at, ByteView value);
  Statement& bind_value(int at, const ValueView& value);
  /// Goes to the next row; false after the last, and the statement may be bound again.
  Result<bool> step();
  /// For what gives no rows.
  Status run();
  void reset();

  [[nodiscard]] int64_t integer(int column) const;
  /// Text or blob; valid until the next step().
  [[nodiscard]] ByteView bytes(int column) const;
  [[nodiscard]] Value value(int column) const;

 private:
  friend class Connection;
  Statement(const Connection* connection, sqlite3_stmt* statement)
      : connection_(connection), statement_(statement) {}
  const Connection* connection_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

/// One connection to a database file, in WAL mode. Not safe from several threads.
class Connection {
 public:
  enum class Mode { write, read };
  /// Errors: conflict or unavailable (locked), damaged, exhausted (disk full); each names the file and what
  /// to do.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Mode mode, size_t cache_bytes);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// One or more statements without parameters or rows.
  Status run(const std::string& sql);
  Result<Statement> prepare(const std::string& sql) const;
  /// Of the first row; 0 if there is none.
  Result<int64_t> integer(const std::string& sql) const;
  /// Rows changed by the last statement.
  [[nodiscard]] int64_t changes() const;

  /// Bytes in the write-ahead log since it was last emptied.
  [[nodiscard]] uint64_t wal_bytes() const { return wal_bytes_; }
  /// Writes the bytes of the write-ahead log once more and syncs them: to be called before the first
  /// checkpoint of a process. An earlier one may have ended over a failed sync, and left in the system's
  /// cache what never reached the disk and no later sync saves.
  Status write_log_again();
  /// Brings the write-ahead log into the database file, both synced. False if readers keep it from getting to
  /// the end. Errors: as open(); damaged once a sync has failed, whatever the reason, and from then on: the
  /// database file stays as it is.
  Result<bool> checkpoint();
  /// After a checkpoint that got to the end: empties the log, which else stays as it is until the next write.
  /// A bit that turns over in it would end it there at the next start, and undo what the database has. Does
  /// nothing while somebody reads.
  Status empty_log();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// The error for a code SQLite has just returned on this connection.
  [[nodiscard]] Error error(int code) const;

 private:
  Connection(std::string path, sqlite3* db) : path_(std::move(path)), db_(db) {}
  static int on_commit(void* self, sqlite3*, const char*, int pages);

  void write_back();

  std::string path_;
  sqlite3* db_;
  uint64_t wal_bytes_ = 0;
  uint64_t handed_over_ = 0;  ///< of those, bytes that the system was told to write
  int wal_file_ = -1;
  std::optional<Error> failed_sync_;
};

/// Appends `value`, its kind and its length: what row hashes are made of.
void append_for_hash(std::string& out, int column, const ValueView& value);
ValueView view(const Value& value);

}  // namespace bonafide::stores
