// Jitter from a seeded generator, in integers: the standard distributions differ between libraries,
// and a simulation must give the same run everywhere.
#pragma once

#include <random>

#include "libmsg/base/time.h"

namespace framebus::worker {

// `duration` +- at most `percent`, uniformly in steps of 0.1 percent.
inline Duration jittered(std::mt19937_64& random, Duration duration, std::int64_t percent) {
  const std::int64_t span = 20 * percent + 1;
  const std::int64_t permille =
      static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span)) - 10 * percent;
  return duration + duration / 1000 * permille;
}

}  // namespace framebus::worker
