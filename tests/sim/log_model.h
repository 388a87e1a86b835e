// What the broker's records promise, computed independently of the broker's own apply().
//
// Fed with every record in order; rebuilt from what is left after a crash. It knows grants,
// results, ends, cancels, charges and uploads, and returns a sentence when a record breaks a rule
// of docs/PROTOCOL.md ("guarantees"). Thread rule: one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/core/record.h"

namespace framebus::sim {

// "task 3:17 grant 2.40"
std::string grant_name(const TaskRef& task, const Token& token);
// The bytes that a simulated executor returns for this attempt: no other result is right for it.
std::string result_for(const TaskRef& task, const Token& token);

class LogModel {
 public:
  using Grant = std::pair<std::uint64_t, std::uint64_t>;  // epoch, number
  // The broken rule, or none.
  std::optional<std::string> apply(std::uint64_t lsn, const broker::Record& record);

  bool has_job(JobId job) const { return jobs_.contains(job); }
  bool is_archived(JobId job) const;
  bool is_forgotten(JobId job) const;
  std::vector<JobId> jobs() const;
  std::uint32_t task_count(JobId job) const;
  // The record that took in the result of this attempt; 0: none.
  std::uint64_t reported_lsn(const TaskRef& task, const Token& token) const;
  // The record because of which a result of this attempt counts no more; 0: none that is known.
  std::uint64_t decided_lsn(const TaskRef& task, const Token& token) const;
  std::uint64_t accepted_lsn(JobId job) const;
  // The record of the part of an upload; 0: none.
  std::uint64_t part_lsn(const SubmitId& id, std::uint32_t part) const;
  // How often a person asked for this task again.
  std::uint32_t retries_of(const TaskRef& task) const;
  // How often for any task of the job: that reopens those that were abandoned because of it, too.
  std::uint32_t retries_of(JobId job) const;
  // Who was granted this; none when nobody ever was.
  WorkerId worker_of(const TaskRef& task, const Grant& grant) const;
  struct Charges {
    std::uint32_t tries = 0, crashes = 0, losses = 0;
    bool operator==(const Charges&) const = default;
  };
  Charges charges_of(const TaskRef& task) const;
  // No job may be taken in from now on (a full disk), or again.
  void set_full(bool full) { is_full_ = full; }

 private:
  struct GrantKey {
    TaskRef task;
    std::uint64_t epoch = 0, grant = 0;
    auto operator<=>(const GrantKey&) const = default;
  };
  struct TaskLog {
    std::set<Grant> live;
    std::map<Grant, WorkerId> granted;
    std::map<Grant, std::uint64_t> decided;  // see decided_lsn()
    std::map<Grant, broker::Blame> charged;  // of attempts that are over
    bool has_end = false;                    // by a record of its own
    bool has_succeeded = false;
    bool is_cancelled = false;
    bool is_dropped = false;  // by an expire or stop, maybe before it had run
    std::uint32_t retries = 0;
    Charges charges;
    bool may_be_dead() const { return (has_end && !has_succeeded) || is_cancelled || is_dropped; }
  };
  struct StepLog {
    std::uint32_t first = 0, count = 0;  // its tasks
    std::vector<Dependency> depends_on;
  };
  struct JobLog {
    std::uint64_t accepted_lsn = 0;
    std::uint32_t task_count = 0;
    std::uint32_t retries = 0;
    bool is_forgotten = false;
    bool is_archived = false;
    std::vector<StepLog> steps;
    std::vector<TaskLog> tasks;
  };
  struct Upload {
    std::vector<std::uint64_t> part_lsns;
    std::string name;
    std::uint32_t task_count = 0;
    std::uint64_t params = 0;  // that have come
    std::uint64_t params_wanted = 0;
    std::vector<StepLog> steps;
  };
  using Broken = std::optional<std::string>;

  Broken on(std::uint64_t lsn, const broker::JobAccepted&);
  Broken on(std::uint64_t lsn, const broker::TaskGranted&);
  Broken on(std::uint64_t lsn, const broker::AttemptEnded&);
  Broken on(std::uint64_t lsn, const broker::TaskEnded&);
  Broken on(std::uint64_t lsn, const broker::GrantAdopted&);
  Broken on(std::uint64_t lsn, const broker::JobActed&);
  Broken on(std::uint64_t lsn, const broker::JobForgotten&);
  Broken on(std::uint64_t lsn, const broker::JobRevived&);
  Broken on(std::uint64_t lsn, const broker::UploadOpened&);
  Broken on(std::uint64_t lsn, const broker::UploadPart&);
  Broken on(std::uint64_t lsn, const broker::UploadDropped&);
  template <class Other>
  Broken on(std::uint64_t, const Other&) {
    return std::nullopt;
  }
  const TaskLog* find(const TaskRef& task) const;
  // The task of a job that is there; an error otherwise.
  TaskLog* open_task(const TaskRef& task, Broken& broken);
  static std::vector<StepLog> steps_of(const JobSpec& spec);
  static std::vector<bool> may_be_abandoned(const JobLog& job);
  static void charge(TaskLog& task, const Token& token, broker::Blame blame);
  static void take_back(TaskLog& task, const Grant& grant);

  std::map<JobId, JobLog> jobs_;
  std::map<SubmitId, JobId> submits_;
  std::set<std::string> names_;
  std::map<SubmitId, Upload> uploads_;
  std::map<GrantKey, std::uint64_t> reported_;
  Grant last_grant_{0, 0};
  bool is_full_ = false;
};

}  // namespace framebus::sim
