#include "sim/sqlite_vfs.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sqlite3.h>

namespace bonafide::sim {
namespace {

constexpr const char* vfs_name = "bonafide-sim";
constexpr int most_path_bytes = 512;
/// SQLite counts milliseconds since noon of 24 November 4714 BC.
constexpr int64_t unix_epoch_millis = 210'866'760'000'000;
constexpr double day_millis = 86'400'000.0;

struct OpenFile;

/// What the connections to one database share: who holds which lock, and the index of the write-ahead log.
struct Database {
  std::vector<OpenFile*> connections;
  std::vector<std::unique_ptr<char[]>> regions;
  std::array<int, SQLITE_SHM_NLOCK> index_locks{};  ///< how many share it; -1 = held alone
};

/// A temporary file that was given no name.
class MemoryFile final : public env::File {
 public:
  Result<std::string> read_at(uint64_t offset, size_t count) override {
    return offset < bytes_.size() ? bytes_.substr(offset, count) : std::string();
  }
  Status write_at(uint64_t offset, ByteView bytes) override {
    if (bytes_.size() < offset + bytes.size()) bytes_.resize(offset + bytes.size(), '\0');
    std::ranges::copy(bytes, bytes_.begin() + static_cast<int64_t>(offset));
    return Ok{};
  }
  Status sync_data() override { return Ok{}; }
  Status sync_all() override { return Ok{}; }
  Status truncate(uint64_t size) override {
    bytes_.resize(size, '\0');
    return Ok{};
  }
  Result<uint64_t> size() override { return uint64_t{bytes_.size()}; }

 private:
  std::string bytes_;
};

}  // namespace

struct SqliteVfs::State {
  sqlite3_vfs vfs{};
  sqlite3_vfs* former = nullptr;
  env::Files* files = nullptr;
  env::Clock* clock = nullptr;
  env::Random* random = nullptr;
  uint64_t world = 0;  ///< counts use()
  size_t open_files = 0;
  int last_errno = 0;  ///< of the last call that failed, as xGetLastError tells it
  std::map<std::string, std::weak_ptr<Database>> databases;

  /// Keeps what the system would have said, and gives back `code`.
  int failed(const Error& error, int code) {
    switch (error.cause) {
      case Cause::not_found:
        last_errno = ENOENT;
        break;
      case Cause::conflict:
        last_errno = EEXIST;
        break;
      case Cause::exhausted:
        last_errno = ENOSPC;
        break;
      case Cause::damaged:
        last_errno = EIO;
        break;
      default:
        last_errno = EINVAL;
    }
    return code;
  }

  std::shared_ptr<Database> database(const std::string& path) {
    auto& known = databases[path];
    auto found = known.lock();
    if (!found) known = found = std::make_shared<Database>();
    return found;
  }
};

namespace {

using State = SqliteVfs::State;

struct OpenFile {
  explicit OpenFile(State& of) : state(of), world(of.world) {}

  State& state;
  const uint64_t world;
  std::string path;
  std::unique_ptr<env::File> file;
  bool sync_folder = false;  ///< with the next sync, as its name is new
  bool keep_log = false;     ///< SQLITE_FCNTL_PERSIST_WAL
  // Of a database, not of its logs and journals:
  std::shared_ptr<Database> database;
  int lock = SQLITE_LOCK_NONE;
  bool has_index = false;
  unsigned shared = 0, alone = 0;  ///< bit n: how it holds lock n of the index

