#include "app/mail_watch.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace bonafide::app {
namespace {

constexpr size_t batch_messages = 64;
constexpr Duration wait_for_room = Duration::millis(200);
constexpr std::string_view memory_head = "bonafide watch 1";
constexpr std::string_view mbox_word = "mbox ", maildir_word = "maildir ", mail_word = "mail ";

// A Maildir's file name without its flags (":2,S"), which change.
std::string_view without_flags(std::string_view name) { return name.substr(0, name.find(':')); }

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

MailWatch::MailWatch(Settings settings, Parts parts)
    : settings_(std::move(settings)), parts_(std::move(parts)) {
  for (std::string path : settings_.paths) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    boxes_.push_back({.path = std::move(path), .taken = {}});
  }
  read_memory();
}

// What cannot be read is forgotten: the collector knows its repeats.
void MailWatch::read_memory() {
  const auto text = parts_.files.read_file(settings_.memory_file);
  if (!text.ok()) return;
  Box* box = nullptr;
  const auto find = [&](std::string_view path) {
    const auto found = std::ranges::find(boxes_, path, &Box::path);
    return found == boxes_.end() ? nullptr : &*found;
  };
  const auto lines = split(*text, '\n');
  if (lines.front() != memory_head) return;
  for (const std::string_view line : lines) {
    if (line.starts_with(maildir_word)) {
      box = find(line.substr(maildir_word.size()));
    } else if (line.starts_with(mail_word) && box != nullptr) {
      box->taken.emplace(line.substr(mail_word.size()));
    } else if (line.starts_with(mbox_word)) {
      const std::string_view rest = line.substr(mbox_word.size());
      const size_t space = std::min(rest.find(' '), rest.size());
      const auto offset = parse_int(rest.substr(0, space));
      Box* const mbox = space < rest.size() ? find(rest.substr(space + 1)) : nullptr;
      if (mbox != nullptr && offset.ok() && *offset >= 0) mbox->read_to = static_cast<uint64_t>(*offset);
    }
  }
}

Status MailWatch::write_memory() {
  std::string text = std::string(memory_head) + "\n";
  for (const Box& box : boxes_) {
    if (box.read_to > 0) text += std::string(mbox_word) + std::to_string(box.read_to) + " " + box.path + "\n";
    if (box.taken.empty()) continue;
    text += std::string(maildir_word) + box.path + "\n";
    for (const auto& name : box.taken) text += std::string(mail_word) + name + "\n";
  }
  return parts_.files.write_file(settings_.memory_file, text);
}

Time MailWatch::due() const { return batch_->under_way.load() > 0 ? Time{INT64_MAX} : due_; }

Result<bool> MailWatch::step(Time now) {
  if (batch_->under_way.load() > 0 || now < due_) return false;
  take_note();
  if (look_ == nullptr) {
    if (turn_ == boxes_.size()) turn_ = 0;
    if (turn_ < boxes_.size()) begin_look();
  }
  for (size_t i = 0; look_ != nullptr && i < batch_messages; ++i) {
    if (!parts_.admits(0)) {
      due_ = now + wait_for_room;
      return false;
    }
    const auto message = next_message();
    if (!message) {
      if (batch_->under_way.load() > 0) return false;  // the end of the look waits for them
      take_note();
      end_look();
    }
  }
  if (look_ != nullptr) return batch_->under_way.load() == 0;
  if (++turn_ < boxes_.size()) return true;
  BONAFIDE_TRY(end_turn(now));
  return false;
}

Status MailWatch::end_turn(Time now) {
  due_ = now + settings_.every;
  if (std::exchange(changed_, false)) return write_memory();
  return Ok{};
}

void MailWatch::begin_look() {
  Box& box = boxes_[turn_];
  const auto names = parts_.files.list(box.path);
  const bool is_maildir = names.ok() && holds(*names, "cur") && holds(*names, "new");
  if (is_maildir) return look_at_maildir(box);
  if (!names.ok()) return look_at_mbox(box);
  if (!std::exchange(box.warned, true))
    parts_.logger.warn("files.no_mailbox", {{"path", box.path}, {"why", "a folder without new and cur"}});
}

