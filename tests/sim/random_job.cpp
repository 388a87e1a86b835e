// Jobs for the simulation: everything a JobSpec can ask for, in small.
#include "libmsg/base/siphash.h"
#include "tests/sim/order.h"
#include "tests/sim/sim_worker.h"

namespace framebus::sim {
namespace {

Bytes bytes(const std::string& text) {
  return Bytes(text.begin(), text.end());
}

// A product of two axes; the tasks of a step that depends on another by task must be as many.
void make_sweep(Random& random, StepSpec& step) {
  const auto colours = static_cast<std::uint32_t>(random.between(1, 3));
  SweepAxis axis;
  axis.key = "colour";
  for (std::uint32_t i = 0; i < colours; ++i) axis.values.push_back(bytes(std::to_string(i)));
  SweepAxis frames;
  frames.key = "frame";
  frames.first = random.between(-5, 100);
  frames.stride = random.between(1, 4);
  frames.count = static_cast<std::uint32_t>(random.between(1, 8));
  step.task_count = colours * frames.count;
  step.axes = {axis, frames};
}

StepSpec random_step(Random& random, std::uint32_t number, const std::vector<StepSpec>& before) {
  StepSpec step;
  step.name = "step" + std::to_string(number);
  step.type = "work";
  step.task_count = static_cast<std::uint32_t>(random.between(1, random.happens(100) ? 40 : 8));
  if (random.happens(150)) make_sweep(random, step);
  if (number > 0 && random.happens(700)) {
    const auto on = static_cast<std::uint32_t>(random.below(number));
    const bool by_task = random.happens(500);
    if (by_task) {
      step.task_count = before[on].task_count;
      step.axes.clear();
    }
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

void put(SipHasher& hasher, const SubmitPart& part) {
  hasher.add_u64(part.step);
  hasher.add_u64(part.task_params.size());
  for (const Bytes& params : part.task_params) {
    hasher.add_u64(params.size());
    hasher.add(params);
  }
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

void make_upload(Random& random, Order& order) {
  order.is_upload = true;
  SipHasher hasher{SipKey{}};
  for (std::uint32_t step = 0; step < order.submit.job.steps.size(); ++step) {
    StepSpec& spec = order.submit.job.steps[step];
    spec.axes.clear();
    for (std::uint32_t next = 0; next < spec.task_count;) {
      SubmitPart part;
      part.submit_id = order.submit.submit_id;
      part.part = static_cast<std::uint32_t>(order.parts.size() + 1);
      part.step = step;
      for (std::int64_t count = random.between(1, 6); count > 0 && next < spec.task_count; --count)
        part.task_params.push_back(bytes("task" + std::to_string(next++)));
      put(hasher, part);
      order.parts.push_back(std::move(part));
    }
  }
  const SipHash digest = hasher.finish();
  order.digest.assign(digest.begin(), digest.end());
}

}  // namespace framebus::sim
