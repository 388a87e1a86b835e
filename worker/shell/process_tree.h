// Processes and what they have begun, from /proc.
//
// Only the kernel's own list of parents is believed: a process that forks twice and begins a
// session of its own is still found, because the process that asks is a subreaper and becomes its
// parent. Thread rule: any; kill_descendants() reaps every child of the calling process.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <vector>

namespace framebus::worker {

// A process for as long as it lives: its number alone may be another's a moment after its end.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t began = 0;  // in the kernel's ticks since the machine's start
  auto operator<=>(const ProcessId&) const = default;
};

struct ProcessRow {
  pid_t pid = 0;
  pid_t parent = 0;
  std::uint64_t began = 0;
  // Ended, with all its threads, and not yet reaped. One whose first thread alone has ended runs
  // on.
  bool is_dead = false;
  ProcessId id() const { return {pid, began}; }
};

// Costs some milliseconds for a thousand processes.
std::vector<ProcessRow> process_table();

// Living processes whose chain of parents leads to `ancestor`.
std::vector<ProcessId> descendants_of(pid_t ancestor, const std::vector<ProcessRow>& table);

// Signals that process and never one that has its number now; false when it is gone.
bool signal_process(const ProcessId& process, int number);

// Stops every living process in what `find` returns until no new one appears (so that none can fork
// away), kills them all, and repeats until there is none. `reap` is called between. Returns how
// many were killed. `rounds_max`: gives up on processes that do not die (0: never); the rounds
// become 50 ms long.
unsigned kill_all(const std::function<std::vector<ProcessId>()>& find,
                  const std::function<void()>& reap, int rounds_max);

}  // namespace framebus::worker
