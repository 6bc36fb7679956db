#include "env/sim/files.hpp"

#include <algorithm>

namespace bonafide::env::sim {
namespace {

/// Without trailing slashes, doubled slashes and "./"; "" becomes ".".
std::string normal(const std::string& path) {
  std::string out;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (!out.empty()) out += '/';
    out += part;
  }
  if (path.starts_with('/')) return "/" + out;
  return out.empty() ? "." : out;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void place(std::string& content, uint64_t offset, ByteView bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  std::memcpy(content.data() + offset, bytes.data(), bytes.size());
}

}  // namespace

/// A file's bytes as programs see them, and as the platter has them.
struct SimFiles::Inode {
  /// A write, or a truncation where `bytes` is empty.
  struct Change {
    uint64_t offset = 0;
    std::string bytes;
  };
  std::string content, durable;
  std::vector<Change> unsynced;
};

class SimFile final : public File {
 public:
  SimFile(SimFiles& files, SimFiles::InodePtr inode, std::string path, bool writable)
      : files_(files),
        inode_(std::move(inode)),
        path_(std::move(path)),
        generation_(files.generation_),
        writable_(writable) {}

  Result<std::string> read_at(uint64_t offset, size_t count) override {
    const std::lock_guard lock(files_.mutex_);
    BONAFIDE_TRY(begin(Call::read, false));
    const auto& content = inode_->content;
    if (offset >= content.size()) return std::string();
    return content.substr(offset, count);
  }

  Status write_at(uint64_t offset, ByteView bytes) override {
    const std::lock_guard lock(files_.mutex_);
    Status begun = begin(Call::write, true);
    if (!begun.ok()) {
      // The power went, or the disk failed, in the middle of it: some of it may have arrived.
      if (usable() && !bytes.empty() && writable_) {
        BONAFIDE_TRY(
            files_.write(*inode_, path_, offset, bytes.substr(0, files_.random_.below(bytes.size() + 1))));
      }
      return begun;
    }
    return files_.write(*inode_, path_, offset, bytes);
  }

  Status sync_data() override {
    const std::lock_guard lock(files_.mutex_);
    Status begun = begin(Call::sync, true);
    if (begun.ok()) {
      for (auto& change : inode_->unsynced) {
        if (change.bytes.empty()) {
          inode_->durable.resize(change.offset, '\0');
        } else {
          place(inode_->durable, change.offset, change.bytes);
        }
      }
    }
    // The kernel counts the pages as clean even when writing them failed. Not so when the power is off.
    if (begun.ok() || (usable() && !files_.off_)) inode_->unsynced.clear();
    return begun;
  }

  Status sync_all() override { return sync_data(); }

  Status truncate(uint64_t size) override {
    const std::lock_guard lock(files_.mutex_);
    BONAFIDE_TRY(begin(Call::truncate, true));
    if (size > inode_->content.size() && files_.used() + size - inode_->content.size() > files_.capacity_) {
      return {Cause::exhausted, path_ + ": no space left on device"};
    }
    inode_->content.resize(size, '\0');
    inode_->unsynced.push_back({size, {}});
    return Ok{};
  }

  Result<uint64_t> size() override {
    const std::lock_guard lock(files_.mutex_);
    BONAFIDE_TRY(begin(Call::read, false));
    return uint64_t{inode_->content.size()};
  }

 private:
  [[nodiscard]] bool usable() const { return generation_ == files_.generation_; }
  Status begin(Call call, bool changes) {
    if (!usable()) return {Cause::internal, path_ + ": was opened before the crash; open it again"};
    if (changes && !writable_) return {Cause::internal, path_ + ": is open for reading only"};
    return files_.begin(call, path_, changes);
  }

