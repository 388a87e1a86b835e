// See chaos.h.
#include "tests/system/chaos.h"

#include <doctest/doctest.h>

#include <random>

#include "tests/full_run.h"
#include "tests/libmsg/blob/raw_peer.h"

namespace framebus::test {
namespace {

client::PrimaryOptions options_for(const std::string& endpoint) {
  client::PrimaryOptions options;
  options.broker = endpoint;
  options.program = "oracle";
  options.principal = "oracle";
  options.deadline = std::chrono::minutes(5);  // longer than any restart: unanswered is a failure
  options.reconnect_max = milliseconds(300);
  return options;
}

}  // namespace

std::uint64_t seed_of_run() {
  return testing::seed_or(std::random_device{}());
}

Oracle::Oracle(const std::string& primary_endpoint, std::uint64_t seed)
    : random_(seed), primary_(options_for(primary_endpoint)) {}

void Oracle::submit_jobs(int count, std::uint32_t tasks_each_max) {
  for (int i = 0; i < count; ++i) {
    JobPromise promise;
    const auto tasks = static_cast<std::uint32_t>(1 + random_() % tasks_each_max);
    StepSpec step;
    step.name = "echo";
    step.type = "echo";
    step.task_count = tasks;
    step.max_attempts = 1000;  // losses are what this is about; only the right answer may end it
    for (std::uint32_t task = 0; task < tasks; ++task) {
      const std::string text = "{\"nonce\": " + std::to_string(random_()) + "}";
      step.task_params.emplace_back(text.begin(), text.end());
    }
    promise.params = step.task_params;
    tasks_submitted_ += tasks;
    JobSpec job;
    job.name = "oracle " + std::to_string(jobs_.size());
    job.steps.push_back(std::move(step));
    promise.answer = primary_.submit(std::move(job), {});
    jobs_.push_back(std::move(promise));
  }
  collect_answers();
  end_watches();
}

void Oracle::collect_answers() {
  for (JobPromise& promise : jobs_) {
    if (!promise.id.is_none() || !promise.answer.valid()) continue;
    if (promise.answer.wait_for(seconds(0)) != std::future_status::ready) continue;
    const auto accepted = promise.answer.get();
    REQUIRE_MESSAGE(accepted.has_value(), "a Submit was answered by: " << accepted.error().message);
    promise.id = accepted->job;
    CHECK_FALSE(accepted->ephemeral);
    promise.watch = watch(promise.id);
  }
}

std::size_t Oracle::acknowledged() {
  collect_answers();
  end_watches();
  std::size_t count = 0;
  for (const JobPromise& promise : jobs_) count += !promise.id.is_none();
  return count;
}

std::uint64_t Oracle::watch(JobId job) {
  client::WatchOptions options;
  options.job = job;
  options.results = true;
  return primary_.watch(
      options, [this, job](const Event& event) { on_event(job, event); },
      [this, job](const Error& error) {
        const std::lock_guard lock(mutex_);
        seen_[job].broken = error.message;
      });
}

void Oracle::end_watches() {
  for (JobPromise& promise : jobs_) {
    if (promise.watch == 0 || !is_done(promise)) continue;
    primary_.unwatch(promise.watch);
    promise.watch = 0;
  }
}

void Oracle::on_event(JobId job, const Event& event) {
  const std::lock_guard lock(mutex_);
  Seen& seen = seen_[job];
  if (event.kind == EventKind::job || event.kind == EventKind::live) seen.state = event.job.state;
  if (event.kind != EventKind::task || event.task.state < TaskState::succeeded) return;
  ++seen.ends[event.task.task.index];
  seen.results[event.task.task.index] = event.task.result;
}

std::uint64_t Oracle::ends_seen() {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  for (const auto& [job, seen] : seen_) count += seen.ends.size();
  return count;
}

bool Oracle::is_done(const JobPromise& promise) {
  if (promise.id.is_none()) return false;
  const std::lock_guard lock(mutex_);
  const Seen& seen = seen_[promise.id];
  return !seen.broken.empty() ||
         (seen.state >= JobState::succeeded && seen.ends.size() == promise.params.size());
}

void Oracle::check_job(const JobPromise& promise) {
  const std::lock_guard lock(mutex_);
  const Seen& seen = seen_[promise.id];
  CAPTURE(promise.id.value);
  CHECK_MESSAGE(seen.broken.empty(), "its watch ended: " << seen.broken);
  CHECK(seen.state == JobState::succeeded);
  for (std::uint32_t task = 0; task < promise.params.size(); ++task) {
    CAPTURE(task);
    const auto ends = seen.ends.find(task);
    REQUIRE(ends != seen.ends.end());
    CHECK(ends->second == 1);
    CHECK(seen.results.at(task) == promise.params[task]);
  }
}

void Oracle::settle(Duration patience) {
  const bool done = eventually(
      [&] {
        collect_answers();
        end_watches();
        for (const JobPromise& each : jobs_)
          if (!is_done(each)) return false;
        return true;
      },
      patience);
  std::size_t unanswered = 0, unfinished = 0;
  for (const JobPromise& each : jobs_) {
    unanswered += each.id.is_none();
    unfinished += !each.id.is_none() && !is_done(each);
  }
  REQUIRE_MESSAGE(done, unanswered << " Submits without an answer, " << unfinished
                                   << " acknowledged jobs not ended, of " << jobs_.size());
  for (const JobPromise& each : jobs_) check_job(each);
}

}  // namespace framebus::test
