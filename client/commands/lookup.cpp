#include "client/commands/lookup.h"

#include <algorithm>

#include "client/output/words.h"

namespace framebus::client {
namespace {

constexpr std::size_t troubles_max = 3;
constexpr std::uint32_t tasks_looked_at_max = 50'000;

Result<std::vector<JobSummary>> list_jobs(Cli& cli, std::uint32_t limit) {
  Query query;
  query.kind = QueryKind::jobs;
  query.limit = limit;
  FRAMEBUS_ASSIGN(QueryReply reply, cli.await(cli.primary().query(query)));
  return std::move(reply.jobs);
}

}  // namespace

Result<JobSummary> ask_job(Cli& cli, JobId job) {
  Query query;
  query.kind = QueryKind::job;
  query.task.job = job;
  query.limit = 1;
  FRAMEBUS_ASSIGN(QueryReply reply, cli.await(cli.primary().query(query)));
  if (reply.jobs.empty())
    return fail(Code::not_found, "job " + to_string(job) + ": there is no such job");
  return std::move(reply.jobs.front());
}

Result<JobSpec> ask_spec(Cli& cli, JobId job) {
  Query query;
  query.kind = QueryKind::spec;
  query.task.job = job;
  query.limit = 1;
  FRAMEBUS_ASSIGN(QueryReply reply, cli.await(cli.primary().query(query)));
  return std::move(reply.spec);
}

Result<QueryReply> ask_task(Cli& cli, TaskRef task) {
  Query query;
  query.kind = QueryKind::explain;
  query.task = task;
  return cli.await(cli.primary().query(query));
}

Result<std::vector<JobSummary>> find_jobs(Cli& cli, const Selector& selector) {
  if (selector.kind == Selector::Kind::last) {
    FRAMEBUS_ASSIGN(auto jobs, list_jobs(cli, 1));
    if (jobs.empty()) return fail(Code::not_found, "there are no jobs yet");
    jobs.resize(1);
    return jobs;
  }
  if (selector.kind == Selector::Kind::all) return list_jobs(cli, 0);
  std::vector<JobSummary> found, all;
  for (const Range& range : selector.jobs) {
    if (range.first == range.last) {
      FRAMEBUS_ASSIGN(JobSummary job, ask_job(cli, JobId{range.first}));
      found.push_back(std::move(job));
      continue;
    }
    if (all.empty()) {
      FRAMEBUS_ASSIGN(all, list_jobs(cli, 0));
      std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    }
    for (const JobSummary& job : all)
      if (job.id.value >= range.first && job.id.value <= range.last) found.push_back(job);
  }
  if (found.empty())
    return fail(Code::not_found, "none of these jobs exist (framebus jobs lists those that do)");
  return found;
}

Result<OneJob> find_one_job(Cli& cli, std::string_view text) {
  FRAMEBUS_ASSIGN(const Selector selector, parse_selector(text.empty() ? "last" : text));
  FRAMEBUS_ASSIGN(std::vector<JobSummary> jobs, find_jobs(cli, selector));
  if (jobs.size() != 1 || selector.kind == Selector::Kind::all) {
    return fail(Code::invalid_argument,
                "selector \"" + std::string(text) + "\": this verb takes one job at a time");
  }
  OneJob one{std::move(jobs.front()), expanded(selector.tasks)};
  if (!one.tasks.empty() && one.tasks.back() >= one.job.task_count) {
    return fail(Code::not_found, "job " + to_string(one.job.id) + " has no task " +
                                     std::to_string(one.tasks.back()) + "; its tasks are 0 to " +
                                     std::to_string(std::max(one.job.task_count, 1u) - 1));
  }
  return one;
}

Result<std::vector<TaskSummary>> find_troubles(Cli& cli, const JobSummary& job) {
  std::vector<TaskSummary> found;
  std::uint32_t wanted = 0;
  for (const StateCount& count : job.counts)
    if (is_failure(count.state)) wanted += count.count;
  wanted = std::min<std::uint32_t>(wanted, troubles_max);
  Query query;
  query.kind = QueryKind::tasks;
  query.task.job = job.id;
  query.limit = 1000;
  while (found.size() < wanted && query.offset < tasks_looked_at_max) {
    FRAMEBUS_ASSIGN(const QueryReply page, cli.await(cli.primary().query(query)));
    for (const TaskSummary& task : page.tasks)
      if (is_failure(task.state) && found.size() < wanted) found.push_back(task);
    if (page.next_offset <= query.offset) break;
    query.offset = page.next_offset;
  }
  // Lists of tasks come without the earlier errors and their logs.
  for (TaskSummary& task : found) {
    Result<QueryReply> whole = ask_task(cli, task.task);
    if (whole && !whole->tasks.empty() && whole->tasks.front().error.code != 0)
      task = std::move(whole->tasks.front());
  }
  return found;
}

}  // namespace framebus::client
