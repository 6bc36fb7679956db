#include "trust/network_table.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include <maxminddb.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.hpp"
#include "base/text.hpp"

namespace bonafide::trust {
namespace {

constexpr std::string_view mark = "\xAB\xCD\xEFMaxMind.com";
constexpr size_t mark_within = size_t{128} << 10;  // of the end, by the format's definition
constexpr size_t max_text_bytes = 160;
constexpr size_t max_nodes = size_t{1} << 28;

// A file in memory alone: the library reads nothing but files.
class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("bonafide-mmdb", MFD_CLOEXEC)) {}
  ~MemoryFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] bool write(ByteView bytes) const {
    while (fd_ >= 0 && !bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return fd_ >= 0;
  }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

std::string text_of(const MMDB_entry_data_s& data) {
  if (!data.has_data) return "";
  switch (data.type) {
    case MMDB_DATA_TYPE_UTF8_STRING:
      return clean_text(std::string_view(data.utf8_string, data.data_size), max_text_bytes);
    case MMDB_DATA_TYPE_UINT16:
      return std::to_string(data.uint16);
    case MMDB_DATA_TYPE_UINT32:
      return std::to_string(data.uint32);
    case MMDB_DATA_TYPE_UINT64:
      return std::to_string(data.uint64);
    default:
      return "";
  }
}

/// The members of a record that are looked at.
class Record {
 public:
  explicit Record(MMDB_entry_s entry) : entry_(entry) {}
  template <class... Path>
  std::string text(Path... path) {
    MMDB_entry_data_s data{};
    const int code = MMDB_get_value(&entry_, &data, path..., static_cast<const char*>(nullptr));
    broken_ |= code != MMDB_SUCCESS && code != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR;
    return code == MMDB_SUCCESS ? text_of(data) : "";
  }
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  MMDB_entry_s entry_;
  bool broken_ = false;
};

// The members by the names that MaxMind, DB-IP, IPinfo and others give them.
std::string describe(Record& record) {
  std::string system = record.text("autonomous_system_number");
  if (system.empty()) system = record.text("asn");
  if (!system.empty() && is_digit(system.front())) system.insert(0, "AS");
  std::string name = record.text("autonomous_system_organization");
  if (name.empty()) name = record.text("as_name");
  std::string country = record.text("country", "iso_code");
  if (country.empty()) country = record.text("registered_country", "iso_code");
  if (country.empty()) country = record.text("country_code");
  if (country.empty()) country = record.text("country");
  std::string text = system;
  if (!name.empty()) text += (text.empty() ? "" : " ") + name;
  if (!country.empty()) text += (text.empty() ? "" : ", ") + country;
  return text;
}

}  // namespace

struct NetworkTable::Open {
  MMDB_s db{};
  ~Open() {
    if (db.file_content != nullptr) MMDB_close(&db);
  }
};

NetworkTable::~NetworkTable() = default;

bool NetworkTable::is_one(ByteView bytes) {
  return bytes.substr(bytes.size() - std::min(bytes.size(), mark_within)).find(mark) != ByteView::npos;
}

Result<std::unique_ptr<NetworkTable>> NetworkTable::read(const ListSource& source, ByteView bytes) {
  const MemoryFile file;
  if (!file.write(bytes))
    return {Cause::exhausted, source.path + ": no memory for its " + std::to_string(bytes.size()) + " bytes"};
  std::unique_ptr<NetworkTable> table(new NetworkTable);
  table->name_ = source.name;
  table->role_ = source.role;
  table->version_ = to_hex(view(sha256(bytes))).substr(0, 12);
  auto open = std::make_unique<Open>();
  if (const int code = MMDB_open(file.path().c_str(), MMDB_MODE_MMAP, &open->db); code != MMDB_SUCCESS) {
    open->db.file_content = nullptr;
    return {Cause::invalid, source.path + ": " + MMDB_strerror(code)};
  }
  table->open_ = std::move(open);
  if (const Status sound = table->check(); !sound.ok()) return sound.error().in(source.path);
  return table;
}

// Along the tree from its root: a node is met once, so a tree that is none is found out.
Status NetworkTable::check() {
  MMDB_s& db = open_->db;
  const uint32_t nodes = db.metadata.node_count;
  if (nodes > max_nodes) return {Cause::invalid, "has " + std::to_string(nodes) + " nodes"};
  std::vector<bool> met(nodes);
  std::vector<uint32_t> waiting = {0};
  std::unordered_set<uint64_t> read;
  const auto take = [&](uint64_t record, uint8_t type, MMDB_entry_s entry) -> Status {
    if (type == MMDB_RECORD_TYPE_EMPTY) return Ok{};
    if (type == MMDB_RECORD_TYPE_SEARCH_NODE) {
      waiting.push_back(static_cast<uint32_t>(record));
      return Ok{};
    }
    if (type != MMDB_RECORD_TYPE_DATA) return {Cause::invalid, "a branch of its tree leads nowhere"};
    ++networks_;
    if (!read.insert(record).second) return Ok{};
    Record one(entry);
    (void)describe(one);
    if (one.broken()) return {Cause::invalid, "record " + std::to_string(record) + " is broken"};
    return Ok{};
  };
  while (!waiting.empty()) {
    const uint32_t at = waiting.back();
    waiting.pop_back();
    // The part of the tree that IPv4 and its IPv6 forms share is met again; deeper than an address is no
    // tree.
    if (met[at]) continue;
    met[at] = true;
    MMDB_search_node_s node{};
    if (MMDB_read_node(&db, at, &node) != MMDB_SUCCESS)
      return {Cause::invalid, "node " + std::to_string(at) + " is broken"};
    BONAFIDE_TRY(take(node.left_record, node.left_record_type, node.left_record_entry));
    BONAFIDE_TRY(take(node.right_record, node.right_record_type, node.right_record_entry));
  }
  return Ok{};
}

std::string NetworkTable::find(const IpAddress& address) const {
  const bool v4 = address.is_v4();
  sockaddr_storage storage{};
  if (v4) {
    auto* in = reinterpret_cast<sockaddr_in*>(&storage);
    in->sin_family = AF_INET;
    std::memcpy(&in->sin_addr, address.bytes.data() + 12, 4);
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&storage);
    in->sin6_family = AF_INET6;
    std::memcpy(&in->sin6_addr, address.bytes.data(), 16);
  }
  if (!v4 && open_->db.metadata.ip_version == 4) return "";
  int error = MMDB_SUCCESS;
  MMDB_lookup_result_s found =
      MMDB_lookup_sockaddr(&open_->db, reinterpret_cast<const sockaddr*>(&storage), &error);
  if (error != MMDB_SUCCESS || !found.found_entry) return "";
  Record record(found.entry);
  const std::string text = describe(record);
  size_t bits = found.netmask;
  if (v4 && open_->db.metadata.ip_version == 6) bits = bits >= 96 ? bits - 96 : 0;
  const std::string range =
      IpRange::around(address, std::min<size_t>(bits, 32), std::min<size_t>(bits, 128)).text();
  return text.empty() ? range : text + " (" + range + ")";
}

}  // namespace bonafide::trust
