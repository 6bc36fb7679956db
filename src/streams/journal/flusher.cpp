#include "streams/journal/flusher.hpp"

#include <algorithm>

namespace bonafide::streams::journal {

using flow::Progress;

namespace {
constexpr size_t batch_bytes = size_t{8} << 20;
constexpr size_t write_bytes = size_t{1} << 20;
constexpr size_t early_write_bytes = size_t{1} << 20;
constexpr uint64_t slice_bytes = uint64_t{256} << 10;
constexpr uint64_t prepared_sync_bytes = uint64_t{4} << 20;
constexpr uint64_t page_bytes = 4096;
/// Behind the frames, for the footer: a segment must be sealed on a full disk, too.
uint64_t footer_room(uint64_t segment_bytes) { return std::min(uint64_t{256} << 10, segment_bytes / 16); }
constexpr Duration room_every = Duration::seconds(1);
constexpr Duration housekeeping_every = Duration::seconds(1);

}  // namespace

Flusher::Flusher(std::shared_ptr<Core> core, std::unique_ptr<env::File> current, uint64_t zeroed)
    : core_(std::move(core)),
      segment_(core_->segments.back()),
      file_(std::move(current)),
      zeroed_(zeroed),
      written_(core_->durable),
      durable_(core_->durable) {}

Result<Progress> Flusher::step() {
  {
    const std::lock_guard lock(core_->mutex);
    if (core_->failed) return *core_->failed;
  }
  BONAFIDE_ASSIGN(bool worked, write_and_sync(false));
  if (!worked) worked = mark_if_idle(false);
  if (core_->outside.clock.steady() >= next_housekeeping_) {
    next_housekeeping_ = core_->outside.clock.steady() + housekeeping_every;
    if (const Status kept = keep_house(); !kept.ok()) return fail(kept.error()).error();
  } else if (core_->outside.clock.steady() >= next_space_look_) {
    look_at_space();
  }
  if (!worked) {
    auto zeroed = zero_ahead();
    if (!zeroed.ok()) return fail(zeroed.error()).error();
    worked = *zeroed;
  }
  return worked ? Progress::worked : Progress::idle;
}

Time Flusher::due() const {
  const std::lock_guard lock(core_->mutex);
  if (room_look_) return std::min(*room_look_, next_housekeeping_);
  if (!core_->waiters.empty()) return {};
  Time due = next_housekeeping_;
  if (!core_->unsynced.empty()) due = std::min(due, core_->unsynced_since + core_->settings.idle_sync);
  if (witnessed_ < core_->last_data_end) due = std::min(due, last_sync_ + core_->settings.idle_sync);
  return due;
}

Status Flusher::finish() {
  for (;;) {
    BONAFIDE_ASSIGN(const bool worked, write_and_sync(true));
    if (!worked && !mark_if_idle(true)) break;
  }
  if (room_look_)
    return fail({Cause::exhausted, "the disk is full; what was not synced, and not confirmed, is lost"});
  if (const Status written = write_catalogue(); !written.ok()) return fail(written.error());
  return Ok{};
}

/// Takes what is pending and brings it onto the disk if somebody waits for it or it is old enough. False:
/// nothing due.
Result<bool> Flusher::write_and_sync(bool everything) {
  bool sync_due = false;
  {
    const std::lock_guard lock(core_->mutex);
    const Time now = core_->outside.clock.steady();
    if (room_look_ && now < *room_look_ && !everything) return false;
    const bool old = !core_->unsynced.empty() && now >= core_->unsynced_since + core_->settings.idle_sync;
    sync_due = !core_->waiters.empty() || old || (everything && !core_->unsynced.empty());
    if (!sync_due && core_->pending_bytes < early_write_bytes) return false;
    size_t taken = 0;
    while (!core_->pending.empty() && taken < batch_bytes && !room_look_) {
      taken += core_->pending.front()->bytes.size();
      taken_.push_back(std::move(core_->pending.front()));
      core_->pending.pop_front();
    }
    core_->pending_bytes -= taken;
  }
  if (const Status written = write(); !written.ok()) {
    if (written.error().cause == Cause::exhausted) return wait_for_room(written.error());
    return fail(written.error()).error();
  }
  if (room_look_) core_->outside.logger.warn("journal.has_room", {{"written", written_}});
  room_look_.reset();
  if (sync_due) {
    if (const Status synced = sync(); !synced.ok()) return fail(synced.error()).error();
    publish();
  }
  return true;
}

/// A write for which there was no room has changed nothing that counts: the same bytes go to the same place
/// when there is. Whoever waits for them waits longer, and nobody else is let in. (A sync that fails is
/// another matter, whatever it says: nobody knows what is on the disk then.)
Result<bool> Flusher::wait_for_room(const Error& error) {
  if (!room_look_) core_->outside.logger.error("journal.waits_for_room", {{"error", error.message}});
  room_look_ = core_->outside.clock.steady() + room_every;
  const std::lock_guard lock(core_->mutex);
  core_->full =
      flow::Inlet::Admission{false, Duration::seconds(30),
                             "the disk is full: " + error.message + "; free some space", Cause::unavailable};
  core_->all_but_full = true;
  return false;
}

/// May be called again after it had no room: goes on where it was.
Status Flusher::write() {
  const bool any = !taken_.empty() || !buffer_.empty();
  while (!taken_.empty()) {
    const auto& frame = taken_.front();
    if (frame->segment != segment_) {
      BONAFIDE_TRY(write_buffer());
      BONAFIDE_TRY(enter_segment(frame->segment));
    }
    if (buffer_.size() + frame->bytes.size() > write_bytes) BONAFIDE_TRY(write_buffer());
    if (buffer_.empty()) buffer_lsn_ = frame->lsn;
    const size_t at = buffer_.size();
    buffer_ += frame->bytes;
    // The mark is set as late as this, so that every frame witnesses all that was synced before it was
    // written.
    segment_->hash = extend_hash(segment_->hash, set_durable(buffer_.data() + at, durable_));
    core_->metrics.frames.add();
    taken_.pop_front();
  }
  BONAFIDE_TRY(write_buffer());
  if (any) mark_written_ = durable_;
  return Ok{};
}

Status Flusher::write_buffer() {
  if (buffer_.empty()) return Ok{};
  const uint64_t from = buffer_lsn_ - segment_->base, upto = from + buffer_.size();
  // Up to the page's end, over zeros that stand there: the system would have to read a page of which only a
  // part is written.
  const uint64_t page_end = (upto + page_bytes - 1) / page_bytes * page_bytes;
  if (page_end <= zeroed_) buffer_.resize(page_end - from, '\0');
  const Status written = file_->write_at(from, buffer_);
  buffer_.resize(upto - from);
  BONAFIDE_TRY(written);
  written_ = segment_->base + upto;
  zeroed_ = std::max(zeroed_, upto);
  core_->metrics.written_bytes.add(upto - from);
  buffer_.clear();
  if (buffer_.capacity() > 2 * write_bytes) buffer_.shrink_to_fit();
  return Ok{};
}

Status Flusher::sync() {
  const Time before = core_->outside.clock.steady();
  BONAFIDE_TRY(file_->sync_data());
  last_sync_ = core_->outside.clock.steady();
  core_->metrics.syncs.add();
  core_->metrics.sync_seconds.observe(last_sync_ - before);
  durable_ = written_;
  witnessed_ = std::max(witnessed_, mark_written_);
  return Ok{};
}

/// Tells everybody what is durable now.
void Flusher::publish() {
  std::vector<Core::Waiter> done;
  {
    const std::lock_guard lock(core_->mutex);
    core_->durable = durable_;
    while (!core_->unsynced.empty() && core_->unsynced.front()->end() <= durable_) {
      const Frame& frame = *core_->unsynced.front();
      for (uint32_t i = 0; i < frame.parts.size(); ++i) {
        core_->tails[frame.parts[i].entry.shard].synced = flow::Position::of(frame.lsn, i);
      }
      core_->unsynced_bytes -= frame.bytes.size();
      core_->wake_readers(flow::Visibility::synced, frame);
      core_->unsynced.pop_front();
    }
    core_->unsynced_since = last_sync_;
    while (!core_->waiters.empty() && core_->waiters.front().end <= durable_) {
      done.push_back(std::move(core_->waiters.front()));
      core_->waiters.pop_front();
    }
    core_->drop_old_frames();
    core_->metrics.unsynced_bytes.set(static_cast<double>(core_->unsynced_bytes));
  }
  for (auto& waiter : done) waiter.then(std::move(waiter.landed));
}

/// The disk has failed: nothing more is accepted, whoever waits is told, and the caller stops the process.
Status Flusher::fail(Error error) {
  std::deque<Core::Waiter> waiting;
  error = error.in("the journal cannot go on");
  {
    const std::lock_guard lock(core_->mutex);
    if (!core_->failed) core_->failed = error;
    waiting.swap(core_->waiters);
  }
  core_->outside.logger.error("journal.failed", {{"error", error.message}});
  for (auto& waiter : waiting) waiter.then(error);
  return error;
}

/// Before going idle a small frame is written, so that the last synced one has a witness: without it, damage
/// to the last frame would look like a torn tail.
bool Flusher::mark_if_idle(bool now) {
  const std::lock_guard lock(core_->mutex);
  if (!core_->unsynced.empty() || witnessed_ >= core_->last_data_end) return false;
  if (!now && core_->outside.clock.steady() < last_sync_ + core_->settings.idle_sync) return false;
  core_->append_control(FrameKind::mark, {}, {});
  // Due at once: it is older than any idle time.
  core_->unsynced_since = Time{INT64_MIN / 2};
  return true;
}

Status Flusher::enter_segment(const std::shared_ptr<Segment>& next) {
  BONAFIDE_TRY(seal(*segment_));
  next->hash = segment_->hash;
  BONAFIDE_TRY(begin(*next, next->hash));
  segment_ = next;
  core_->outside.logger.info("journal.rolled", {{"segment", next->path}});
  return Ok{};
}

/// Frames, footer and length of the old segment are on the disk before a newer one exists.
Status Flusher::seal(Segment& old) {
  const std::string footer = encode(old.footer(core_->journal_id));
  const uint64_t at = old.end - old.base;
  BONAFIDE_TRY(file_->write_at(at, footer));
  BONAFIDE_TRY(file_->truncate(at + footer.size()));
  BONAFIDE_TRY(file_->sync_all());
  durable_ = old.end;
  witnessed_ = std::max(witnessed_, mark_written_);
  catalogue_dirty_ = true;
  const std::lock_guard lock(core_->mutex);
  old.file_bytes = at + footer.size();
  old.sealed = true;
  return Ok{};
}

Status Flusher::begin(Segment& fresh, uint64_t previous_hash) {
  env::Files& files = core_->outside.files;
  const std::string header =
      encode(SegmentHeader{core_->journal_id, fresh.base, core_->outside.clock.now(), previous_hash});
  // Written aside, and renamed once its header is durable: a segment file always begins with one.
  if (!prepared_) {
    BONAFIDE_ASSIGN(prepared_, files.open(prepared_path(), env::Open::create_new));
  }
  BONAFIDE_TRY(prepared_->write_at(0, header));
  BONAFIDE_TRY(prepared_->sync_all());
  prepared_.reset();
  BONAFIDE_TRY(files.rename(prepared_path(), fresh.path));
  BONAFIDE_ASSIGN(file_, files.open(fresh.path, env::Open::read_write));
  zeroed_ = std::max<uint64_t>(header.size(), prepared_bytes_);
  prepared_bytes_ = 0;
  prepared_ready_ = false;
  no_room_ahead_ = false;
  return files.sync_folder(core_->settings.folder);
}

/// Writes a slice of zeros in front of the frames to come: a sync of bytes that only replace others needs no
/// change of the file system's own records, and takes half the time. True: there may be more to do.
Result<bool> Flusher::zero_ahead() {
  if (no_room_ahead_) return false;
  const uint64_t size = core_->settings.segment_bytes + footer_room(core_->settings.segment_bytes);
  if (zeroed_ >= size) return prepare_next();
  const uint64_t slice = std::min(slice_bytes, size - zeroed_);
  if (const Status written = file_->write_zeros(zeroed_, slice); !written.ok()) {
    if (written.error().cause != Cause::exhausted) return written.error();
    no_room_ahead_ = true;  // looked at again when there is room
    return false;
  }
  zeroed_ += slice;
  BONAFIDE_TRY(file_->sync_data());
  return true;
}

Result<bool> Flusher::prepare_next() {
  if (prepared_ready_) return false;
  if (!prepared_) {
    BONAFIDE_ASSIGN(prepared_, core_->outside.files.open(prepared_path(), env::Open::create_new));
    prepared_bytes_ = 0;
  }
  const uint64_t size = core_->settings.segment_bytes + footer_room(core_->settings.segment_bytes);
  const uint64_t slice = std::min(slice_bytes, size - prepared_bytes_);
  if (const Status written = prepared_->write_zeros(prepared_bytes_, slice); !written.ok()) {
    if (written.error().cause != Cause::exhausted) return written.error();
    no_room_ahead_ = true;
    return false;
  }
  prepared_bytes_ += slice;
  prepared_ready_ = prepared_bytes_ >= size;
  if (prepared_ready_ || prepared_bytes_ % prepared_sync_bytes < slice) BONAFIDE_TRY(prepared_->sync_data());
  return true;
}

}  // namespace bonafide::streams::journal
