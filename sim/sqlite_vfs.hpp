#pragma once
#include <cstddef>
#include <memory>

#include "env/clock.hpp"
#include "env/files.hpp"
#include "env/random.hpp"

namespace bonafide::sim {

/// SQLite's operating system layer (VFS) over `env::Files`: what opens a database by the default VFS works on
/// that disk, and sees no other file, clock or random number. It asks of the disk what SQLite's own VFS for
/// Unix asks of the kernel: the same calls, synced at the same points, so that what a power cut leaves behind
/// is what a real one may.
///
/// Locks and the index of the write-ahead log live in this process's memory, shared by all connections to
/// one path: there are no other processes. For one thread; one at a time in a process.
class SqliteVfs {
 public:
  /// Becomes the process's default VFS. Nothing can be opened before use().
  SqliteVfs();
  /// The former default is back. All connections must be closed.
  ~SqliteVfs();
  SqliteVfs(const SqliteVfs&) = delete;
  SqliteVfs& operator=(const SqliteVfs&) = delete;

  /// Files are opened here from now on. Call it for every new world, and again after each crash() or kill()
  /// of this one: it is the new process that shares nothing with connections of before. Those answer I/O
  /// errors from then on, without touching their disk, and may be closed at any time. SQLite's own random
  /// numbers begin anew out of `random`.
  void use(env::Files& files, env::Clock& clock, env::Random& random);

  /// Files that SQLite holds open, those of earlier worlds and nameless temporary ones among them.
  [[nodiscard]] size_t open_files() const;

  /// What the callbacks work on; of no use to others.
  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace bonafide::sim
