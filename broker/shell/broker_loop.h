// The broker's one loop around the core: wait, receive, step, append, release. Dull on purpose.
//
// It reads the clock once for each turn, decides nothing and never waits for a disk: the store
// syncs on its own thread and wakes the loop. While the store's backlog is full the loop reads from
// no socket, so that peers wait and nothing is dropped. Thread rule: one thread runs it;
// request_stop() may come from any thread and from a signal handler.
#pragma once

#include <atomic>

#include "broker/core/core.h"
#include "broker/shell/carrier.h"
#include "broker/shell/catch_up.h"
#include "broker/shell/commit_pipeline.h"
#include "broker/shell/housekeeping.h"
#include "broker/shell/intake.h"
#include "broker/shell/loop_pulse.h"

namespace framebus::broker {

class BrokerLoop {
 public:
  struct Parts {
    Core& core;
    CommitPipeline& pipeline;
    Intake& intake;
    Delivery& delivery;
    SessionTable& sessions;
    Carrier& carrier;
    Housekeeping& housekeeping;
    LoopCounters& counters;
    Wakeup& wakeup;  // ends a wait of the pulse
    Delivery::Routers routers;
    LoopPulse& pulse;
  };
  explicit BrokerLoop(const Parts& parts) : parts_(parts) {}

  // Until request_stop(), or until the store fails (its error).
  Status run();
  void request_stop() noexcept;

 private:
  TimePoint now() const { return parts_.pulse.now(); }
  void wait_for_work();
  Duration time_to_wait() const;
  Duration unheard_before(TimePoint now);
  Status turn();
  Status poll_store();
  Status step_events(TimePoint now);
  void step(TimePoint now, const Event& event);
  Status hand_over(TimePoint now);
  Status pause();
  void release();
  Status end_orderly();
  void say_goodbye();

  Parts parts_;
  std::atomic<bool> stopping_{false};
  TimePoint last_turn_;
  bool is_paused_ = false;
  bool more_waits_ = false;
  CatchUp catch_up_;
  std::vector<Event> events_;
  Actions actions_;
};

}  // namespace framebus::broker
