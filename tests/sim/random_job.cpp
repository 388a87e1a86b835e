// Jobs for the simulation: everything a JobSpec can ask for, in small.
#include "tests/sim/sim_primary.h"
#include "tests/sim/sim_worker.h"

namespace framebus::sim {
namespace {

StepSpec random_step(Random& random, std::uint32_t number, const std::vector<StepSpec>& before) {
  StepSpec step;
  step.name = "step" + std::to_string(number);
  step.type = "work";
  step.task_count = static_cast<std::uint32_t>(random.between(1, random.happens(100) ? 40 : 8));
  if (number > 0 && random.happens(700)) {
    const auto on = static_cast<std::uint32_t>(random.below(number));
    const bool by_task = random.happens(500);
    if (by_task) step.task_count = before[on].task_count;
    step.depends_on = {{on, by_task}};
  }
  if (random.happens(200)) step.requires_.labels = {{"room", "7"}};
  if (random.happens(250)) step.timeout_ms = random.between(500, 8000);
  if (random.happens(150)) step.progress_timeout_ms = random.between(2000, 8000);
  if (random.happens(150)) step.at_most_once = true;
  if (random.happens(150)) step.limits = {{"licence", 1}};
  if (random.happens(300)) step.max_attempts = static_cast<std::uint32_t>(random.between(1, 5));
  if (random.happens(100)) step.inputs = {BlobRef{BlobHash{{1}}, 5, "scene"}};
  if (random.happens(60)) step.params = poison();
  return step;
}

}  // namespace

JobSpec random_job(Random& random, const std::string& name) {
  JobSpec job;
  job.name = name;
  job.priority = static_cast<std::uint32_t>(random.between(0, 100));
  const std::int64_t steps = random.between(1, 3);
  for (std::int64_t i = 0; i < steps; ++i)
    job.steps.push_back(random_step(random, static_cast<std::uint32_t>(i), job.steps));
  if (random.happens(150)) job.on_failure = OnFailure::stop;
  if (random.happens(100)) job.max_failures = static_cast<std::uint32_t>(random.between(1, 3));
  if (random.happens(200))
    job.strategy = random.happens(500) ? Strategy::load : Strategy::roundrobin;
  if (random.happens(150)) job.max_parallel = static_cast<std::uint32_t>(random.between(1, 3));
  if (random.happens(100)) job.deadline_ms = random.between(500, 20000);
  return job;
}

}  // namespace framebus::sim
