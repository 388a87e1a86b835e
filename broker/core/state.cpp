#include "broker/core/state.h"

#include <algorithm>

#include "broker/core/token.h"

namespace framebus::broker {

State::State(const Options& options_given, std::uint64_t seed)
    : options(options_given), key(token_key(options_given.token_key)), chance(seed) {
  identities.push_back({});
  next_command = first_command(options.epoch);
  for (const NamedLimit& limit : options.named_limits)
    limits.push_back({limit.name, limit.amount, 0});
  if (options.default_strategy == Strategy::broker_default)
    options.default_strategy = Strategy::load;
}

namespace {

std::uint64_t bytes_of(const std::vector<Label>& labels) {
  std::uint64_t bytes = 0;
  for (const Label& label : labels) bytes += sizeof label + label.key.size() + label.value.size();
  return bytes;
}

}  // namespace

std::uint64_t bytes_of(const std::vector<BlobRef>& blobs) {
  std::uint64_t bytes = 0;
  for (const BlobRef& blob : blobs) bytes += sizeof blob + blob.name.size();
  return bytes;
}

std::uint64_t bytes_of(const Outcomes& outcome) {
  return sizeof outcome + outcome.result.size() + bytes_of(outcome.blobs);
}

std::uint64_t bytes_of(const LastError& error) {
  return sizeof error + error.error.message.size() + error.log_tail.size();
}

std::uint64_t bytes_of(const JobSpec& spec) {
  std::uint64_t bytes = sizeof spec + spec.name.size() + bytes_of(spec.labels);
  for (const StepSpec& step : spec.steps) {
    bytes += sizeof step + step.name.size() + step.type.size() + step.params.size();
    bytes += step.depends_on.size() * (sizeof(Dependency) + 2 * sizeof(std::uint32_t));
    bytes += bytes_of(step.inputs) + bytes_of(step.requires_.labels);
    for (const Bytes& params : step.task_params) bytes += sizeof params + params.size();
    for (const NamedLimit& limit : step.limits) bytes += sizeof limit + limit.name.size();
    for (const SweepAxis& axis : step.axes) {
      bytes += sizeof axis + axis.key.size();
      for (const Bytes& value : axis.values) bytes += sizeof value + value.size();
    }
  }
  return bytes;
}

Job* State::find_job(JobId id) {
  const auto entry = jobs.find(id);
  return entry == jobs.end() ? nullptr : &entry->second;
}
const Job* State::find_job(JobId id) const {
  return const_cast<State*>(this)->find_job(id);
}

Worker* State::find_worker(const WorkerId& id) {
  const auto entry = workers.find(id);
  return entry == workers.end() ? nullptr : &entry->second;
}
const Worker* State::find_worker(const WorkerId& id) const {
  return const_cast<State*>(this)->find_worker(id);
}

Worker* State::worker_of(SessionId session) {
  const auto entry = sessions.find(session);
  if (entry == sessions.end() || entry->second.role != Role::worker) return nullptr;
  return find_worker(entry->second.worker);
}

std::uint32_t Job::step_of(std::uint32_t index) const {
  if (steps.size() == 1) return 0;
  const auto after =
      std::upper_bound(steps.begin(), steps.end(), index,
                       [](std::uint32_t wanted, const Step& step) { return wanted < step.first; });
  return static_cast<std::uint32_t>(after - steps.begin() - 1);
}

std::uint32_t Job::open_tasks() const {
  std::uint32_t open = 0;
  for (std::size_t each = 0; each < static_cast<std::size_t>(TaskState::succeeded); ++each) {
    open += counts[each];
  }
  return open;
}

JobState Job::state() const {
  const auto count = [&](TaskState each) { return counts[static_cast<std::size_t>(each)]; };
  if (open_tasks() == 0) {
    using enum TaskState;
    if (count(failed) + count(dead) + count(expired) + count(abandoned) > 0)
      return JobState::failed;
    return count(cancelled) > 0 ? JobState::cancelled : JobState::succeeded;
  }
  if (paused) return JobState::paused;
  const std::uint32_t busy =
      count(TaskState::leased) + count(TaskState::running) + count(TaskState::cancelling);
  return busy > 0 ? JobState::running : JobState::queued;
}

}  // namespace framebus::broker
