// The broker's time: wall clock at the start, or the last record's time if that is later, and from
// there on the monotonic clock.
//
// So it never goes backwards, over restarts too, and a wall clock that jumps while the broker runs
// moves no lease, back-off or deadline. It may be ahead of the wall clock after that was set back.
// Thread rule: plain value.
#pragma once

#include "libmsg/base/time.h"

namespace framebus::broker {

class BrokerClock {
 public:
  // All three of the same moment; `last_record`: TimePoint{} when there is none.
  BrokerClock(TimePoint wall, TimePoint steady, TimePoint last_record)
      : start_(wall > last_record ? wall : last_record), steady_start_(steady) {}

  // The broker's time at this monotonic one, which is not before the start's.
  TimePoint at(TimePoint steady) const { return start_ + (steady - steady_start_); }
  TimePoint start() const { return start_; }

 private:
  TimePoint start_;
  TimePoint steady_start_;
};

// Since 1970 UTC, as the machine believes; for the start only.
TimePoint wall_clock_now();

}  // namespace framebus::broker
