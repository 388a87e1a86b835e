// Events from the slots' threads to the loop's thread, and the loop's alarm clock.
//
// Holds little by nature: each slot has at most one start, one end and 20 progress reports a second
// under way. Thread rule: post() from any thread, take() from the loop.
#pragma once

#include <mutex>
#include <vector>

#include "libmsg/transport/transport.h"
#include "worker/core/event.h"

namespace framebus::worker {

class Inbox {
 public:
  void post(Event event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    wakeup_.notify();
  }

  std::vector<Event> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }

  Wakeup& wakeup() { return wakeup_; }

 private:
  std::mutex mutex_;
  std::vector<Event> events_;
  Wakeup wakeup_;
};

}  // namespace framebus::worker