  /// False: the process that opened it is no more, and its disk may be gone too.
  [[nodiscard]] bool usable() const { return world == state.world; }
};

/// SQLite gives the memory.
struct Handle {
  sqlite3_file base;
  OpenFile* open;
};

OpenFile& open_of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file)->open; }
State& state_of(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// --- locks between connections

/// The highest lock that another connection has.
int highest_other(const OpenFile& open) {
  int highest = SQLITE_LOCK_NONE;
  for (const auto* other : open.database->connections) {
    if (other != &open) highest = std::max(highest, other->lock);
  }
  return highest;
}

constexpr int pending_lock = 3;  // SQLite has no public name for it

// As SQLite defines them: one RESERVED beside any SHARED; PENDING lets no new SHARED come, so that the old
// ones run out and the writer gets EXCLUSIVE.
int lock(sqlite3_file* file, int wanted) {
  OpenFile& open = open_of(file);
  if (open.database == nullptr || open.lock >= wanted) return SQLITE_OK;
  const int other = highest_other(open);
  if (wanted == SQLITE_LOCK_SHARED) {
    if (other >= pending_lock) return SQLITE_BUSY;
  } else {
    if (other >= SQLITE_LOCK_RESERVED) return SQLITE_BUSY;
    if (wanted == SQLITE_LOCK_EXCLUSIVE && other >= SQLITE_LOCK_SHARED) {
      if (open.lock == SQLITE_LOCK_RESERVED) open.lock = pending_lock;
      return SQLITE_BUSY;
    }
  }
  open.lock = wanted;
  return SQLITE_OK;
}

int unlock(sqlite3_file* file, int to) {
  OpenFile& open = open_of(file);
  open.lock = std::min(open.lock, to);
  return SQLITE_OK;
}

int check_reserved_lock(sqlite3_file* file, int* reserved) {
  const OpenFile& open = open_of(file);
  *reserved = open.database != nullptr &&
                      (open.lock >= SQLITE_LOCK_RESERVED || highest_other(open) >= SQLITE_LOCK_RESERVED)
                  ? 1
                  : 0;
  return SQLITE_OK;
}

// --- the index of the write-ahead log

int shm_map(sqlite3_file* file, int region, int bytes, int extend, void volatile** at) {
  OpenFile& open = open_of(file);
  *at = nullptr;
  if (!open.usable()) return SQLITE_IOERR_SHMMAP;
  open.has_index = true;
  auto& regions = open.database->regions;
  while (regions.size() <= static_cast<size_t>(region)) {
    if (extend == 0) return SQLITE_OK;
    // Elsewhere it is a file, whose blocks are taken here: a full disk is told of in this way too.
    const auto space = open.state.files->space(open.path);
    if (!space.ok()) return open.state.failed(space.error(), SQLITE_IOERR_SHMSIZE);
    if (space->free_bytes < static_cast<uint64_t>(bytes)) {
      return open.state.failed({Cause::exhausted, ""}, SQLITE_IOERR_SHMSIZE);
    }
    regions.push_back(std::make_unique<char[]>(static_cast<size_t>(bytes)));
  }
  *at = regions[static_cast<size_t>(region)].get();
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  OpenFile& open = open_of(file);
  auto& locks = open.database->index_locks;
  const auto first = static_cast<size_t>(offset), end = first + static_cast<size_t>(count);
  const auto bit = [](size_t at) { return 1U << at; };
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    for (size_t at = first; at < end; ++at) {
      if ((open.alone & bit(at)) != 0) locks[at] = 0;
      if ((open.shared & bit(at)) != 0) --locks[at];
      open.alone &= ~bit(at);
      open.shared &= ~bit(at);
    }
    return SQLITE_OK;
  }
  const bool share = (flags & SQLITE_SHM_SHARED) != 0;
  for (size_t at = first; at < end; ++at) {
    const bool held_here = ((share ? open.shared : open.alone) & bit(at)) != 0;
    if (!held_here && (share ? locks[at] < 0 : locks[at] != 0)) return SQLITE_BUSY;
  }
  for (size_t at = first; at < end; ++at) {
    unsigned& held = share ? open.shared : open.alone;
    if ((held & bit(at)) != 0) continue;
    held |= bit(at);
    locks[at] = share ? locks[at] + 1 : -1;
  }
  return SQLITE_OK;
}

void shm_barrier(sqlite3_file* /*file*/) {}  // one thread sees its own writes in order

