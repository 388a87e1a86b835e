// Load with an oracle: jobs with known right answers, and the promises that were given about them.
//
//   Oracle oracle(farm.primary_endpoint(), seed);
//   oracle.submit_jobs(3);             // any time, broker up or down
//   oracle.settle(minutes(2));         // waits for every answer and every job; checks all of it
//
// What it demands: every Submit is answered with a job; every job that was acknowledged is there,
// succeeds, and each task has exactly one recorded end with the right bytes; the stream of events
// tells each end exactly once over all reconnects. Thread rule: one thread (callbacks run beside
// it and are guarded).
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "client/lib/primary.h"

namespace framebus::test {

class Oracle {
 public:
  Oracle(const std::string& primary_endpoint, std::uint64_t seed);

  void submit_jobs(int count, std::uint32_t tasks_each_max = 8);
  // Jobs that an answer has come for, so far.
  std::size_t acknowledged();
  // Fails the test case when anything promised did not come true in time.
  void settle(Duration patience);

  std::uint64_t tasks_submitted() const { return tasks_submitted_; }
  std::uint64_t ends_seen();

 private:
  struct JobPromise {
    std::vector<Bytes> params;
    client::Future<client::Accepted> answer;
    JobId id;  // none: not answered yet
    std::uint64_t watch = 0;  // 0: over
  };
  struct Seen {
    std::map<std::uint32_t, std::uint32_t> ends;  // by task
    std::map<std::uint32_t, Bytes> results;
    JobState state = JobState::open;
    std::string broken;
  };

  void collect_answers();
  std::uint64_t watch(JobId job);
  // A connection may have 64 watches: those that have told all are ended.
  void end_watches();
  void on_event(JobId job, const Event& event);
  bool is_done(const JobPromise& promise);
  void check_job(const JobPromise& promise);

  std::mt19937_64 random_;
  std::vector<JobPromise> jobs_;
  std::uint64_t tasks_submitted_ = 0;
  std::mutex mutex_;  // guards what callbacks write
  std::map<JobId, Seen> seen_;
  client::Primary primary_;  // last: its callbacks use what is above, until it is gone
};

// FRAMEBUS_TEST_SEED, or a fresh one; print it.
std::uint64_t seed_of_run();

}  // namespace framebus::test
