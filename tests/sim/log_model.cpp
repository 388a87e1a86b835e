#include "tests/sim/log_model.h"

namespace framebus::sim {
namespace {

std::string name_of(const TaskRef& task, const Token& token) {
  return "task " + to_string(task) + " grant " + std::to_string(token.epoch) + "." +
         std::to_string(token.grant);
}

}  // namespace

std::string result_for(const TaskRef& task, const Token& token) {
  return "result of " + name_of(task, token);
}

std::optional<std::string> LogModel::apply(std::uint64_t lsn, const broker::Record& record) {
  return std::visit([&](const auto& each) { return on(lsn, each); }, record);
}

std::uint64_t LogModel::reported_lsn(const TaskRef& task, const Token& token) const {
  const auto found = reported_.find({task, token.epoch, token.grant});
  return found == reported_.end() ? 0 : found->second;
}

std::uint64_t LogModel::accepted_lsn(JobId job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? 0 : found->second;
}

std::uint32_t LogModel::retries_of(const TaskRef& task) const {
  const auto found = tasks_.find(task);
  return found == tasks_.end() ? 0 : found->second.retries;
}

std::uint32_t LogModel::retries_of(JobId job) const {
  const auto found = job_retries_.find(job);
  return found == job_retries_.end() ? 0 : found->second;
}

std::optional<std::string> LogModel::on(std::uint64_t lsn, const broker::JobAccepted& record) {
  if (!jobs_.emplace(record.job, lsn).second)
    return "a job number is given once: job " + to_string(record.job);
  // In the simulation every order has its own name, so two jobs of a name are one order taken
  // twice.
  if (!names_.insert(record.spec.name).second)
    return "one order makes one job: " + record.spec.name;
  if (!submits_.emplace(record.submit_id, record.job).second)
    return "one submit id makes one job: job " + to_string(record.job);
  return std::nullopt;
}

std::optional<std::string> LogModel::on(std::uint64_t, const broker::TaskGranted& record) {
  const std::pair grant{record.token.epoch, record.token.grant};
  if (grant <= last_grant_) return "grants grow: " + name_of(record.task, record.token);
  last_grant_ = grant;
  TaskLog& task = tasks_[record.task];
  if (task.has_end)
    return "a task that has ended is not granted: " + name_of(record.task, record.token);
  if (!record.duplicate) task.live.clear();
  task.live.insert(grant);
  return std::nullopt;
}

std::optional<std::string> LogModel::on(std::uint64_t, const broker::GrantAdopted& record) {
  TaskLog& task = tasks_[record.task];
  if (task.has_end)
    return "a task that has ended is not adopted: " + name_of(record.task, record.token);
  const std::pair grant{record.token.epoch, record.token.grant};
  if (!task.live.empty() && grant < *task.live.rbegin())
    return "an older grant is not adopted: " + name_of(record.task, record.token);
  task.live = {grant};
  return std::nullopt;
}

std::optional<std::string> LogModel::on(std::uint64_t lsn, const broker::AttemptEnded& record) {
  // Handed back before it ran: as if it had never been granted.
  if (record.uncounted) tasks_[record.task].live.erase({record.token.epoch, record.token.grant});
  if (!record.reported) return std::nullopt;
  if (!reported_.emplace(GrantKey{record.task, record.token.epoch, record.token.grant}, lsn).second)
    return "a result is recorded once: " + name_of(record.task, record.token);
  return std::nullopt;
}

std::optional<std::string> LogModel::on(std::uint64_t lsn, const broker::TaskEnded& record) {
  TaskLog& task = tasks_[record.task];
  if (task.has_end) return "a task has one terminal record: " + name_of(record.task, record.token);
  task.has_end = true;
  task.has_succeeded = record.state == TaskState::succeeded;
  if (!record.reported) return std::nullopt;
  if (!task.live.contains({record.token.epoch, record.token.grant}))
    return "only a live grant's result counts: " + name_of(record.task, record.token);
  if (!reported_.emplace(GrantKey{record.task, record.token.epoch, record.token.grant}, lsn).second)
    return "a result is recorded once: " + name_of(record.task, record.token);
  if (record.state == TaskState::succeeded &&
      text_of(record.result) != result_for(record.task, record.token))
    return "the recorded result is that of its attempt: " + name_of(record.task, record.token) +
           " has '" + std::string(text_of(record.result)) + "'";
  return std::nullopt;
}

std::optional<std::string> LogModel::on(std::uint64_t, const broker::JobActed& record) {
  if (record.deed != broker::Deed::retry) return std::nullopt;
  ++job_retries_[record.job];
  // What is still open or has succeeded stays as it is, whatever the record names.
  const auto reopen = [&](TaskLog& task) {
    ++task.retries;
    if (!task.has_end || task.has_succeeded) return;
    task.has_end = false;
    task.live.clear();
  };
  if (record.tasks.empty()) {
    for (auto& [ref, task] : tasks_)
      if (ref.job == record.job) reopen(task);
  }
  for (const std::uint32_t index : record.tasks) reopen(tasks_[{record.job, index}]);
  return std::nullopt;
}

}  // namespace framebus::sim
