// The slots: one thread each, a little nicer than the loop, that run executors and report by
// events.
//
// Every start() is answered by ExecutorFinished in the inbox, whatever the executor does, short of
// ending the process. Thread rule: all methods from the loop's thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "worker/core/action.h"
#include "worker/executors/executor.h"
#include "worker/shell/attempt_context.h"

namespace framebus::worker {

class SlotPool {
 public:
  // `services` and `executors` outlive the pool. `cache_bytes_max`: the blob cache is cut back to
  // this.
  SlotPool(unsigned slots, const AttemptServices& services,
           const std::vector<std::unique_ptr<Executor>>& executors, std::uint64_t cache_bytes_max);
  // Cancels what runs and waits for it.
  ~SlotPool();

  void start(StartAttempt attempt);
  void cancel(const AttemptId& attempt);
  void cancel_all();
  // True when no executor runs any more, waiting for that at most so long.
  bool wait_idle(Duration most);

 private:
  // Shared by the slot's thread and the loop, which may cancel it until the end: whoever is last
  // frees it.
  struct Work {
    StartAttempt start;
    std::atomic<bool> cancelled{false};
  };

  void run_slot();
  ExecutorFinished run(Work& work);
  void trim_cache_when_due();
  Executor* executor_of(const std::string& type) const;

  const AttemptServices& services_;
  const std::vector<std::unique_ptr<Executor>>& executors_;
  const std::uint64_t cache_bytes_max_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Work>> waiting_;
  std::vector<std::shared_ptr<Work>> active_;
  bool closing_ = false;
  TimePoint trim_after_{};
  std::vector<std::thread> threads_;
};

}  // namespace framebus::worker
