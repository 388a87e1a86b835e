#include "client/output/progress_model.h"

#include <algorithm>

#include "client/output/words.h"

namespace framebus::client {
namespace {

constexpr Duration window = seconds(20);
constexpr Duration sample_every = milliseconds(250);
constexpr Duration rate_after = milliseconds(700);  // shorter spans give wild numbers

bool counts_as_running(TaskState state) {
  return state == TaskState::running || state == TaskState::leased;
}

}  // namespace

ProgressModel::ProgressModel(TimePoint now, JobId job, std::string name, std::uint32_t task_count)
    : started_(now), job_(job), name_(std::move(name)), states_(task_count, TaskState::queued) {
  restart_rate(now);
}

void ProgressModel::set_state(std::uint32_t task, TaskState state) {
  if (task >= states_.size()) return;
  const auto count = [this](TaskState of, std::uint32_t by) {
    if (of == TaskState::succeeded) {
      succeeded_ += by;
    } else if (is_failure(of)) {
      failed_ += by;
    } else if (is_terminal(of)) {
      stopped_ += by;
    } else if (counts_as_running(of)) {
      running_ += by;
    }
  };
  count(states_[task], static_cast<std::uint32_t>(-1));
  count(state, 1);
  states_[task] = state;
  if (!counts_as_running(state)) {
    if (const auto entry = permille_.find(task); entry != permille_.end()) {
      permille_sum_ -= entry->second;
      permille_.erase(entry);
    }
  }
}

void ProgressModel::set_progress(std::uint32_t task, std::uint32_t permille) {
  if (task >= states_.size() || is_terminal(states_[task])) return;
  if (!counts_as_running(states_[task])) set_state(task, TaskState::running);
  std::uint32_t& stored = permille_[task];
  permille_sum_ -= stored;
  stored = std::min(permille, 1000u);
  permille_sum_ += stored;
}

double ProgressModel::work() const {
  return static_cast<double>(succeeded_ + failed_ + stopped_) +
         static_cast<double>(permille_sum_) / 1000;
}

void ProgressModel::restart_rate(TimePoint now) {
  samples_.assign(1, {now, work()});
}

ProgressSnapshot ProgressModel::snapshot(TimePoint now) {
  if (now - samples_.back().at >= sample_every) samples_.push_back({now, work()});
  while (samples_.size() > 2 && now - samples_[1].at >= window) samples_.pop_front();
  ProgressSnapshot out;
  out.job = job_.value;
  out.name = name_;
  out.total = static_cast<std::uint32_t>(states_.size());
  out.succeeded = succeeded_;
  out.failed = failed_;
  out.stopped = stopped_;
  out.running = running_;
  out.fraction = out.total > 0 ? std::min(1.0, work() / out.total) : 0;
  out.elapsed = now - started_;
  out.workers = workers_;
  out.note = note_;
  const Duration span = now - samples_.front().at;
  const double gained = work() - samples_.front().work;
  if (span >= rate_after && gained > 0) {
    out.tasks_per_s = gained / std::chrono::duration<double>(span).count();
    const double left_s = (out.total - work()) / out.tasks_per_s;
    if (left_s < 1e8)
      out.remaining = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(left_s));
  }
  return out;
}

}  // namespace framebus::client
