// Time as the cores see it: nanoseconds on a monotonic line whose zero means nothing.
//
// A TimePoint is always handed in from outside (a shell reads the clock, the simulator invents it);
// the tag type below has no now(), so core code could not read a clock even by mistake.
#pragma once

#include <chrono>
#include <cstdint>

namespace framebus {

using Duration = std::chrono::nanoseconds;

struct InjectedClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<InjectedClock>;
  static constexpr bool is_steady = true;
};

using TimePoint = InjectedClock::time_point;

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

inline constexpr std::int64_t to_ms(Duration d) {
  return std::chrono::duration_cast<milliseconds>(d).count();
}

}  // namespace framebus
