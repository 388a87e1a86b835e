// The simulated broker and the room on its disk. A real one (FaultDisk) is measured each second, as
// the broker's housekeeping does it; of the model's the core is just told.
#include <algorithm>

#include "broker/core/state.h"
#include "tests/sim/sim_broker.h"

namespace framebus::sim {
namespace {

constexpr Duration look_every = seconds(1);
constexpr Duration relief_within = seconds(3);

}  // namespace

void SimBroker::fill_disk(Random& dice) {
  ++fills_;
  if (!storage().fill_up(dice)) set_store_full(true);
}

// A broker that lives takes new work again soon after.
void SimBroker::free_disk() {
  storage().free_up();
  set_store_full(false);
  world_.after(relief_within, [this, life = life_, fills = fills_] {
    if (life != life_ || !core_ || fills != fills_) return;
    if (world_.now() < std::max(stalled_until_, slow_disk_until_) + relief_within) return;
    if (core_->state().store_full && inbox_.empty())
      world_.violated("a broker recovers when its disk has room again");
  });
}

void SimBroker::set_store_full(bool full) {
  if (store_full_ == full) return;
  store_full_ = full;
  if (core_) later([this, full] { feel_pressure({full, "simulated"}); });
}

void SimBroker::feel_pressure(const broker::StorePressure& pressure) {
  if (saboteur_.is(Bug::full_for_ever) && !pressure.full) return;
  if (!saboteur_.is(Bug::admits_when_full)) step(pressure);
  model_.set_full(pressure.full);
}

void SimBroker::watch_disk() {
  const auto space = storage().look_at_space();
  if (!space) return;
  if (!gauge_) gauge_.emplace(space->reserve_bytes);
  if (auto changed = gauge_->judge(space->free_bytes, space->store_is_full, "the simulation"))
    later([this, pressure = *changed] { feel_pressure(pressure); });
  world_.after(look_every, [this, life = life_] {
    if (life == life_ && core_) watch_disk();
  });
}

}  // namespace framebus::sim
