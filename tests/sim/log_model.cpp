#include "tests/sim/log_model.h"

namespace framebus::sim {
namespace {

LogModel::Grant grant_of(const Token& token) {
  return {token.epoch, token.grant};
}

}  // namespace

std::string grant_name(const TaskRef& task, const Token& token) {
  return "task " + to_string(task) + " grant " + std::to_string(token.epoch) + "." +
         std::to_string(token.grant);
}

std::string result_for(const TaskRef& task, const Token& token) {
  return "result of " + grant_name(task, token);
}

std::optional<std::string> LogModel::apply(std::uint64_t lsn, const broker::Record& record) {
  return std::visit([&](const auto& each) { return on(lsn, each); }, record);
}

const LogModel::TaskLog* LogModel::find(const TaskRef& task) const {
  const auto job = jobs_.find(task.job);
  if (job == jobs_.end() || task.index >= job->second.tasks.size()) return nullptr;
  return &job->second.tasks[task.index];
}

LogModel::TaskLog* LogModel::open_task(const TaskRef& task, Broken& broken) {
  const auto job = jobs_.find(task.job);
  if (job == jobs_.end() || task.index >= job->second.tasks.size()) {
    broken = "records are about tasks that exist: task " + to_string(task);
    return nullptr;
  }
  if (job->second.is_forgotten) {
    broken = "a forgotten job is not worked on: task " + to_string(task);
    return nullptr;
  }
  return &job->second.tasks[task.index];
}

bool LogModel::is_archived(JobId job) const {
  const auto found = jobs_.find(job);
  return found != jobs_.end() && found->second.is_forgotten && found->second.is_archived;
}

bool LogModel::is_forgotten(JobId job) const {
  const auto found = jobs_.find(job);
  return found != jobs_.end() && found->second.is_forgotten;
}

std::vector<JobId> LogModel::jobs() const {
  std::vector<JobId> ids;
  for (const auto& [id, job] : jobs_) ids.push_back(id);
  return ids;
}

std::uint32_t LogModel::task_count(JobId job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? 0 : found->second.task_count;
}

std::uint64_t LogModel::reported_lsn(const TaskRef& task, const Token& token) const {
  const auto found = reported_.find({task, token.epoch, token.grant});
  return found == reported_.end() ? 0 : found->second;
}

std::uint64_t LogModel::decided_lsn(const TaskRef& task, const Token& token) const {
  const TaskLog* found = find(task);
  if (found == nullptr) return 0;
  const auto decided = found->decided.find(grant_of(token));
  return decided == found->decided.end() ? 0 : decided->second;
}

std::uint64_t LogModel::accepted_lsn(JobId job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? 0 : found->second.accepted_lsn;
}

std::uint64_t LogModel::part_lsn(const SubmitId& id, std::uint32_t part) const {
  const auto found = uploads_.find(id);
  if (found == uploads_.end() || part == 0 || part > found->second.part_lsns.size()) return 0;
  return found->second.part_lsns[part - 1];
}

std::uint32_t LogModel::retries_of(const TaskRef& task) const {
  const TaskLog* found = find(task);
  return found == nullptr ? 0 : found->retries;
}

std::uint32_t LogModel::retries_of(JobId job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? 0 : found->second.retries;
}

WorkerId LogModel::worker_of(const TaskRef& task, const Grant& grant) const {
  const TaskLog* found = find(task);
  if (found == nullptr) return {};
  const auto granted = found->granted.find(grant);
  return granted == found->granted.end() ? WorkerId{} : granted->second;
}

LogModel::Charges LogModel::charges_of(const TaskRef& task) const {
  const TaskLog* found = find(task);
  return found == nullptr ? Charges{} : found->charges;
}

void LogModel::charge(TaskLog& task, const Token& token, broker::Blame blame) {
  task.charged[grant_of(token)] = blame;
  if (blame == broker::Blame::task) ++task.charges.tries;
  if (blame == broker::Blame::crash) ++task.charges.crashes;
  if (blame == broker::Blame::infrastructure) ++task.charges.losses;
}

// The attempt goes on after all: nobody was to blame.
void LogModel::take_back(TaskLog& task, const Grant& grant) {
  const auto charged = task.charged.find(grant);
  if (charged == task.charged.end()) return;
  Charges& charges = task.charges;
  if (charged->second == broker::Blame::crash && charges.crashes > 0) --charges.crashes;
  if (charged->second == broker::Blame::infrastructure && charges.losses > 0) --charges.losses;
  task.charged.erase(charged);
}

LogModel::Broken LogModel::on(std::uint64_t lsn, const broker::JobAccepted& record) {
  if (is_full_) return "a full disk refuses jobs: job " + to_string(record.job);
  JobLog job;
  job.accepted_lsn = lsn;
  std::string name = record.spec.name;
  for (const StepSpec& step : record.spec.steps) job.task_count += step.task_count;
  job.steps = steps_of(record.spec);
  if (record.uploaded) {
    const auto upload = uploads_.find(record.submit_id);
    if (upload == uploads_.end())
      return "an upload is opened before it becomes a job: job " + to_string(record.job);
    if (upload->second.params != upload->second.params_wanted)
      return "an upload is whole before it becomes a job: job " + to_string(record.job) + " has " +
             std::to_string(upload->second.params) + " parameters of " +
             std::to_string(upload->second.params_wanted);
    job.task_count = upload->second.task_count;
    job.steps = std::move(upload->second.steps);
    name = upload->second.name;
    uploads_.erase(upload);
  }
  job.tasks.resize(job.task_count);
  if (!jobs_.emplace(record.job, std::move(job)).second)
    return "a job number is given once: job " + to_string(record.job);
  // In the simulation every order has its own name, so two jobs of a name are one order taken
  // twice.
  if (!names_.insert(name).second) return "one order makes one job: " + name;
  if (!submits_.emplace(record.submit_id, record.job).second)
    return "one submit id makes one job: job " + to_string(record.job);
  return std::nullopt;
}

LogModel::Broken LogModel::on(std::uint64_t, const broker::UploadOpened& record) {
  if (is_full_) return "a full disk refuses uploads: " + record.spec.name;
  if (submits_.contains(record.submit_id))
    return "one submit id makes one job: " + record.spec.name;
  Upload upload;
  upload.name = record.spec.name;
  upload.steps = steps_of(record.spec);
  for (const StepSpec& step : record.spec.steps) {
    upload.task_count += step.task_count;
    upload.params_wanted += step.task_count;
    upload.params += step.task_params.size();
  }
  if (!uploads_.emplace(record.submit_id, std::move(upload)).second)
    return "an upload is opened once: " + record.spec.name;
  return std::nullopt;
}

LogModel::Broken LogModel::on(std::uint64_t lsn, const broker::UploadPart& record) {
  const auto upload = uploads_.find(record.submit_id);
  if (upload == uploads_.end()) return "a part belongs to an open upload";
  std::vector<std::uint64_t>& lsns = upload->second.part_lsns;
  if (record.part != lsns.size() + 1)
    return "the parts of an upload come once and in order: " + upload->second.name + " part " +
           std::to_string(record.part) + " after " + std::to_string(lsns.size());
  lsns.push_back(lsn);
  upload->second.params += record.task_params.size();
  return std::nullopt;
}

LogModel::Broken LogModel::on(std::uint64_t, const broker::UploadDropped& record) {
  if (uploads_.erase(record.submit_id) == 0) return "only an open upload is dropped";
  return std::nullopt;
}

LogModel::Broken LogModel::on(std::uint64_t lsn, const broker::TaskGranted& record) {
  const Grant grant = grant_of(record.token);
  if (grant <= last_grant_) return "grants grow: " + grant_name(record.task, record.token);
  last_grant_ = grant;
  Broken broken;
  TaskLog* task = open_task(record.task, broken);
  if (task == nullptr) return broken;
  if (task->has_end)
    return "a task that has ended is not granted: " + grant_name(record.task, record.token);
  if (task->is_cancelled)
    return "a cancelled task never starts again: " + grant_name(record.task, record.token);
  if (!record.duplicate) {
    for (const Grant& each : task->live) task->decided.emplace(each, lsn);
    task->live.clear();
  }
  task->live.insert(grant);
  task->granted[grant] = record.worker;
  return std::nullopt;
}

LogModel::Broken LogModel::on(std::uint64_t lsn, const broker::GrantAdopted& record) {
  Broken broken;
  TaskLog* task = open_task(record.task, broken);
  if (task == nullptr) return broken;
  if (task->has_end)
    return "a task that has ended is not adopted: " + grant_name(record.task, record.token);
  const Grant grant = grant_of(record.token);
  if (!task->live.empty() && grant < *task->live.rbegin())
    return "an older grant is not adopted: " + grant_name(record.task, record.token);
  take_back(*task, grant);
  for (const Grant& each : task->live) task->decided.emplace(each, lsn);
  task->decided.erase(grant);
  task->live = {grant};
  task->granted[grant] = record.worker;
  return std::nullopt;
}

LogModel::Broken LogModel::on(std::uint64_t lsn, const broker::AttemptEnded& record) {
  Broken broken;
  TaskLog* task = open_task(record.task, broken);
  if (task == nullptr) return broken;
  // Handed back before it ran: as if it had never been granted.
  if (record.uncounted) {
    task->live.erase(grant_of(record.token));
    task->decided.emplace(grant_of(record.token), lsn);
  }
  charge(*task, record.token, record.blame);
  if (!record.reported) return std::nullopt;
  if (!reported_.emplace(GrantKey{record.task, record.token.epoch, record.token.grant}, lsn).second)
    return "a result is recorded once: " + grant_name(record.task, record.token);
  return std::nullopt;
}

LogModel::Broken LogModel::on(std::uint64_t lsn, const broker::TaskEnded& record) {
  Broken broken;
  TaskLog* task = open_task(record.task, broken);
  if (task == nullptr) return broken;
  if (task->has_end)
    return "a task has one terminal record: " + grant_name(record.task, record.token);
  task->has_end = true;
  for (const auto& [grant, worker] : task->granted) task->decided.emplace(grant, lsn);
  task->has_succeeded = record.state == TaskState::succeeded;
  charge(*task, record.token, record.blame);
  if (!record.reported) return std::nullopt;
  if (!task->live.contains(grant_of(record.token)))
    return "only a live grant's result counts: " + grant_name(record.task, record.token);
  if (!reported_.emplace(GrantKey{record.task, record.token.epoch, record.token.grant}, lsn).second)
    return "a result is recorded once: " + grant_name(record.task, record.token);
  if (record.state == TaskState::succeeded &&
      text_of(record.result) != result_for(record.task, record.token))
    return "the recorded result is that of its attempt: " + grant_name(record.task, record.token) +
           " has '" + std::string(text_of(record.result)) + "'";
  return std::nullopt;
}

std::vector<LogModel::StepLog> LogModel::steps_of(const JobSpec& spec) {
  std::vector<StepLog> steps;
  std::uint32_t first = 0;
  for (const StepSpec& step : spec.steps) {
    steps.push_back({first, step.task_count, step.depends_on});
    first += step.task_count;
  }
  return steps;
}

// By task: whether one of those that it waits for, through any number of others, may have ended
// without success. No record says that a task is abandoned, so this errs on the side of "may".
std::vector<bool> LogModel::may_be_abandoned(const JobLog& job) {
  std::vector<bool> may(job.tasks.size(), false);
  const auto is_bad = [&](std::uint32_t index) {
    return may[index] || job.tasks[index].may_be_dead();
  };
  for (const StepLog& step : job.steps) {  // a step stands behind those it waits for
    for (const Dependency& each : step.depends_on) {
      const StepLog& on = job.steps[each.step];
      bool is_any_bad = false;
      for (std::uint32_t i = 0; i < on.count; ++i) is_any_bad = is_any_bad || is_bad(on.first + i);
      for (std::uint32_t i = 0; i < step.count; ++i)
        may[step.first + i] =
            may[step.first + i] || (each.by_task ? is_bad(on.first + i) : is_any_bad);
    }
  }
  return may;
}

LogModel::Broken LogModel::on(std::uint64_t lsn, const broker::JobActed& record) {
  const auto found = jobs_.find(record.job);
  if (found == jobs_.end()) return "people act on jobs that exist: job " + to_string(record.job);
  JobLog& job = found->second;
  const bool is_cancel = record.deed == broker::Deed::cancel;
  if (is_full_ && !is_cancel && !record.by.empty())
    return "a full disk takes no more than cancels: job " + to_string(record.job);
  const bool is_retry = record.deed == broker::Deed::retry;
  const bool is_drop = record.deed == broker::Deed::expire || record.deed == broker::Deed::stop;
  if (!is_cancel && !is_retry && !is_drop) return std::nullopt;
  if (is_retry) ++job.retries;
  // A task that was abandoned before is none of those that this ends: a retry of what it depends on
  // brings it back.
  const std::vector<bool> is_spared = may_be_abandoned(job);
  const auto act = [&](TaskLog& task) {
    const auto index = static_cast<std::size_t>(&task - job.tasks.data());
    if (is_cancel) {
      task.is_cancelled = task.is_cancelled || (!task.has_end && !is_spared[index]);
      return;
    }
    if (is_drop) {
      task.is_dropped = task.is_dropped || !task.has_end;
      return;
    }
    task.is_dropped = false;
    if (task.is_cancelled && !task.has_succeeded)
      for (const Grant& each : task.live) task.decided.emplace(each, lsn);
    // What is still open or has succeeded stays as it is, whatever the record names.
    ++task.retries;
    task.is_cancelled = false;
    if (!task.has_end || task.has_succeeded) return;
    task.has_end = false;
    task.live.clear();
    task.charges = {};
    task.charged.clear();
  };
  if (record.tasks.empty())
    for (TaskLog& task : job.tasks) act(task);
  for (const std::uint32_t index : record.tasks) {
    if (index >= job.tasks.size()) return "people act on tasks that exist";
    act(job.tasks[index]);
  }
  return std::nullopt;
}

LogModel::Broken LogModel::on(std::uint64_t, const broker::JobForgotten& record) {
  const auto found = jobs_.find(record.job);
  if (found == jobs_.end()) return "only a known job is forgotten: job " + to_string(record.job);
  found->second.is_forgotten = true;
  found->second.is_archived = record.archived;
  return std::nullopt;
}

LogModel::Broken LogModel::on(std::uint64_t, const broker::JobRevived& record) {
  const auto found = jobs_.find(record.image.job);
  if (found == jobs_.end())
    return "only a known job comes back: job " + to_string(record.image.job);
  if (is_full_) return "a full disk brings no job back: job " + to_string(record.image.job);
  if (record.image.last) found->second.is_forgotten = false;
  return std::nullopt;
}

}  // namespace framebus::sim
