// Processes and what they have begun, from /proc.
//
// Only the kernel's own list of parents is believed: a process that forks twice and begins a
// session of its own is still found, because the process that asks is a subreaper and becomes its
// parent. Thread rule: any; kill_descendants() reaps every child of the calling process.
#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

namespace framebus::worker {

struct ProcessRow {
  pid_t pid = 0;
  pid_t parent = 0;
  bool is_dead = false;  // ended and not yet reaped
};

// Costs some milliseconds for a thousand processes.
std::vector<ProcessRow> process_table();

// Living processes whose chain of parents leads to `ancestor`.
std::vector<pid_t> descendants_of(pid_t ancestor, const std::vector<ProcessRow>& table);

// Stops every living process in what `find` returns until no new one appears (so that none can fork
// away), kills them all, and repeats until there is none. `reap` is called between. Returns how
// many were killed. `rounds_max`: gives up on processes that do not die (0: never); the rounds
// become 50 ms long.
unsigned kill_all(const std::function<std::vector<pid_t>()>& find,
                  const std::function<void()>& reap, int rounds_max);

}  // namespace framebus::worker
