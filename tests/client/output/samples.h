// One example of each report, fixed for ever: what the golden outputs show.
#pragma once

#include "client/output/report.h"

namespace framebus::client::samples {

inline JobSummary job() {
  JobSummary job;
  job.id = JobId{3};
  job.name = "helmet turntable";
  job.owner = "ada";
  job.state = JobState::running;
  job.task_count = 192;
  job.counts = {{TaskState::queued, 64},
                {TaskState::running, 8},
                {TaskState::succeeded, 118},
                {TaskState::failed, 2}};
  job.steps = {{"render", "render", 0, 192}};
  job.age_ms = 252'000;
  job.run_ms = 230'000;
  job.first_error = {static_cast<std::uint16_t>(Code::task_failed), "no such texture", 0};
  return job;
}

inline JobSummary finished_job() {
  JobSummary job;
  job.id = JobId{2};
  job.name = "ramp metering sweep";
  job.owner = "grace";
  job.state = JobState::succeeded;
  job.task_count = 4;
  job.counts = {{TaskState::succeeded, 4}};
  job.age_ms = 7'600'000;
  job.run_ms = 4'200;
  return job;
}

inline TaskSummary failed_task() {
  TaskSummary task;
  task.task = {JobId{3}, 17};
  task.state = TaskState::dead;
  AttemptSummary attempt;
  attempt.epoch = 1;
  attempt.grant = 40;
  attempt.worker_name = "node7:4711";
  attempt.end = AttemptEnd::error;
  attempt.run_ms = 1500;
  task.attempts = {attempt, attempt, attempt};
  task.error = {static_cast<std::uint16_t>(Code::task_failed), "no such texture: wood.png", 0};
  task.log_tail = "loading scene\nwood.png: not found\n";
  return task;
}

inline TaskSummary running_task() {
  TaskSummary task;
  task.task = {JobId{3}, 18};
  task.state = TaskState::running;
  task.progress_permille = 420;
  task.status = "sampling";
  AttemptSummary attempt;
  attempt.worker_name = "node8:12";
  attempt.run_ms = 61'000;
  task.attempts = {attempt};
  return task;
}

inline WorkerSummary worker() {
  WorkerSummary worker;
  worker.info.id.bytes[15] = 7;
  worker.info.host = "node7";
  worker.info.pid = 4711;
  worker.info.task_types = {"echo", "render"};
  worker.info.slots = 2;
  worker.info.threads = 16;
  DeviceInfo cpu;
  cpu.kind = "cpu";
  cpu.name = "EPYC 9654";
  worker.info.devices = {cpu};
  worker.state = WorkerState::busy;
  worker.in_flight = 3;
  worker.load.cpu_permille = 873;
  worker.load.latency_us = 412;
  worker.tasks_done = 12'345;
  worker.tasks_failed = 2;
  return worker;
}

inline BrokerStatus status() {
  BrokerStatus status;
  status.version = "framebus-broker 0.1.0";
  status.epoch = 4;
  status.ephemeral = true;
  status.uptime_ms = 90'000'000;
  status.workers = 3;
  status.slots = 6;
  status.slots_busy = 5;
  status.jobs_active = 1;
  status.tasks = {{TaskState::queued, 64}, {TaskState::running, 8}};
  status.counters = {{"retries", 12}, {"fenced_results", 0}};
  return status;
}

}  // namespace framebus::client::samples
