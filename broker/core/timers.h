// Deadlines of the core, in order. A timer is a hint to look: who fires looks at the state, acts if
// the moment has really come and arms again otherwise, so renewing a lease costs nothing here.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>

#include "broker/core/worker.h"

namespace framebus::broker {

// At equal times the first named is looked at first.
enum class TimerKind : std::uint8_t {
  deadline,
  retry,
  lease,
  worker,
  forget_job,
  forget_worker,
  archive_job,    // its hand-over begins
  archive_again,  // the archive had failed
  drop_copy,      // of an archived job
  drop_uploads,
  command,         // `grant`: its id
  removed_worker,  // may come back from now on
};

struct Timer {
  TimePoint at{};
  TimerKind kind = TimerKind::deadline;
  TaskRef task;             // a job's, with index 0; retry; lease
  WorkerId worker;          // lease, worker, forget_worker, removed_worker
  std::uint64_t epoch = 0;  // lease
  std::uint64_t grant = 0;  // lease; command: its id
  auto operator<=>(const Timer&) const = default;
};

class Timers {
 public:
  void arm(const Timer& timer) { set_.insert(timer); }
  void disarm(const Timer& timer) { set_.erase(timer); }
  // The earliest timer at or before `now`, taken out.
  std::optional<Timer> take_due(TimePoint now) {
    if (set_.empty() || set_.begin()->at > now) return std::nullopt;
    return set_.extract(set_.begin()).value();
  }
  std::optional<TimePoint> earliest() const {
    if (set_.empty()) return std::nullopt;
    return set_.begin()->at;
  }
  std::size_t size() const { return set_.size(); }

 private:
  std::set<Timer> set_;
};

}  // namespace framebus::broker
