// The attempts that the slots' threads are to run and those they run now: the part that both kinds
// of slots share.
//
// Thread-safe. A slot's thread takes work, runs it, and says done; the loop adds, cancels, kills.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "libmsg/transport/transport.h"
#include "worker/shell/slot_pool.h"

namespace framebus::worker {

// Shared by the slot's thread and the loop, which may cancel it until the end: whoever is last
// frees it.
struct Work {
  StartAttempt start;
  TimePoint begun_at = now_monotonic();
  std::atomic<bool> cancelled{false};
  std::atomic<bool> killed{false};

  AttemptId id() const { return {start.attempt.task, start.attempt.token}; }
};

class WorkList {
 public:
  void add(StartAttempt attempt) {
    {
      const std::lock_guard lock(mutex_);
      auto work = std::make_shared<Work>();
      work->start = std::move(attempt);
      active_.push_back(work);
      waiting_.push_back(std::move(work));
    }
    changed_.notify_one();
  }

  // Blocks; none: the list is closed. `on_idle` is called about once a second while there is
  // nothing to do, and at once, before any further work, when poke() was called (then with true).
  std::shared_ptr<Work> take(std::uint64_t& pokes_seen,
                             const std::function<void(bool is_poke)>& on_idle) {
    std::unique_lock lock(mutex_);
    for (;;) {
      const bool is_ready = changed_.wait_for(lock, idle_interval, [&] {
        return closing_ || !waiting_.empty() || pokes_ != pokes_seen;
      });
      if (closing_) return nullptr;
      const bool is_poke = pokes_ != pokes_seen;
      if (!is_ready || is_poke) {
        pokes_seen = pokes_;
        lock.unlock();
        on_idle(is_poke);
        lock.lock();
        continue;
      }
      auto work = std::move(waiting_.front());
      waiting_.pop_front();
      return work;
    }
  }
  // `report` is called after the slot counts as free, so that a start that follows finds a thread.
  void done(const std::shared_ptr<Work>& work, const std::function<void()>& report) {
    {
      const std::lock_guard lock(mutex_);
      active_.erase(std::remove(active_.begin(), active_.end(), work), active_.end());
      report();
    }
    changed_.notify_all();
  }

  // Sets the flags of that attempt.
  void stop(const AttemptId& attempt, bool by_force) {
    const std::lock_guard lock(mutex_);
    for (const auto& work : active_) {
      if (work->id() != attempt) continue;
      if (by_force) work->killed = true;
      work->cancelled = true;
    }
  }
  void stop_all(bool by_force) {
    const std::lock_guard lock(mutex_);
    for (const auto& work : active_) {
      if (by_force) work->killed = true;
      work->cancelled = true;
    }
  }
  // Every slot's thread calls its `on_idle` once, when it is free.
  void poke() {
    {
      const std::lock_guard lock(mutex_);
      ++pokes_;
    }
    changed_.notify_all();
  }
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
      waiting_.clear();
    }
    changed_.notify_all();
  }
  bool wait_idle(Duration most) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [&] { return active_.empty(); });
  }
  std::vector<SlotView> describe() {
    const TimePoint now = now_monotonic();
    const std::lock_guard lock(mutex_);
    std::vector<SlotView> views;
    for (const auto& work : active_)
      views.push_back(
          {work->id(), work->start.step.type, now - work->begun_at, work->cancelled.load()});
    return views;
  }

 private:
  static constexpr Duration idle_interval = seconds(1);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Work>> waiting_;
  std::vector<std::shared_ptr<Work>> active_;
  std::uint64_t pokes_ = 0;
  bool closing_ = false;
};

}  // namespace framebus::worker