int shm_unmap(sqlite3_file* file, int /*remove*/) {
  OpenFile& open = open_of(file);
  if (!open.has_index) return SQLITE_OK;
  shm_lock(file, 0, SQLITE_SHM_NLOCK, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
  open.has_index = false;
  const auto& connections = open.database->connections;
  // Whoever comes first afterwards makes the index anew out of the log, whether or not a file of it was left.
  if (std::ranges::none_of(connections, &OpenFile::has_index)) open.database->regions.clear();
  return SQLITE_OK;
}

// --- bytes

int close(sqlite3_file* file) {
  auto* handle = reinterpret_cast<Handle*>(file);
  if (handle->open->database != nullptr) {
    shm_unmap(file, 0);
    std::erase(handle->open->database->connections, handle->open);
  }
  --handle->open->state.open_files;
  delete handle->open;
  handle->open = nullptr;
  file->pMethods = nullptr;
  return SQLITE_OK;
}

int read(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  OpenFile& open = open_of(file);
  if (!open.usable()) return SQLITE_IOERR_READ;
  const auto wanted = static_cast<size_t>(count);
  const auto bytes = open.file->read_at(static_cast<uint64_t>(offset), wanted);
  if (!bytes.ok()) {
    // EIO; SQLite then says that the database is damaged.
    const bool damaged = bytes.error().cause == Cause::damaged;
    return open.state.failed(bytes.error(), damaged ? SQLITE_IOERR_CORRUPTFS : SQLITE_IOERR_READ);
  }
  const size_t got = std::min(bytes->size(), wanted);
  std::memcpy(to, bytes->data(), got);
  std::memset(static_cast<char*>(to) + got, 0, wanted - got);
  return got < wanted ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

int write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  OpenFile& open = open_of(file);
  if (!open.usable()) return SQLITE_IOERR_WRITE;
  // The layer for Unix takes no more at once, and calls what it does not take a full disk.
  if (count >= 128 << 10) return SQLITE_FULL;
  const ByteView bytes(static_cast<const char*>(from), static_cast<size_t>(count));
  const Status written = open.file->write_at(static_cast<uint64_t>(offset), bytes);
  if (written.ok()) return SQLITE_OK;
  const bool full = written.error().cause == Cause::exhausted;
  return open.state.failed(written.error(), full ? SQLITE_FULL : SQLITE_IOERR_WRITE);
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  OpenFile& open = open_of(file);
  if (!open.usable()) return SQLITE_IOERR_TRUNCATE;
  const Status done = open.file->truncate(static_cast<uint64_t>(size));
  return done.ok() ? SQLITE_OK : open.state.failed(done.error(), SQLITE_IOERR_TRUNCATE);
}

int sync(sqlite3_file* file, int /*flags*/) {
  OpenFile& open = open_of(file);
  if (!open.usable()) return SQLITE_IOERR_FSYNC;
  if (const Status done = open.file->sync_data(); !done.ok()) {
    return open.state.failed(done.error(), SQLITE_IOERR_FSYNC);
  }
  if (open.sync_folder) {
    // Once, and SQLite does not care whether it succeeds.
    (void)open.state.files->sync_folder(folder_of(open.path)).ok();
    open.sync_folder = false;
  }
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  OpenFile& open = open_of(file);
  if (!open.usable()) return SQLITE_IOERR_FSTAT;
  const auto bytes = open.file->size();
  if (!bytes.ok()) return open.state.failed(bytes.error(), SQLITE_IOERR_FSTAT);
  // A single byte counts as none in SQLite's VFS for Unix, which on some systems writes one when it opens.
  *size = *bytes == 1 ? 0 : static_cast<sqlite3_int64>(*bytes);
  return SQLITE_OK;
}

int file_control(sqlite3_file* file, int what, void* argument) {
  OpenFile& open = open_of(file);
  switch (what) {
    case SQLITE_FCNTL_LOCKSTATE:
      *static_cast<int*>(argument) = open.lock;
      return SQLITE_OK;
    case SQLITE_FCNTL_LAST_ERRNO:
      *static_cast<int*>(argument) = open.state.last_errno;
      return SQLITE_OK;
    case SQLITE_FCNTL_PERSIST_WAL: {
      auto& keep = *static_cast<int*>(argument);
      if (keep >= 0) open.keep_log = keep != 0;
      keep = open.keep_log ? 1 : 0;
      return SQLITE_OK;
    }
    case SQLITE_FCNTL_VFSNAME:
      *static_cast<char**>(argument) = sqlite3_mprintf("%s", vfs_name);
      return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED:
      *static_cast<int*>(argument) =
          open.usable() && open.state.files->exists(open.path).value_or(false) ? 0 : 1;
      return SQLITE_OK;
    default:
      return SQLITE_NOTFOUND;
  }
}

/// Looked at only where a write may change bytes beside its own, which device_characteristics() denies.
int sector_size(sqlite3_file* /*file*/) { return 4096; }

/// What SQLite's VFS for Unix says of any disk, so that the same code runs here as there: a write that a
/// power cut tears changes no byte beside those it was given. env::sim::SimFiles keeps to it: a crash decides
/// for each sector of a write whether it arrived, and one that did puts only the write's own bytes over what
/// was there. Nothing else is promised: no order of writes, no size up to which they are atomic.
int device_characteristics(sqlite3_file* /*file*/) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

constexpr sqlite3_io_methods make_io_methods() {
  sqlite3_io_methods made{};
  made.iVersion = 2;
  made.xClose = close;
  made.xRead = read;
  made.xWrite = write;
  made.xTruncate = truncate;
  made.xSync = sync;
  made.xFileSize = file_size;
  made.xLock = lock;
  made.xUnlock = unlock;
  made.xCheckReservedLock = check_reserved_lock;
  made.xFileControl = file_control;
  made.xSectorSize = sector_size;
  made.xDeviceCharacteristics = device_characteristics;
  made.xShmMap = shm_map;
  made.xShmLock = shm_lock;
  made.xShmBarrier = shm_barrier;
  made.xShmUnmap = shm_unmap;
  return made;
}
constexpr sqlite3_io_methods io_methods = make_io_methods();

// --- names

/// As open(2) with SQLite's flags would.
Result<std::unique_ptr<env::File>> open_as(env::Files& files, const std::string& path, int flags) {
  if ((flags & SQLITE_OPEN_READWRITE) == 0) return files.open(path, env::Open::read);
  const bool create = (flags & SQLITE_OPEN_CREATE) != 0;
  if (create && (flags & SQLITE_OPEN_EXCLUSIVE) != 0) return files.open(path, env::Open::create_new);
  auto there = files.open(path, env::Open::read_write);
  if (!create || there.ok() || there.error().cause != Cause::not_found) return there;
  return files.open(path, env::Open::create_new);
}

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  State& state = state_of(vfs);
  file->pMethods = nullptr;
  if (state.files == nullptr) return SQLITE_CANTOPEN;
  auto made = std::make_unique<OpenFile>(state);
  if (name == nullptr) {
    made->file = std::make_unique<MemoryFile>();
  } else {
    made->path = name;
    // Of journals and logs alone SQLite makes the name durable. A database's own goes with that of its first
    // journal, which stands in the same folder.
    constexpr int logs = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    made->sync_folder = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & logs) != 0;
    auto opened = open_as(*state.files, made->path, flags);
    if (!opened.ok() && (flags & SQLITE_OPEN_READWRITE) != 0) {
      flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
      opened = open_as(*state.files, made->path, flags);
    }
    if (!opened.ok()) return state.failed(opened.error(), SQLITE_CANTOPEN);
    made->file = std::move(opened).value();
    if ((flags & SQLITE_OPEN_DELETEONCLOSE) != 0) (void)state.files->remove(made->path).ok();
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
      made->database = state.database(made->path);
      made->database->connections.push_back(made.get());
    }
  }
  if (out_flags != nullptr) *out_flags = flags;
  ++state.open_files;
  reinterpret_cast<Handle*>(file)->open = made.release();
  file->pMethods = &io_methods;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  State& state = state_of(vfs);
  if (state.files == nullptr) return SQLITE_IOERR_DELETE;
  if (const Status gone = state.files->remove(name); !gone.ok()) {
    const bool absent = gone.error().cause == Cause::not_found;
    return state.failed(gone.error(), absent ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE);
  }
  state.databases.erase(name);  // another file of that name is another database
  if ((sync_folder & 1) == 0) return SQLITE_OK;
  const Status synced = state.files->sync_folder(folder_of(name));
  return synced.ok() ? SQLITE_OK : state.failed(synced.error(), SQLITE_IOERR_DIR_FSYNC);
}

