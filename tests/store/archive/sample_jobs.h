// Finished jobs made up for the tests of the archive: every field of the image is used, and a job
// is cut into pieces as the core does.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "broker/core/image.h"

namespace framebus::broker::test {

inline constexpr std::int64_t first_day_ms = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

inline BlobHash sample_hash(std::uint64_t number) {
  BlobHash hash;
  for (std::size_t i = 0; i < hash.bytes.size(); ++i) {
    hash.bytes[i] =
        static_cast<std::uint8_t>(number >> (8 * (i % 8))) ^ static_cast<std::uint8_t>(i);
  }
  return hash;
}

// Succeeded at the first try, without a result.
inline TaskImage plain_task(std::uint32_t index, std::uint64_t grant) {
  TaskImage task;
  task.index = index;
  task.state = TaskState::succeeded;
  task.ended_lsn = 10 + grant * 3;
  task.grants = 1;
  AttemptImage attempt;
  attempt.epoch = 4;
  attempt.grant = grant;
  attempt.worker.bytes[0] = static_cast<std::uint8_t>(1 + grant % 4);
  attempt.worker_name = "node" + std::to_string(grant % 4) + ":4711";
  attempt.end = AttemptEnd::ok;
  attempt.started = true;
  attempt.reported = true;
  attempt.granted_at_ms = first_day_ms + static_cast<std::int64_t>(grant) * 7;
  attempt.run_ms = 100 + static_cast<std::int64_t>(grant * 37 % 400);
  task.attempts = {attempt};
  return task;
}

// Failed twice, crashed once.
inline TaskImage failed_task(std::uint32_t index, std::uint64_t grant) {
  TaskImage task = plain_task(index, grant);
  task.state = TaskState::failed;
  task.tries = 2;
  task.crashes = 1;
  task.losses = 1;
  task.grants = 3;
  task.attempts[0].end = AttemptEnd::error;
  task.attempts[0].blame = 1;
  task.attempts[0].error = {15, "exit status 3", 0};
  task.attempts.push_back(task.attempts[0]);
  task.attempts[1].grant = grant + 1'000'000;
  task.attempts[1].end = AttemptEnd::crashed;
  task.errors = {{{15, "exit status 3", 0}, "line 1\nline 2\n"}, {{16, "the GPU was lost", 0}, ""}};
  return task;
}

inline TaskImage task_with_results(std::uint32_t index, std::uint64_t grant) {
  TaskImage task = plain_task(index, grant);
  task.result = {1, 2, 3, static_cast<std::uint8_t>(index)};
  task.blobs = {{sample_hash(index), 1000 + index, "frame.exr"},
                {sample_hash(index + 500'000), 5, "log.txt"}};
  return task;
}

inline TaskImage random_task(std::uint32_t index, std::mt19937_64& chance) {
  const std::uint64_t grant = chance() % 1'000'000 + index;
  switch (chance() % 4) {
    case 0:
      return failed_task(index, grant);
    case 1:
      return task_with_results(index, grant);
    default:
      return plain_task(index, grant);
  }
}

// The head of a job whose tasks come from `tasks`.
inline JobImage sample_head(JobId job, const std::vector<TaskImage>& tasks) {
  JobImage head;
  head.job = job;
  head.submit_id.bytes[3] = static_cast<std::uint8_t>(job.value);
  head.owner = "ada";
  for (const TaskImage& task : tasks) {
    head.task_count += task.count;
    const auto same = [&](const StateCount& each) { return each.state == task.state; };
    auto count = std::ranges::find_if(head.counts, same);
    if (count == head.counts.end()) count = head.counts.insert(count, {task.state, 0});
    count->count += task.count;
    if (task.state == TaskState::failed) head.first_error = {15, "exit status 3", 0};
  }
  head.state = head.first_error.code == 0 ? JobState::succeeded : JobState::failed;
  head.accepted_lsn = 5;
  head.last_lsn = 900;
  head.accepted_at_ms = first_day_ms - 500;
  head.first_grant_at_ms = first_day_ms;
  head.ended_at_ms = first_day_ms + 60'000 + static_cast<std::int64_t>(job.value);
  return head;
}

// `tasks` in pieces of `piece_tasks`; the spec with the first piece.
inline std::vector<JobImage> cut(JobId job, const std::vector<TaskImage>& tasks,
                                 std::size_t piece_tasks = image_tasks_max) {
  std::vector<JobImage> pieces;
  for (std::size_t at = 0; at < tasks.size(); at += piece_tasks) {
    JobImage piece = sample_head(job, tasks);
    if (at == 0) {
      piece.spec.name = "gallery " + to_string(job);
      piece.spec.priority = 70;
      piece.spec.steps.resize(2);
      piece.spec.steps[0].name = "render";
      piece.spec.steps[0].type = "render";
      piece.spec.steps[0].task_count = piece.task_count - 1;
      piece.spec.steps[0].inputs = {{sample_hash(job.value + 7'000'000), 12345, "scene.glb"}};
      piece.spec.steps[1].name = "merge";
      piece.spec.steps[1].type = "shell";
      piece.spec.steps[1].task_count = 1;
    }
    piece.first_task = tasks[at].index;
    const auto begin = tasks.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t count = std::min(piece_tasks, tasks.size() - at);
    piece.tasks.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    piece.last = at + count == tasks.size();
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

inline std::vector<JobImage> random_job(JobId job, std::uint32_t task_count, std::uint64_t seed,
                                        std::size_t piece_tasks = 64) {
  std::mt19937_64 chance(seed);
  std::vector<TaskImage> tasks;
  for (std::uint32_t i = 0; i < task_count; ++i) tasks.push_back(random_task(i, chance));
  return cut(job, tasks, piece_tasks);
}

}  // namespace framebus::broker::test
