#include "stores/directory/directory_blobs.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bonafide::stores {
namespace {

constexpr const char* aside_folder = "_aside";

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

bool name_character(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("._-=%@+,~").find(c) != std::string_view::npos;
}

class FileBlob final : public Blob {
 public:
  explicit FileBlob(std::unique_ptr<env::File> file) : file_(std::move(file)) {}
  Result<std::string> read_at(uint64_t offset, size_t count) override {
    return file_->read_at(offset, count);
  }
  Result<uint64_t> size() override { return file_->size(); }

 private:
  std::unique_ptr<env::File> file_;
};

class FileBlobWriter final : public BlobWriter {
 public:
  FileBlobWriter(env::Files& files, std::unique_ptr<env::File> file, std::string aside, std::string root,
                 size_t head_bytes)
      : files_(files),
        file_(std::move(file)),
        aside_(std::move(aside)),
        root_(std::move(root)),
        at_(head_bytes),
        head_bytes_(head_bytes) {}
  ~FileBlobWriter() override {
    file_.reset();
    if (!aside_.empty()) (void)files_.remove(aside_).ok();  // else sweep() will
  }
  FileBlobWriter(const FileBlobWriter&) = delete;
  FileBlobWriter& operator=(const FileBlobWriter&) = delete;

  Status append(ByteView bytes) override {
    BONAFIDE_TRY(file_->write_at(at_, bytes));
    at_ += bytes.size();
    return Ok{};
  }

  Status finish(const std::string& name, ByteView head) override {
    BONAFIDE_TRY(BlobStore::check_name(name));
    if (head.size() != head_bytes_) {
      return {Cause::internal, name + ": " + std::to_string(head_bytes_) + " bytes were reserved, not " +
                                   std::to_string(head.size())};
    }
    if (!head.empty()) BONAFIDE_TRY(file_->write_at(0, head));
    BONAFIDE_TRY(file_->sync_all());
    const std::string path = root_ + "/" + name;
    BONAFIDE_TRY(make_folder_for(path));
    BONAFIDE_TRY(files_.rename(aside_, path));
    aside_.clear();
    return files_.sync_folder(folder_of(path));
  }

 private:
  /// A folder that is new must not be lost with the power either.
  Status make_folder_for(const std::string& path) {
    const std::string folder = folder_of(path);
    BONAFIDE_ASSIGN(const bool there, files_.exists(folder));
    if (there) return Ok{};
    BONAFIDE_TRY(files_.make_folders(folder));
    for (std::string made = folder; made.size() > root_.size(); made = folder_of(made)) {
      BONAFIDE_TRY(files_.sync_folder(folder_of(made)));
    }
    return Ok{};
  }

  env::Files& files_;
  std::unique_ptr<env::File> file_;
  std::string aside_;
  const std::string root_;
  uint64_t at_;
  const size_t head_bytes_;
};

}  // namespace

Status BlobStore::check_name(const std::string& name) {
  for (const auto part : split(name, '/')) {
    if (part.empty() || part == "." || part == ".." || part.size() > 255 ||
        !std::all_of(part.begin(), part.end(), name_character)) {
      return {Cause::invalid, "\"" + clean_text(name, 300) + "\" cannot be the name of a blob"};
    }
  }
  return Ok{};
}

Result<std::string> BlobStore::read(const std::string& name) {
  BONAFIDE_ASSIGN(const auto blob, open(name));
  BONAFIDE_ASSIGN(const uint64_t size, blob->size());
  return blob->read_at(0, size);
}

Result<std::unique_ptr<BlobWriter>> DirectoryBlobs::put(size_t head_bytes) {
  const std::string folder = path_of(aside_folder);
  BONAFIDE_TRY(files_.make_folders(folder));
  std::string aside = folder + "/" + std::to_string(next_aside_++);
  BONAFIDE_ASSIGN(auto file, files_.open(aside, env::Open::create_new));
  return std::unique_ptr<BlobWriter>(
      std::make_unique<FileBlobWriter>(files_, std::move(file), std::move(aside), folder_, head_bytes));
}

Status DirectoryBlobs::write(const std::string& name, ByteView bytes) {
  BONAFIDE_ASSIGN(const auto writer, put(0));
  BONAFIDE_TRY(writer->append(bytes));
  return writer->finish(name, "");
}

Result<std::unique_ptr<Blob>> DirectoryBlobs::open(const std::string& name) {
  BONAFIDE_TRY(check_name(name));
  BONAFIDE_ASSIGN(auto file, files_.open(path_of(name), env::Open::read));
  return std::unique_ptr<Blob>(std::make_unique<FileBlob>(std::move(file)));
}

struct DirectoryBlobs::Listing {
  const std::string& prefix;
  const std::string& after;
  size_t limit;
  std::vector<std::string> names = {};
};

Result<std::vector<std::string>> DirectoryBlobs::list(const std::string& prefix, const std::string& after,
                                                      size_t limit) {
  Listing listing{prefix, after, limit};
  const size_t slash = prefix.rfind('/');
  BONAFIDE_TRY(list_folder(slash == std::string::npos ? "" : prefix.substr(0, slash + 1), listing));
  return std::move(listing.names);
}

/// `below` is "" or ends in "/".
Status DirectoryBlobs::list_folder(const std::string& below, Listing& listing) {
  auto entries = files_.list(below.empty() ? folder_ : path_of(below.substr(0, below.size() - 1)));
  if (!entries.ok()) return entries.error().cause == Cause::not_found ? Status(Ok{}) : entries.error();
  // Names are ordered as wholes, where a folder's name goes on with "/".
  std::vector<std::string> names;
  for (auto& entry : *entries) {
    if (below.empty() && entry == aside_folder) continue;
    std::string name = below + entry;
    const auto inside = files_.list(path_of(name));
    names.push_back(inside.ok() ? name + "/" : std::move(name));
  }
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    if (listing.names.size() >= listing.limit) break;
    if (name.back() == '/') {
      const bool wanted = name.starts_with(listing.prefix) || listing.prefix.starts_with(name);
      const bool passed = name < listing.after && !listing.after.starts_with(name);
      if (wanted && !passed) BONAFIDE_TRY(list_folder(name, listing));
    } else if (name.starts_with(listing.prefix) && name > listing.after) {
      listing.names.push_back(name);
    }
  }
  return Ok{};
}

Result<std::vector<std::string>> DirectoryBlobs::folders(const std::string& prefix) {
  auto entries = files_.list(prefix.empty() ? folder_ : path_of(prefix.substr(0, prefix.size() - 1)));
  if (!entries.ok()) {
    if (entries.error().cause == Cause::not_found) return std::vector<std::string>();
    return entries.error();
  }
  std::vector<std::string> out;
  for (auto& entry : *entries) {
    if (prefix.empty() && entry == aside_folder) continue;
    const auto inside = files_.list(path_of(prefix + entry));
    if (inside.ok() && !inside->empty()) out.push_back(std::move(entry));
  }
  std::sort(out.begin(), out.end());
  return out;
}

Status DirectoryBlobs::remove(const std::string& name) {
  BONAFIDE_TRY(check_name(name));
  const std::string path = path_of(name);
  BONAFIDE_TRY(files_.remove(path));
  return files_.sync_folder(folder_of(path));
}

Status DirectoryBlobs::sweep() {
  const auto left = files_.list(path_of(aside_folder));
  if (!left.ok()) return left.error().cause == Cause::not_found ? Status(Ok{}) : left.error();
  for (const auto& name : *left) BONAFIDE_TRY(files_.remove(path_of(std::string(aside_folder) + "/" + name)));
  return Ok{};
}

}  // namespace bonafide::stores
