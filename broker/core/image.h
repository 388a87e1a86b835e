// A finished job as one value: what goes to the archive, and what comes back from it.
//
// Made by the core in pieces of at most `image_tasks_max` tasks, so that a job of a million tasks
// never holds up the loop. Field and struct rules as in libmsg/schema/messages.h: numbers are never
// reused (archives live for years).
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "libmsg/base/ids.h"
#include "libmsg/schema/field.h"
#include "libmsg/schema/parts.h"

namespace framebus::broker {

#define FB_F FRAMEBUS_FIELD

inline constexpr std::uint32_t image_tasks_max = 1'024;

// Times are the broker's: ns since 1970 UTC as its clock stood (broker/shell/broker_clock.h), in ms.
struct AttemptImage {
  std::uint64_t epoch = 0;
  std::uint64_t grant = 0;
  WorkerId worker;
  std::string worker_name;
  AttemptEnd end = AttemptEnd::still_open;
  std::uint32_t blame = 0;
  bool started = false;
  bool reported = false;
  std::int64_t granted_at_ms = 0;
  std::int64_t run_ms = 0;
  WireError error;
  static constexpr auto fields() {
    using S = AttemptImage;
    return std::tuple{FB_F(1, epoch, "of its token"),
                      FB_F(2, grant, "of its token"),
                      FB_F(3, worker, "who had it"),
                      FB_F(4, worker_name, "for people"),
                      FB_F(5, end, "how it ended"),
                      FB_F(6, blame, "who was charged, as in record.h"),
                      FB_F(7, started, "it had said Started"),
                      FB_F(8, reported, "its own result was recorded"),
                      FB_F(9, granted_at_ms, "ms since 1970"),
                      FB_F(10, run_ms, "from grant to end"),
                      FB_F(11, error, "when it ended badly")};
  }
  bool operator==(const AttemptImage&) const = default;
};

// Tasks that were never touched and ended with the job look alike: `count` of them from `index` on.
struct TaskImage {
  std::uint32_t index = 0;
  std::uint32_t count = 1;
  TaskState state = TaskState::held;
  std::uint64_t ended_lsn = 0;
  std::uint32_t tries = 0;
  std::uint32_t crashes = 0;
  std::uint32_t losses = 0;
  std::uint32_t grants = 0;
  std::vector<AttemptImage> attempts;
  std::vector<ErrorSummary> errors;
  Bytes result;
  std::vector<BlobRef> blobs;
  static constexpr auto fields() {
    using S = TaskImage;
    return std::tuple{FB_F(1, index, "of the first of them"),
                      FB_F(2, count, "tasks that are equal but for their index; 0 reads as 1"),
                      FB_F(3, state, "terminal"),
                      FB_F(4, ended_lsn, "record that ended it"),
                      FB_F(5, tries, "as in TaskSummary"),
                      FB_F(6, crashes, "as in TaskSummary"),
                      FB_F(7, losses, "as in TaskSummary"),
                      FB_F(8, grants, "in all"),
                      FB_F(9, attempts, "the latest, oldest first"),
                      FB_F(10, errors, "the last three, oldest first"),
                      FB_F(11, result, "inline result"),
                      FB_F(12, blobs, "result blobs")};
  }
  bool operator==(const TaskImage&) const = default;
};

// The head of a job; comes with every piece of it. The spec comes with the first, but for
// task_params: each piece brings those of its own tasks, so that no piece is large.
struct JobImage {
  JobId job;
  SubmitId submit_id;
  std::string owner;
  JobState state = JobState::open;
  JobSpec spec;
  std::uint32_t task_count = 0;
  std::uint64_t accepted_lsn = 0;
  std::uint64_t last_lsn = 0;
  std::int64_t accepted_at_ms = 0;
  std::int64_t first_grant_at_ms = 0;
  std::int64_t ended_at_ms = 0;
  WireError first_error;
  std::vector<StateCount> counts;
  std::uint32_t first_task = 0;
  std::vector<TaskImage> tasks;
  bool last = false;
  static constexpr auto fields() {
    using S = JobImage;
    return std::tuple{FB_F(1, job, "job"),
                      FB_F(2, submit_id, "of its Submit"),
                      FB_F(3, owner, "principal"),
                      FB_F(4, state, "as it ended"),
                      FB_F(5, spec, "in the first piece; task_params of this piece's tasks"),
                      FB_F(6, task_count, "in all"),
                      FB_F(7, accepted_lsn, "record that made it"),
                      FB_F(8, last_lsn, "last record about it"),
                      FB_F(9, accepted_at_ms, "ms since 1970"),
                      FB_F(10, first_grant_at_ms, "ms since 1970; 0: never"),
                      FB_F(11, ended_at_ms, "ms since 1970"),
                      FB_F(12, first_error, "of the first task that failed"),
                      FB_F(13, counts, "tasks by state"),
                      FB_F(14, first_task, "of this piece"),
                      FB_F(15, tasks, "of this piece, ascending"),
                      FB_F(16, last, "no piece follows")};
  }
  bool operator==(const JobImage&) const = default;
};

#undef FB_F

}  // namespace framebus::broker
