// The Scheduler: filter, then choose. plan_next() is a pure function of the state; schedule()
// grants what it says until nothing fits or the bound of one call is reached.
//
// Order between principals: fewest running attempts; within one: priority, then first come. A
// worker is chosen by the job's strategy among those that fit and have credit. O(open shapes + log
// workers) each.
#pragma once

#include <optional>

#include "broker/core/turn.h"

namespace framebus::broker {

struct Placement {
  TaskRef task;
  WorkerId worker;
  bool lapse = false;  // every eligible worker was excluded: the exclusions end
  bool operator==(const Placement&) const = default;
};

// The next grant that should be made, if any.
std::optional<Placement> plan_next(const State& state);

// Whether this worker is excluded from the job's tasks of this type after repeated failure.
bool is_excluded(const Job& job, const std::string& type, const WorkerId& worker);

// Row 4, at most `grants_per_call` times; sets State::plan_again when more may follow.
void schedule(Turn& turn);
inline constexpr std::uint32_t grants_per_call = 1024;

// Asks for prefetched attempts back when another worker that fits has an idle slot and nothing
// queued to fill it with. Bounded work.
void reclaim(Turn& turn);

}  // namespace framebus::broker
