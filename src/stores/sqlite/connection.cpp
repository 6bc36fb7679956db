#include "stores/sqlite/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

namespace bonafide::stores {
namespace {

constexpr int page_bytes = 16384;
constexpr int busy_millis = 5000;
constexpr uint64_t write_back_bytes = 256 << 10;

}  // namespace

Statement::~Statement() { sqlite3_finalize(statement_); }
Statement::Statement(Statement&& other) noexcept
    // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): misreads the variant in Result
    : connection_(other.connection_), statement_(std::exchange(other.statement_, nullptr)) {}
Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(connection_, other.connection_);
  std::swap(statement_, other.statement_);
  return *this;
}

Statement& Statement::bind(int at, int64_t value) {
  sqlite3_bind_int64(statement_, at, value);
  return *this;
}
Statement& Statement::bind_text(int at, std::string_view value) {
  // A null pointer would be bound as NULL.
  sqlite3_bind_text64(statement_, at, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
  return *this;
}
Statement& Statement::bind_blob(int at, ByteView value) {
  sqlite3_bind_blob64(statement_, at, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC);
  return *this;
}
Statement& Statement::bind_value(int at, const ValueView& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    sqlite3_bind_int64(statement_, at, *number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    sqlite3_bind_double(statement_, at, *real);
  } else if (const auto* text = std::get_if<std::string_view>(&value)) {
    bind_text(at, *text);
  } else {
    sqlite3_bind_null(statement_, at);
  }
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement_);
    return false;
  }
  const Error error = connection_->error(code);
  sqlite3_reset(statement_);
  return error;
}

Status Statement::run() {
  BONAFIDE_ASSIGN(const bool row, step());
  if (row) reset();
  return Ok{};
}

