#include "tests/sim/simulation.h"

#include <cstdio>
#include <memory>

#include "broker/core/state.h"
#include "libmsg/base/check.h"
#include "tests/sim/sim_primary.h"
#include "tests/sim/sim_worker.h"

namespace framebus::sim {
namespace {

constexpr Duration peace_lasts = seconds(1200);
constexpr unsigned primary_hosts_from = 100;

// Of the run in progress; a failed CHECK aborts, and this is all that can still be said.
Setup current_setup;
void print_rerun() {
  std::fflush(stdout);
  std::fprintf(stderr, "run again: %s\n", how_to_rerun(current_setup).c_str());
}

class Simulation {
 public:
  explicit Simulation(const Setup& setup)
      : setup_(setup),
        world_(setup.seed, setup.trace),
        network_(world_),
        broker_(world_, network_, setup.bug) {
    const std::int64_t worker_count = world_.random.between(1, 5);
    for (std::int64_t i = 0; i < worker_count; ++i)
      workers_.push_back(std::make_unique<SimWorker>(
          world_, network_, static_cast<unsigned>(i), mischief_,
          [this](const worker::StartAttempt& start, bool begins) { on_executor(start, begins); }));
    const std::int64_t primary_count = world_.random.between(1, 3);
    for (std::int64_t i = 0; i < primary_count; ++i)
      primaries_.push_back(std::make_unique<SimPrimary>(
          world_, network_, primary_hosts_from + static_cast<unsigned>(i), setup.bug));
  }

  Report run() {
    // Any start order.
    world_.after(world_.random.between(Duration{0}, seconds(8)), [this] { broker_.start(); });
    for (auto& worker : workers_)
      world_.after(world_.random.between(Duration{0}, seconds(8)), [&worker] { worker->start(); });
    for (auto& primary : primaries_)
      world_.after(world_.random.between(Duration{0}, seconds(8)),
                   [&primary] { primary->start(); });
    world_.after(seconds(9), [this] { next_fault(); });
    if (world_.run_until(world_.now() + std::chrono::minutes(setup_.minutes))) make_peace();
    return report();
  }

 private:
  void next_fault() {
    if (!mischief_.enabled) return;
    fault();
    world_.after(world_.random.between(milliseconds(300), seconds(12)), [this] { next_fault(); });
  }

  void fault() {
    Random& random = world_.random;
    SimWorker& worker = *workers_[random.below(workers_.size())];
    switch (random.below(10)) {
      case 0:
        worker.die();
        return world_.after(random.between(milliseconds(50), seconds(25)),
                            [&worker] { worker.start(); });
      case 1:
        return cut_some(worker.host());
      case 2:
        return cut_some(primary_hosts_from +
                        static_cast<unsigned>(random.below(primaries_.size())));
      case 3:
        return partition(random.happens(700) ? worker.host() : primary_hosts_from);
      case 4:
        return crash_broker();
      case 5:
        return broker_.stall(random.between(milliseconds(500), seconds(20)));
      case 6:
        if (worker.is_up()) worker.drain();
        return;
      case 7:
        return broker_.forget_heartbeats_of(worker.id(),
                                            world_.now() + random.between(seconds(1), seconds(5)));
      case 8:
        return broker_.slow_disk(random.between(seconds(1), seconds(10)));
      default:
        broker_.set_store_full(true);
        return world_.after(random.between(seconds(1), seconds(5)),
                            [this] { broker_.set_store_full(false); });
    }
  }

  void cut_some(unsigned host) {
    for (const ConnectionId id : network_.open_of(host))
      network_.cut(id, world_.random.between(milliseconds(1), seconds(3)));
  }

  void partition(unsigned host) {
    const Duration lasts = world_.random.between(milliseconds(200), seconds(40));
    world_.trace("host " + std::to_string(host) + " is unreachable for " +
                 std::to_string(to_ms(lasts)) + " ms");
    network_.partition(host, lasts);
  }

  void crash_broker() {
    if (!broker_.is_up()) return;
    broker_.crash();
    world_.after(
        world_.random.between(milliseconds(100),
                              world_.random.happens(100) ? seconds(60) : seconds(6)),
        [this] {
          if (broker_.is_up()) return;
          broker_.start();
          for (const auto& primary : primaries_)
            for (const JobId job : primary->accepted())
              if (!broker_.core()->state().jobs.contains(job))
                world_.violated("an accepted job survives a restart: job " + to_string(job));
        });
  }

