// Reads the log of one task piece by piece: which piece to ask for next, and when it is over.
//
// Pure: asks nobody and waits for nothing itself (logging.cpp does). Thread rule: one thread.
#pragma once

#include <cstdint>
#include <optional>

#include "client/output/report.h"
#include "libmsg/schema/messages.h"

namespace framebus::client {

struct LogChoice {
  TaskRef task;
  bool follow = false;
  // One attempt by its token; grant 0: the latest, and with `follow` those after it.
  std::uint64_t epoch = 0, grant = 0;
};

class LogFollower {
 public:
  explicit LogFollower(const LogChoice& choice) : choice_(choice) {}

  TaskRef task() const { return choice_.task; }

  // What to ask the broker; none once it is over, or while the task has to be asked about first.
  std::optional<LogRead> next_read() const;
  // What there is to show of the answer: nothing when it brought nothing.
  std::optional<LogPiece> on_data(const LogData& data);

  // The attempt that was read has ended: on_task() says whether another one may come.
  bool needs_task() const { return step_ == Step::ask_task; }
  void on_task(const TaskSummary& task);

  // The answer brought nothing new: wait a moment before the next read.
  bool is_idle() const { return is_idle_; }
  bool is_over() const { return step_ == Step::over; }
  // False when the task was never granted: there is no log.
  bool was_granted() const { return was_granted_; }

 private:
  enum class Step { read, ask_task, over };
  LogChoice choice_;
  Step step_ = Step::read;
  std::uint64_t epoch_ = 0, grant_ = 0;  // of the attempt being read; 0: not known yet
  std::uint64_t offset_ = 0;
  bool is_idle_ = false, was_granted_ = false;
};

}  // namespace framebus::client
