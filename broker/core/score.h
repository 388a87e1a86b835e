// The load score of a worker: an integer, lower is better. Pure.
//
// Weights (times 1000) over terms in thousandths: cpu, memory, gpu, gpu_memory as reported,
// in_flight over slots, latency / (latency + 10 ms), minus bandwidth / (bandwidth + 1 GB/s). More
// load never lowers it, more bandwidth never raises it.
#pragma once

#include <cstdint>

#include "broker/core/options.h"
#include "broker/core/worker.h"

namespace framebus::broker {

std::int64_t load_score(const LoadWeights& weights, const LoadReport& load, std::uint32_t in_flight,
                        std::uint32_t slots);

// Where this worker stands among those of a shape that have credit.
Seat seat_of(const Worker& worker, Strategy strategy, const LoadWeights& weights);

}  // namespace framebus::broker
