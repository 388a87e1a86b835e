#include "broker/core/core.h"

#include <algorithm>

#include "broker/core/apply.h"
#include "broker/core/router.h"
#include "broker/core/task_manager.h"

namespace framebus::broker {

Core::Core(const Options& options, std::uint64_t seed)
    : state_(std::make_unique<State>(options, seed)) {}
Core::~Core() = default;

void Core::restore(std::uint64_t lsn, TimePoint at, const Record& record) {
  FRAMEBUS_CHECK(!state_->began, "restore() comes before the first step()");
  FRAMEBUS_CHECK(lsn > state_->lsn && at >= state_->now, "records are in order");
  state_->lsn = lsn;
  state_->now = at;
  apply(*state_, record);
}

void Core::reserve_jobs(JobId upto) {
  FRAMEBUS_CHECK(!state_->began, "reserve_jobs() comes before the first step()");
  state_->next_job = std::max(state_->next_job, upto.value + 1);
}

void Core::reserve_records(std::uint64_t upto_lsn) {
  FRAMEBUS_CHECK(!state_->began, "reserve_records() comes before the first step()");
  FRAMEBUS_CHECK(upto_lsn >= state_->lsn, "the store goes on behind what it has replayed");
  state_->lsn = upto_lsn;
}

void Core::step(TimePoint now, const Event& event, Actions& out) {
  State& state = *state_;
  FRAMEBUS_CHECK(now >= state.now, "time goes backwards");
  Turn turn{state, out};
  if (!state.began) {
    begin(state, now);
    mend_jobs(turn);
  }
  state.now = now;
  ++state.counters.events;
  state.ring.note(now, event, state.lsn);
  route(turn, event);
}

std::optional<TimePoint> Core::next_wakeup() const {
  if (state_->plan_again || !state_->dirty_watches.empty()) return state_->now;
  return state_->timers.earliest();
}

const State& Core::state() const {
  return *state_;
}

}  // namespace framebus::broker
