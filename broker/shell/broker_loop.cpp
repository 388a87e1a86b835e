// See broker_loop.h.
#include "broker/shell/broker_loop.h"

#include <algorithm>

#include "libmsg/base/log.h"

namespace framebus::broker {
namespace {

constexpr std::size_t batch = 256;                // arrivals of one turn, from each socket
constexpr std::size_t stalled_batches_max = 64;   // read after a stall before anything expires
constexpr Duration wait_max = milliseconds(250);  // so that a late turn means a stall
constexpr Duration stall_min = seconds(1);
constexpr Duration unsent_retry = milliseconds(2);
constexpr Duration goodbye_max = milliseconds(500);

}  // namespace

BrokerLoop::BrokerLoop(Core& core, CommitPipeline& pipeline, Intake& intake, Delivery& delivery,
                       SessionTable& sessions, Delivery::Routers routers)
    : core_(core),
      pipeline_(pipeline),
      intake_(intake),
      delivery_(delivery),
      sessions_(sessions),
      routers_(routers) {}

void BrokerLoop::request_stop() noexcept {
  stopping_ = true;
  wakeup_.notify();
}

Status BrokerLoop::run() {
  last_turn_ = now_monotonic();
  Status status;
  while (status && !stopping_) {
    wait({routers_[0], routers_[1]}, {}, &wakeup_, time_to_wait(now_monotonic()));
    wakeup_.drain();
    status = turn();
  }
  say_goodbye();
  return status;
}

Status BrokerLoop::turn() {
  const TimePoint now = now_monotonic();
  const Duration stalled = stall_before(now);
  last_turn_ = now;
  receive_all_or_some(stalled, events_);
  for (const Event& event : events_) core_.step(now, event, actions_);
  events_.clear();
  const auto wakeup = core_.next_wakeup();
  if (stalled > Duration{0} || (wakeup && *wakeup <= now)) core_.step(now, Tick{stalled}, actions_);
  FRAMEBUS_TRY(pipeline_.append(now, std::move(actions_)));
  actions_.clear();
  FRAMEBUS_TRY(pipeline_.sync());
  pipeline_.release([this](Action&& action) { carry_out(std::move(action)); });
  delivery_.flush();
  events_ =
      delivery_
          .take_events();  // failed sends: the core hears of them in the next turn, which is now
  return {};
}

Duration BrokerLoop::time_to_wait(TimePoint now) const {
  if (more_waits_ || !events_.empty()) return Duration{0};
  Duration longest = delivery_.has_unsent() ? unsent_retry : wait_max;
  if (const auto wakeup = core_.next_wakeup()) longest = std::min(longest, *wakeup - now);
  return std::max(longest, Duration{0});
}

// How much later than the longest wait this turn is, when that is more than a loaded machine
// explains.
Duration BrokerLoop::stall_before(TimePoint now) const {
  const Duration late = now - last_turn_ - wait_max;
  if (late < stall_min) return Duration{0};
  log_warning("loop", "the broker stood still; every lease is extended by it",
              {{"ms", to_ms(late)}});
  return late;
}

void BrokerLoop::receive_all_or_some(Duration stalled, std::vector<Event>& events) {
  more_waits_ = intake_.receive(events, batch);
  // Heartbeats that came during a stall must be seen before any lease is judged.
  for (std::size_t i = 0; stalled > Duration{0} && more_waits_ && i < stalled_batches_max; ++i) {
    more_waits_ = intake_.receive(events, batch);
  }
}

void BrokerLoop::carry_out(Action&& action) {
  if (const auto* send = std::get_if<Send>(&action))
    return delivery_.send(send->session, send->message);
  if (const auto* close = std::get_if<CloseSession>(&action))
    return delivery_.close(close->session, close->reason);
  if (const auto* note = std::get_if<Note>(&action)) {
    constexpr LogLevel levels[] = {LogLevel::debug, LogLevel::info, LogLevel::warning,
                                   LogLevel::error};
    write_log(levels[static_cast<std::size_t>(std::clamp(note->level, 0, 3))], "core", note->text);
  }
}

void BrokerLoop::say_goodbye() {
  std::vector<SessionId> ids;
  for (const auto& [id, session] : sessions_.all()) ids.push_back(id);
  for (const SessionId id : ids) delivery_.send(id, Goodbye{"the broker is stopping"});
  // Peers close when they read it: that is also how we know that it has arrived.
  const TimePoint deadline = now_monotonic() + goodbye_max;
  while (sessions_.size() > 0 && now_monotonic() < deadline) {
    wait({routers_[0], routers_[1]}, {}, nullptr, milliseconds(20));
    events_.clear();
    (void)intake_.receive(events_, batch);
    delivery_.flush();
  }
}

}  // namespace framebus::broker
