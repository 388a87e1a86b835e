// Events from other threads to the loop's thread, and the loop's alarm clock.
//
// Holds little by nature: each slot has at most one start, one end and 20 progress reports a second
// under way, and of one attempt's log at most log_bytes_max wait here: the older half gives way,
// and the event says how much went. Thread rule: post() and post_log() from any thread, take() from
// the loop.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "libmsg/transport/transport.h"
#include "worker/core/event.h"

namespace framebus::worker {

class Inbox {
 public:
  static constexpr std::size_t log_bytes_max = 256 * limits::KiB;

  void post(Event event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    wakeup_.notify();
  }

  void post_log(const AttemptId& attempt, BytesView bytes) {
    bool is_first = false;
    {
      const std::lock_guard lock(mutex_);
      ExecutorLog& log = logs_[{attempt.task, attempt.token}];
      is_first = log.bytes.empty();
      log.attempt = attempt;
      log.bytes.insert(log.bytes.end(), bytes.begin(), bytes.end());
      if (log.bytes.size() > log_bytes_max) {
        const std::size_t surplus = log.bytes.size() - log_bytes_max / 2;
        log.bytes.erase(log.bytes.begin(),
                        log.bytes.begin() + static_cast<std::ptrdiff_t>(surplus));
        log.skipped_bytes += surplus;
      }
    }
    if (is_first) wakeup_.notify();
  }

  // Logs come behind the start of their attempt and before its end.
  std::vector<Event> take() {
    const std::lock_guard lock(mutex_);
    std::vector<Event> taken;
    taken.reserve(events_.size() + logs_.size());
    std::vector<Event> ends;
    for (Event& event : std::exchange(events_, {}))
      (std::holds_alternative<ExecutorFinished>(event) ? ends : taken).push_back(std::move(event));
    for (auto& [key, log] : std::exchange(logs_, {})) taken.emplace_back(std::move(log));
    for (Event& event : ends) taken.push_back(std::move(event));
    return taken;
  }

  Wakeup& wakeup() { return wakeup_; }

 private:
  std::mutex mutex_;
  std::vector<Event> events_;
  std::map<std::pair<TaskRef, Token>, ExecutorLog> logs_;
  Wakeup wakeup_;
};

}  // namespace framebus::worker
