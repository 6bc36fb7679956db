#include "mail/parse/mailbox.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"

namespace bonafide::mail {
namespace {

constexpr size_t block_bytes = 256 * 1024;
constexpr int max_folder_depth = 32;
constexpr std::string_view mbox_mark = "From ";

// Bytes from a file or from memory, by offset.
class Bytes {
 public:
  Bytes(std::unique_ptr<env::File> file, uint64_t size, uint64_t begin = 0)
      : file_(std::move(file)), begin_(begin), size_(size) {}
  explicit Bytes(SharedBytes bytes) : bytes_(std::move(bytes)), size_(bytes_.size()) {}

  [[nodiscard]] uint64_t size() const { return size_; }
  Result<std::string> read(uint64_t offset, size_t count) {
    if (file_ != nullptr)
      return file_->read_at(begin_ + offset, std::min<uint64_t>(count, size_ - std::min(offset, size_)));
    return std::string(bytes_.view().substr(std::min<uint64_t>(offset, size_), count));
  }

 private:
  std::unique_ptr<env::File> file_;
  SharedBytes bytes_;
  uint64_t begin_ = 0;
  uint64_t size_;
};

Result<Bytes> open_file(env::Files& files, const std::string& path) {
  BONAFIDE_ASSIGN(auto file, files.open(path, env::Open::read));
  BONAFIDE_ASSIGN(const uint64_t size, file->size());
  return Bytes(std::move(file), size);
}

// One message that fills its file.
class SingleSource final : public MailSource {
 public:
  SingleSource(std::string name, Bytes bytes) : name_(std::move(name)), bytes_(std::move(bytes)) {}

  Result<std::optional<RawMessage>> next() override {
    if (std::exchange(done_, true)) return std::optional<RawMessage>();
    BONAFIDE_ASSIGN(std::string raw, bytes_.read(0, std::min<uint64_t>(bytes_.size(), max_message_bytes)));
    return std::optional(RawMessage{name_, SharedBytes(std::move(raw)), bytes_.size()});
  }
  [[nodiscard]] Progress progress() const override {
    return {done_ ? bytes_.size() : 0, bytes_.size(), "bytes"};
  }

 private:
  std::string name_;
  Bytes bytes_;
  bool done_ = false;
};

// Does this line, "From " and all, separate messages? It carries a time; a sentence of a body hardly does.
bool is_mbox_mark(std::string_view line) {
  if (!line.starts_with(mbox_mark)) return false;
  const size_t colon = line.find(':', mbox_mark.size());
  if (colon == std::string_view::npos) return false;
  for (size_t at = colon; at != std::string_view::npos; at = line.find(':', at + 1)) {
    if (at > 0 && is_digit(line[at - 1]) && at + 1 < line.size() && is_digit(line[at + 1])) return true;
  }
  return false;
}

// Is the line a "From " that was quoted with ">"?
bool is_quoted_mark(std::string_view line) {
  const size_t quotes = std::min(line.find_first_not_of('>'), line.size());
  return quotes > 0 && line.substr(quotes).starts_with(mbox_mark);
}

// Messages of an mbox, read block by block.
class MboxSource final : public MailSource {
 public:
  MboxSource(std::string name, Bytes bytes) : name_(std::move(name)), bytes_(std::move(bytes)) {}

  Result<std::optional<RawMessage>> next() override {
    std::string raw;
    uint64_t size = 0;
    bool blank_before = false;
    std::string_view line;
    if (!inside_) {  // the first separator, or what stands in its place
      BONAFIDE_ASSIGN(const bool more, next_line(line));
      if (!more) return std::optional<RawMessage>();
      inside_ = true;
      if (!line.starts_with(mbox_mark)) add(line, raw, size);
    }
    for (;;) {
      BONAFIDE_ASSIGN(const bool more, next_line(line));
      if (!more) inside_ = false;
      if (!more || (blank_before && is_mbox_mark(line))) break;
      const bool whole = std::exchange(ended_, line.ends_with('\n'));  // not the rest of a very long line
      blank_before = whole && (line == "\n" || line == "\r\n");
      add(whole && is_quoted_mark(line) ? line.substr(1) : line, raw, size);
    }
    // The empty line before a separator belongs to it.
    if (blank_before) {
      const size_t end = raw.ends_with("\r\n") ? 2 : raw.ends_with('\n') ? 1 : 0;
      if (raw.size() == size) raw.resize(raw.size() - end);
      size -= end;
    }
    return std::optional(
        RawMessage{name_ + "#" + std::to_string(++count_), SharedBytes(std::move(raw)), size});
  }

  [[nodiscard]] Progress progress() const override {
    return {offset_ - (buffer_.size() - at_), bytes_.size(), "bytes"};
  }

 private:
  static void add(std::string_view line, std::string& raw, uint64_t& size) {
    if (raw.size() < max_message_bytes) raw += line.substr(0, max_message_bytes - raw.size());
    size += line.size();
  }

