// Timing of a batch of rays over threads, and the summary of rounds.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace framebus::bench {

// Calls work(begin, end) over [0, count) in equal chunks of about 4,096, handed out to `threads`
// threads. Returns the seconds of the whole.
double time_over_threads(std::size_t count, unsigned threads,
                         const std::function<void(std::size_t, std::size_t)>& work);

struct Spread {
  double median = 0, low = 0, high = 0;
};
// Of at least one value.
Spread spread_of(std::vector<double> values);

}  // namespace framebus::bench
