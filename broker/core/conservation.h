// Does what came in equal what went out and what is still here? The sums of the Ledger against the
// state, which is counted anew. Pure.
#pragma once

#include <string>
#include <vector>

#include "broker/core/state.h"

namespace framebus::broker {

// One line for each sum that does not hold; none: nothing was lost. O(jobs + workers).
std::vector<std::string> conservation_faults(const State& state);

// "conservation.*" for BrokerStatus: the sums, what is outstanding, and how many do not hold.
void add_conservation(const State& state, std::vector<Counter>& counters);

}  // namespace framebus::broker
