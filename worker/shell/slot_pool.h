// The slots, as the loop sees them: start, cancel, kill; answers come as events in the inbox.
//
// Two kinds: ThreadSlots run executors on threads of this process (`framebus local`, tests),
// ChildSlots in processes of their own, which can be killed (framebus-worker). Every start() is
// answered as core.h says, whatever the executor does. Thread rule: all methods from the loop's
// thread, but for drop_caches() and describe(), which any may call.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "libmsg/base/time.h"
#include "worker/core/action.h"

namespace framebus::worker {

// What a slot is doing now, for people.
struct SlotView {
  AttemptId attempt;
  std::string type;
  Duration for_time{};
  bool is_cancelled = false;
};
// A process of an executor, at work or waiting for work.
struct ChildView {
  std::string role;
  std::int64_t pid = 0;
};
struct PoolView {
  std::vector<SlotView> running;
  std::vector<ChildView> children;
};

class SlotPool {
 public:
  virtual ~SlotPool() = default;  // ends what runs and waits for it
  virtual void start(StartAttempt attempt) = 0;
  virtual void cancel(const AttemptId& attempt) = 0;
  virtual void kill(const AttemptId& attempt) = 0;  // as cancel() where nothing can be killed
  virtual void cancel_all() = 0;
  // True when no executor runs any more, waiting for that at most so long.
  virtual bool wait_idle(Duration most) = 0;
  // Forgets what executors keep between tasks; those at work do so when they are done.
  virtual void drop_caches() = 0;
  virtual PoolView describe() = 0;
};

}  // namespace framebus::worker
