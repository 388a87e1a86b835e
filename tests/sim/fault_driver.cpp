#include "tests/sim/fault_driver.h"

namespace framebus::sim {

FaultDriver::FaultDriver(World& world, Network& network, SimBroker& broker,
                         std::vector<std::unique_ptr<SimWorker>>& workers,
                         std::vector<std::unique_ptr<SimPrimary>>& primaries, const Filter& filter)
    : world_(world),
      network_(network),
      broker_(broker),
      workers_(workers),
      primaries_(primaries),
      filter_(filter),
      downtime_(world.stream(9)) {
  broker_.on_death(
      [this] { start_broker_after(downtime_.between(milliseconds(100), seconds(6))); });
}

void FaultDriver::begin(const std::vector<Injection>& injections) {
  for (const Injection& injection : injections) {
    if (!filter_.allows(injection.number)) continue;
    world_.at(injection.at, [this, injection] {
      if (!is_over_) inject(injection);
    });
  }
}

void FaultDriver::end() {
  is_over_ = true;
  broker_.free_disk();
  broker_.crash_at(CrashPoint::none);
  if (!broker_.is_up()) start_broker_after(seconds(1));
}

void FaultDriver::inject(const Injection& injection) {
  Random dice(injection.seed);
  const Kind kind = injection.kind;
  if (world_.traces())
    world_.trace("fault " + std::to_string(injection.number) + ": " + std::string(name_of(kind)));
  if (!is_fault(kind)) {
    // By a stream of its own: who acts does not change what is done.
    primaries_[dice.below(primaries_.size())]->act(kind, dice);
    return;
  }
  worker_fault(kind, dice);
  broker_fault(kind, dice);
  storage_fault(kind, dice);
  partition(kind, dice);
  SimPrimary& primary = *primaries_[dice.below(primaries_.size())];
  if (kind == Kind::primary_dies) {
    primary.die();
    world_.after(dice.between(milliseconds(50), seconds(20)), [&primary] { primary.start(); });
  }
  if (kind == Kind::primary_cut)
    cut_some(primary_hosts_from + static_cast<unsigned>(dice.below(primaries_.size())), dice);
}

void FaultDriver::worker_fault(Kind kind, Random& dice) {
  SimWorker& worker = *workers_[dice.below(workers_.size())];
  switch (kind) {
    case Kind::worker_dies:
      worker.die();
      return world_.after(dice.between(milliseconds(50), seconds(25)),
                          [&worker] { worker.start(); });
    case Kind::worker_stalls:
      return worker.stall(
          dice.between(milliseconds(200), dice.happens(300) ? seconds(40) : seconds(5)));
    case Kind::worker_cut:
      return cut_some(worker.host(), dice);
    case Kind::worker_drains:
      if (worker.is_up()) worker.drain();
      return;
    case Kind::worker_forgets:
      return broker_.forget_heartbeats_of(worker.id(),
                                          world_.now() + dice.between(seconds(1), seconds(5)));
    case Kind::worker_lies:
      return broker_.let_lie(worker.id());
    default:
      return;
  }
}

void FaultDriver::broker_fault(Kind kind, Random& dice) {
  const Duration away =
      dice.between(milliseconds(100), dice.happens(100) ? seconds(60) : seconds(6));
  switch (kind) {
    case Kind::broker_dies:
    case Kind::power_fails:
      broker_.crash(kind == Kind::power_fails);
      return start_broker_after(away);
    case Kind::broker_dies_committing:
      return broker_.crash_at(static_cast<CrashPoint>(dice.between(1, 4)));
    case Kind::clock_jumps:
      return broker_.set_wall_clock(dice.happens(400) ? dice.between(-seconds(7200), seconds(0))
                                                      : dice.between(seconds(0), seconds(600)));
    case Kind::broker_stalls:
      return broker_.stall(dice.between(milliseconds(500), seconds(20)));
    default:
      return;
  }
}

void FaultDriver::storage_fault(Kind kind, Random& dice) {
  switch (kind) {
    case Kind::slow_disk:
      return broker_.slow_disk(dice.between(seconds(1), seconds(10)));
    case Kind::failed_sync:
      return broker_.fail_next_sync();
    case Kind::full_disk:
      broker_.fill_disk(dice);
      return world_.after(dice.between(seconds(1), dice.happens(300) ? seconds(25) : seconds(5)),
                          [this] { broker_.free_disk(); });
    case Kind::archive_fails:
      return broker_.fail_archive(dice.between(seconds(1), seconds(30)));
    default:
      return;
  }
}

void FaultDriver::partition(Kind kind, Random& dice) {
  const bool in = kind == Kind::partition || kind == Kind::partition_in;
  const bool out = kind == Kind::partition || kind == Kind::partition_out;
  if (!in && !out) return;
  const unsigned host = random_host(dice);
  const Duration lasts = dice.between(milliseconds(200), seconds(40));
  if (in) network_.partition(host, Side::server, lasts);
  if (out) network_.partition(host, Side::client, lasts);
}

unsigned FaultDriver::random_host(Random& dice) const {
  if (dice.happens(700)) return workers_[dice.below(workers_.size())]->host();
  return primary_hosts_from + static_cast<unsigned>(dice.below(primaries_.size()));
}

void FaultDriver::cut_some(unsigned host, Random& dice) {
  for (const ConnectionId id : network_.open_of(host))
    network_.cut(id, dice.between(milliseconds(1), seconds(3)));
}

// Afterwards everything that was acknowledged has to be there.
void FaultDriver::start_broker_after(Duration wait) {
  world_.after(wait, [this] {
    if (broker_.is_up() || world_.is_violated()) return;
    broker_.start();
    if (!broker_.is_up() || world_.is_violated()) return;
    for (const auto& primary : primaries_)
      for (const JobId job : primary->accepted())
        if (!broker_.has_job(job))
          world_.violated("an acknowledged job survives: job " + to_string(job));
  });
}

}  // namespace framebus::sim
