// A watch of one job, or of all. It holds no events: it walks the job's log of ended tasks, and
// what changes in between is coalesced, so a slow watcher costs a bounded amount of memory.
#pragma once

#include <cstdint>
#include <set>

#include "broker/core/job.h"

namespace framebus::broker {

struct WatchState {
  JobId job;  // none: every job's state
  bool results = false;
  bool live = false;                // the replay is over and said so
  bool job_changed = true;          // its summary is to be told
  std::size_t position = 0;         // in Job::ended: the next to be told
  std::uint64_t seen_lsn = 0;       // everything up to it was told
  std::uint64_t sequence = 0;       // Events messages sent
  std::uint64_t confirmed = 0;      // by EventsOk
  std::uint64_t after_lsn = 0;      // of its last message: the next must not overtake it
  std::set<std::uint32_t> changed;  // tasks that changed without ending
  std::set<std::uint32_t> progressed;
  std::set<JobId> jobs;  // all-jobs watch: summaries to be told
};

inline constexpr std::size_t watch_changes_max = 4096;
inline constexpr std::uint32_t watches_per_session_max = 64;

}  // namespace framebus::broker
