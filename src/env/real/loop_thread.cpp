#include "env/real/loop_thread.hpp"

#include <algorithm>

#include <pthread.h>

namespace bonafide::env {

LoopThread::LoopThread(std::string name, Clock& clock, Fatal fatal)
    : name_(std::move(name)), clock_(clock), fatal_(std::move(fatal)) {}

LoopThread::~LoopThread() { stop(); }

void LoopThread::add(Job job) { jobs_.push_back(std::move(job)); }

void LoopThread::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), name_.substr(0, 15).c_str());
}

void LoopThread::stop() {
  stop_ = true;
  wake_.wake();
  if (thread_.joinable()) thread_.join();
}

void LoopThread::run() {
  while (!stop_) {
    if (!turn()) sleep_until_due();
  }
}

/// Steps every job once; did any of them work?
bool LoopThread::turn() {
  bool worked = false;
  for (size_t i = 0; i < jobs_.size() && !stop_; ++i) {
    step_began_us_ = clock_.steady().us;
    current_job_ = static_cast<int>(i);
    const Result<bool> result = jobs_[i].step();
    current_job_ = -1;
    if (!result.ok()) {
      stop_ = true;
      fatal_(jobs_[i].name, result.error());
      return false;
    }
    worked |= *result;
  }
  return worked;
}

void LoopThread::sleep_until_due() {
  if (stop_) return;
  Time due{INT64_MAX};
  for (const Job& job : jobs_) {
    if (job.due) due = std::min(due, job.due());
  }
  if (due.us == INT64_MAX) return wake_.wait(std::nullopt);
  wake_.wait(std::max(Duration{}, due - clock_.steady()));
}

std::optional<LoopThread::Busy> LoopThread::busy() const {
  const int job = current_job_;
  if (job < 0) return std::nullopt;
  return Busy{jobs_[static_cast<size_t>(job)].name, {clock_.steady().us - step_began_us_}};
}

}  // namespace bonafide::env
