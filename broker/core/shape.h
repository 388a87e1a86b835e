// What the scheduler keeps ready, so that a placement costs O(log workers): derived from jobs and
// workers, rebuilt by replay, never recorded. ready.h keeps it up to date; scheduler.h reads it.
//
// A shape is a set of demands (task type, requirements, named limits, strategy) that many steps
// share. It knows which workers fit, which of those have credit in order of preference, and which
// steps wait.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/core/worker.h"

namespace framebus::broker {

// A step with queued tasks; smaller is served first: priority, then first come.
struct ReadyStep {
  std::uint32_t urgency = 0;  // 100 - priority
  JobId job;
  std::uint32_t step = 0;
  auto operator<=>(const ReadyStep&) const = default;
};

struct Shape {
  std::string type;
  Requirements needs;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> limits;
  Strategy strategy = Strategy::load;
  std::uint32_t steps = 0;     // of unfinished jobs
  std::set<WorkerId> fitting;  // connected
  std::set<Seat> seats;        // those with credit
  WorkerId cursor;             // roundrobin: who was served last
  std::map<PrincipalId, std::set<ReadyStep>> ready;
  std::set<std::pair<std::uint32_t, PrincipalId>> turns;  // (running attempts, principal)
};

struct Principal {
  std::string name;
  std::uint32_t jobs = 0;
  std::uint32_t running = 0;                  // open leases
  std::map<ShapeId, std::uint32_t> ready_in;  // shapes where it has ready steps, how many
};

struct Limit {
  std::string name;
  std::uint32_t amount = 0;
  std::uint32_t used = 0;
};

}  // namespace framebus::broker
