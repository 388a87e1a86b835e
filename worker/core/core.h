// The worker without its sockets and threads: events in, actions out, time passed in.
//
//   connection:  idle --Connect--> connecting --Welcome--> ready      any loss: idle, with back-off
//   attempt:     queued --free slot--> starting --ExecutorStarted--> running --finished-->
//   reporting
//                reporting ends with ResultsOk or ResultRejected; queued and running end by
//                Aborted, too
//
// What can come in numbers (Started, Progress, Results, Aborted) is gathered over the events of one
// batch and leaves with the next Tick: next_wakeup() is due at once while anything waits. So a
// shell that steps all it has received and then ticks sends one message for many attempts, without
// waiting for any timer.
//
// Deterministic like the broker's core (broker/core/core.h), and as free of sockets, clocks, disks
// and threads. Not thread-safe; one thread owns a Core.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "libmsg/base/time.h"
#include "worker/core/action.h"
#include "worker/core/event.h"
#include "worker/core/options.h"

namespace framebus::worker {

struct State;

class Core {
 public:
  // `seed`: for the jitter of heartbeats and reconnects. Options are validated beforehand.
  // The first Tick connects.
  Core(const Options& options, std::uint64_t seed);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // The only mutator. Appends to `out`. `now` never goes backwards. After Exit nothing is done any
  // more.
  void step(TimePoint now, const Event& event, Actions& out);

  // Earliest moment at which a Tick has work to do; none after Exit. May be in the past.
  std::optional<TimePoint> next_wakeup() const;

  // Walks everything and CHECKs it; O(attempts). Tests and the simulator call it after every step.
  void check_invariants() const;

  // Read access for tests and the simulator.
  const State& state() const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace framebus::worker
