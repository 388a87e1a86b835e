#include "bench/rays/measure.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

namespace framebus::bench {

double time_over_threads(std::size_t count, unsigned threads,
                         const std::function<void(std::size_t, std::size_t)>& work) {
  constexpr std::size_t chunk = 4096;
  std::atomic<std::size_t> next{0};
  const auto loop = [&] {
    for (std::size_t begin = next.fetch_add(chunk); begin < count; begin = next.fetch_add(chunk))
      work(begin, std::min(begin + chunk, count));
  };
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < threads; ++i) helpers.emplace_back(loop);
  loop();
  for (std::thread& helper : helpers) helper.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  const double median = n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
  return {median, values.front(), values.back()};
}

}  // namespace framebus::bench