void MailWatch::look_at_maildir(Box& box) {
  auto look = std::make_unique<Look>();
  look->box = &box;
  std::set<std::string> there;
  // In this order, so that what is moved from new to cur meanwhile is seen.
  for (const char* part : {"new", "cur"}) {
    const std::string folder = box.path + "/" + part, in_folder = folder + "/";
    const auto files = parts_.files.list(folder);
    if (!files.ok()) continue;
    for (const auto& file : *files) {
      if (file.starts_with('.') || file.find('\n') != std::string::npos) continue;
      std::string name(without_flags(file));
      if (!there.insert(name).second || box.taken.contains(name)) continue;
      look->mails.emplace_back(std::move(name), in_folder + file);
    }
  }
  if (std::erase_if(box.taken, [&](const std::string& name) { return !there.contains(name); }) > 0)
    changed_ = true;
  if (!look->mails.empty()) look_ = std::move(look);
  if (look_ == nullptr) box.looked = true;
}

// Somebody may be in the middle of writing a message: an mbox is read when it has not grown since the look
// before.
void MailWatch::look_at_mbox(Box& box) {
  const auto file = parts_.files.open(box.path, env::Open::read);
  if (!file.ok()) return;
  const auto size = (*file)->size();
  if (!size.ok()) return;
  const bool rests = std::exchange(box.last_size, *size) == *size;
  if (*size < box.read_to) box.read_to = 0;  // rewritten; what was taken before is known
  if (*size == box.read_to) box.looked = true;
  if (!rests || *size == box.read_to) return;
  const auto begin = (*file)->read_at(box.read_to, 64);
  if (!begin.ok()) return;
  const size_t skipped = std::min(begin->find_first_not_of("\r\n"), begin->size());
  if (!std::string_view(*begin).substr(skipped).starts_with("From ")) {
    if (box.read_to == 0 && !std::exchange(box.warned, true))
      parts_.logger.warn("files.no_mailbox", {{"path", box.path}, {"why", "it does not begin with From"}});
    box.read_to = 0;
    return;
  }
  auto source = mail::open_mbox_part(parts_.files, box.path, box.read_to + skipped, *size);
  if (!source.ok()) return;
  look_ = std::make_unique<Look>();
  look_->box = &box;
  look_->source = std::move(*source);
  look_->size = *size;
}

// Hands over the next message of the look, if there is one, and gives it back.
std::optional<mail::RawMessage> MailWatch::next_message() {
  if (look_->source != nullptr) {
    auto message = look_->source->next();
    if (!message.ok()) {
      parts_.logger.warn("files.not_read", {{"path", look_->box->path}, {"error", message.error().message}});
      look_->failed = true;
      return std::nullopt;
    }
    if (*message) hand_over(**message, "");
    return std::move(*message);
  }
  while (look_->next < look_->mails.size()) {
    const auto& [name, path] = look_->mails[look_->next++];
    auto file = parts_.files.open(path, env::Open::read);
    if (!file.ok()) continue;  // moved or removed meanwhile: the next look finds it, or nobody does
    const auto size = (*file)->size();
    if (!size.ok()) continue;
    auto bytes = (*file)->read_at(0, std::min<uint64_t>(*size, mail::MailSource::max_message_bytes));
    if (!bytes.ok()) {
      parts_.logger.warn("files.not_read", {{"path", path}, {"error", bytes.error().message}});
      continue;
    }
    mail::RawMessage message{path, SharedBytes(std::move(*bytes)), *size};
    hand_over(message, name);
    return message;
  }
  return std::nullopt;
}

void MailWatch::hand_over(const mail::RawMessage& message, std::string name) {
  ++batch_->under_way;
  parts_.submit(message, !look_->box->looked,
                [batch = batch_, name = std::move(name), wake = parts_.wake](bool settled) {
                  {
                    const std::lock_guard lock(batch->mutex);
                    if (settled) batch->settled.push_back(name);
                    batch->failed = batch->failed || !settled;
                  }
                  if (--batch->under_way == 0) wake();
                });
}

void MailWatch::take_note() {
  if (look_ == nullptr) return;
  const std::lock_guard lock(batch_->mutex);
  if (look_->source == nullptr && !batch_->settled.empty()) {
    look_->box->taken.insert(batch_->settled.begin(), batch_->settled.end());
    changed_ = true;
  }
  batch_->settled.clear();
  look_->failed = std::exchange(batch_->failed, false) || look_->failed;
}

void MailWatch::end_look() {
  Box& box = *look_->box;
  if (look_->source != nullptr && !look_->failed) {
    box.read_to = look_->size;
    changed_ = true;
  }
  box.looked = true;
  look_.reset();
}

}  // namespace bonafide::app
