#include "client/commands/submitting.h"

#include <unistd.h>

#include <map>
#include <set>

#include "client/commands/away_notice.h"
#include "client/commands/interrupt.h"
#include "client/commands/lookup.h"
#include "client/commands/verbs.h"
#include "client/output/progress_line.h"
#include "client/output/text.h"
#include "client/output/units.h"
#include "client/output/words.h"

namespace framebus::client {
namespace {

constexpr Duration submit_deadline_min = seconds(30);  // a large job takes its broker a while

// Results of echo and the like: with --json each as it comes; for people the first few, in order,
// at the end.
class ResultLines {
 public:
  ResultLines(Cli& cli, const JobSpec& spec) : cli_(cli) {
    for (const StepSpec& step : spec.steps)
      is_render_.insert(is_render_.end(), step.task_count, step.type == "render");
  }

  void add(const TaskSummary& task) {
    const std::uint32_t index = task.task.index;
    if (index >= is_render_.size() || is_render_[index] ||
        (task.result.empty() && task.blobs.empty()))
      return;
    if (cli_.arguments().json) {
      is_render_[index] = true;  // once, whatever is repeated
      cli_.print(TaskOutcomeLine{task});
      return;
    }
    if (first_.size() < lines_max || index < first_.rbegin()->first)
      first_.insert_or_assign(index, task);
    if (first_.size() > lines_max) first_.erase(std::prev(first_.end()));
    indices_.insert(index);
  }

  void print_first() const {
    if (cli_.arguments().quiet) return;
    for (const auto& [index, task] : first_) cli_.print(TaskOutcomeLine{task});
    if (indices_.size() > first_.size()) {
      cli_.say("... and " + grouped(indices_.size() - first_.size()) +
               (cli_.arguments().verb == "local" ? " more: -o DIR saves them all"
                                                 : " more: framebus fetch saves them all"));
    }
  }

 private:
  static constexpr std::size_t lines_max = 20;
  Cli& cli_;
  std::vector<bool> is_render_;
  std::map<std::uint32_t, TaskSummary> first_;
  std::set<std::uint32_t> indices_;
};

// What is not wrong, only perhaps not meant: nobody is there yet who does this kind of work.
void say_who_is_missing(const Cli& cli, const JobSpec& spec,
                        const std::vector<WorkerInfo>& workers) {
  if (workers.empty())
    return cli.say(
        "no worker is connected yet: the job waits for one (framebus-worker starts one)");
  std::set<std::string> types;
  for (const WorkerInfo& worker : workers)
    types.insert(worker.task_types.begin(), worker.task_types.end());
  for (const StepSpec& step : spec.steps) {
    if (types.insert(step.type).second)  // once for each type
      cli.say("no connected worker offers the type \"" + one_line(step.type) +
              "\": its tasks wait for one that does");
  }
}

}  // namespace

Result<Submitted> submit_planned(Cli& cli, const PlannedJob& planned) {
  SubmitOptions options;
  options.deadline = cli.arguments().timeout
                         ? cli.config().timeout
                         : std::max<Duration>(cli.config().timeout, submit_deadline_min);
  const bool is_shown = cli.error_terminal().is_terminal && !cli.arguments().quiet;
  if (is_shown) {
    options.on_upload = [terminal = cli.error_terminal()](const Upload& upload) {
      std::string line = "\r";
      if (upload.files_done < upload.files || upload.parts_done < upload.parts)
        line += upload_line({upload.files_done, upload.files, upload.bytes_done, upload.bytes,
                             upload.parts_done, upload.parts},
                            terminal);
      line += "\x1b[K";
      (void)!::write(STDERR_FILENO, line.data(), line.size());
    };
  }
  FRAMEBUS_ASSIGN(const Accepted accepted,
                  cli.await(cli.primary().submit(planned.spec, planned.inputs, options)));
  return Submitted{accepted.job,       planned.spec.name,   accepted.task_count, accepted.known,
                   accepted.ephemeral, accepted.files_sent, accepted.bytes_sent};
}

int see_through(Cli& cli, JobId job_id, const PlannedJob& planned,
                const std::function<int()>& on_interrupt) {
  ResultsOptions options;
  const bool has_directory = !cli.arguments().output_directory.empty();
  options.directory =
      has_directory ? std::filesystem::path(cli.arguments().output_directory) : planned.directory;
  options.rule = has_directory ? OutputRule::confined : OutputRule::as_written;
  options.save_files = has_directory;
  Result<std::unique_ptr<Results>> results =
      Results::make(cli.primary(), job_id, planned.spec, std::move(options));
  if (!results) return cli.fail(results.error());
  ResultLines lines(cli, planned.spec);
  const Result<JobSummary> job =
      await_patiently<JobSummary>(cli, [&] { return ask_job(cli, job_id); });
  if (!job) return InterruptGuard::is_interrupted() ? on_interrupt() : cli.fail(job.error());
  Result<Followed> followed =
      follow(cli, *job, {results->get(), [&lines](const TaskSummary& task) { lines.add(task); }});
  if (InterruptGuard::is_interrupted() && (!followed || followed->is_interrupted))
    return on_interrupt();
  if (!followed) return cli.fail(followed.error());
  lines.print_first();
  const Fetched fetched = (*results)->report(followed->job.state == JobState::succeeded);
  if (cli.arguments().json || (cli.arguments().quiet && !fetched.files.empty())) cli.print(fetched);
  return conclude(cli, std::move(*followed));
}

int run_submit(Cli& cli) {
  if (cli.arguments().dry_run) return run_validate(cli);
  // A typo is told at once, whether there is a broker or not.
  if (const auto checked = plan_job(cli, PlanDepth::keys_only, {}); !checked)
    return cli.fail(checked.error());
  // Sizes of "auto" tasks depend on who will run them; a broker that is not there is found before
  // any hashing.
  const Result<std::vector<WorkerSummary>> workers = cli.await(cli.primary().workers());
  if (!workers) return cli.fail(workers.error());
  std::vector<WorkerInfo> infos;
  for (const WorkerSummary& worker : *workers) infos.push_back(worker.info);
  const Result<PlannedJob> planned = plan_job(cli, PlanDepth::ready_to_submit, infos);
  if (!planned) return cli.fail(planned.error());
  const InterruptGuard guard;  // until now, hashing included, Ctrl-C just ends the program
  const Result<Submitted> submitted = submit_planned(cli, *planned);
  if (!submitted) return cli.fail(submitted.error());
  cli.print(*submitted);
  say_who_is_missing(cli, planned->spec, infos);
  if (!cli.arguments().wait) return 0;
  return see_through(cli, submitted->job, *planned, [&] {
    tell_detached(cli, submitted->job);
    return InterruptGuard::exit_code();
  });
}

int run_validate(Cli& cli) {
  const Result<PlannedJob> planned = plan_job(cli, PlanDepth::check_only, {});
  if (!planned) return cli.fail(planned.error());
  cli.print(planned->summary);
  return 0;
}

}  // namespace framebus::client
