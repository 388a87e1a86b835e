// Runs in processes of their own: a failed CHECK in a core aborts, and takes only its run along.
//
// Thread rule: the caller has one thread (it forks).
#pragma once

#include <functional>
#include <vector>

#include "tests/sim/simulation.h"

namespace framebus::sim {

// A failed CHECK is a violation like others: "a CHECK holds: <its text>".
Report simulate_apart(const Setup& setup);

// All of them, `jobs` at a time; each is told when it is over, in any order. `told` returns false
// to begin no more.
void simulate_many(const std::vector<Setup>& setups, unsigned jobs,
                   const std::function<bool(const Setup&, const Report&)>& told);

}  // namespace framebus::sim
