// Verbs that read state and print it: jobs, job, tasks, workers, status, explain, version.
#include <algorithm>

#include "client/commands/lookup.h"
#include "client/commands/task_params.h"
#include "client/commands/verbs.h"
#include "libmsg/schema/messages.h"

namespace framebus::client {
namespace {

constexpr std::uint32_t jobs_limit = 20, tasks_limit = 100;

std::uint32_t limit_of(const Arguments& arguments, std::uint32_t usual) {
  if (arguments.all) return 0;
  return arguments.limit > 0 ? arguments.limit : usual;
}

// Up to `limit` elements (0: all) over as many pages as the broker needs for them.
Result<QueryReply> ask_up_to(Cli& cli, Query query, std::uint32_t limit) {
  query.limit = limit;
  if (limit == 0) return cli.await(cli.primary().query(query));
  FRAMEBUS_ASSIGN(QueryReply all, cli.await(cli.primary().query(query)));
  const auto size = [&all] {
    return static_cast<std::uint32_t>(all.jobs.size() + all.tasks.size());
  };
  while (size() < limit && all.next_offset > query.offset) {
    query.offset = all.next_offset;
    query.limit = limit - size();
    FRAMEBUS_ASSIGN(QueryReply page, cli.await(cli.primary().query(query)));
    all.next_offset = page.next_offset;
    all.jobs.insert(all.jobs.end(), page.jobs.begin(), page.jobs.end());
    all.tasks.insert(all.tasks.end(), page.tasks.begin(), page.tasks.end());
  }
  return all;
}

// The own parameters of the listed tasks; those of a render's tiles say nothing to people.
std::vector<Bytes> params_of(const JobSpec& spec, const TaskList& list) {
  std::vector<Bytes> out;
  for (const TaskSummary& task : list.tasks) {
    const bool is_known = task.step < spec.steps.size() && task.step < list.job.steps.size() &&
                          spec.steps[task.step].type != "render" &&
                          task.task.index >= list.job.steps[task.step].first_task;
    out.push_back(is_known ? own_params(spec.steps[task.step],
                                        task.task.index - list.job.steps[task.step].first_task)
                           : Bytes{});
  }
  return out;
}

Result<TaskList> ask_tasks(Cli& cli) {
  FRAMEBUS_ASSIGN(OneJob one, find_one_job(cli, cli.arguments().selector));
  TaskList list;
  Query query;
  query.kind = QueryKind::tasks;
  query.task.job = one.job.id;
  if (one.tasks.empty()) {
    FRAMEBUS_ASSIGN(QueryReply reply,
                    ask_up_to(cli, query, limit_of(cli.arguments(), tasks_limit)));
    list.tasks = std::move(reply.tasks);
    list.total = reply.total;
  }
  // Runs of neighbours are asked for in one go.
  for (std::size_t begin = 0; begin < one.tasks.size();) {
    std::size_t end = begin + 1;
    while (end < one.tasks.size() && one.tasks[end] == one.tasks[end - 1] + 1) ++end;
    query.offset = one.tasks[begin];
    FRAMEBUS_ASSIGN(QueryReply reply,
                    ask_up_to(cli, query, static_cast<std::uint32_t>(end - begin)));
    list.tasks.insert(list.tasks.end(), reply.tasks.begin(), reply.tasks.end());
    list.total = static_cast<std::uint32_t>(one.tasks.size());
    begin = end;
  }
  list.job = std::move(one.job);
  // What distinguishes the tasks is worth a question; without its answer the list is still one.
  const bool has_params =
      std::any_of(list.job.steps.begin(), list.job.steps.end(),
                  [](const StepSummary& step) { return step.type != "render"; });
  if (!has_params) return list;
  if (const Result<JobSpec> spec = ask_spec(cli, list.job.id)) list.params = params_of(*spec, list);
  return list;
}

}  // namespace

int run_jobs(Cli& cli) {
  Query query;
  const bool is_archive = cli.arguments().archived;
  query.kind = is_archive ? QueryKind::archive : QueryKind::jobs;
  Result<QueryReply> reply = ask_up_to(cli, query, limit_of(cli.arguments(), jobs_limit));
  if (!reply) return cli.fail(reply.error());
  cli.print(JobList{std::move(reply->jobs), reply->total, is_archive});
  return 0;
}

int run_job(Cli& cli) {
  Result<OneJob> one = find_one_job(cli, cli.arguments().selector);
  if (!one) return cli.fail(one.error());
  Result<std::vector<TaskSummary>> troubles = find_troubles(cli, one->job);
  if (!troubles) return cli.fail(troubles.error());
  cli.print(JobDetail{std::move(one->job), std::move(*troubles)});
  return 0;
}

int run_tasks(Cli& cli) {
  Result<TaskList> list = ask_tasks(cli);
  if (!list) return cli.fail(list.error());
  cli.print(std::move(*list));
  return 0;
}

int run_workers(Cli& cli) {
  Result<std::vector<WorkerSummary>> workers = cli.await(cli.primary().workers());
  if (!workers) return cli.fail(workers.error());
  cli.print(WorkerList{std::move(*workers)});
  return 0;
}

int run_status(Cli& cli) {
  Result<BrokerStatus> status = cli.await(cli.primary().status());
  if (!status) return cli.fail(status.error());
  cli.print(StatusReport{cli.config().broker, std::move(*status)});
  return 0;
}

int run_explain(Cli& cli) {
  const Result<OneJob> one = find_one_job(cli, cli.arguments().selector);
  if (!one) return cli.fail(one.error());
  if (one->tasks.size() != 1) {
    return cli.fail({Code::invalid_argument,
                     "explain takes one task, such as " + to_string(one->job.id) + ":0", 0});
  }
  Result<QueryReply> reply = ask_task(cli, {one->job.id, one->tasks.front()});
  if (!reply) return cli.fail(reply.error());
  Explained explained;
  if (!reply->tasks.empty()) explained.task = std::move(reply->tasks.front());
  explained.task.task = {one->job.id, one->tasks.front()};
  explained.workers = std::move(reply->explanations);
  explained.job_state = one->job.state;
  cli.print(std::move(explained));
  return 0;
}

int run_version(Cli& cli) {
  cli.print(VersionReport{FRAMEBUS_VERSION, protocol_major, protocol_minor});
  return 0;
}

}  // namespace framebus::client
