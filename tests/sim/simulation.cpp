#include "tests/sim/simulation.h"

#include <cstdio>
#include <memory>

#include "broker/core/state.h"
#include "libmsg/base/check.h"
#include "tests/sim/fault_driver.h"

namespace framebus::sim {
namespace {

constexpr Duration peace_lasts = seconds(7200);
constexpr Duration begins_within = seconds(8);

// Of the run in progress; a failed CHECK aborts, and this is all that can still be said.
Setup current_setup;
void print_rerun() {
  std::fflush(stdout);
  std::fprintf(stderr, "run again: %s\n", how_to_rerun(current_setup).c_str());
}

// What kind of run a seed is: fixed shares, so that every kind is met in any hundred of them.
struct Character {
  bool real_disk, hostile, archive, every_step;
  explicit Character(const Setup& setup) {
    real_disk = setup.seed % 4 == 3 || needs_real_disk(setup.bug);
    hostile = setup.seed % 10 == 7 && setup.bug == Bug::none;
    archive = setup.seed % 8 != 5 || setup.bug == Bug::forgetful_archive ||
              setup.bug == Bug::stale_archive || setup.bug == Bug::swallowed_archive_error;
    every_step = setup.seed % 16 == 1;
  }
};

broker::Options broker_options(const Character& character, Bug bug, Random random) {
  broker::Options options;
  options.ephemeral = false;
  options.token_key = Bytes(16, 42);
  options.version = "sim";
  options.bulk_endpoint = "sim://bulk";
  options.named_limits = {{"licence", 2}};
  options.retry_max = seconds(20);
  options.archive = character.archive;
  options.archive_after = random.between(seconds(1), seconds(30));
  options.finished_jobs_kept =
      character.archive ? random.between(seconds(20), seconds(120)) : std::chrono::hours(24);
  options.archived_job_kept = random.between(seconds(5), seconds(60));
  // What would be archived too early has to be archived soon.
  if (bug == Bug::early_archive) options.archive_after = milliseconds(1);
  // Bounds that are met now and then.
  if (random.happens(200)) options.queued_tasks_max = 120;
  if (random.happens(100)) options.sessions_max = 12;
  const bool is_tight = bug == Bug::unbounded_work;
  // Without an archive it also bounds what has ended, which is then gone.
  if ((random.happens(150) || is_tight) && character.archive)
    options.queued_spec_bytes_max = 40'000;
  if (random.happens(150) || is_tight) options.outcome_bytes_max = 6'000;
  if (random.happens(150) || is_tight) options.command_requests_max = 6;
  return options;
}

class Simulation {
 public:
  explicit Simulation(const Setup& setup)
      : setup_(setup),
        character_(setup),
        world_(setup.seed, setup.trace),
        network_(world_),
        broker_(world_, network_, broker_setup()) {
    Random random = world_.stream(7);
    network_.set_delays(setup.filter.has(Feature::delays));
    network_.set_hostile(character_.hostile);
    mischief_.enabled = setup.filter.has(Feature::executors);
    SimPrimary::Setup primary{0, setup.bug, character_.hostile, {}};
    for (std::int64_t i = random.between(1, 5); i > 0; --i) {
      workers_.push_back(std::make_unique<SimWorker>(
          world_, network_, static_cast<unsigned>(workers_.size()), mischief_,
          [this](const worker::StartAttempt& start, bool begins) { on_executor(start, begins); }));
      primary.workers.push_back(workers_.back()->id());
    }
    for (std::int64_t i = random.between(1, 3); i > 0; --i) {
      primary.host = primary_hosts_from + static_cast<unsigned>(primaries_.size());
      primaries_.push_back(std::make_unique<SimPrimary>(world_, network_, primary));
    }
    driver_ = std::make_unique<FaultDriver>(world_, network_, broker_, workers_, primaries_,
                                            setup.filter);
  }

  Report run() {
    // Any start order.
    Random random = world_.stream(8);
    world_.after(random.between(Duration{0}, begins_within), [this] { broker_.start(); });
    for (auto& worker : workers_)
      world_.after(random.between(Duration{0}, begins_within), [&worker] { worker->start(); });
    for (auto& primary : primaries_)
      world_.after(random.between(Duration{0}, begins_within), [&primary] { primary->start(); });
    if (setup_.killer)
      world_.after(begins_within, [this] { primaries_[0]->submit(killer_job()); });
    driver_->begin(plan(setup_.seed, setup_.minutes));
    TimePoint end = TimePoint{} + std::chrono::minutes(setup_.minutes);
    if (setup_.filter.until_s > 0)
      end = TimePoint{} + std::chrono::duration_cast<Duration>(
                              std::chrono::duration<double>(setup_.filter.until_s));
    if (world_.run_until(end)) make_peace();
    return report();
  }

 private:
  BrokerSetup broker_setup() {
    Random random = world_.stream(6);
    BrokerSetup broker;
    broker.bug = setup_.bug;
    broker.archive = character_.archive;
    broker.hostile = character_.hostile;
    broker.slow_syncs = setup_.filter.has(Feature::syncs);
    // What leaves too early shows only while something is not synced yet.
    broker.disk_is_slow =
        setup_.bug == Bug::overtaking_aborts || setup_.bug == Bug::early_rejections;
    broker.check_every = character_.every_step ? 1 : 64;
    const std::size_t backlog_max = random.happens(300) ? 20 : 100'000;
    broker.storage = character_.real_disk ? make_disk_storage(setup_.bug, random.next())
                                          : make_model_storage(setup_.bug, backlog_max);
    broker.options = broker_options(character_, setup_.bug, random);
    return broker;
  }

