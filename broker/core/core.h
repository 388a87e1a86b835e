// The broker without its sockets: events in, actions out, time passed in.
//
// Deterministic: the same construction and the same (time, event) sequence give the same actions,
// bit for bit; the simulator and replay depend on it. Nothing in broker/core/ touches a socket, a
// clock, a disk or a thread. Not thread-safe; one thread owns a Core.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "broker/core/action.h"
#include "broker/core/event.h"
#include "broker/core/options.h"
#include "libmsg/base/time.h"

namespace framebus::broker {

struct State;

class Core {
 public:
  // `seed`: for back-off jitter and the like. Options are validated by their config table
  // beforehand.
  Core(const Options& options, std::uint64_t seed);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Replays one durable record, before the first step(). Same apply() as live. `lsn` grows
  // (compaction leaves gaps), `at` never goes backwards.
  void restore(std::uint64_t lsn, TimePoint at, const Record& record);
  // Numbers up to this one are never given to a job: the archive has them, and the journal may not
  // know of them any more (it was repaired, or lost). Before the first step().
  void reserve_jobs(JobId upto);
  // The same of the numbers of records: the store goes on behind this one. Before the first step().
  void reserve_records(std::uint64_t upto_lsn);

  // The only mutator. Appends to `out`. `now` never goes backwards, over restarts too: the shell's
  // clock starts at the later of the wall clock and the last record's time, and is monotonic from
  // there (broker/shell/broker_clock.h), so deadlines and back-offs survive a restart.
  void step(TimePoint now, const Event& event, Actions& out);

  // Earliest moment at which a Tick has work to do; none when there is no deadline. May be in the
  // past.
  std::optional<TimePoint> next_wakeup() const;

  // Walks everything and CHECKs it; O(state). Tests and the simulator call it after every step.
  void check_invariants() const;

  // Read access for tests and the simulator.
  const State& state() const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace framebus::broker
