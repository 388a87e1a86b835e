// See broker_clock.h.
#include "broker/shell/broker_clock.h"

#include <ctime>

namespace framebus::broker {

TimePoint wall_clock_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return TimePoint{seconds(now.tv_sec) + nanoseconds(now.tv_nsec)};
}

}  // namespace framebus::broker
