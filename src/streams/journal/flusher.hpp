#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/step.hpp"
#include "streams/journal/core.hpp"

namespace bonafide::streams::journal {

/// Brings what was appended onto the disk: writes, syncs (one sync for all that arrived meanwhile), publishes
/// the durable mark, seals and begins segments, writes zeros ahead, keeps the catalogue, retires old
/// segments. The only one who writes while the journal is open. One thread at a time.
class Flusher final : public flow::Stepper {
 public:
  /// `current` is the file of the journal's last segment, `zeroed` how far it is known to be written.
  Flusher(std::shared_ptr<Core> core, std::unique_ptr<env::File> current, uint64_t zeroed);

  [[nodiscard]] const char* name() const override { return "journal"; }
  Result<flow::Progress> step() override;
  [[nodiscard]] Time due() const override;

  /// Makes everything durable, with a witness, and the catalogue current.
  Status finish();

 private:
  Result<bool> write_and_sync(bool everything);
  Status write();
  Result<bool> wait_for_room(const Error& error);
  Status write_buffer();
  Status sync();
  void publish();
  Status fail(Error error);
  bool mark_if_idle(bool now);

  Status enter_segment(const std::shared_ptr<Segment>& next);
  Status seal(Segment& old);
  Status begin(Segment& fresh, uint64_t previous_hash);
  Result<bool> zero_ahead();
  Result<bool> prepare_next();
  [[nodiscard]] std::string prepared_path() const { return core_->settings.folder + "/next.prepared"; }

  Status keep_house();
  void look_at_space();
  /// How many of the oldest segments nobody needs any more; `over`: the journal is larger than it may be.
  [[nodiscard]] size_t count_retirable(bool* over) const;
  Status retire();
  Status write_catalogue();

  std::shared_ptr<Core> core_;
  std::shared_ptr<Segment> segment_;  ///< being written
  std::unique_ptr<env::File> file_;
  uint64_t zeroed_;                           ///< bytes of the file that are written, with frames or zeros
  std::deque<std::shared_ptr<Frame>> taken_;  ///< from the pending ones, to be written
  std::string buffer_;
  uint64_t buffer_lsn_ = 0;
  uint64_t written_ = 0;       ///< lsn up to which frames were handed to the file
  uint64_t durable_ = 0;       ///< lsn up to which they survive a power cut
  uint64_t mark_written_ = 0;  ///< the highest durable mark in a written frame
  uint64_t witnessed_ = 0;     ///< the highest durable mark in a synced frame
  Time last_sync_;
  std::unique_ptr<env::File> prepared_;
  uint64_t prepared_bytes_ = 0;
  bool prepared_ready_ = false, no_room_ahead_ = false;
  std::optional<Time> room_look_;  ///< the disk is full: when to try the same write again
  Time next_housekeeping_;
  Time next_space_look_;
  bool catalogue_dirty_ = true;
  // What the last look found retirable, to be removed once the progress it rests on is durable.
  uint64_t retire_before_ = 0, retire_when_durable_ = 0;
};

}  // namespace bonafide::streams::journal
