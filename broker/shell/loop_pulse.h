// What the broker's loop knows of time: what it is, and how to wait. A test puts its own in place.
//
// Thread rule: the loop's thread.
#pragma once

#include <vector>

#include "broker/shell/broker_clock.h"
#include "libmsg/transport/transport.h"

namespace framebus::broker {

class LoopPulse {
 public:
  virtual ~LoopPulse() = default;
  // The broker's time; never goes backwards.
  virtual TimePoint now() const = 0;
  // Until one of the sockets has something to receive, somebody has something for the loop, or
  // `timeout` has passed.
  virtual void wait(const std::vector<RouterSocket*>& sockets, Duration timeout) = 0;
};

// Of the machine. `wakeup`: whoever has something for the loop notifies it.
class SystemPulse final : public LoopPulse {
 public:
  SystemPulse(const BrokerClock& clock, Wakeup& wakeup) : clock_(clock), wakeup_(wakeup) {}
  TimePoint now() const override { return clock_.at(now_monotonic()); }
  void wait(const std::vector<RouterSocket*>& sockets, Duration timeout) override {
    framebus::wait(sockets, {}, &wakeup_, timeout);
    wakeup_.drain();
  }

 private:
  BrokerClock clock_;
  Wakeup& wakeup_;
};

}  // namespace framebus::broker
