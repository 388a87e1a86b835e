// One simulated run: a broker, workers and primaries, faults and actions from a plan for some
// minutes, then peace until all is done.
//
// Thread rule: a run belongs to one thread; a failed CHECK ends the process after saying how to run
// it again.
#pragma once

#include <cstdint>
#include <string>

#include "tests/sim/plan.h"
#include "tests/sim/planted.h"
#include "tests/sim/sim_broker.h"

namespace framebus::sim {

struct Setup {
  std::uint64_t seed = 1;
  std::int64_t minutes = 10;  // of faults
  Bug bug = Bug::none;
  Filter filter;
  bool trace = false;  // prints everything that happens
  // A job among whose tasks is one that takes down every worker before it has started there.
  bool killer = false;
};

struct Report {
  std::string violation;  // empty: every promise was kept
  double violated_at_s = 0;
  double peace_at_s = 0;
  RowHits row_hits{};
  std::uint64_t happenings = 0;
  std::uint64_t jobs = 0;
  std::uint64_t records = 0;
  std::uint64_t commands = 0;
  std::uint64_t archived = 0;
  std::uint64_t killed = 0;  // workers, by the killer
  double virtual_s = 0;
  bool real_disk = false;
  bool hostile = false;
};

// Deterministic in `setup`.
Report simulate(const Setup& setup);

// "sim --seed 7 --minutes 10 --only-faults 3,17 --until 42.1 --replay"
std::string how_to_rerun(const Setup& setup);

}  // namespace framebus::sim
