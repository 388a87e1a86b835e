// Verbs that change jobs: cancel, pause, resume, retry.
#include <algorithm>

#include "client/commands/lookup.h"
#include "client/commands/verbs.h"
#include "client/output/words.h"

namespace framebus::client {
namespace {

// With `all` and ranges, jobs that the action does not concern are passed over; a job named by
// itself is always asked for, and the broker's answer shown.
bool concerns(JobAction action, const JobSummary& job) {
  switch (action) {
    case JobAction::cancel:
      return !is_terminal(job.state);
    case JobAction::pause:
      return !is_terminal(job.state) && job.state != JobState::paused;
    case JobAction::resume:
      return job.state == JobState::paused;
    case JobAction::retry:
      return std::any_of(job.counts.begin(), job.counts.end(), [](const StateCount& count) {
        return is_terminal(count.state) && count.state != TaskState::succeeded && count.count > 0;
      });
    case JobAction::none:
    case JobAction::set_priority:
      break;
  }
  return true;
}

// The one job that the selector names by its number, nothing else known of it.
Result<std::vector<JobSummary>> named_alone(const Selector& selector, const Error& otherwise) {
  const bool is_one = selector.kind == Selector::Kind::listed && selector.jobs.size() == 1 &&
                      selector.jobs[0].first == selector.jobs[0].last;
  if (!is_one) return fail(otherwise);
  std::vector<JobSummary> jobs(1);
  jobs[0].id = JobId{selector.jobs[0].first};
  return jobs;
}

int act_on_selected(Cli& cli, JobAction action) {
  const Result<Selector> selector = parse_selector(cli.arguments().selector);
  if (!selector) return cli.fail(selector.error());
  Result<std::vector<JobSummary>> jobs = find_jobs(cli, *selector);
  // A job that only the archive has comes back by being retried.
  if (!jobs && jobs.error().code == Code::not_found && action == JobAction::retry)
    jobs = named_alone(*selector, jobs.error());
  if (!jobs) return cli.fail(jobs.error());
  const bool is_single = selector->kind == Selector::Kind::last || jobs->size() == 1;
  const std::vector<std::uint32_t> tasks = expanded(selector->tasks);
  if (!is_single)
    std::erase_if(*jobs, [action](const JobSummary& job) { return !concerns(action, job); });
  if (jobs->empty()) cli.say("no job to " + std::string(word_of(action)));
  int code = 0;
  for (const JobSummary& job : *jobs) {
    Act act;
    act.action = action;
    act.job = job.id;
    act.tasks = tasks;
    Result<ActOk> done = cli.await(cli.primary().act(act));
    if (!done) {
      code = cli.fail(done.error());
      continue;
    }
    if (done->job.id.is_none()) done->job = job;
    cli.print(Acted{action, tasks, std::move(*done)});
  }
  return code;
}

}  // namespace

int run_cancel(Cli& cli) {
  return act_on_selected(cli, JobAction::cancel);
}
int run_pause(Cli& cli) {
  return act_on_selected(cli, JobAction::pause);
}
int run_resume(Cli& cli) {
  return act_on_selected(cli, JobAction::resume);
}
int run_retry(Cli& cli) {
  return act_on_selected(cli, JobAction::retry);
}

}  // namespace framebus::client
