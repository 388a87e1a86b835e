// What a progress bar shows, worked out from task states: done, running, rate, time left.
//
// Pure: time is passed in. The rate is that of the last seconds and counts the progress of running
// tasks, so it is known before the first long task ends.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "libmsg/base/time.h"
#include "libmsg/schema/parts.h"

namespace framebus::client {

struct ProgressSnapshot {
  std::uint64_t job = 0;
  std::string name;
  std::uint32_t total = 0, succeeded = 0, failed = 0, running = 0;  // tasks
  std::uint32_t stopped = 0;                                        // cancelled or abandoned
  double fraction = 0;     // 0..1, running tasks counted by their progress
  double tasks_per_s = 0;  // 0: not known yet
  std::optional<Duration> remaining;
  Duration elapsed{0};
  std::optional<std::uint32_t> workers;
  std::string note;  // why nothing runs, where the preview is
  std::uint32_t ended() const { return succeeded + failed + stopped; }
};

class ProgressModel {
 public:
  ProgressModel(TimePoint now, JobId job, std::string name, std::uint32_t task_count);

  // A task index beyond the job's count is ignored (a peer's number).
  void set_state(std::uint32_t task, TaskState state);
  void set_progress(std::uint32_t task, std::uint32_t permille);
  void set_workers(std::uint32_t count) { workers_ = count; }
  void set_note(std::string note) { note_ = std::move(note); }

  // Forgets the rate: what was set so far had happened before and says nothing about speed.
  void restart_rate(TimePoint now);

  ProgressSnapshot snapshot(TimePoint now);

 private:
  double work() const;

  struct Sample {
    TimePoint at;
    double work;
  };
  TimePoint started_;
  JobId job_;
  std::string name_;
  std::vector<TaskState> states_;
  std::uint32_t succeeded_ = 0, failed_ = 0, stopped_ = 0, running_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> permille_;  // of running tasks
  std::uint64_t permille_sum_ = 0;
  std::deque<Sample> samples_;  // oldest first, at most a window
  std::optional<std::uint32_t> workers_;
  std::string note_;
};

}  // namespace framebus::client