int access(sqlite3_vfs* vfs, const char* name, int how, int* can) {
  State& state = state_of(vfs);
  *can = 0;
  if (state.files == nullptr) return SQLITE_IOERR_ACCESS;
  const auto there = state.files->exists(name);
  if (!there.ok()) return state.failed(there.error(), SQLITE_IOERR_ACCESS);
  if (!*there) return SQLITE_OK;
  *can = 1;
  if (how != SQLITE_ACCESS_EXISTS) return SQLITE_OK;
  // To SQLite an empty file is none. What cannot be opened is a folder.
  const auto file = state.files->open(name, env::Open::read);
  if (!file.ok()) return SQLITE_OK;
  const auto size = (*file)->size();
  if (!size.ok()) return state.failed(size.error(), SQLITE_IOERR_ACCESS);
  *can = *size > 0 ? 1 : 0;
  return SQLITE_OK;
}

/// One spelling for each path, as connections find each other by it; a relative one stays so, so that
/// nothing depends on where the process runs.
int full_pathname(sqlite3_vfs* /*vfs*/, const char* name, int bytes, char* out) {
  const std::string path = name;
  std::string full = path.starts_with('/') ? "/" : "";
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (!full.empty() && full.back() != '/') full += '/';
    full += part;
  }
  if (full.size() >= static_cast<size_t>(bytes)) return SQLITE_CANTOPEN;
  out[full.copy(out, full.size())] = '\0';
  return SQLITE_OK;
}

