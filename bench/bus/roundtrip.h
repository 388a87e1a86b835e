// No-op tasks through a real broker: how many a second, and how long one takes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/bus/figures.h"
#include "client/lib/primary.h"
#include "libmsg/base/result.h"

namespace framebus::bench {

struct RoundtripOptions {
  std::uint32_t tasks = 20000;   // of the batched run
  std::uint32_t singles = 2000;  // jobs of one task, in the other two
  std::uint32_t payload = 100;   // bytes, random, each way
  std::uint32_t window = 64;     // jobs outstanding in the windowed run
};

struct RoundtripFigures {
  // Latencies are from the call to the event that the job ended; the batched run has none.
  Figures one_at_a_time;  // jobs of one task, one outstanding
  Figures windowed;       // jobs of one task, `window` outstanding
  Figures batched;        // one job of `tasks` tasks
};

// Every task has its own random payload; every result is compared with it (after the clock has
// stopped, for jobs of one task). data_loss when one differs.
Result<RoundtripFigures> measure_roundtrip(client::Primary& primary,
                                           const RoundtripOptions& options, std::uint64_t seed);

}  // namespace framebus::bench