  // at_most_once: never twice but by a person's wish, never two at a time.
  void on_executor(const worker::StartAttempt& start, bool begins) {
    if (setup_.killer && begins && is_killer(start)) ++killed_;
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

  static JobSpec killer_job() {
    JobSpec job;
    job.name = "killer";
    StepSpec step;
    step.name = step.type = "work";
    step.task_count = 40;
    step.params = poison();
    job.steps = {step};
    return job;
  }
  static bool is_killer(const worker::StartAttempt& start) {
    return start.attempt.index == 0 && start.step.params == poison();
  }

  // The killer is given up, and none that waited, ran or was prefetched beside it.
  void check_killer() {
    for (const auto& [ref, told] : primaries_[0]->told()) {
      const TaskState right = ref.index == 0 ? TaskState::dead : TaskState::succeeded;
      if (told != right)
        return world_.violated("only the task that kills workers is given up: task " +
                               to_string(ref) + " is " + std::string(broker::word(told)));
    }
  }

  bool everybody(bool (SimPrimary::*question)() const) const {
    for (const auto& primary : primaries_)
      if (!(primary.get()->*question)()) return false;
    return true;
  }

  // No more faults: then everything has to come to its end.
  void make_peace() {
    peace_at_s_ = world_.now_s();
    world_.trace("peace");
    mischief_.enabled = false;
    driver_->end();
    network_.set_hostile(false);
    if (character_.hostile) return;  // what it made people miss nobody tells them again
    for (auto& primary : primaries_) primary->start(), primary->settle();
    for (auto& worker : workers_) worker->start();
    if (!everything_ends()) return;
    for (const auto& worker : workers_)
      if (!worker->leftovers().empty())
        return world_.violated("nobody holds anything in the end: " + worker->leftovers());
    for (auto& primary : primaries_) primary->audit();
    const TimePoint limit = world_.now() + seconds(120);
    while (!everybody(&SimPrimary::is_audited) && world_.now() < limit)
      if (!world_.run_until(world_.now() + seconds(5))) return;
    if (!everybody(&SimPrimary::is_audited))
      return world_.violated("a watch from the beginning comes to its live end");
    compare_with_state();
    if (setup_.killer) check_killer();
    broker_.check_replay();
  }

  // Confirmations on their way, attempts that were superseded: a few leases are enough for all of
  // it. A retry that a partition held back may open a job again: then once more.
  bool everything_ends() {
    const TimePoint limit = world_.now() + peace_lasts;
    do {
      while (!world_.is_violated() && world_.now() < limit && !everybody(&SimPrimary::is_done))
        world_.run_until(world_.now() + seconds(5));
      if (world_.is_violated()) return false;
      for (const auto& primary : primaries_)
        if (!primary->is_done()) {
          world_.violated("every job ends: " + primary->unfinished());
          return false;
        }
      if (!world_.run_until(world_.now() + seconds(60))) return false;
    } while (!everybody(&SimPrimary::is_done));
    return true;
  }

  void compare_with_state() {
    if (!broker_.is_up()) return world_.violated("the broker is up in the end");
    const broker::State& state = broker_.core()->state();
    for (const auto& primary : primaries_)
      for (const auto& [ref, told] : primary->told()) {
        const broker::Job* job = state.find_job(ref.job);
        if (job == nullptr && !broker_.has_job(ref.job))
          return world_.violated("an acknowledged job survives: job " + to_string(ref.job));
        const TaskState true_state = job != nullptr ? job->tasks.at(ref.index).state
                                     : broker_.archive().has_all(ref.job)
                                         ? broker_.archive().state_of(ref)
                                         : told;
        if (true_state != told)
          return world_.violated("what a watcher was told last is true: task " + to_string(ref));
      }
  }

  Report report() const {
    Report report;
    report.violation = world_.violation();
    report.violated_at_s = world_.violated_at_s();
    report.peace_at_s = peace_at_s_;
    report.row_hits = broker_.row_hits();
    report.happenings = world_.happenings();
    report.records = broker_.records();
    report.archived = broker_.archive().jobs();
    report.killed = killed_;
    report.virtual_s = world_.now_s();
    report.real_disk = character_.real_disk;
    report.hostile = character_.hostile;
    for (const auto& primary : primaries_) {
      report.jobs += primary->accepted().size();
      report.commands += primary->commands_done();
    }
    return report;
  }

  struct Execution {
    int running = 0;
    std::uint32_t starts = 0;
  };

  const Setup setup_;
  const Character character_;
  World world_;
  Network network_;
  Mischief mischief_;
  SimBroker broker_;
  std::vector<std::unique_ptr<SimWorker>> workers_;
  std::vector<std::unique_ptr<SimPrimary>> primaries_;
  std::unique_ptr<FaultDriver> driver_;
  std::map<TaskRef, Execution> executions_;
  std::uint64_t killed_ = 0;
  double peace_at_s_ = 0;
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
  if (setup.killer) text += " --killer";
  if (setup.bug != Bug::none) text += " --bug " + std::string(name_of(setup.bug));
  if (!setup.filter.all) {
    text += " --only-faults ";
    if (setup.filter.only.empty()) text += "none";
    bool first = true;
    for (const std::uint32_t number : setup.filter.only) {
      text += (first ? "" : ",") + std::to_string(number);
      first = false;
    }
  }
  if (setup.filter.without != 0) {
    text += " --without ";
    bool first = true;
    for (const FeatureInfo& feature : feature_table)
      if (!setup.filter.has(feature.feature)) {
        text += (first ? "" : ",") + std::string(feature.name);
        first = false;
      }
  }
  if (setup.filter.until_s > 0) {
    char until[32];
    std::snprintf(until, sizeof until, " --until %.6f", setup.filter.until_s);
    text += until;
  }
  return text + " --replay";
}

}  // namespace framebus::sim
