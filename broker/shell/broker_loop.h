// The broker's one loop around the core: wait, receive, step, append, sync, send. Dull on purpose.
//
// It reads the clock once for each turn and decides nothing. Thread rule: one thread runs it;
// request_stop() may come from any thread and from a signal handler.
#pragma once

#include <atomic>

#include "broker/core/core.h"
#include "broker/shell/commit_pipeline.h"
#include "broker/shell/intake.h"

namespace framebus::broker {

class BrokerLoop {
 public:
  BrokerLoop(Core& core, CommitPipeline& pipeline, Intake& intake, Delivery& delivery,
             SessionTable& sessions, Delivery::Routers routers);

  // Until request_stop(), or until the store fails (its error).
  Status run();
  void request_stop() noexcept;

 private:
  Duration time_to_wait(TimePoint now) const;
  Duration stall_before(TimePoint now) const;
  void receive_all_or_some(Duration stalled, std::vector<Event>& events);
  Status turn();
  void carry_out(Action&& action);
  void say_goodbye();

  Core& core_;
  CommitPipeline& pipeline_;
  Intake& intake_;
  Delivery& delivery_;
  SessionTable& sessions_;
  Delivery::Routers routers_;
  Wakeup wakeup_;
  std::atomic<bool> stopping_{false};
  TimePoint last_turn_;
  bool more_waits_ = false;
  std::vector<Event> events_;
  Actions actions_;
};

}  // namespace framebus::broker
