#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "api/service.hpp"
#include "app/pipeline.hpp"
#include "app/revision_watch.hpp"
#include "mail/revision.hpp"

namespace bonafide::app {

/// A judgement of a stored message, with its row. Errors: not_found (there is no row), conflict (the message
/// is parked), unavailable or exhausted (the log takes nothing now), damaged.
Result<mail::Feedback> feedback_on(Pipeline& pipeline, const EventId& id, mail::Judgement judgement,
                                   Time now);
/// As it goes onto mail.feedback.
flow::Entry entry_of(const mail::Feedback& feedback, const mail::EventCodec& codec);

/// Where judgements are taken: durable on mail.feedback first, then followed until the row says so.
class FeedbackDesk {
 public:
  using Done = std::function<void(Result<api::Judged>)>;
  /// `by_hand`: nobody else steps the pipeline's jobs.
  FeedbackDesk(Pipeline& pipeline, Outside outside, bool by_hand);
  ~FeedbackDesk() { stop(); }
  FeedbackDesk(const FeedbackDesk&) = delete;
  FeedbackDesk& operator=(const FeedbackDesk&) = delete;

  /// From any thread. Errors: not_found (there is no row), conflict (the message is parked), unavailable,
  /// exhausted (nothing was taken).
  void judge(const EventId& id, mail::Judgement judgement, Done done);
  /// Takes no more; what is being written is waited for, so the log must still be at work. Who still waits
  /// for the row is told that it is taken.
  void stop();

 private:
  struct Asked {
    EventId id;
    mail::Judgement judgement = mail::Judgement::none;
    Done done;
  };
  /// A judgement that is durable.
  struct Taken {
    Asked asked;
    Time judged_at, until;
    RevisionWatch watch;
  };

  void loop();
  void take(Asked asked);
  void put(const mail::Feedback& feedback, Asked asked);
  /// Nothing yet, or the answer.
  std::optional<Result<api::Judged>> look(Taken& taken);
  Result<api::Judged> outcome(const Taken& taken);

  Pipeline& pipeline_;
  Outside outside_;
  const bool by_hand_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Asked> asked_;
  std::deque<Taken> taken_;
  size_t under_way_ = 0;  ///< being written
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace bonafide::app
