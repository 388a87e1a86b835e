#include "client/commands/submitting.h"

#include <unistd.h>

#include "client/commands/interrupt.h"
#include "client/commands/lookup.h"
#include "client/commands/verbs.h"
#include "client/output/text.h"
#include "client/output/units.h"
#include "client/output/words.h"

namespace framebus::client {
namespace {

constexpr std::uint32_t lines_on_terminal_max = 20;
constexpr Duration submit_deadline_min = seconds(30);  // a large job takes its broker a while

// Results of echo and the like, as they come; on a terminal only the first ones.
std::function<void(const TaskSummary&)> line_printer(Cli& cli, std::shared_ptr<std::uint32_t> printed) {
  if (cli.arguments().quiet) return {};
  return [&cli, printed](const TaskSummary& task) {
    if (task.result.empty() && task.blobs.empty()) return;
    ++*printed;
    if (cli.arguments().json || *printed <= lines_on_terminal_max) cli.print(TaskOutcomeLine{task});
  };
}

}  // namespace

Result<Submitted> submit_planned(Cli& cli, const PlannedJob& planned) {
  SubmitOptions options;
  options.deadline = cli.arguments().timeout ? cli.config().timeout : std::max<Duration>(cli.config().timeout, submit_deadline_min);
  const bool is_shown = cli.error_terminal().is_terminal && !cli.arguments().quiet;
  if (is_shown) {
    options.on_upload = [](const Upload& upload) {
      const std::string line = upload.files_done == upload.files
                                   ? std::string("\r\x1b[K")
                                   : "\rsending inputs: " + std::to_string(upload.files_done) + " of " +
                                         count_text(upload.files, "file") + ", " + size_text(upload.bytes_done) + " of " +
                                         size_text(upload.bytes) + "\x1b[K";
      (void)!::write(STDERR_FILENO, line.data(), line.size());
    };
  }
  FRAMEBUS_ASSIGN(const Accepted accepted, cli.await(cli.primary().submit(planned.spec, planned.inputs, options)));
  return Submitted{accepted.job,       planned.spec.name,   accepted.task_count, accepted.known,
                   accepted.ephemeral, accepted.files_sent, accepted.bytes_sent};
}

int see_through(Cli& cli, JobId job_id, const PlannedJob& planned, const std::function<int()>& on_interrupt) {
  auto printed = std::make_shared<std::uint32_t>(0);
  ResultsOptions options;
  const bool has_directory = !cli.arguments().output_directory.empty();
  options.directory = has_directory ? std::filesystem::path(cli.arguments().output_directory) : planned.directory;
  options.rule = has_directory ? OutputRule::confined : OutputRule::as_written;
  options.on_line = line_printer(cli, printed);
  Result<std::unique_ptr<Results>> results = Results::make(cli.primary(), job_id, planned.spec, std::move(options));
  if (!results) return cli.fail(results.error());
  const Result<JobSummary> job = ask_job(cli, job_id);
  if (!job) return InterruptGuard::is_interrupted() ? on_interrupt() : cli.fail(job.error());
  Result<Followed> followed = follow(cli, *job, {results->get()});
  if (InterruptGuard::is_interrupted() && (!followed || followed->is_interrupted)) return on_interrupt();
  if (!followed) return cli.fail(followed.error());
  if (*printed > lines_on_terminal_max && !cli.arguments().json) {
    cli.say("... and " + grouped(*printed - lines_on_terminal_max) + " more results");
  }
  const Fetched fetched = (*results)->report(followed->job.state == JobState::succeeded);
  if (cli.arguments().json || (cli.arguments().quiet && !fetched.files.empty())) cli.print(fetched);
  return conclude(cli, std::move(*followed));
}

int run_submit(Cli& cli) {
  const InterruptGuard guard;
  if (cli.arguments().dry_run) return run_validate(cli);
  // A typo is told at once, whether there is a broker or not.
  if (const auto checked = plan_job(cli, PlanDepth::keys_only, {}); !checked) return cli.fail(checked.error());
  // Sizes of "auto" tasks depend on who will run them; a broker that is not there is found before any hashing.
  const Result<std::vector<WorkerSummary>> workers = cli.await(cli.primary().workers());
  if (!workers) return cli.fail(workers.error());
  std::vector<WorkerInfo> infos;
  for (const WorkerSummary& worker : *workers) infos.push_back(worker.info);
  const Result<PlannedJob> planned = plan_job(cli, PlanDepth::ready_to_submit, infos);
  if (!planned) return cli.fail(planned.error());
  const Result<Submitted> submitted = submit_planned(cli, *planned);
  if (!submitted) return cli.fail(submitted.error());
  cli.print(*submitted);
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
