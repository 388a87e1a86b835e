// One task in an executor's process, from the slot's side: run it, serve what it asks for, listen
// to what it prints, cancel and kill it, and say how it ended.
//
// Everything it says is checked. Thread rule: one slot's thread; `work` is flagged by the loop,
// which then notifies `wakeup`.
#pragma once

#include "worker/shell/attempt_context.h"
#include "worker/shell/executor_child.h"
#include "worker/shell/work_list.h"

namespace framebus::worker {

class Conversation {
 public:
  // Where the process writes blobs, and how much of them at once.
  struct Spool {
    std::filesystem::path directory;
    std::uint64_t bytes_max = 0;
  };
  Conversation(ExecutorChild& child, Work& work, AttemptContext& context, const Spool& spool,
               Wakeup& wakeup);

  // To the end of the task or of the process. Afterwards must_end() says whether the process is of
  // no use any more.
  ExecutorFinished run(const std::vector<PreparedStore::Entry>& prepared);
  bool must_end() const { return must_end_; }

 private:
  void send(const ChildMessage& message);
  void flush();
  void look_at_flags();
  void read_talk();
  void read_output();
  void on_message(ChildMessage message);
  void on_finished(ChildFinished finished);
  void on_nonsense(const std::string& what);
  ChildBlob fetch(const ChildWant& want);
  ChildBlob store(const ChildPut& put);
  ExecutorFinished after_exit(const ChildExit& exit);

  ExecutorChild& child_;
  Work& work_;
  AttemptContext& context_;
  const Spool& spool_;
  Wakeup& wakeup_;
  Bytes outgoing_;
  std::size_t outgoing_begin_ = 0;
  bool is_cancel_sent_ = false;
  bool is_killed_ = false;
  bool is_talk_open_ = true;
  bool is_output_open_ = true;  // somebody can still write to the executor's stdout or stderr
  bool must_end_ = false;
  std::string nonsense_;
  std::optional<ExecutorFinished> finished_;
};

}  // namespace framebus::worker