  SimFiles& files_;
  SimFiles::InodePtr inode_;
  std::string path_;
  uint64_t generation_;
  bool writable_;
};

SimFiles::SimFiles(uint64_t seed) : random_(seed), folders_{".", "/"} {}
SimFiles::~SimFiles() = default;

Status SimFiles::begin(Call call, const std::string& path, bool changes) {
  if (off_) return {Cause::internal, path + ": the power is off"};
  if (changes) {
    ++changes_;
    if (power_left_ && (*power_left_)-- == 0) {
      off_ = true;
      return {Cause::internal, path + ": the power is off"};
    }
  }
  for (auto& fault : faults_) {
    if (fault.call != call || path.find(fault.path_part) == std::string::npos) continue;
    if (fault.skip > 0) {
      --fault.skip;
    } else if (fault.times > 0) {
      --fault.times;
      return fault.error.in(path);
    }
  }
  return Ok{};
}

Status SimFiles::write(Inode& inode, const std::string& path, uint64_t offset, ByteView bytes) {
  const uint64_t end = offset + bytes.size();
  const uint64_t growth = end > inode.content.size() ? end - inode.content.size() : 0;
  const uint64_t room = capacity_ - std::min(capacity_, used());
  const bool full = growth > room;
  if (full) bytes = bytes.substr(0, bytes.size() - std::min<uint64_t>(bytes.size(), growth - room));
  if (!bytes.empty()) {
    place(inode.content, offset, bytes);
    inode.unsynced.push_back({offset, std::string(bytes)});
  }
  if (full) return {Cause::exhausted, path + ": no space left on device"};
  return Ok{};
}

uint64_t SimFiles::used() const {
  uint64_t sum = 0;
  for (const auto& inode : inodes_) {
    if (const auto held = inode.lock()) sum += held->content.size();
  }
  return sum;
}

Result<std::unique_ptr<File>> SimFiles::open(const std::string& raw, Open mode) {
  const std::lock_guard lock(mutex_);
  const std::string path = normal(raw);
  BONAFIDE_TRY(begin(Call::open, path, mode == Open::create_new));
  auto found = names_.find(path);
  if (mode == Open::create_new) {
    if (found != names_.end() || folders_.contains(path)) return {Cause::conflict, path + ": exists already"};
    if (!folders_.contains(folder_of(path))) return {Cause::not_found, path + ": its folder does not exist"};
    auto inode = std::make_shared<Inode>();
    std::erase_if(inodes_, [](const auto& weak) { return weak.expired(); });
    inodes_.push_back(inode);
    found = names_.emplace(path, inode).first;
    name_changes_.push_back({"", path, inode});
  }
  if (found == names_.end()) return {Cause::not_found, path + ": no such file"};
  return std::unique_ptr<File>(std::make_unique<SimFile>(*this, found->second, path, mode != Open::read));
}

Result<bool> SimFiles::exists(const std::string& raw) {
  const std::lock_guard lock(mutex_);
  if (off_) return {Cause::internal, raw + ": the power is off"};
  const std::string path = normal(raw);
  return names_.contains(path) || folders_.contains(path);
}

Result<std::vector<std::string>> SimFiles::list(const std::string& raw) {
  const std::lock_guard lock(mutex_);
  if (off_) return {Cause::internal, raw + ": the power is off"};
  const std::string folder = normal(raw);
  if (!folders_.contains(folder)) return {Cause::not_found, folder + ": no such folder"};
  std::set<std::string> found;
  const auto look = [&](const std::string& path) {
    if (path == folder || folder_of(path) != folder || (folder == "." && path.starts_with('/'))) return;
    found.insert(path.substr(path.rfind('/') + 1));
  };
  for (const auto& [path, inode] : names_) look(path);
  for (const auto& path : folders_) look(path);
  return std::vector<std::string>(found.begin(), found.end());
}

Status SimFiles::make_folders(const std::string& raw) {
  const std::lock_guard lock(mutex_);
  if (off_) return {Cause::internal, raw + ": the power is off"};
  for (std::string path = normal(raw);; path = folder_of(path)) {
    if (names_.contains(path)) return {Cause::conflict, path + ": is a file, not a folder"};
    if (!folders_.insert(path).second) return Ok{};
  }
}

Status SimFiles::rename(const std::string& raw_from, const std::string& raw_to) {
  const std::lock_guard lock(mutex_);
  const std::string from = normal(raw_from), to = normal(raw_to);
  BONAFIDE_TRY(begin(Call::rename, from, true));
  const auto found = names_.find(from);
  if (found == names_.end()) return {Cause::not_found, from + ": no such file"};
  if (folders_.contains(to)) return {Cause::conflict, to + ": is a folder"};
  if (!folders_.contains(folder_of(to))) return {Cause::not_found, to + ": its folder does not exist"};
  const InodePtr inode = found->second;
  names_.erase(found);
  names_[to] = inode;
  name_changes_.push_back({from, to, inode});
  return Ok{};
}

Status SimFiles::remove(const std::string& raw) {
  const std::lock_guard lock(mutex_);
  const std::string path = normal(raw);
  BONAFIDE_TRY(begin(Call::remove, path, true));
  if (folders_.contains(path)) {
    const std::string inside = path + "/";
    const auto below = names_.lower_bound(inside);
    const auto folder = folders_.lower_bound(inside);
    if ((below != names_.end() && below->first.starts_with(inside)) ||
        (folder != folders_.end() && folder->starts_with(inside))) {
      return {Cause::conflict, path + ": the folder is not empty"};
    }
    folders_.erase(path);
    return Ok{};
  }
  const auto found = names_.find(path);
  if (found == names_.end()) return {Cause::not_found, path + ": no such file"};
  name_changes_.push_back({path, "", found->second});
  names_.erase(found);
  return Ok{};
}

Status SimFiles::sync_folder(const std::string& raw) {
  const std::lock_guard lock(mutex_);
  const std::string folder = normal(raw);
  BONAFIDE_TRY(begin(Call::sync_folder, folder, true));
  if (!folders_.contains(folder)) return {Cause::not_found, folder + ": no such folder"};
  std::erase_if(name_changes_, [&](const NameChange& change) {
    const bool here = (!change.from.empty() && folder_of(change.from) == folder) ||
                      (!change.to.empty() && folder_of(change.to) == folder);
    if (here) apply(change);
    return here;
  });
  return Ok{};
}

Result<Files::Space> SimFiles::space(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (off_) return {Cause::internal, path + ": the power is off"};
  return Space{capacity_ - std::min(capacity_, used()), capacity_};
}

void SimFiles::apply(const NameChange& change) {
  if (!change.from.empty()) {
    const auto found = durable_names_.find(change.from);
    if (found != durable_names_.end() && found->second == change.inode) durable_names_.erase(found);
  }
  if (!change.to.empty()) durable_names_[change.to] = change.inode;
}

/// Decides what of a file's unsynced bytes is there after the power cut.
void SimFiles::lose(Inode& inode) {
  enum { nothing, all, in_order, any_sector };
  const auto luck = random_.below(4);
  const uint64_t whole = luck == in_order ? random_.below(inode.unsynced.size() + 1) : 0;
  for (size_t i = 0; i < inode.unsynced.size() && luck != nothing; ++i) {
    if (luck == in_order && i > whole) break;
    const auto& change = inode.unsynced[i];
    if (change.bytes.empty()) {
      if (luck != any_sector || random_.below(2) == 0) inode.durable.resize(change.offset, '\0');
      continue;
    }
    for (uint64_t at = 0; at < change.bytes.size();) {
      const uint64_t count =
          std::min<uint64_t>(change.bytes.size() - at, sector_bytes - (change.offset + at) % sector_bytes);
      const bool torn = luck == any_sector || (luck == in_order && i == whole);
      if (torn && random_.below(2) == 0) {
        if (luck == in_order) return (void)(inode.content = inode.durable);
      } else {
        place(inode.durable, change.offset + at, ByteView(change.bytes).substr(at, count));
      }
      at += count;
    }
  }
}

void SimFiles::crash() {
  const std::lock_guard lock(mutex_);
  const uint64_t survivors = random_.below(name_changes_.size() + 1);
  for (size_t i = 0; i < survivors; ++i) apply(name_changes_[i]);
  name_changes_.clear();
  names_ = durable_names_;
  for (const auto& weak : inodes_) {
    const auto inode = weak.lock();
    if (!inode) continue;
    lose(*inode);
    inode->content = inode->durable;
    inode->unsynced.clear();
  }
  restart();
}

void SimFiles::kill() {
  const std::lock_guard lock(mutex_);
  restart();
}

void SimFiles::restart() {
  ++generation_;
  off_ = false;
  power_left_.reset();
  faults_.clear();
}

void SimFiles::power_off_after(uint64_t calls) {
  const std::lock_guard lock(mutex_);
  power_left_ = calls;
}

uint64_t SimFiles::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

bool SimFiles::powered_off() const {
  const std::lock_guard lock(mutex_);
  return off_;
}

void SimFiles::inject(Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(std::move(fault));
}

void SimFiles::clear_faults() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

void SimFiles::set_capacity(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

Status SimFiles::flip_bit(const std::string& raw, uint64_t byte, unsigned bit) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(normal(raw));
  if (found == names_.end()) return {Cause::not_found, raw + ": no such file"};
  Inode& inode = *found->second;
  if (byte >= inode.content.size())
    return {Cause::invalid, raw + ": ends before byte " + std::to_string(byte)};
  const auto flip = [&](std::string& bytes, uint64_t at) {
    if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << (bit % 8)));
  };
  flip(inode.content, byte);
  flip(inode.durable, byte);
  for (auto& change : inode.unsynced) {
    if (byte >= change.offset) flip(change.bytes, byte - change.offset);
  }
  return Ok{};
}

std::map<std::string, std::string> SimFiles::durable() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> out;
  for (const auto& [path, inode] : durable_names_) out[path] = inode->durable;
  return out;
}

}  // namespace bonafide::env::sim
