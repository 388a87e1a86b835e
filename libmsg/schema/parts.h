// The structs that messages are made of: devices, job and step descriptions, summaries. No message
// by itself (those are in messages.h). Same rules: defaults mean "absent", numbers are never
// reused.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/ids.h"
#include "libmsg/schema/field.h"

namespace framebus {

#define FB_F FRAMEBUS_FIELD

struct Label {
  std::string key;
  std::string value;
  static constexpr auto fields() {
    using S = Label;
    return std::tuple{FB_F(1, key, "name of the label"), FB_F(2, value, "its value; may be empty")};
  }
  bool operator==(const Label&) const = default;
};

struct WireError {
  std::uint16_t code = 0;
  std::string message;
  std::int64_t retry_after_ms = 0;
  static constexpr auto fields() {
    using S = WireError;
    return std::tuple{FB_F(1, code, "wire number of the error table; 0 is ok"),
                      FB_F(2, message, "what, where, what is allowed, what to do"),
                      FB_F(3, retry_after_ms, "hint for back-off, ms; 0: none")};
  }
  bool operator==(const WireError&) const = default;
};

struct BlobRef {
  BlobHash hash;
  std::uint64_t size = 0;
  std::string name;
  static constexpr auto fields() {
    using S = BlobRef;
    return std::tuple{
        FB_F(1, hash, "BLAKE2b-256 of the bytes"), FB_F(2, size, "bytes"),
        FB_F(3, name, "relative path or role of the blob in its step or result; may be empty")};
  }
  bool operator==(const BlobRef&) const = default;
};

struct DeviceInfo {
  std::string kind;
  std::string uuid;
  std::string pci_id;
  std::string name;
  std::string driver;
  std::uint32_t index = 0;
  std::uint32_t compute_capability = 0;
  std::uint64_t memory_total_bytes = 0;
  std::uint64_t memory_free_bytes = 0;
  static constexpr auto fields() {
    using S = DeviceInfo;
    return std::tuple{FB_F(1, kind, "cpu or cuda"),
                      FB_F(2, uuid, "GPU UUID; empty for a CPU"),
                      FB_F(3, pci_id, "PCI bus id; empty for a CPU"),
                      FB_F(4, name, "product name"),
                      FB_F(5, driver, "driver version"),
                      FB_F(6, index, "CUDA index in PCI order"),
                      FB_F(7, compute_capability, "10 * major + minor; 0 for a CPU"),
                      FB_F(8, memory_total_bytes, "bytes"),
                      FB_F(9, memory_free_bytes, "bytes, at registration")};
  }
  bool operator==(const DeviceInfo&) const = default;
};

struct WorkerInfo {
  WorkerId id;
  std::string host;
  std::string address;
  std::uint32_t pid = 0;
  std::vector<std::string> task_types;
  std::uint32_t slots = 0;
  std::uint32_t prefetch = 0;
  std::uint32_t threads = 0;
  std::vector<DeviceInfo> devices;
  std::vector<Label> labels;
  std::vector<std::string> commands;
  static constexpr auto fields() {
    using S = WorkerInfo;
    return std::tuple{
        FB_F(1, id, "stable identity, kept in the worker's data directory"),
        FB_F(2, host, "host name"),
        FB_F(3, address, "address it connects from, for people; nothing connects to it"),
        FB_F(4, pid, "process id on its host"),
        FB_F(5, task_types, "task types it executes"),
        FB_F(6, slots, "attempts it runs at once, at least 1"),
        FB_F(7, prefetch, "attempts it takes beyond its slots"),
        FB_F(8, threads, "CPU threads it may use in all"),
        FB_F(9, devices, "CPU and GPUs"),
        FB_F(10, labels, "for requirements"),
        FB_F(11, commands, "commands it knows, see Command")};
  }
  bool operator==(const WorkerInfo&) const = default;
};

struct LoadReport {
  std::uint32_t cpu_permille = 0;
  std::uint32_t memory_permille = 0;
  std::uint32_t gpu_permille = 0;
  std::uint32_t gpu_memory_permille = 0;
  std::uint32_t latency_us = 0;
  std::uint64_t bandwidth_bytes_per_s = 0;
  static constexpr auto fields() {
    using S = LoadReport;
    return std::tuple{
        FB_F(1, cpu_permille, "of all cores of the host"),
        FB_F(2, memory_permille, "of the host's memory"),
        FB_F(3, gpu_permille, "0 without a GPU"),
        FB_F(4, gpu_memory_permille, "0 without a GPU"),
        FB_F(5, latency_us, "round trip of the last heartbeat; 0: not measured yet"),
        FB_F(6, bandwidth_bytes_per_s, "moving average of real blob transfers; 0: none yet")};
  }
  bool operator==(const LoadReport&) const = default;
};

struct Requirements {
  std::uint32_t gpus = 0;
  std::uint64_t gpu_memory_bytes = 0;
  std::uint32_t compute_capability = 0;
  std::uint32_t cpus = 0;
  std::uint64_t memory_bytes = 0;
  std::vector<Label> labels;
  static constexpr auto fields() {
    using S = Requirements;
    return std::tuple{FB_F(1, gpus, "GPUs, each with the memory and capability below"),
                      FB_F(2, gpu_memory_bytes, "on each GPU"),
                      FB_F(3, compute_capability, "at least; 10 * major + minor"),
                      FB_F(4, cpus, "CPU threads"),
                      FB_F(5, memory_bytes, "host memory"),
                      FB_F(6, labels, "all must be present with these values")};
  }
  bool operator==(const Requirements&) const = default;
};

struct Dependency {
  std::uint32_t step = 0;
  bool by_task = false;
  static constexpr auto fields() {
    using S = Dependency;
    return std::tuple{
        FB_F(1, step, "index of the step waited for; smaller than the waiting step's"),
        FB_F(2, by_task, "task i waits for task i of that step only (equal task counts)")};
  }
  bool operator==(const Dependency&) const = default;
};

struct NamedLimit {
  std::string name;
  std::uint32_t amount = 0;
  static constexpr auto fields() {
    using S = NamedLimit;
    return std::tuple{FB_F(1, name, "as configured in the broker"),
                      FB_F(2, amount, "held while a task runs")};
  }
  bool operator==(const NamedLimit&) const = default;
};

// One key of a sweep: a list of JSON values, or the whole numbers first, first + stride, ...
// Tasks of a step with axes are the product of their values; the last axis varies fastest. See
// sweep.h for the parameters of one task.
struct SweepAxis {
  std::string key;
  std::vector<Bytes> values;
  std::int64_t first = 0;
  std::int64_t stride = 1;
  std::uint32_t count = 0;
  static constexpr auto fields() {
    using S = SweepAxis;
    return std::tuple{FB_F(1, key, "unique in the step"),
                      FB_F(2, values, "each one JSON value; empty: a range of numbers"),
                      FB_F(3, first, "of the range"), FB_F(4, stride, "of the range"),
                      FB_F(5, count, "numbers in the range; 0 when there are values")};
  }
  bool operator==(const SweepAxis&) const = default;
};

// A step is a template plus a number of tasks: a million tasks cost no more than their differing
// bytes.
struct StepSpec {
  std::string name;
  std::string type;
  std::vector<Dependency> depends_on;
  Bytes params;
  std::uint32_t task_count = 0;
  std::vector<Bytes> task_params;
  std::vector<BlobRef> inputs;
  Requirements requires_;
  std::uint32_t max_attempts = 0;
  std::int64_t timeout_ms = 0;
  std::int64_t progress_timeout_ms = 0;
  bool at_most_once = false;
  std::vector<NamedLimit> limits;
  std::vector<SweepAxis> axes;
  static constexpr auto fields() {
    using S = StepSpec;
    return std::tuple{
        FB_F(1, name, "unique in the job"),
        FB_F(2, type, "task type: which executor runs it"),
        FB_F(3, depends_on, "steps waited for"),
        FB_F(4, params, "what all tasks share; opaque to the broker (JSON for the built-in types)"),
        FB_F(5, task_count, "at least 1; task i of the step is known by its index"),
        FB_F(6, task_params, "empty, or one entry for each task"),
        FB_F(7, inputs, "blobs that must be present before the step is accepted"),
        FB_F(8, requires_, "what a worker must have"),
        FB_F(9, max_attempts, "0: the default, 3"),
        FB_F(10, timeout_ms, "of one attempt; 0: none"),
        FB_F(11, progress_timeout_ms, "longest silence of a running attempt; 0: none"),
        FB_F(12, at_most_once, "never run a task twice, even if its outcome is lost"),
        FB_F(13, limits, "named limits held by each running task"),
        FB_F(14, axes, "empty, or a sweep whose product has task_count elements; no task_params then")};
  }
  bool operator==(const StepSpec&) const = default;
};

enum class OnFailure : std::uint8_t { keep_going = 0, stop = 1 };
enum class Strategy : std::uint8_t { broker_default = 0, roundrobin = 1, load = 2 };

struct JobSpec {
  std::string name;
  std::uint32_t priority = 50;
  std::vector<StepSpec> steps;
  std::vector<Label> labels;
  OnFailure on_failure = OnFailure::keep_going;
  std::uint32_t max_failures = 0;
  Strategy strategy = Strategy::broker_default;
  std::uint32_t max_parallel = 0;
  std::int64_t deadline_ms = 0;
  static constexpr auto fields() {
    using S = JobSpec;
    return std::tuple{
        FB_F(1, name, "for people"),
        FB_F(2, priority, "0 to 100, larger first"),
        FB_F(3, steps, "at least one"),
        FB_F(4, labels, "for people and filters"),
        FB_F(5, on_failure, "0 continue, 1 stop at the first failed task"),
        FB_F(6, max_failures, "stop when more tasks than this have failed; 0: no bound"),
        FB_F(7, strategy, "0 the broker's, 1 roundrobin, 2 load"),
        FB_F(8, max_parallel, "running attempts at once; 0: no bound"),
        FB_F(9, deadline_ms, "from acceptance; tasks not started by then expire; 0: none")};
  }
  bool operator==(const JobSpec&) const = default;
};

// The words of the state table (docs/PROTOCOL.md); also the words of `--json`.
enum class TaskState : std::uint8_t {
  held = 0,
  queued = 1,
  leased = 2,
  running = 3,
  retry_wait = 4,
  cancelling = 5,
  succeeded = 6,
  failed = 7,
  cancelled = 8,
  abandoned = 9,
  expired = 10,
  dead = 11,
};
enum class JobState : std::uint8_t {
  open = 0,
  queued = 1,
  running = 2,
  paused = 3,
  succeeded = 4,
  failed = 5,
  cancelled = 6
};

struct StateCount {
  TaskState state = TaskState::held;
  std::uint32_t count = 0;
  static constexpr auto fields() {
    using S = StateCount;
    return std::tuple{FB_F(1, state, "task state"),
                      FB_F(2, count, "tasks in it; states with none are left out")};
  }
  bool operator==(const StateCount&) const = default;
};

struct StepSummary {
  std::string name;
  std::string type;
  std::uint32_t first_task = 0;
  std::uint32_t task_count = 0;
  static constexpr auto fields() {
    using S = StepSummary;
    return std::tuple{FB_F(1, name, "name"), FB_F(2, type, "task type"),
                      FB_F(3, first_task, "index in the job"), FB_F(4, task_count, "tasks")};
  }
  bool operator==(const StepSummary&) const = default;
};

struct JobSummary {
  JobId id;
  std::string name;
  std::string owner;
  JobState state = JobState::open;
  std::uint32_t priority = 50;
  std::uint32_t task_count = 0;
  std::vector<StateCount> counts;
  std::vector<StepSummary> steps;
  std::int64_t age_ms = 0;
  std::int64_t run_ms = 0;
  WireError first_error;
  std::string reason;
  static constexpr auto fields() {
    using S = JobSummary;
    return std::tuple{
        FB_F(1, id, "job id"),
        FB_F(2, name, "name"),
        FB_F(3, owner, "who submitted it"),
        FB_F(4, state, "job state"),
        FB_F(5, priority, "0 to 100"),
        FB_F(6, task_count, "tasks in all"),
        FB_F(7, counts, "tasks by state"),
        FB_F(8, steps, "its steps"),
        FB_F(9, age_ms, "since it was accepted"),
        FB_F(10, run_ms, "from its first grant to now, or to its end; 0: not started"),
        FB_F(11, first_error, "of the first task that failed"),
        FB_F(12, reason, "why nothing of it runs, when that is so")};
  }
  bool operator==(const JobSummary&) const = default;
};

enum class AttemptEnd : std::uint8_t {
  still_open = 0,
  ok = 1,
  error = 2,
  crashed = 3,
  worker_lost = 4,
  lease_expired = 5,
  not_started = 6,
  aborted = 7,
  superseded = 8,
  timeout = 9,
};

struct AttemptSummary {
  std::uint64_t epoch = 0;
  std::uint64_t grant = 0;
  WorkerId worker;
  std::string worker_name;
  AttemptEnd end = AttemptEnd::still_open;
  WireError error;
  std::int64_t run_ms = 0;
  static constexpr auto fields() {
    using S = AttemptSummary;
    return std::tuple{FB_F(1, epoch, "of its token"),
                      FB_F(2, grant, "of its token"),
                      FB_F(3, worker, "who had it"),
                      FB_F(4, worker_name, "host and process of it"),
                      FB_F(5, end, "how it ended; 0 while it is open"),
                      FB_F(6, error, "when it ended badly"),
                      FB_F(7, run_ms, "from its grant to its end or to now")};
  }
  bool operator==(const AttemptSummary&) const = default;
};

struct ErrorSummary {
  WireError error;
  std::string log_tail;
  static constexpr auto fields() {
    using S = ErrorSummary;
    return std::tuple{FB_F(1, error, "what went wrong"),
                      FB_F(2, log_tail, "last lines of that attempt's log")};
  }
  bool operator==(const ErrorSummary&) const = default;
};

struct TaskSummary {
  TaskRef task;
  std::uint32_t step = 0;
  TaskState state = TaskState::held;
  std::uint32_t progress_permille = 0;
  std::string status;
  std::vector<AttemptSummary> attempts;
  Bytes result;
  std::vector<BlobRef> blobs;
  WireError error;
  std::string log_tail;
  std::uint32_t tries = 0;
  std::uint32_t crashes = 0;
  std::uint32_t losses = 0;
  std::vector<ErrorSummary> errors;
  static constexpr auto fields() {
    using S = TaskSummary;
    return std::tuple{FB_F(1, task, "job and index"),
                      FB_F(2, step, "index of its step"),
                      FB_F(3, state, "task state"),
                      FB_F(4, progress_permille, "of the running attempt"),
                      FB_F(5, status, "what it says it does"),
                      FB_F(6, attempts, "the latest, oldest first"),
                      FB_F(7, result, "inline result, when it succeeded"),
                      FB_F(8, blobs, "result blobs, when it succeeded"),
                      FB_F(9, error, "last error"),
                      FB_F(10, log_tail, "end of the last attempt's log"),
                      FB_F(11, tries, "attempts ended by an error of the task or a timeout"),
                      FB_F(12, crashes, "attempts that took their process or device down"),
                      FB_F(13, losses, "attempts lost with their worker or connection"),
                      FB_F(14, errors, "the last three, oldest first; not in lists of tasks")};
  }
  bool operator==(const TaskSummary&) const = default;
};

enum class WorkerState : std::uint8_t {
  connecting = 0,
  ready = 1,
  loading = 2,
  busy = 3,
  lagging = 4,
  draining = 5,
  lost = 6
};

struct WorkerSummary {
  WorkerInfo info;
  WorkerState state = WorkerState::connecting;
  std::string reason;
  std::uint32_t in_flight = 0;
  std::uint32_t credit = 0;
  LoadReport load;
  std::int64_t silent_ms = 0;
  std::uint64_t tasks_done = 0;
  std::uint64_t tasks_failed = 0;
  static constexpr auto fields() {
    using S = WorkerSummary;
    return std::tuple{FB_F(1, info, "what it registered"),
                      FB_F(2, state, "in one word"),
                      FB_F(3, reason, "why, in a sentence"),
                      FB_F(4, in_flight, "attempts granted to it and not ended"),
                      FB_F(5, credit, "more it would take now"),
                      FB_F(6, load, "of its last heartbeat"),
                      FB_F(7, silent_ms, "since its last message"),
                      FB_F(8, tasks_done, "recorded results"),
                      FB_F(9, tasks_failed, "errors and crashes")};
  }
  bool operator==(const WorkerSummary&) const = default;
};

struct Counter {
  std::string name;
  std::uint64_t value = 0;
  static constexpr auto fields() {
    using S = Counter;
    return std::tuple{FB_F(1, name, "metric name"), FB_F(2, value, "since the broker started")};
  }
  bool operator==(const Counter&) const = default;
};

struct BrokerStatus {
  std::string version;
  std::uint64_t epoch = 0;
  bool ephemeral = false;
  std::int64_t uptime_ms = 0;
  std::uint32_t workers = 0;
  std::uint32_t slots = 0;
  std::uint32_t slots_busy = 0;
  std::uint32_t jobs_active = 0;
  std::vector<StateCount> tasks;
  std::vector<Counter> counters;
  static constexpr auto fields() {
    using S = BrokerStatus;
    return std::tuple{FB_F(1, version, "of the broker"),
                      FB_F(2, epoch, "raised at each start"),
                      FB_F(3, ephemeral, "jobs do not survive a restart"),
                      FB_F(4, uptime_ms, "since its start"),
                      FB_F(5, workers, "connected"),
                      FB_F(6, slots, "of those workers"),
                      FB_F(7, slots_busy, "with an attempt"),
                      FB_F(8, jobs_active, "not ended"),
                      FB_F(9, tasks, "of the active jobs, by state"),
                      FB_F(10, counters, "refusals, losses, retries, fenced results and so on")};
  }
  bool operator==(const BrokerStatus&) const = default;
};

// The template that the attempts of one Assign share.
struct StepInfo {
  JobId job;
  std::uint32_t step = 0;
  std::string name;
  std::string type;
  Bytes params;
  std::vector<BlobRef> inputs;
  std::int64_t timeout_ms = 0;
  std::int64_t progress_timeout_ms = 0;
  bool at_most_once = false;
  static constexpr auto fields() {
    using S = StepInfo;
    return std::tuple{
        FB_F(1, job, "job id"),
        FB_F(2, step, "index in the job"),
        FB_F(3, name, "name"),
        FB_F(4, type, "task type"),
        FB_F(5, params, "what all tasks of the step share"),
        FB_F(6, inputs, "blobs to fetch from the bulk endpoint"),
        FB_F(7, timeout_ms, "of one attempt; 0: none"),
        FB_F(8, progress_timeout_ms, "0: none"),
        FB_F(9, at_most_once, "kill it when the broker has been silent for one lease")};
  }
  bool operator==(const StepInfo&) const = default;
};

struct AttemptSpec {
  TaskRef task;
  Token token;
  std::uint32_t step = 0;
  std::uint32_t index = 0;
  std::uint32_t attempt = 0;
  Bytes params;
  static constexpr auto fields() {
    using S = AttemptSpec;
    return std::tuple{FB_F(1, task, "task"),
                      FB_F(2, token, "the right to run it"),
                      FB_F(3, step, "place in Assign.steps"),
                      FB_F(4, index, "of the task in its step"),
                      FB_F(5, attempt, "which try this is, from 1"),
                      FB_F(6, params, "the task's own; may be empty")};
  }
  bool operator==(const AttemptSpec&) const = default;
};

struct AttemptId {
  TaskRef task;
  Token token;
  static constexpr auto fields() {
    using S = AttemptId;
    return std::tuple{FB_F(1, task, "task"), FB_F(2, token, "of its grant")};
  }
  bool operator==(const AttemptId&) const = default;
};

// One line of `framebus explain`: why this worker does not run this task.
struct Explanation {
  WorkerId worker;
  std::string worker_name;
  bool eligible = false;
  std::string filter;
  std::string detail;
  static constexpr auto fields() {
    using S = Explanation;
    return std::tuple{
        FB_F(1, worker, "which worker"), FB_F(2, worker_name, "host and process of it"),
        FB_F(3, eligible, "it passes every filter"),
        FB_F(4, filter, "the first filter that failed"), FB_F(5, detail, "wanted and found")};
  }
  bool operator==(const Explanation&) const = default;
};

#undef FB_F

}  // namespace framebus
