// What the broker writes down. Only apply(State&, const Record&) (apply.h) changes durable state,
// live and in replay alike, so the sequence of records is the broker's whole memory.
//
// Rules: every struct has a field table (libmsg/schema/field.h); record and field numbers are never
// reused; a record says what was decided, never what has to be decided again (delays with their
// jitter, the row of the task table that was taken). Nothing here depends on a clock or on chance.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "broker/core/image.h"
#include "libmsg/base/ids.h"
#include "libmsg/schema/field.h"
#include "libmsg/schema/parts.h"

namespace framebus::broker {

#define FB_F FRAMEBUS_FIELD

// Who is charged for the end of an attempt; each has its own counter on the task.
enum class Blame : std::uint8_t { none = 0, task = 1, crash = 2, infrastructure = 3 };

// Why a task is being cancelled.
enum class CancelReason : std::uint8_t { none = 0, user = 1, timeout = 2 };

// An action on a whole job or on some of its tasks; 1 to 5 as JobAction, the others by the broker
// itself.
enum class Deed : std::uint8_t {
  none = 0,
  cancel = 1,
  pause = 2,
  resume = 3,
  retry = 4,
  set_priority = 5,
  expire = 6,
  stop = 7,
};

struct JobAccepted {
  static constexpr std::uint16_t number = 1;
  static constexpr const char* name = "JobAccepted";
  JobId job;
  SubmitId submit_id;
  std::string owner;
  JobSpec spec;
  bool uploaded = false;
  static constexpr auto fields() {
    using S = JobAccepted;
    return std::tuple{FB_F(1, job, "number given to it"), FB_F(2, submit_id, "of its Submit"),
                      FB_F(3, owner, "principal of the session that submitted it"),
                      FB_F(4, spec, "as submitted; empty when it is that of the upload"),
                      FB_F(5, uploaded, "the upload of this submit id becomes the job")};
  }
  bool operator==(const JobAccepted&) const = default;
};

struct TaskGranted {
  static constexpr std::uint16_t number = 2;
  static constexpr const char* name = "TaskGranted";
  TaskRef task;
  Token token;
  WorkerId worker;
  std::string worker_name;
  bool duplicate = false;
  bool lapse = false;
  static constexpr auto fields() {
    using S = TaskGranted;
    return std::tuple{FB_F(1, task, "task"), FB_F(2, token, "new, larger than any before"),
                      FB_F(3, worker, "who may run it"), FB_F(4, worker_name, "for people"),
                      FB_F(5, duplicate, "earlier live grants stay live (a straggler run twice)"),
                      FB_F(6, lapse, "every worker was excluded: the exclusions of its type end")};
  }
  bool operator==(const TaskGranted&) const = default;
};

struct TaskStarted {
  static constexpr std::uint16_t number = 3;
  static constexpr const char* name = "TaskStarted";
  TaskRef task;
  Token token;
  static constexpr auto fields() {
    using S = TaskStarted;
    return std::tuple{FB_F(1, task, "task"), FB_F(2, token, "of its grant")};
  }
  bool operator==(const TaskStarted&) const = default;
};

// An attempt is over and its task is not: it waits, is queued again, or another attempt goes on.
struct AttemptEnded {
  static constexpr std::uint16_t number = 4;
  static constexpr const char* name = "AttemptEnded";
  TaskRef task;
  Token token;
  std::uint32_t row = 0;
  AttemptEnd end = AttemptEnd::still_open;
  TaskState next = TaskState::held;
  Blame blame = Blame::none;
  std::int64_t delay_ms = 0;
  bool reported = false;
  bool uncounted = false;
  std::int64_t run_ms = 0;
  WireError error;
  std::string log_tail;
  static constexpr auto fields() {
    using S = AttemptEnded;
    return std::tuple{FB_F(1, task, "task"),
                      FB_F(2, token, "of the attempt"),
                      FB_F(3, row, "of the task table"),
                      FB_F(4, end, "how it ended"),
                      FB_F(5, next, "state of the task now"),
                      FB_F(6, blame, "who is charged"),
                      FB_F(7, delay_ms, "before the next grant, next = retry_wait"),
                      FB_F(8, reported, "by the worker's own result: its repeats are duplicates"),
                      FB_F(9, uncounted, "never ran: leaves no trace in the history"),
                      FB_F(10, run_ms, "from grant to end"),
                      FB_F(11, error, "why"),
                      FB_F(12, log_tail, "last lines of its log")};
  }
  bool operator==(const AttemptEnded&) const = default;
};

// The one terminal record of a task. A retry by a person opens it again (JobActed retry).
struct TaskEnded {
  static constexpr std::uint16_t number = 5;
  static constexpr const char* name = "TaskEnded";
  TaskRef task;
  Token token;
  std::uint32_t row = 0;
  TaskState state = TaskState::held;
  AttemptEnd end = AttemptEnd::still_open;
  Blame blame = Blame::none;
  bool reported = false;
  std::int64_t run_ms = 0;
  Bytes result;
  std::vector<BlobRef> blobs;
  WireError error;
  std::string log_tail;
  static constexpr auto fields() {
    using S = TaskEnded;
    return std::tuple{FB_F(1, task, "task"),
                      FB_F(2, token, "of the attempt that decided it"),
                      FB_F(3, row, "of the task table"),
                      FB_F(4, state, "terminal"),
                      FB_F(5, end, "how that attempt ended"),
                      FB_F(6, blame, "who is charged"),
                      FB_F(7, reported, "by the worker's own result"),
                      FB_F(8, run_ms, "from grant to end"),
                      FB_F(9, result, "inline result"),
                      FB_F(10, blobs, "results in the blob store"),
                      FB_F(11, error, "why not"),
                      FB_F(12, log_tail, "last lines of its log")};
  }
  bool operator==(const TaskEnded&) const = default;
};

// The broker stops an attempt by itself (timeout). Cancelling by a person is a JobActed.
struct TaskCancelling {
  static constexpr std::uint16_t number = 6;
  static constexpr const char* name = "TaskCancelling";
  TaskRef task;
  Token token;
  CancelReason reason = CancelReason::none;
  WireError error;
  static constexpr auto fields() {
    using S = TaskCancelling;
    return std::tuple{FB_F(1, task, "task"), FB_F(2, token, "of the running attempt"),
                      FB_F(3, reason, "1 user, 2 timeout"),
                      FB_F(4, error, "which bound was passed")};
  }
  bool operator==(const TaskCancelling&) const = default;
};

// A worker that came back proved that it holds this grant.
struct GrantAdopted {
  static constexpr std::uint16_t number = 7;
  static constexpr const char* name = "GrantAdopted";
  TaskRef task;
  Token token;
  WorkerId worker;
  std::string worker_name;
  bool running = false;
  static constexpr auto fields() {
    using S = GrantAdopted;
    return std::tuple{FB_F(1, task, "task"), FB_F(2, token, "of the grant, MAC checked"),
                      FB_F(3, worker, "who holds it"), FB_F(4, worker_name, "for people"),
                      FB_F(5, running, "it had started")};
  }
  bool operator==(const GrantAdopted&) const = default;
};

// The back-off of a task is over.
struct RetryDue {
  static constexpr std::uint16_t number = 8;
  static constexpr const char* name = "RetryDue";
  TaskRef task;
  static constexpr auto fields() {
    using S = RetryDue;
    return std::tuple{FB_F(1, task, "task")};
  }
  bool operator==(const RetryDue&) const = default;
};

struct JobActed {
  static constexpr std::uint16_t number = 9;
  static constexpr const char* name = "JobActed";
  JobId job;
  Deed deed = Deed::none;
  std::vector<std::uint32_t> tasks;
  std::uint32_t priority = 0;
  std::string by;
  static constexpr auto fields() {
    using S = JobActed;
    return std::tuple{
        FB_F(1, job, "job"),
        FB_F(2, deed, "1 cancel, 2 pause, 3 resume, 4 retry, 5 set_priority, 6 expire, 7 stop"),
        FB_F(3, tasks, "indices, ascending; empty: the whole job"),
        FB_F(4, priority, "set_priority only"), FB_F(5, by, "principal; empty: the broker")};
  }
  bool operator==(const JobActed&) const = default;
};

// A finished job leaves the broker's memory; its submit id is remembered. Self-contained, so that
// compaction may drop every earlier record of the job.
struct JobForgotten {
  static constexpr std::uint16_t number = 10;
  static constexpr const char* name = "JobForgotten";
  JobId job;
  SubmitId submit_id;
  Bytes digest;
  std::uint32_t task_count = 0;
  bool archived = false;
  static constexpr auto fields() {
    using S = JobForgotten;
    return std::tuple{FB_F(1, job, "job"), FB_F(2, submit_id, "of its Submit"),
                      FB_F(3, digest, "16 bytes, of its spec: recognises a repeat"),
                      FB_F(4, task_count, "for the answer to a repeat"),
                      FB_F(5, archived, "the archive has it")};
  }
  bool operator==(const JobForgotten&) const = default;
};

// A job that is sent in parts (SubmitOpen); nobody sees it before JobAccepted{uploaded}.
struct UploadOpened {
  static constexpr std::uint16_t number = 11;
  static constexpr const char* name = "UploadOpened";
  SubmitId submit_id;
  std::string owner;
  JobSpec spec;
  static constexpr auto fields() {
    using S = UploadOpened;
    return std::tuple{FB_F(1, submit_id, "names it"), FB_F(2, owner, "principal"),
                      FB_F(3, spec, "without what the parts bring")};
  }
  bool operator==(const UploadOpened&) const = default;
};

struct UploadPart {
  static constexpr std::uint16_t number = 12;
  static constexpr const char* name = "UploadPart";
  SubmitId submit_id;
  std::uint32_t part = 0;
  std::uint32_t step = 0;
  std::vector<Bytes> task_params;
  static constexpr auto fields() {
    using S = UploadPart;
    return std::tuple{FB_F(1, submit_id, "of the upload"), FB_F(2, part, "from 1, dense"),
                      FB_F(3, step, "index"), FB_F(4, task_params, "appended to the step's")};
  }
  bool operator==(const UploadPart&) const = default;
};

struct UploadDropped {
  static constexpr std::uint16_t number = 13;
  static constexpr const char* name = "UploadDropped";
  SubmitId submit_id;
  static constexpr auto fields() {
    using S = UploadDropped;
    return std::tuple{FB_F(1, submit_id, "of the upload")};
  }
  bool operator==(const UploadDropped&) const = default;
};

// An archived job comes back, in pieces; it is there from the last one on, its tasks as they ended.
struct JobRevived {
  static constexpr std::uint16_t number = 14;
  static constexpr const char* name = "JobRevived";
  JobImage image;
  static constexpr auto fields() {
    using S = JobRevived;
    return std::tuple{FB_F(1, image, "a piece of it")};
  }
  bool operator==(const JobRevived&) const = default;
};

// The sticky command of that name is this one now.
struct StickySet {
  static constexpr std::uint16_t number = 15;
  static constexpr const char* name = "StickySet";
  std::uint64_t load_id = 0;
  std::string command;
  Bytes payload;
  static constexpr auto fields() {
    using S = StickySet;
    return std::tuple{FB_F(1, load_id, "larger than any before"), FB_F(2, command, "its name"),
                      FB_F(3, payload, "for the workers")};
  }
  bool operator==(const StickySet&) const = default;
};

#undef FB_F

// All records, in number order.
using Record = std::variant<JobAccepted, TaskGranted, TaskStarted, AttemptEnded, TaskEnded,
                            TaskCancelling, GrantAdopted, RetryDue, JobActed, JobForgotten, UploadOpened,
                            UploadPart, UploadDropped, JobRevived, StickySet>;

// One line: name and every field that is not its default; long bytes are cut.
std::string to_string(const Record& record);

}  // namespace framebus::broker