void Statement::reset() { sqlite3_reset(statement_); }

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
ByteView Statement::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {data, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}
Value Statement::value(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement_, column);
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement_, column);
    case SQLITE_NULL:
      return std::monostate();
    default:
      return std::string(bytes(column));
  }
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Mode mode, size_t cache_bytes) {
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (mode == Mode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  std::unique_ptr<Connection> connection(new Connection(path, db));
  if (code != SQLITE_OK) return connection->error(code);
  sqlite3_busy_timeout(db, busy_millis);
  if (mode == Mode::write) {
    BONAFIDE_TRY(connection->run("PRAGMA page_size=" + std::to_string(page_bytes)));
    BONAFIDE_TRY(connection->run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"));
    sqlite3_wal_hook(db, on_commit, connection.get());  // instead of SQLite's own checkpoints
  }
  BONAFIDE_TRY(connection->run("PRAGMA cache_size=-" + std::to_string(cache_bytes / 1024) +
                               "; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON"));
  return connection;
}

Connection::~Connection() {
  // Without this the last connection to go would bring the log into the database: a surprise at a bad moment.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_close_v2(db_);
  if (wal_file_ >= 0) close(wal_file_);
}

int Connection::on_commit(void* self, sqlite3*, const char*, int pages) {
  auto& connection = *static_cast<Connection*>(self);
  connection.wal_bytes_ = static_cast<uint64_t>(pages) * page_bytes;
  if (connection.wal_bytes_ < connection.handed_over_) connection.handed_over_ = 0;  // begun again
  if (connection.wal_bytes_ >= connection.handed_over_ + write_back_bytes) connection.write_back();
  return SQLITE_OK;
}

/// Has the system write what was committed, without waiting: or else a checkpoint would sync seconds of it at
/// once, and every other sync on that disk would wait behind it. Only speeds things up, so it never fails.
void Connection::write_back() {
  if (wal_file_ < 0) wal_file_ = ::open((path_ + "-wal").c_str(), O_RDWR | O_CLOEXEC);
  if (wal_file_ >= 0)
    sync_file_range(wal_file_, static_cast<off64_t>(handed_over_),
                    static_cast<off64_t>(wal_bytes_ - handed_over_), SYNC_FILE_RANGE_WRITE);
  handed_over_ = wal_bytes_;
}

Status Connection::run(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return Ok{};
}

Result<Statement> Connection::prepare(const std::string& sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.c_str(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error(code);
  return Statement(this, statement);
}

Result<int64_t> Connection::integer(const std::string& sql) const {
  BONAFIDE_ASSIGN(Statement statement, prepare(sql));
  BONAFIDE_ASSIGN(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

int64_t Connection::changes() const { return sqlite3_changes64(db_); }

Status Connection::write_log_again() {
  BONAFIDE_TRY(run("begin immediate"));  // opens the log, and nobody else writes to it
  sqlite3_file* log = nullptr;
  int code = sqlite3_file_control(db_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (code == SQLITE_OK && log != nullptr && log->pMethods != nullptr) {
    sqlite3_int64 size = 0;
    code = log->pMethods->xFileSize(log, &size);
    std::string bytes(64 << 10, '\0');  // SQLite's layer for Unix writes less than 128 KiB at a time
    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size;) {
      const auto count =
          static_cast<int>(std::min<sqlite3_int64>(size - at, static_cast<sqlite3_int64>(bytes.size())));
      code = log->pMethods->xRead(log, bytes.data(), count, at);
      if (code == SQLITE_OK) code = log->pMethods->xWrite(log, bytes.data(), count, at);
      at += count;
    }
    if (code == SQLITE_OK && size > 0) code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  }
  const Status ended = run("rollback");
  return code == SQLITE_OK ? ended : error(code);
}

Result<bool> Connection::checkpoint() {
  if (failed_sync_) return *failed_sync_;
  int in_log = 0, done = 0;
  const int code = sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, &in_log, &done);
  if ((code & 0xFF) == SQLITE_BUSY) return false;
  if (code == SQLITE_IOERR_FSYNC) {
    // The kernel may have dropped what it could not write, of the log too, and the next sync would succeed.
    // The database would then be overwritten, and a power cut leave neither it nor the log whole.
    failed_sync_ = Error{Cause::damaged, path_ + ": a sync failed (" + sqlite3_errmsg(db_) +
                                             "): nothing more is brought into it by this process. See that "
                                             "the disk is sound and has room, then start again"};
    return *failed_sync_;
  }
  if (code != SQLITE_OK) return error(code);
  if (in_log != done) return false;
  wal_bytes_ = 0;
  return true;
}

Status Connection::empty_log() {
  sqlite3_busy_timeout(db_, 0);
  const int code = sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(db_, busy_millis);
  if (code != SQLITE_OK && (code & 0xFF) != SQLITE_BUSY) return error(code);
  return Ok{};
}

Error Connection::error(int code) const {
  const std::string text = path_ + ": " + (db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code));
  // A full disk shows in several ways, as when the log's index cannot grow.
  const int errno_of = db_ != nullptr && (code & 0xFF) == SQLITE_IOERR ? sqlite3_system_errno(db_) : 0;
  if (errno_of == ENOSPC || errno_of == EDQUOT || code == SQLITE_IOERR_SHMSIZE)
    return {Cause::exhausted, text + "; free some disk space"};
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return {Cause::exhausted, text + "; free some disk space"};
    case SQLITE_NOMEM:
      return {Cause::exhausted, text};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Cause::unavailable, text + "; another program is writing to it: stop that one"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_IOERR:
      return {Cause::damaged, text + "; run `bonafide verify` to see what is affected"};
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {Cause::unavailable, text + "; is the folder there, and may this user write to it?"};
    default:
      return {Cause::internal, text + " (SQLite code " + std::to_string(code) + ")"};
  }
}

void append_for_hash(std::string& out, int column, const ValueView& value) {
  if (std::holds_alternative<std::monostate>(value)) return;  // so that a column added later changes no hash
  append_le(out, static_cast<uint16_t>(column));
  out += static_cast<char>(value.index());
  if (const auto* number = std::get_if<int64_t>(&value)) {
    append_le(out, *number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    append_le(out, *real);
  } else {
    const auto text = std::get<std::string_view>(value);
    append_le(out, static_cast<uint64_t>(text.size()));
    out += text;
  }
}

ValueView view(const Value& value) {
  return std::visit([](const auto& v) { return ValueView(v); }, value);
}

}  // namespace bonafide::stores
