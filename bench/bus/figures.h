// What one run of a benchmark gives.
#pragma once

#include <algorithm>
#include <vector>

namespace framebus::bench {

struct Figures {
  double tasks_per_s = 0;
  // From sending a task to its result; 0 when a run does not look at single tasks.
  double p50_us = 0, p99_us = 0, p999_us = 0;
};

// `latencies_us` is sorted by it; one for each task.
inline Figures figures_of(std::vector<double>& latencies_us, double took_s) {
  if (latencies_us.empty()) return {};
  std::sort(latencies_us.begin(), latencies_us.end());
  const auto percentile = [&](double share) {
    const auto index = static_cast<std::size_t>(share * static_cast<double>(latencies_us.size()));
    return latencies_us[std::min(index, latencies_us.size() - 1)];
  };
  return {static_cast<double>(latencies_us.size()) / took_s, percentile(0.5), percentile(0.99),
          percentile(0.999)};
}

}  // namespace framebus::bench
