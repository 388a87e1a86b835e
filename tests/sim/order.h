// A job as the one who ordered it sees it, and how it is put together. Plain data of SimPrimary.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "libmsg/schema/messages.h"
#include "tests/sim/random.h"

namespace framebus::sim {

struct Order {
  Submit submit;                  // of an upload: what its SubmitOpen says
  std::vector<SubmitPart> parts;  // of an upload
  Bytes digest;                   // of all parts
  std::uint32_t next_part = 0;    // 0: not open
  bool is_upload = false;
  JobId job;  // none: not accepted yet
  std::uint32_t task_count = 0;
  Cursor cursor;  // everything up to here was seen
  JobState state = JobState::open;
  std::uint64_t watch = 0;    // request of the current watch; 0: none
  bool is_settled = false;    // ended and seen to: not watched any more
  TimePoint watched_until{};  // somebody has asked for it again: it may open once more
  std::uint64_t sequence = 0;
  std::set<std::pair<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>>> ends;  // task, cursor
  std::set<std::uint32_t> ended;
  std::uint64_t audit = 0;  // request of the auditing watch
  std::set<std::uint32_t> audit_ends;
  bool audited = false;
};

// A random job of type "work": steps, dependencies, timeouts, deadlines, failure rules, sweeps.
JobSpec random_job(Random& random, const std::string& name);
// Takes the job's task parameters out of it and into parts.
void make_upload(Random& random, Order& order);

}  // namespace framebus::sim
