// Makes happen what the plan wants: faults of all kinds, and what people do.
//
// Thread rule: one thread.
#pragma once

#include <memory>
#include <vector>

#include "tests/sim/plan.h"
#include "tests/sim/sim_broker.h"
#include "tests/sim/sim_primary.h"
#include "tests/sim/sim_worker.h"

namespace framebus::sim {

inline constexpr unsigned primary_hosts_from = 100;

class FaultDriver {
 public:
  FaultDriver(World& world, Network& network, SimBroker& broker,
              std::vector<std::unique_ptr<SimWorker>>& workers,
              std::vector<std::unique_ptr<SimPrimary>>& primaries, const Filter& filter);

  void begin(const std::vector<Injection>& injections);
  // No more faults; what was broken on purpose is mended.
  void end();

 private:
  void inject(const Injection& injection);
  void worker_fault(Kind kind, Random& dice);
  void broker_fault(Kind kind, Random& dice);
  void storage_fault(Kind kind, Random& dice);
  void partition(Kind kind, Random& dice);
  void cut_some(unsigned host, Random& dice);
  unsigned random_host(Random& dice) const;
  void start_broker_after(Duration wait);

  World& world_;
  Network& network_;
  SimBroker& broker_;
  std::vector<std::unique_ptr<SimWorker>>& workers_;
  std::vector<std::unique_ptr<SimPrimary>>& primaries_;
  const Filter& filter_;
  bool is_over_ = false;
  Random downtime_;
};

}  // namespace framebus::sim
