#include "broker/core/score.h"

#include <algorithm>

namespace framebus::broker {
namespace {

constexpr std::int64_t thousandths(std::uint64_t value, std::uint64_t half) {
  // Bounded first: a peer may claim any number.
  const std::uint64_t bounded = std::min<std::uint64_t>(value, 1'000'000'000'000'000ULL);
  return static_cast<std::int64_t>(bounded * 1000 / (bounded + half));
}

constexpr std::int64_t permille(std::uint32_t value) {
  return std::min<std::uint32_t>(value, 1000);
}

}  // namespace

std::int64_t load_score(const LoadWeights& weights, const LoadReport& load, std::uint32_t in_flight,
                        std::uint32_t slots) {
  const std::int64_t busy =
      std::int64_t{in_flight} * 1000 / std::max<std::int64_t>(1, std::int64_t{slots});
  return weights.cpu * permille(load.cpu_permille) +
         weights.memory * permille(load.memory_permille) +
         weights.gpu * permille(load.gpu_permille) +
         weights.gpu_memory * permille(load.gpu_memory_permille) + weights.in_flight * busy +
         weights.latency * thousandths(load.latency_us, 10'000) -
         weights.bandwidth * thousandths(load.bandwidth_bytes_per_s, 1'000'000'000);
}

Seat seat_of(const Worker& worker, Strategy strategy, const LoadWeights& weights) {
  // A task never waits in somebody's prefetch while another worker's slot is idle.
  const bool full = !worker.has_idle_slot();
  if (strategy == Strategy::roundrobin) return {full, 0, worker.info.id};
  const std::uint32_t in_flight = worker.in_flight() + worker.strangers;
  return {full, load_score(weights, worker.load, in_flight, worker.info.slots), worker.info.id};
}

}  // namespace framebus::broker
