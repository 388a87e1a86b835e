// Every message of the bus: struct, number, field table. The one source of truth for the protocol.
//
// Read this file to know what the programs say to each other; docs/PROTOCOL.md is printed from it.
// Two families have a file of their own: upload_messages.h (jobs sent in parts) and
// worker_messages.h (logs, commands, administration). The list of all is at the end.
// Rules: every field is optional on the wire and its default means "absent"; field and message
// numbers are never reused; whatever can come in numbers is an array in one message, so batching is
// part of the protocol. A request carries `request`, an id the sender chose, and is answered by
// that id in any order.
#pragma once

#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "libmsg/schema/parts.h"
#include "libmsg/schema/upload_messages.h"
#include "libmsg/schema/worker_messages.h"

namespace framebus {

inline constexpr std::uint16_t protocol_major = 1;
inline constexpr std::uint16_t protocol_minor = 0;

#define FB_F FRAMEBUS_FIELD
#define FB_MESSAGE FRAMEBUS_MESSAGE

// ---- session ----------------------------------------------------------------------------------

enum class Role : std::uint8_t { none = 0, primary = 1, worker = 2, bulk = 3 };

// Where an attempt is on its worker, from the receipt of Assign to the end of its report.
enum class AttemptPhase : std::uint8_t { queued = 0, starting = 1, running = 2, reporting = 3 };

struct HeldAttempt {
  TaskRef task;
  Token token;
  AttemptPhase phase = AttemptPhase::queued;
  static constexpr auto fields() {
    using S = HeldAttempt;
    return std::tuple{FB_F(1, task, "task"), FB_F(2, token, "of its grant"),
                      FB_F(3, phase, "0 queued, 1 starting, 2 running, 3 reporting")};
  }
  bool operator==(const HeldAttempt&) const = default;
};

struct Hello {
  FB_MESSAGE(1, "Hello",
             "First message of every connection. A worker says who it is and what it still holds.");
  std::uint16_t minor = protocol_minor;
  Role role = Role::none;
  std::string program;
  std::string principal;
  std::vector<std::uint32_t> features;
  bool checksum = true;
  WorkerInfo worker;
  std::vector<HeldAttempt> held;
  static constexpr auto fields() {
    using S = Hello;
    return std::tuple{FB_F(1, minor, "protocol minor version of the sender"),
                      FB_F(2, role, "1 primary, 2 worker, 3 bulk"),
                      FB_F(3, program, "name and version of the sender's program"),
                      FB_F(4, principal, "client name, for fair shares and for people"),
                      FB_F(5, features, "feature numbers the sender can use"),
                      FB_F(6, checksum, "the sender wants checksums; used unless both decline"),
                      FB_F(7, worker, "role worker only"),
                      FB_F(8, held, "role worker only: attempts not yet reported and confirmed")};
  }
  bool operator==(const Hello&) const = default;
};

struct Welcome {
  FB_MESSAGE(2, "Welcome",
             "The session exists. Carries what the peer needs to know of the broker.");
  SessionId session;
  std::uint16_t minor = protocol_minor;
  std::uint64_t epoch = 0;
  bool ephemeral = false;
  bool checksum = true;
  std::vector<std::uint32_t> features;
  std::string program;
  std::string bulk_endpoint;
  std::int64_t heartbeat_ms = 0;
  std::int64_t lease_ms = 0;
  static constexpr auto fields() {
    using S = Welcome;
    return std::tuple{
        FB_F(1, session, "this registration"),
        FB_F(2, minor, "protocol minor version of the broker"),
        FB_F(3, epoch, "of the broker; raised at each of its starts"),
        FB_F(4, ephemeral, "jobs do not survive a broker restart"),
        FB_F(5, checksum, "both sides send and check checksums from now on"),
        FB_F(6, features, "those of the Hello that the broker knows"),
        FB_F(7, program, "name and version of the broker"),
        FB_F(8, bulk_endpoint,
             "where blobs travel; a host of 0.0.0.0 or * means the host connected to"),
        FB_F(9, heartbeat_ms, "how often a worker must send Heartbeat"),
        FB_F(10, lease_ms, "how long a lease outlives the last heartbeat")};
  }
  bool operator==(const Welcome&) const = default;
};

struct Refused {
  FB_MESSAGE(3, "Refused",
             "The Hello was not accepted: version, credentials, a bad field, too many workers. No "
             "session exists.");
  WireError error;
  static constexpr auto fields() {
    using S = Refused;
    return std::tuple{FB_F(1, error, "why, and when to try again")};
  }
  bool operator==(const Refused&) const = default;
};

struct AttemptStatus {
  TaskRef task;
  Token token;
  AttemptPhase phase = AttemptPhase::queued;
  std::uint32_t progress_permille = 0;
  std::string status;
  static constexpr auto fields() {
    using S = AttemptStatus;
    return std::tuple{FB_F(1, task, "task"), FB_F(2, token, "of its grant"),
                      FB_F(3, phase, "as in HeldAttempt"), FB_F(4, progress_permille, "0 to 1000"),
                      FB_F(5, status, "what the executor says it does")};
  }
  bool operator==(const AttemptStatus&) const = default;
};

struct Heartbeat {
  FB_MESSAGE(4, "Heartbeat", "A worker lives. Lists every attempt it holds; renews their leases.");
  std::uint64_t sequence = 0;
  std::uint32_t credit = 0;
  bool draining = false;
  std::string reason;
  std::vector<AttemptStatus> attempts;
  LoadReport load;
  static constexpr auto fields() {
    using S = Heartbeat;
    return std::tuple{
        FB_F(1, sequence, "counts up within the session"),
        FB_F(2, credit,
             "attempts it would hold in all: slots + prefetch, 0 when it can take none; the broker "
             "subtracts what it has granted"),
        FB_F(3, draining, "finishes what it has and takes no more"),
        FB_F(4, reason, "why its credit is 0, for people"),
        FB_F(5, attempts, "from receipt of Assign until ResultsOk, ResultRejected or Aborted"),
        FB_F(6, load, "of its host")};
  }
  bool operator==(const Heartbeat&) const = default;
};

struct HeartbeatAck {
  FB_MESSAGE(5, "HeartbeatAck", "The broker saw that heartbeat.");
  std::uint64_t sequence = 0;
  static constexpr auto fields() {
    using S = HeartbeatAck;
    return std::tuple{FB_F(1, sequence, "of the Heartbeat")};
  }
  bool operator==(const HeartbeatAck&) const = default;
};

struct Goodbye {
  FB_MESSAGE(
      6, "Goodbye",
      "The sender leaves on purpose. From a worker: what it still holds is granted to others.");
  std::string reason;
  static constexpr auto fields() {
    using S = Goodbye;
    return std::tuple{FB_F(1, reason, "for people")};
  }
  bool operator==(const Goodbye&) const = default;
};

// ---- jobs -------------------------------------------------------------------------------------

struct Submit {
  FB_MESSAGE(
      16, "Submit",
      "Asks for a job. Repeating it with the same submit id and content gives the same job.");
  std::uint64_t request = 0;
  SubmitId submit_id;
  JobSpec job;
  static constexpr auto fields() {
    using S = Submit;
    return std::tuple{FB_F(1, request, "request id"),
                      FB_F(2, submit_id, "128 random bits, the same in every repeat"),
                      FB_F(3, job, "the job")};
  }
  bool operator==(const Submit&) const = default;
};

struct SubmitOk {
  FB_MESSAGE(17, "SubmitOk", "The job is accepted and, unless ephemeral, on disk.");
  std::uint64_t request = 0;
  JobId job;
  std::uint32_t task_count = 0;
  bool known = false;
  bool ephemeral = false;
  static constexpr auto fields() {
    using S = SubmitOk;
    return std::tuple{FB_F(1, request, "request id"), FB_F(2, job, "job id"),
                      FB_F(3, task_count, "tasks in all"),
                      FB_F(4, known, "this submit id was accepted before"),
                      FB_F(5, ephemeral, "the job does not survive a broker restart")};
  }
  bool operator==(const SubmitOk&) const = default;
};

// The inputs of a Submit that the broker does not have yet. Put them on the bulk endpoint and
// repeat the Submit.
struct InputsMissing {
  FB_MESSAGE(
      18, "InputsMissing",
      "Answer to a Submit whose inputs are not all present: put these blobs, then repeat it.");
  std::uint64_t request = 0;
  std::vector<BlobRef> blobs;
  static constexpr auto fields() {
    using S = InputsMissing;
    return std::tuple{FB_F(1, request, "request id"), FB_F(2, blobs, "what is missing")};
  }
  bool operator==(const InputsMissing&) const = default;
};

enum class JobAction : std::uint8_t {
  none = 0,
  cancel = 1,
  pause = 2,
  resume = 3,
  retry = 4,
  set_priority = 5
};

struct Act {
  FB_MESSAGE(19, "Act",
             "Cancels, pauses, resumes or retries a job or some of its tasks. Idempotent.");
  std::uint64_t request = 0;
  JobAction action = JobAction::none;
  JobId job;
  std::vector<std::uint32_t> tasks;
  std::uint32_t priority = 0;
  static constexpr auto fields() {
    using S = Act;
    return std::tuple{FB_F(1, request, "request id"),
                      FB_F(2, action, "1 cancel, 2 pause, 3 resume, 4 retry, 5 set_priority"),
                      FB_F(3, job, "job id"), FB_F(4, tasks, "task indices; empty: the whole job"),
                      FB_F(5, priority, "set_priority only")};
  }
  bool operator==(const Act&) const = default;
};

struct ActOk {
  FB_MESSAGE(20, "ActOk", "The action is recorded.");
  std::uint64_t request = 0;
  std::uint32_t changed = 0;
  std::uint32_t unchanged = 0;
  JobSummary job;
  static constexpr auto fields() {
    using S = ActOk;
    return std::tuple{FB_F(1, request, "request id"),
                      FB_F(2, changed, "tasks whose state it changed"),
                      FB_F(3, unchanged, "tasks it did not apply to (already ended, say)"),
                      FB_F(4, job, "the job now")};
  }
  bool operator==(const ActOk&) const = default;
};

enum class QueryKind : std::uint8_t {
  none = 0,
  status = 1,
  jobs = 2,
  job = 3,
  tasks = 4,
  workers = 5,
  explain = 6,
  spec = 7,
  archive = 8
};

struct Query {
  FB_MESSAGE(21, "Query", "Reads state. Lists come in pages.");
  std::uint64_t request = 0;
  QueryKind kind = QueryKind::none;
  TaskRef task;
  std::uint32_t offset = 0;
  std::uint32_t limit = 0;
  static constexpr auto fields() {
    using S = Query;
    return std::tuple{FB_F(1, request, "request id"),
                      FB_F(2, kind,
                           "1 status, 2 jobs (newest first), 3 job, 4 tasks of a job, 5 workers, 6 "
                           "explain a task, 7 spec of a job, 8 jobs of the archive (newest first)"),
                      FB_F(3, task, "the job; for explain the task"),
                      FB_F(4, offset, "first element wanted"),
                      FB_F(5, limit, "most elements wanted; 0: as many as fit one message")};
  }
  bool operator==(const Query&) const = default;
};

struct QueryReply {
  FB_MESSAGE(22, "QueryReply", "What a Query asked for; the other fields are absent.");
  std::uint64_t request = 0;
  std::uint32_t total = 0;
  std::uint32_t next_offset = 0;
  BrokerStatus status;
  std::vector<JobSummary> jobs;
  std::vector<TaskSummary> tasks;
  std::vector<WorkerSummary> workers;
  std::vector<Explanation> explanations;
  JobSpec spec;
  static constexpr auto fields() {
    using S = QueryReply;
    return std::tuple{FB_F(1, request, "request id"),
                      FB_F(2, total, "elements in the whole list"),
                      FB_F(3, next_offset, "ask again from here; 0: this was the last page"),
                      FB_F(4, status, "kind status"),
                      FB_F(5, jobs, "kinds jobs, job and archive"),
                      FB_F(6, tasks, "kind tasks; kind explain: the one task"),
                      FB_F(7, workers, "kind workers"),
                      FB_F(8, explanations, "kind explain: one for each worker"),
                      FB_F(9, spec, "kind spec")};
  }
  bool operator==(const QueryReply&) const = default;
};

// A place in the broker's history: everything recorded up to `lsn` in `epoch` has been seen.
struct Cursor {
  std::uint64_t epoch = 0;
  std::uint64_t lsn = 0;
  static constexpr auto fields() {
    using S = Cursor;
    return std::tuple{FB_F(1, epoch, "of the broker"),
                      FB_F(2, lsn, "log sequence number of the last record seen")};
  }
  bool operator==(const Cursor&) const = default;
};

struct Watch {
  FB_MESSAGE(23, "Watch",
             "Follows a job: first the ended tasks recorded after `from`, then what happens. Ends "
             "with the session or Unwatch.");
  std::uint64_t request = 0;
  JobId job;
  Cursor from;
  bool results = false;
  static constexpr auto fields() {
    using S = Watch;
    return std::tuple{
        FB_F(1, request, "request id; also names the watch"),
        FB_F(2, job, "job id; 0: every job's state changes, without tasks"),
        FB_F(3, from, "where an earlier watch had got to; absent: from the beginning"),
        FB_F(4, results, "task events carry inline results and blob references")};
  }
  bool operator==(const Watch&) const = default;
};

enum class EventKind : std::uint8_t { none = 0, job = 1, task = 2, progress = 3, live = 4 };

struct Event {
  Cursor cursor;
  EventKind kind = EventKind::none;
  JobSummary job;
  TaskSummary task;
  static constexpr auto fields() {
    using S = Event;
    return std::tuple{FB_F(1, cursor, "of the record behind it; absent for progress"),
                      FB_F(2, kind,
                           "1 job state, 2 task ended or changed, 3 progress of a running task, 4 "
                           "the replay is over and live events follow"),
                      FB_F(3, job, "kinds job and live"), FB_F(4, task, "kinds task and progress")};
  }
  bool operator==(const Event&) const = default;
};

struct Events {
  FB_MESSAGE(24, "Events",
             "Events of one watch, in record order. The broker keeps at most a window of them "
             "unconfirmed.");
  std::uint64_t request = 0;
  std::uint64_t sequence = 0;
  std::vector<Event> events;
  static constexpr auto fields() {
    using S = Events;
    return std::tuple{FB_F(1, request, "names the watch"),
                      FB_F(2, sequence, "counts the messages of the watch, from 1"),
                      FB_F(3, events, "at least one")};
  }
  bool operator==(const Events&) const = default;
};

struct EventsOk {
  FB_MESSAGE(25, "EventsOk",
             "The primary has taken in the Events up to this sequence; the broker may send more.");
  std::uint64_t request = 0;
  std::uint64_t sequence = 0;
  static constexpr auto fields() {
    using S = EventsOk;
    return std::tuple{FB_F(1, request, "names the watch"),
                      FB_F(2, sequence, "of the last Events taken in")};
  }
  bool operator==(const EventsOk&) const = default;
};

struct Unwatch {
  FB_MESSAGE(26, "Unwatch", "Ends a watch. Not answered.");
  std::uint64_t request = 0;
  static constexpr auto fields() {
    using S = Unwatch;
    return std::tuple{FB_F(1, request, "names the watch")};
  }
  bool operator==(const Unwatch&) const = default;
};

// ---- attempts ---------------------------------------------------------------------------------

struct Assign {
  FB_MESSAGE(32, "Assign", "Grants attempts to a worker.");
  std::vector<StepInfo> steps;
  std::vector<AttemptSpec> attempts;
  static constexpr auto fields() {
    using S = Assign;
    return std::tuple{FB_F(1, steps, "each once, referred to by place"),
                      FB_F(2, attempts, "at least one")};
  }
  bool operator==(const Assign&) const = default;
};

struct Started {
  FB_MESSAGE(33, "Started", "These attempts run now.");
  std::vector<AttemptId> attempts;
  static constexpr auto fields() {
    using S = Started;
    return std::tuple{FB_F(1, attempts, "at least one")};
  }
  bool operator==(const Started&) const = default;
};

struct Progress {
  FB_MESSAGE(34, "Progress",
             "How far running attempts are; sent when it changed, at most 4 times a second each.");
  std::vector<AttemptStatus> attempts;
  static constexpr auto fields() {
    using S = Progress;
    return std::tuple{FB_F(1, attempts, "at least one")};
  }
  bool operator==(const Progress&) const = default;
};

enum class Outcome : std::uint8_t { none = 0, ok = 1, error = 2, crashed = 3 };

struct TaskResult {
  TaskRef task;
  Token token;
  Outcome outcome = Outcome::none;
  Bytes result;
  std::vector<BlobRef> blobs;
  WireError error;
  bool permanent = false;
  std::string log_tail;
  std::int64_t queue_us = 0;
  std::int64_t run_us = 0;
  static constexpr auto fields() {
    using S = TaskResult;
    return std::tuple{
        FB_F(1, task, "task"),
        FB_F(2, token, "of its grant"),
        FB_F(3, outcome, "1 ok, 2 error of the task, 3 crash of its process or device"),
        FB_F(4, result, "inline result, at most 64 KiB"),
        FB_F(5, blobs, "results on the bulk endpoint, already stored there"),
        FB_F(6, error, "outcomes 2 and 3"),
        FB_F(7, permanent, "trying again can not help"),
        FB_F(8, log_tail, "last lines of its log"),
        FB_F(9, queue_us, "waited on the worker"),
        FB_F(10, run_us, "ran")};
  }
  bool operator==(const TaskResult&) const = default;
};

struct Results {
  FB_MESSAGE(35, "Results",
             "Outcomes of attempts. The worker keeps each until it is confirmed or rejected.");
  std::vector<TaskResult> results;
  static constexpr auto fields() {
    using S = Results;
    return std::tuple{FB_F(1, results, "at least one")};
  }
  bool operator==(const Results&) const = default;
};

struct ResultsOk {
  FB_MESSAGE(36, "ResultsOk",
             "These results are recorded (and synced): the worker may forget them.");
  std::vector<AttemptId> attempts;
  std::vector<AttemptId> duplicates;
  static constexpr auto fields() {
    using S = ResultsOk;
    return std::tuple{FB_F(1, attempts, "recorded now"),
                      FB_F(2, duplicates, "recorded before, by the same token")};
  }
  bool operator==(const ResultsOk&) const = default;
};

enum class RejectReason : std::uint8_t {
  none = 0,
  fenced = 1,
  terminal = 2,
  unknown = 3,
  forged = 4
};

struct ResultRejected {
  FB_MESSAGE(37, "ResultRejected",
             "This result does not count and never will: the worker forgets it.");
  AttemptId attempt;
  RejectReason reason = RejectReason::none;
  static constexpr auto fields() {
    using S = ResultRejected;
    return std::tuple{
        FB_F(1, attempt, "which"),
        FB_F(2, reason,
             "1 fenced, 2 the task has ended otherwise, 3 unknown here, 4 token not ours")};
  }
  bool operator==(const ResultRejected&) const = default;
};

enum class AbortReason : std::uint8_t {
  none = 0,
  cancelled = 1,
  timeout = 2,
  superseded = 3,
  reclaimed = 4,
  not_started = 5
};

struct Abort {
  FB_MESSAGE(38, "Abort", "Stop these attempts; what still runs after the grace is killed.");
  std::vector<AttemptId> attempts;
  AbortReason reason = AbortReason::none;
  std::int64_t grace_ms = 0;
  static constexpr auto fields() {
    using S = Abort;
    return std::tuple{
        FB_F(1, attempts, "at least one"),
        FB_F(2, reason, "1 cancelled, 2 timeout, 3 superseded, 4 reclaimed, 5 not started in time"),
        FB_F(3, grace_ms, "before it is killed")};
  }
  bool operator==(const Abort&) const = default;
};

struct Aborted {
  FB_MESSAGE(39, "Aborted", "These attempts no longer run here and have no result.");
  std::vector<AttemptId> attempts;
  static constexpr auto fields() {
    using S = Aborted;
    return std::tuple{FB_F(1, attempts, "at least one")};
  }
  bool operator==(const Aborted&) const = default;
};

// ---- blobs (bulk endpoint) --------------------------------------------------------------------
// The receiver of a blob pulls: it sends BlobWant for ranges and keeps a window of them open, so
// flow control is the same in both directions. Reading: BlobWant -> BlobChunk. Writing: BlobPut ->
// BlobHave at once if the broker has it, else the broker sends BlobWant and, at the end, BlobHave.

struct BlobPut {
  FB_MESSAGE(64, "BlobPut", "The sender has this blob and offers it.");
  std::uint64_t request = 0;
  BlobHash hash;
  std::uint64_t size = 0;
  static constexpr auto fields() {
    using S = BlobPut;
    return std::tuple{FB_F(1, request, "names the transfer"),
                      FB_F(2, hash, "BLAKE2b-256 of the bytes"), FB_F(3, size, "bytes")};
  }
  bool operator==(const BlobPut&) const = default;
};

struct BlobWant {
  FB_MESSAGE(65, "BlobWant", "Send these bytes of a blob, in chunks.");
  std::uint64_t request = 0;
  BlobHash hash;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  static constexpr auto fields() {
    using S = BlobWant;
    return std::tuple{FB_F(1, request, "names the transfer"), FB_F(2, hash, "which blob"),
                      FB_F(3, offset, "first byte"),
                      FB_F(4, length, "bytes, at most one chunk; 0 asks only for the size")};
  }
  bool operator==(const BlobWant&) const = default;
};

struct BlobChunk {
  FB_MESSAGE(66, "BlobChunk", "Bytes of a blob: one attachment frame.");
  std::uint64_t request = 0;
  BlobHash hash;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t chunk_xxh3 = 0;
  static constexpr auto fields() {
    using S = BlobChunk;
    return std::tuple{FB_F(1, request, "names the transfer"), FB_F(2, hash, "which blob"),
                      FB_F(3, offset, "of the attachment's first byte"),
                      FB_F(4, size, "of the whole blob"),
                      FB_F(5, chunk_xxh3, "XXH3-64 of the attachment")};
  }
  bool operator==(const BlobChunk&) const = default;
};

struct BlobHave {
  FB_MESSAGE(67, "BlobHave", "The blob is verified and stored (file and directory entry synced).");
  std::uint64_t request = 0;
  BlobHash hash;
  static constexpr auto fields() {
    using S = BlobHave;
    return std::tuple{FB_F(1, request, "names the transfer"), FB_F(2, hash, "which blob")};
  }
  bool operator==(const BlobHave&) const = default;
};

// ---- errors -----------------------------------------------------------------------------------

struct ErrorReply {
  FB_MESSAGE(127, "Error", "A request failed, or a message could not be taken.");
  std::uint64_t request = 0;
  WireError error;
  static constexpr auto fields() {
    using S = ErrorReply;
    return std::tuple{FB_F(1, request, "request id; 0 when it is not known"),
                      FB_F(2, error, "what was wrong")};
  }
  bool operator==(const ErrorReply&) const = default;
};

#undef FB_MESSAGE
#undef FB_F

// The list of all messages, in number order. Numbers kept for later: 50-51 preparation, 55-63
// administration, 68-79 blobs.
using Message =
    std::variant<Hello, Welcome, Refused, Heartbeat, HeartbeatAck, Goodbye,  //
                 Submit, SubmitOk, InputsMissing, Act, ActOk, Query, QueryReply, Watch, Events,
                 EventsOk, Unwatch, SubmitOpen, SubmitOpenOk, SubmitPart, SubmitPartOk,
                 SubmitCommit,                                                                   //
                 Assign, Started, Progress, Results, ResultsOk, ResultRejected, Abort, Aborted,  //
                 Log, LogOk, LogRead, LogData, Command, RunCommand, CommandReply, CommandDone,
                 Prepare, Ready, Administer, AdministerOk, Order,  //
                 BlobPut, BlobWant, BlobChunk, BlobHave, ErrorReply>;

}  // namespace framebus
