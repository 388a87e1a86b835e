// A job, its steps and its tasks as the core remembers them. Plain data of State (state.h).
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/index_set.h"
#include "broker/core/task.h"
#include "broker/core/watch_state.h"
#include "libmsg/schema/parts.h"

namespace framebus::broker {

using StateCounts = std::array<std::uint32_t, task_state_count>;
using ShapeId = std::uint32_t;
using PrincipalId = std::uint32_t;
using WatchKey = std::pair<SessionId, std::uint64_t>;  // session and request of the Watch

struct Step {
  std::uint32_t first = 0;  // task index in the job
  std::uint32_t count = 0;
  StateCounts counts{};
  IndexSet queued;  // task indices within the step
  // Steps that wait for the whole of this one, or task by task; and those that this one waits for.
  std::vector<std::uint32_t> followers;
  std::vector<std::uint32_t> followers_by_task;
  std::vector<std::uint32_t> waits_for;
  std::vector<std::uint32_t> waits_for_by_task;
  std::uint32_t waits_met = 0;  // derived: so many of waits_for have succeeded, which is for good
  std::vector<std::pair<std::uint32_t, std::uint32_t>> limits;  // State::limits index, amount
  ShapeId shape = 0;   // derived: which workers fit (ready.h)
  bool ready = false;  // derived: the scheduler may take from it
};

// One line of a job's log of ended tasks; stale when the task was opened again since.
struct EndedTask {
  std::uint64_t lsn = 0;
  std::uint32_t index = 0;
};

struct Job {
  JobId id;
  SubmitId submit_id;
  PrincipalId principal = 0;
  JobSpec spec;
  std::vector<Step> steps;
  std::vector<Task> tasks;
  std::deque<TaskDetail> details;
  StateCounts counts{};
  std::uint32_t in_flight = 0;  // open leases
  std::uint32_t failures = 0;   // tasks failed or dead
  bool paused = false;          // by a person, the whole of it
  bool stopped = false;         // on_failure, max_failures
  bool deadline_passed = false;
  bool deadline_lifted = false;  // by a retry after it
  std::uint64_t accepted_lsn = 0;
  std::uint64_t last_lsn = 0;        // of the last record about it
  std::uint64_t spec_bytes = 0;      // bytes_of(spec)
  std::uint64_t outcome_bytes = 0;   // results, errors and log tails kept
  std::uint64_t finished_bytes = 0;  // its share of State::finished_bytes; 0 while it is open
  std::vector<EndedTask> ended;      // ascending lsn; at most two lines a task (ended_log.h)
  WireError first_error;
  // A worker's failures at a task type of this job; excluded from `exclude_after` on.
  std::map<std::pair<std::string, WorkerId>, std::uint32_t> failures_of;
  TimePoint accepted_at{};
  TimePoint first_grant_at{};  // zero: none yet; of the last run, when it was opened again
  TimePoint ended_at{};        // zero: open
  // Volatile
  bool from_archive = false;         // a copy to read: no record may be made about it
  bool archived = false;             // as it is: every piece is committed
  bool archive_waiting = false;      // in ArchiveState::waiting
  std::uint32_t archived_upto = 0;   // tasks handed over so far
  std::uint32_t archive_round = 0;   // counts how often it was opened again
  TimePoint used_at{};               // from_archive: last request about it
  std::uint32_t settled_round = 0;   // archive_round of the end that settle_jobs() has seen
  JobState announced = JobState::open;
  std::set<WatchKey> watches;
  std::set<WatchKey> awake;  // of those, the ones whose window has room
  ChangeLog changes;         // tasks that changed without ending; empty without watches
  ChangeLog progressed;      // running tasks whose progress changed
  std::string notice;  // why something unusual was done, for people

  std::uint32_t step_of(std::uint32_t index) const;
  TaskDetail* detail_of(std::uint32_t index) {
    const std::uint32_t at = tasks[index].detail;
    return at == 0 ? nullptr : &details[at - 1];
  }
  const TaskDetail* detail_of(std::uint32_t index) const {
    return const_cast<Job*>(this)->detail_of(index);
  }
  std::uint32_t open_tasks() const;  // not terminal
  JobState state() const;
};

inline constexpr std::uint32_t exclude_after = 3;

// Memory that a spec takes, texts and lists included: what a submitter makes the broker keep.
std::uint64_t bytes_of(const JobSpec& spec);
// The same of what a result keeps, and of an error.
std::uint64_t bytes_of(const std::vector<BlobRef>& blobs);
std::uint64_t bytes_of(const Outcomes& outcome);
std::uint64_t bytes_of(const LastError& error);

}  // namespace framebus::broker
