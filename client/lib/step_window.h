// The bookkeeping of a barrier: which steps are under way, who has answered them, who lags behind.
// Pure: no connection, no clock. Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libmsg/base/error.h"
#include "libmsg/schema/messages.h"

namespace framebus::client {

struct WorkerLag {
  WorkerId worker;
  std::string worker_name;         // once it has answered
  std::uint64_t last_step = 0;     // the newest it has acknowledged; 0: none yet
  std::uint32_t steps_behind = 0;  // under way and not answered by it
  std::uint64_t steps_failed = 0;  // answered by an error, worker_lost and deadline_exceeded too
  WireError last_error = {};       // of those
  bool operator==(const WorkerLag&) const = default;
};

class StepWindow {
 public:
  StepWindow(const std::vector<WorkerId>& workers, std::uint32_t window);

  bool has_room() const { return under_way_.size() < window_; }
  // The number of the step that begins now, counted from 1; none while there is no room.
  std::optional<std::uint64_t> begin();
  void on_answer(std::uint64_t step, const CommandAnswer& answer);
  // Complete: no answer of it is waited for any more.
  void end(std::uint64_t step);

  // One for each worker, in the order of their ids.
  std::vector<WorkerLag> lags() const;

 private:
  std::uint32_t window_;
  std::uint64_t last_ = 0;
  std::map<WorkerId, WorkerLag> workers_;
  std::map<std::uint64_t, std::set<WorkerId>> under_way_;  // who has answered each step
};

}  // namespace framebus::client
