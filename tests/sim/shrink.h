// Makes a failing run small: leaves out faults and actions, turns off ambient chance, brings peace
// sooner, as long as the same promise is broken. What is left is a command that anybody can run.
//
// Each trial runs in a process of its own (apart.h).
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/simulation.h"

namespace framebus::sim {

// The promise that a violation names, without the moment and what was found.
std::string promise_of(const std::string& violation);

struct Shrunk {
  Setup setup;             // the smallest that was found
  Report report;           // of it
  std::size_t before = 0;  // faults and actions
  std::size_t after = 0;
  unsigned trials = 0;
};

// `failed`: the report of `setup`, with a violation. At most `trials_max` runs.
Shrunk shrink(const Setup& setup, const Report& failed, unsigned trials_max);

// The command, what it breaks, and the faults that are left, a line each.
std::string describe(const Shrunk& shrunk);

}  // namespace framebus::sim
