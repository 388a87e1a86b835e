// See broker_loop.h.
#include "broker/shell/broker_loop.h"

#include <algorithm>

#include "libmsg/base/limits.h"
#include "libmsg/base/log.h"

namespace framebus::broker {
namespace {

constexpr std::size_t batch = 256;                // arrivals of one turn, from each socket
constexpr Duration wait_max = milliseconds(250);  // so that a late turn means a stall
constexpr Duration stall_min = seconds(1);
constexpr Duration unsent_retry = milliseconds(2);
constexpr Duration goodbye_max = milliseconds(500);
constexpr std::size_t handed_over_bytes = 32 * limits::MiB;

// Near enough, without walking through lists: replies with lists may fill a message, as may the
// records of jobs.
std::size_t rough_bytes(const Action& action) {
  if (const auto* persist = std::get_if<Persist>(&action)) {
    const Record& record = persist->record;
    if (const auto* ended = std::get_if<TaskEnded>(&record))
      return 256 + ended->result.size() + ended->log_tail.size();
    if (const auto* ended = std::get_if<AttemptEnded>(&record)) return 256 + ended->log_tail.size();
    const bool may_be_large = std::holds_alternative<JobAccepted>(record) ||
                              std::holds_alternative<UploadOpened>(record) ||
                              std::holds_alternative<UploadPart>(record) ||
                              std::holds_alternative<JobRevived>(record) ||
                              std::holds_alternative<JobActed>(record);
    return may_be_large ? limits::wire_message_bytes_max : 256;
  }
  if (const auto* send = std::get_if<Send>(&action))
    return std::holds_alternative<QueryReply>(send->message) ? 512 * limits::KiB : 1024;
  return 256;
}

}  // namespace

void BrokerLoop::request_stop() noexcept {
  stopping_ = true;
  parts_.wakeup.notify();
}

Status BrokerLoop::run() {
  last_turn_ = now();
  Status status;
  while (status && !stopping_) {
    wait_for_work();
    status = turn();
  }
  if (status) status = end_orderly();
  say_goodbye();
  return status;
}

void BrokerLoop::wait_for_work() {
  std::vector<RouterSocket*> sockets;
  if (!is_paused_) sockets = {parts_.routers[0], parts_.routers[1]};
  parts_.pulse.wait(sockets, time_to_wait());
}

Status BrokerLoop::turn() {
  ++parts_.counters.turns;
  const TimePoint now = this->now();
  FRAMEBUS_TRY(poll_store());
  if (parts_.pipeline.is_backlogged()) return pause();
  catch_up_.begin(now, unheard_before(now));
  is_paused_ = false;
  last_turn_ = now;
  parts_.carrier.take(now, events_);
  parts_.housekeeping.tick(now, events_);
  more_waits_ = parts_.intake.receive(events_, batch);
  FRAMEBUS_TRY(step_events(now));
  // Heartbeats that came while nobody was heard must be seen before any lease is judged.
  const auto unheard = catch_up_.judge(more_waits_);
  const auto wakeup = parts_.core.next_wakeup();
  if (unheard && (*unheard > Duration{0} || (wakeup && *wakeup <= now)))
    parts_.core.step(now, Tick{*unheard}, actions_);
  FRAMEBUS_TRY(parts_.pipeline.append(now, std::move(actions_)));
  actions_.clear();
  FRAMEBUS_TRY(poll_store());
  release();
  return {};
}

// Asks the store how far it is; the core hears of it first thing in the next steps.
Status BrokerLoop::poll_store() {
  FRAMEBUS_ASSIGN(const auto synced, parts_.pipeline.poll());
  if (!synced) return {};
  if (!events_.empty() && std::holds_alternative<Synced>(events_.back())) events_.pop_back();
  events_.push_back(*synced);
  return {};
}

// The disk is behind: only what it lets go of moves.
Status BrokerLoop::pause() {
  if (!is_paused_) ++parts_.counters.pauses;
  is_paused_ = true;
  release();
  return {};
}

// What a turn has made is handed over whenever it is much, so that neither one batch of records nor
// the replies to one greedy peer grow without bound: its outbox runs over first, and what else it
// has asked for is refused.
Status BrokerLoop::step_events(TimePoint now) {
  std::vector<Event> taken;
  taken.swap(events_);
  std::size_t weighed = actions_.size();
  std::size_t bytes = 0;
  for (const Event& event : taken) {
    step(now, event);
    for (; weighed < actions_.size(); ++weighed) bytes += rough_bytes(actions_[weighed]);
    if (bytes < handed_over_bytes) continue;
    FRAMEBUS_TRY(hand_over(now));
    weighed = 0;
    bytes = 0;
  }
  return {};
}

void BrokerLoop::step(TimePoint now, const Event& event) {
  parts_.core.step(now, event, actions_);
  if (const auto* lost = std::get_if<PeerLost>(&event)) parts_.carrier.session_gone(lost->session);
}

// In the middle of a turn; the core hears at once of the sessions that ended by it.
Status BrokerLoop::hand_over(TimePoint now) {
  FRAMEBUS_TRY(parts_.pipeline.append(now, std::move(actions_)));
  actions_.clear();
  release();
  std::vector<Event> news;
  news.swap(events_);
  for (const Event& event : news) step(now, event);
  return {};
}

void BrokerLoop::release() {
  parts_.pipeline.release([this](Action&& action) { parts_.carrier.carry_out(std::move(action)); });
  parts_.delivery.flush();
  // Failed sends: the core hears of them in the next turn, which is now.
  for (Event& event : parts_.delivery.take_events()) events_.push_back(std::move(event));
#ifndef NDEBUG
  parts_.delivery.check_conservation();
#endif
}

Duration BrokerLoop::time_to_wait() const {
  if (!is_paused_ && (more_waits_ || !events_.empty())) return Duration{0};
  Duration longest = parts_.delivery.has_unsent() ? unsent_retry : wait_max;
  if (is_paused_) return longest;
  if (const auto wakeup = parts_.core.next_wakeup()) longest = std::min(longest, *wakeup - now());
  return std::max(longest, Duration{0});
}

// How much later than the longest wait this turn is, when that is more than a loaded machine
// explains. A pause is no stall, but nobody was heard in it either.
Duration BrokerLoop::unheard_before(TimePoint now) {
  const Duration since = now - last_turn_;
  if (is_paused_) parts_.counters.paused_ms += static_cast<std::uint64_t>(to_ms(since));
  const Duration late = since - wait_max;
  if (late < stall_min) return Duration{0};
  if (is_paused_) return late;
  ++parts_.counters.stalls;
  log_warning("loop", "the broker stood still; every lease is extended by it",
              {{"ms", to_ms(late)}});
  return late;
}

// Whatever waits for an answer gets one, and everything recorded is sealed.
Status BrokerLoop::end_orderly() {
  const TimePoint now = this->now();
  FRAMEBUS_TRY(step_events(now));
  parts_.core.step(now, Stopping{}, actions_);
  FRAMEBUS_TRY(parts_.pipeline.append(now, std::move(actions_)));
  actions_.clear();
  FRAMEBUS_TRY(parts_.pipeline.finish());
  release();
  return {};
}

void BrokerLoop::say_goodbye() {
  std::vector<SessionId> ids;
  for (const auto& [id, session] : parts_.sessions.all()) ids.push_back(id);
  for (const SessionId id : ids) parts_.delivery.send(id, Goodbye{"the broker is stopping"});
  // Peers close when they read it: that is also how we know that it has arrived.
  const TimePoint deadline = now() + goodbye_max;
  while (parts_.sessions.size() > 0 && now() < deadline) {
    parts_.pulse.wait({parts_.routers[0], parts_.routers[1]}, milliseconds(20));
    events_.clear();
    (void)parts_.intake.receive(events_, batch);
    parts_.delivery.flush();
    (void)parts_.delivery.take_events();
  }
}

}  // namespace framebus::broker