  // at_most_once: never twice but by a person's wish, never two at a time.
  void on_executor(const worker::StartAttempt& start, bool begins) {
    if (!start.step.at_most_once) return;
    Execution& execution = executions_[start.attempt.task];
    if (!begins) {
      --execution.running;
      return;
    }
    ++execution.running;
    ++execution.starts;
    if (execution.running > 1)
      world_.violated("an at_most_once task runs once at a time: task " +
                      to_string(start.attempt.task));
    if (execution.starts > 1 + broker_.log().retries_of(start.attempt.task) && broker_.is_up())
      world_.violated("an at_most_once task is never run twice: task " +
                      to_string(start.attempt.task));
  }

  bool everybody(bool (SimPrimary::*question)() const) const {
    for (const auto& primary : primaries_)
      if (!(primary.get()->*question)()) return false;
    return true;
  }

  // No more faults: then everything has to come to its end.
  void make_peace() {
    world_.trace("peace");
    mischief_.enabled = false;
    broker_.set_store_full(false);
    for (auto& primary : primaries_) primary->settle();
    for (auto& worker : workers_) worker->start();
    const TimePoint limit = world_.now() + peace_lasts;
    // Confirmations on their way, attempts that were superseded: a few leases are enough for all of
    // it. A retry that a partition held back may open a job again: then once more.
    do {
      while (!world_.is_violated() && world_.now() < limit && !everybody(&SimPrimary::is_done))
        world_.run_until(world_.now() + seconds(5));
      if (world_.is_violated()) return;
      for (const auto& primary : primaries_)
        if (!primary->is_done()) return world_.violated("every job ends: " + primary->unfinished());
      if (!world_.run_until(world_.now() + seconds(60))) return;
    } while (!everybody(&SimPrimary::is_done));
    for (const auto& worker : workers_)
      if (!worker->leftovers().empty())
        return world_.violated("nobody holds anything in the end: " + worker->leftovers());
    for (auto& primary : primaries_) primary->audit();
    if (!world_.run_until(world_.now() + seconds(60))) return;
    if (!everybody(&SimPrimary::is_audited))
      return world_.violated("a watch from the beginning comes to its live end");
    compare_with_state();
  }

  void compare_with_state() {
    if (!broker_.is_up()) return world_.violated("the broker is up in the end");
    const broker::State& state = broker_.core()->state();
    for (const auto& primary : primaries_)
      for (const auto& [ref, told] : primary->told()) {
        const broker::Job* job = state.find_job(ref.job);
        if (job == nullptr || job->tasks.at(ref.index).state != told)
          world_.violated("what a watcher was told last is true: task " + to_string(ref));
      }
  }

  Report report() const {
    Report report;
    report.violation = world_.violation();
    report.row_hits = broker_.row_hits();
    report.happenings = world_.happenings();
    report.records = broker_.records();
    report.virtual_s = std::chrono::duration<double>(world_.now().time_since_epoch()).count();
    for (const auto& primary : primaries_) report.jobs += primary->accepted().size();
    return report;
  }

  struct Execution {
    int running = 0;
    std::uint32_t starts = 0;
  };

  const Setup setup_;
  World world_;
  Network network_;
  Mischief mischief_;
  SimBroker broker_;
  std::vector<std::unique_ptr<SimWorker>> workers_;
  std::vector<std::unique_ptr<SimPrimary>> primaries_;
  std::map<TaskRef, Execution> executions_;
};

}  // namespace

Report simulate(const Setup& setup) {
  current_setup = setup;
  set_crash_hook(print_rerun);
  Simulation simulation(setup);
  Report report = simulation.run();
  set_crash_hook(nullptr);
  return report;
}

std::string how_to_rerun(const Setup& setup) {
  std::string text =
      "sim --seed " + std::to_string(setup.seed) + " --minutes " + std::to_string(setup.minutes);
  if (setup.bug != Bug::none)
    text += " --bug " + std::string(bug_table[static_cast<std::size_t>(setup.bug)].name);
  return text + " --replay";
}

}  // namespace framebus::sim
