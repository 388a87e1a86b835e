// Barrier: keeps a group of workers in step. Step n is complete when every named worker has
// acknowledged it, failed, or run out of time.
//
//   Barrier barrier(primary, "frame", {.workers = ids, .window = 2});
//   for (;;) auto done = barrier.step(payload);   // waits while two steps are under way
//
// A slow worker holds the others back by at most `window` steps; lags() says who it is. It does not
// say when a worker begins a step, and does not undo one. Thread rule: any thread, callbacks of the
// Primary included. The Primary must outlive the last call of step(); futures complete without the
// Barrier.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/lib/primary.h"
#include "client/lib/step_window.h"

namespace framebus::client {

struct BarrierOptions {
  std::vector<WorkerId> workers;    // at least one
  std::uint32_t window = 1;         // steps under way at once, at least 1
  Duration deadline = seconds(30);  // of each step
};

struct StepReport {
  std::uint64_t step = 0;              // counted from 1
  std::vector<CommandAnswer> answers;  // one for each worker
  bool is_acknowledged_by_all() const;
};

class Barrier {
 public:
  Barrier(Primary& primary, std::string command, BarrierOptions options);
  ~Barrier();
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  // Sends the next step, after waiting for room in the window: at most the deadline of the oldest
  // step, for every step completes. An error is one of the whole step: unavailable (the connection
  // was lost, its outcome is unknown), shutdown; that of one worker is in its answer.
  Future<StepReport> step(Bytes payload);

  bool has_room() const;
  std::vector<WorkerLag> lags() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // with the continuations of steps under way
};

}  // namespace framebus::client
