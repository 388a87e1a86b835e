// What the broker's records promise, computed independently of the broker's own apply().
//
// Fed with every record in order; rebuilt from what is left after a crash. It knows grants, results
// and ends, and returns a sentence when a record breaks a rule of docs/PROTOCOL.md ("guarantees").
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/core/record.h"

namespace framebus::sim {

// The bytes that a simulated executor returns for this attempt: no other result is right for it.
std::string result_for(const TaskRef& task, const Token& token);

class LogModel {
 public:
  // The broken rule, or none.
  std::optional<std::string> apply(std::uint64_t lsn, const broker::Record& record);

  bool has_job(JobId job) const { return jobs_.contains(job); }
  // The record that took in the result of this attempt; 0: none.
  std::uint64_t reported_lsn(const TaskRef& task, const Token& token) const;
  std::uint64_t accepted_lsn(JobId job) const;
  // How often a person asked for this task again.
  std::uint32_t retries_of(const TaskRef& task) const;
  // How often for any task of the job: that reopens those that were abandoned because of it, too.
  std::uint32_t retries_of(JobId job) const;

 private:
  struct GrantKey {
    TaskRef task;
    std::uint64_t epoch = 0, grant = 0;
    auto operator<=>(const GrantKey&) const = default;
  };
  struct TaskLog {
    std::set<std::pair<std::uint64_t, std::uint64_t>> live;
    bool has_end = false;  // by a record of its own
    bool has_succeeded = false;
    std::uint32_t retries = 0;
  };

  std::optional<std::string> on(std::uint64_t lsn, const broker::JobAccepted&);
  std::optional<std::string> on(std::uint64_t lsn, const broker::TaskGranted&);
  std::optional<std::string> on(std::uint64_t lsn, const broker::AttemptEnded&);
  std::optional<std::string> on(std::uint64_t lsn, const broker::TaskEnded&);
  std::optional<std::string> on(std::uint64_t lsn, const broker::GrantAdopted&);
  std::optional<std::string> on(std::uint64_t lsn, const broker::JobActed&);
  template <class Other>
  std::optional<std::string> on(std::uint64_t, const Other&) {
    return std::nullopt;
  }

  std::map<JobId, std::uint64_t> jobs_;  // lsn of acceptance
  std::map<JobId, std::uint32_t> job_retries_;
  std::map<SubmitId, JobId> submits_;
  std::set<std::string> names_;
  std::map<TaskRef, TaskLog> tasks_;
  std::map<GrantKey, std::uint64_t> reported_;
  std::pair<std::uint64_t, std::uint64_t> last_grant_{0, 0};
};

}  // namespace framebus::sim