// --- the rest of the world

int randomness(sqlite3_vfs* vfs, int count, char* out) {
  const State& state = state_of(vfs);
  if (state.random == nullptr) return 0;
  const std::string bytes = state.random->bytes(static_cast<size_t>(count));
  bytes.copy(out, bytes.size());
  return count;
}

/// The only thread waits for nobody: whoever holds what it wants will not go on before it returns.
int sleep(sqlite3_vfs* /*vfs*/, int micros) { return micros; }

int current_time_millis(sqlite3_vfs* vfs, sqlite3_int64* now) {
  const State& state = state_of(vfs);
  *now = unix_epoch_millis + (state.clock != nullptr ? state.clock->now().us / 1000 : 0);
  return SQLITE_OK;
}

int current_time_days(sqlite3_vfs* vfs, double* now) {
  sqlite3_int64 millis = 0;
  current_time_millis(vfs, &millis);
  *now = static_cast<double>(millis) / day_millis;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs* vfs, int /*bytes*/, char* /*out*/) { return state_of(vfs).last_errno; }

// There is nothing to load on this disk.
void* dl_open(sqlite3_vfs* /*vfs*/, const char* /*name*/) { return nullptr; }
void dl_error(sqlite3_vfs* /*vfs*/, int bytes, char* out) {
  sqlite3_snprintf(bytes, out, "extensions cannot be loaded here");
}
void (*dl_sym(sqlite3_vfs* /*vfs*/, void* /*library*/, const char* /*name*/))() { return nullptr; }
void dl_close(sqlite3_vfs* /*vfs*/, void* /*library*/) {}

}  // namespace

SqliteVfs::SqliteVfs() : state_(std::make_unique<State>()) {
  state_->former = sqlite3_vfs_find(nullptr);
  auto& vfs = state_->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = sizeof(Handle);
  vfs.mxPathname = most_path_bytes;
  vfs.zName = vfs_name;
  vfs.pAppData = state_.get();
  vfs.xOpen = open;
  vfs.xDelete = remove;
  vfs.xAccess = access;
  vfs.xFullPathname = full_pathname;
  vfs.xDlOpen = dl_open;
  vfs.xDlError = dl_error;
  vfs.xDlSym = dl_sym;
  vfs.xDlClose = dl_close;
  vfs.xRandomness = randomness;
  vfs.xSleep = sleep;
  vfs.xCurrentTime = current_time_days;
  vfs.xGetLastError = last_error;
  vfs.xCurrentTimeInt64 = current_time_millis;
  sqlite3_vfs_register(&vfs, 1);
}

SqliteVfs::~SqliteVfs() {
  assert(state_->open_files == 0);
  sqlite3_vfs_unregister(&state_->vfs);
  if (state_->former != nullptr) sqlite3_vfs_register(state_->former, 1);
  sqlite3_randomness(0, nullptr);  // real numbers again
}

void SqliteVfs::use(env::Files& files, env::Clock& clock, env::Random& random) {
  ++state_->world;
  state_->files = &files;
  state_->clock = &clock;
  state_->random = &random;
  state_->databases.clear();
  sqlite3_randomness(0, nullptr);  // or it would go on with what it drew in the world before
}

size_t SqliteVfs::open_files() const { return state_->open_files; }

}  // namespace bonafide::sim
