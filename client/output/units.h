// Numbers for people: durations, sizes, counts, rates, bars.
#pragma once

#include <cstdint>
#include <string>

#include "libmsg/base/time.h"

namespace framebus::client {

// "35ms", "0.4s", "12s", "3m 05s", "2h 07m", "3d 04h": at most two units.
std::string duration_text(Duration duration);
inline std::string duration_text_ms(std::int64_t ms) {
  return duration_text(milliseconds(ms));
}
// "0:07", "12:40", "1:02:03": for a running clock, whose width must not jump.
std::string clock_text(Duration duration);
// "17 B", "1.4 KiB", "320 MiB".
std::string size_text(std::uint64_t bytes);
// "1 task", "12 tasks", "1,204 tasks".
std::string count_text(std::uint64_t count, const std::string& singular);
std::string grouped(std::uint64_t count);
// "0.25", "3.2", "48", "12,500": three significant digits at most.
std::string rate_text(double per_second);
std::string percent_text(double fraction);  // "62%"; 100% only when it is all

}  // namespace framebus::client
