// The worker's end of one executor process: start it, its descriptors, end it with all its
// children.
//
// Thread rule: one thread (a slot's). An object that goes has ended its process tree.
#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "libmsg/base/result.h"
#include "libmsg/blob/posix_file.h"
#include "libmsg/transport/transport.h"
#include "worker/shell/child_protocol.h"

namespace framebus::worker {

// What to execute; the role is added.
struct ChildProgram {
  std::string path = "/proc/self/exe";
  std::vector<std::string> arguments = {"executor"};
  Duration start_within = seconds(5);
  // This process has no other children than executors: what a lost keeper leaves behind is found
  // among its own children and ended. Only a program's main() can know that.
  bool owns_all_children = false;
};

// The keepers of this process that live, so that strays can be told from them. Thread-safe.
class KeeperList {
 public:
  // Ends every child of this process that is no keeper, with its descendants.
  void end_strays();

 private:
  friend class ExecutorChild;
  std::mutex mutex_;  // held over a fork, so that no new keeper is taken for a stray
  std::set<pid_t> pids_;
};

class ExecutorChild {
 public:
  // Returns when the executor has said Hello. unavailable: a sentence why it could not be started.
  static Result<std::unique_ptr<ExecutorChild>> start(const ChildProgram& program,
                                                      const std::string& role, KeeperList& keepers);
  ~ExecutorChild();
  ExecutorChild(const ExecutorChild&) = delete;
  ExecutorChild& operator=(const ExecutorChild&) = delete;

  const std::string& role() const { return role_; }
  pid_t pid() const { return executor_; }  // of the executor, as it told
  int talk_fd() const { return talk_.get(); }
  int control_fd() const { return control_.get(); }
  int output_fd() const { return output_.get(); }
  ChildFrames& frames() { return frames_; }

  // False: it has ended while nobody looked.
  bool is_alive() const;
  // Asks the keeper to end the tree; does not wait.
  void kill() noexcept;
  // Ends the tree if it still is, waits for that, and says how the executor ended. A keeper that
  // does not answer in time is killed. Call once.
  ChildExit end();

 private:
  ExecutorChild(const ChildProgram& program, std::string role, KeeperList& keepers)
      : program_(program), role_(std::move(role)), keepers_(keepers) {}
  Status spawn();
  Status await_hello();
  std::string last_words() const;

  const ChildProgram& program_;
  const std::string role_;
  KeeperList& keepers_;
  FileDescriptor talk_, control_, output_;
  ChildFrames frames_;
  pid_t keeper_ = -1;
  pid_t executor_ = -1;
};

// "SIGSEGV"; "signal 77" for one without a name.
std::string name_of_signal(int number);

}  // namespace framebus::worker
