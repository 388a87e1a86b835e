// Everything a verb may have to show. A renderer turns each of them into text; a new kind that one
// of the renderers forgets does not compile.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "libmsg/schema/messages.h"

namespace framebus::client {

struct JobList {
  std::vector<JobSummary> jobs;
  std::uint32_t total = 0;  // on the broker; more than jobs.size() when the list was limited
  bool is_archive = false;
};

struct JobDetail {
  JobSummary job;
  std::vector<TaskSummary> troubles;  // the first few tasks that failed
  bool is_end = false;  // said when waiting is over: one line instead of the whole picture
};

struct TaskList {
  JobSummary job;
  std::vector<TaskSummary> tasks;
  std::uint32_t total = 0;
  std::vector<Bytes> params = {};  // own parameters of each of `tasks` as JSON; empty: none known
};

struct WorkerList {
  std::vector<WorkerSummary> workers;
};

struct StatusReport {
  std::string broker;  // URL asked
  BrokerStatus status;
};

struct Explained {
  TaskSummary task;
  std::vector<Explanation> workers;
  JobState job_state = JobState::running;
};

struct Submitted {
  JobId job;
  std::string name;
  std::uint32_t task_count = 0;
  bool known = false;
  bool ephemeral = false;
  std::uint32_t files_sent = 0;
  std::uint64_t bytes_sent = 0;
};

struct Acted {
  JobAction action = JobAction::none;
  std::vector<std::uint32_t> tasks;  // empty: the whole job
  ActOk outcome;
};

struct FetchedFile {
  std::string path;
  std::string kind;  // image, preview, result
  std::uint64_t size_bytes = 0;
  std::int64_t task = -1;  // index in the job of a result; -1: of an image
  Bytes params = {};       // that task's own parameters as JSON; empty: none known
};

// A picture's sums in one word: equal if and only if the pictures are, however they were split.
struct FetchedFrame {
  std::int32_t frame = 0;
  BlobHash hash;
};

struct Fetched {
  JobId job;
  bool complete = false;  // every task of the job has succeeded and is in the files
  std::uint32_t tasks_done = 0, task_count = 0;
  std::vector<FetchedFile> files;
  std::vector<FetchedFrame> frames =
      {};  // complete ones of render steps, in the order they were finished
};

struct PlannedStep {
  std::string name, type;
  std::uint32_t task_count = 0;
  std::uint32_t input_count = 0;
  Bytes first_params = {}, last_params = {};  // of its tasks, as JSON; empty: they have none
};

struct Validated {
  std::string file, name;
  std::uint32_t priority = 50;
  std::vector<PlannedStep> steps;
  std::uint32_t input_count = 0;
  std::uint64_t input_bytes = 0;
  std::vector<std::string> outputs, warnings;
};

// One finished task and what it returned.
struct TaskOutcomeLine {
  TaskSummary task;
};

struct WatchedEvent {
  Event event;
};

// What workers answered to a broadcast.
struct Commanded {
  std::string command;
  bool is_sticky = false;
  std::uint64_t load_id = 0;  // sticky only
  std::vector<CommandAnswer> answers;
};

struct Administered {
  WorkerAction action = WorkerAction::none;
  WorkerSummary worker;  // as it is now
};

// A piece of an attempt's log.
struct LogPiece {
  TaskRef task;
  std::uint64_t epoch = 0, grant = 0;  // of the attempt's token
  std::uint64_t offset = 0;            // of the first byte
  std::uint64_t gap_bytes = 0;         // before it that are not kept
  Bytes bytes;
  std::string shown;  // for people (log_text.h)
  bool operator==(const LogPiece&) const = default;
};

struct VersionReport {
  std::string version;
  std::uint16_t protocol_major = 0, protocol_minor = 0;
};

using Report = std::variant<JobList, JobDetail, TaskList, WorkerList, StatusReport, Explained,
                            Submitted, Acted, Fetched, Validated, TaskOutcomeLine, WatchedEvent,
                            Commanded, Administered, LogPiece, VersionReport>;

}  // namespace framebus::client