  // The next line with its end, valid until the next call; a longer one than fits comes in pieces. False: at
  // the end.
  Result<bool> next_line(std::string_view& line) {
    for (;;) {
      const size_t end = buffer_.find('\n', at_);
      const bool over = offset_ == bytes_.size();
      if (end != std::string::npos || over || buffer_.size() - at_ >= block_bytes) {
        const size_t stop = end == std::string::npos ? buffer_.size() : end + 1;
        line = std::string_view(buffer_).substr(at_, stop - at_);
        at_ = stop;
        return !line.empty();
      }
      buffer_.erase(0, at_);
      at_ = 0;
      auto block = bytes_.read(offset_, block_bytes);
      if (!block.ok()) {
        inside_ = false;
        buffer_.clear();
        offset_ = bytes_.size();  // the rest cannot be trusted to begin with a message
        return block.error().in(name_);
      }
      offset_ = block->empty() ? bytes_.size() : offset_ + block->size();
      buffer_ += *block;
    }
  }

  std::string name_;
  Bytes bytes_;
  std::string buffer_;
  size_t at_ = 0;        // in buffer_
  uint64_t offset_ = 0;  // in the file, of the end of buffer_
  bool inside_ = false;  // the separator of the next message is read already
  bool ended_ = true;    // the line before came with its end
  uint64_t count_ = 0;
};

Result<std::unique_ptr<MailSource>> open_mail(std::string name, Bytes bytes) {
  BONAFIDE_ASSIGN(const std::string head, bytes.read(0, mbox_mark.size()));
  if (head == mbox_mark)
    return std::unique_ptr<MailSource>(std::make_unique<MboxSource>(std::move(name), std::move(bytes)));
  return std::unique_ptr<MailSource>(std::make_unique<SingleSource>(std::move(name), std::move(bytes)));
}

// The files of a folder, one after the other.
class FolderSource final : public MailSource {
 public:
  FolderSource(env::Files& files, std::vector<std::string> paths) : files_(files), paths_(std::move(paths)) {}

  Result<std::optional<RawMessage>> next() override {
    for (;;) {
      if (current_ == nullptr) {
        if (done_ == paths_.size()) return std::optional<RawMessage>();
        const std::string& path = paths_[done_++];
        BONAFIDE_ASSIGN(auto bytes, open_file(files_, path));
        BONAFIDE_ASSIGN(current_, open_mail(path, std::move(bytes)));
      }
      auto message = current_->next();
      if (message.ok() && message->has_value()) return message;
      current_.reset();
      if (!message.ok()) return message;
    }
  }
  [[nodiscard]] Progress progress() const override {
    return {done_ - (current_ == nullptr ? 0 : 1), paths_.size(), "files"};
  }

 private:
  env::Files& files_;
  std::vector<std::string> paths_;
  size_t done_ = 0;
  std::unique_ptr<MailSource> current_;
};

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_mail_file(std::string_view name) {
  const std::string lower = ascii_lower(name);
  return lower.ends_with(".eml") || lower.ends_with(".mbox");
}

// Paths of the mail files in and below a folder, in name order. All files of a Maildir are mail, whatever
// they are called.
Status collect(env::Files& files, const std::string& folder, std::vector<std::string> names, int depth,
               std::vector<std::string>& paths) {
  std::sort(names.begin(), names.end());
  if (holds(names, "cur") && holds(names, "new")) {
    for (const std::string_view part : {"cur", "new"}) {
      const std::string sub = folder + "/" + std::string(part);
      BONAFIDE_ASSIGN(const auto mails, files.list(sub));
      for (const auto& mail : mails) {
        if (!mail.starts_with('.')) paths.push_back(sub + "/" + mail);
      }
    }
  }
  for (const auto& name : names) {
    if (name == "cur" || name == "new" || name == "tmp" || name == "." || name == "..") continue;
    const std::string path = folder + "/" + name;
    if (is_mail_file(name)) {
      paths.push_back(path);
    } else if (auto inside = files.list(path); inside.ok() && depth < max_folder_depth) {
      BONAFIDE_TRY(collect(files, path, std::move(*inside), depth + 1, paths));
    }
  }
  return Ok{};
}

}  // namespace

Result<std::unique_ptr<MailSource>> open_source(env::Files& files, const std::string& path) {
  auto names = files.list(path);
  if (names.ok()) {
    std::string folder = path;
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    std::vector<std::string> paths;
    BONAFIDE_TRY(collect(files, folder, std::move(*names), 0, paths));
    if (paths.empty()) {
      return {Cause::not_found,
              path + ": no mail in this folder; .eml and .mbox files and Maildirs are looked for"};
    }
    return std::unique_ptr<MailSource>(std::make_unique<FolderSource>(files, std::move(paths)));
  }
  BONAFIDE_ASSIGN(auto bytes, open_file(files, path));
  return open_mail(path, std::move(bytes));
}

Result<std::unique_ptr<MailSource>> open_mbox_part(env::Files& files, const std::string& path, uint64_t from,
                                                   uint64_t to) {
  BONAFIDE_ASSIGN(auto file, files.open(path, env::Open::read));
  return std::unique_ptr<MailSource>(
      std::make_unique<MboxSource>(path, Bytes(std::move(file), to - std::min(from, to), from)));
}

std::unique_ptr<MailSource> open_bytes(std::string name, SharedBytes bytes) {
  if (bytes.view().starts_with(mbox_mark)) {
    return std::make_unique<MboxSource>(std::move(name), Bytes(std::move(bytes)));
  }
  return std::make_unique<SingleSource>(std::move(name), Bytes(std::move(bytes)));
}

}  // namespace bonafide::mail
