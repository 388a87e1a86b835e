// The commands of this worker: the only list, and the threads that carry them out.
//
//   ping         answers nothing, at once
//   echo         answers its payload
//   status       answers what this worker does, as JSON: attempts, processes, what is prepared
//   drop_caches  forgets what executors keep in memory and the blob cache, but for blobs used
//   lately wait         {"ms": 1000}: answers after that time; for trials of deadlines and barriers
//   prepare      keeps its payload for later tasks, under the name behind "prepare:" (none: "")
//
// A few threads of their own, so that a long command holds up neither the loop nor every other one.
// How many may be unfinished is bounded by the core. Thread rule: start() and cancel() from the
// loop.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "worker/core/action.h"
#include "worker/shell/attempt_context.h"
#include "worker/shell/slot_pool.h"

namespace framebus::worker {

// What commands work on. All outlive the runner.
struct CommandServices {
  Inbox* inbox = nullptr;
  SlotPool* slots = nullptr;
  BlobStore* cache = nullptr;
  PreparedStore* prepared = nullptr;
};

// In alphabetical order, for WorkerInfo::commands.
std::vector<std::string> command_names();

class CommandRunner {
 public:
  explicit CommandRunner(const CommandServices& services);
  // Cancels what runs and waits for it.
  ~CommandRunner();

  // Answered by CommandFinished in the inbox, always.
  void start(StartCommand command);
  void cancel(std::uint64_t number);

  // One command under way, as its function sees it.
  class Call {
   public:
    Call(const CommandServices& services, StartCommand command)
        : services_(services), command_(std::move(command)) {}
    const CommandServices& services() const { return services_; }
    const StartCommand& command() const { return command_; }
    // What stands behind the ':' of its verb.
    std::string name() const;
    // False when it was cancelled before `most` had passed.
    bool pause(Duration most);
    void cancel();

   private:
    const CommandServices& services_;
    const StartCommand command_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_cancelled_ = false;
  };

 private:
  void work();

  const CommandServices services_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Call>> waiting_;
  std::map<std::uint64_t, std::shared_ptr<Call>> calls_;  // shared: with the thread that runs it
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace framebus::worker
