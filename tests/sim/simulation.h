// One simulated run: a broker, workers and primaries, faults for some minutes, then peace until all
// is done.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/planted.h"
#include "tests/sim/sim_broker.h"

namespace framebus::sim {

struct Setup {
  std::uint64_t seed = 1;
  std::int64_t minutes = 2;  // of faults
  Bug bug = Bug::none;
  bool trace = false;  // prints everything that happens
};

struct Report {
  std::string violation;  // empty: every promise was kept
  RowHits row_hits{};
  std::uint64_t happenings = 0;
  std::uint64_t jobs = 0;
  std::uint64_t records = 0;
  double virtual_s = 0;
};

// Deterministic in `setup`. A failed CHECK in a core ends the process after printing how to run it
// again.
Report simulate(const Setup& setup);

// "sim --seed 7 --minutes 2 --replay"
std::string how_to_rerun(const Setup& setup);

}  // namespace framebus::sim
