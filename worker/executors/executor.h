// What runs tasks of one type, and its only door to the outside.
//
// One executor = one file or folder with its user's manual as the comment on top; the registry
// (registry.h) is the only list of them. run() is called in a process that the worker can kill (or,
// in `framebus local`, on a slot's thread, several at once when there are several slots); it may
// block for as long as the task takes, looks at `cancelled()` at least every 100 ms of work, and
// returns Code::cancelled when it is set. An exception that leaves run() is caught and reported as
// task_failed. What it prints goes to the task's log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "libmsg/schema/messages.h"

namespace framebus::worker {

// One attempt, as the executor sees it. Views live until run() returns.
struct TaskInput {
  TaskRef task;
  std::string_view step_name;
  std::uint32_t index = 0;    // of the task in its step
  std::uint32_t attempt = 1;  // which try this is
  BytesView step_params;      // shared by all tasks of the step
  BytesView params;           // the task's own
  const std::vector<BlobRef>* inputs = nullptr;
};

struct TaskOutput {
  Bytes result;                // any size: what is above 64 KiB becomes a blob named "result"
  std::vector<BlobRef> blobs;  // already put
};

// The error of a failed run says whether another try can help.
struct TaskError {
  Error error;
  bool permanent = false;
};
using TaskOutcome = tl::expected<TaskOutput, TaskError>;

// Thread rule: all methods may be called from any thread the executor started, until run() returns.
class TaskContext {
 public:
  virtual ~TaskContext() = default;
  virtual bool cancelled() const = 0;
  virtual void progress(std::uint32_t permille, std::string_view status) = 0;
  virtual void log(std::string_view line) = 0;
  // A local read-only file with the blob's bytes, fetched from the broker if it is not cached.
  virtual Result<std::filesystem::path> input(const BlobRef& blob) = 0;
  virtual Result<BlobRef> put(BytesView bytes, std::string_view name) = 0;
  // CPU threads this attempt may use, at least 1.
  virtual unsigned threads() const = 0;
  // A directory that survives the task, shared by all tasks of this type on this worker (caches).
  virtual const std::filesystem::path& cache_directory() const = 0;
  // The newest payload that primaries have prepared under `name` before this task began (the
  // command "prepare:NAME"); none when nobody has.
  virtual std::optional<Bytes> prepared(std::string_view name) const {
    static_cast<void>(name);
    return std::nullopt;
  }
};

class Executor {
 public:
  virtual ~Executor() = default;
  virtual std::string_view type() const = 0;
  virtual TaskOutcome run(const TaskInput& input, TaskContext& context) = 0;
  // Forgets what is kept between tasks only to be faster. Any thread, also during run().
  virtual void drop_caches() {}
};

}  // namespace framebus::worker
