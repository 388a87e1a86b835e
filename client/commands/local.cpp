// local: a job from file to pictures without any set-up.
#include <thread>

#include "client/commands/interrupt.h"
#include "client/commands/local_farm.h"
#include "client/commands/submitting.h"
#include "client/commands/verbs.h"

namespace framebus::client {
namespace {

// What "auto" splits should know of workers that have not been started yet.
std::vector<WorkerInfo> expected_workers(const Arguments& arguments) {
  WorkerInfo info;
  info.task_types = {"render"};
  info.slots = 1;
  const unsigned threads =
      arguments.threads > 0 ? arguments.threads : std::max(1u, std::thread::hardware_concurrency());
  info.threads = std::max(1u, threads / arguments.workers);
  return std::vector<WorkerInfo>(arguments.workers, info);
}

int run_on_farm(Cli& cli, LocalFarm& farm, const PlannedJob& planned) {
  PrimaryOptions options;
  options.broker = farm.broker_url();
  options.program = "framebus local " FRAMEBUS_VERSION;
  options.principal = cli.config().principal;
  options.context = farm.context();
  cli.use(std::make_unique<Primary>(std::move(options)));
  const Result<Submitted> submitted = submit_planned(cli, planned);
  if (!submitted)
    return InterruptGuard::is_interrupted() ? InterruptGuard::exit_code()
                                            : cli.fail(submitted.error());
  // The farm lives in memory by design; that needs no remark here.
  Submitted shown = *submitted;
  shown.ephemeral = cli.arguments().json && shown.ephemeral;
  cli.print(shown);
  return see_through(cli, submitted->job, planned, [&] {
    cli.say("\ncancelled; what was complete is written");
    return InterruptGuard::exit_code();
  });
}

}  // namespace

int run_local(Cli& cli) {
  const Result<PlannedJob> planned =
      plan_job(cli, PlanDepth::ready_to_submit, expected_workers(cli.arguments()));
  if (!planned) return cli.fail(planned.error());
  const InterruptGuard guard;  // not before: Ctrl-C in the middle of hashing has nothing to tidy up
  auto farm =
      LocalFarm::start({cli.arguments().workers, cli.arguments().threads, cli.arguments().keep});
  if (!farm) return cli.fail(farm.error());
  const int code = run_on_farm(cli, **farm, *planned);
  cli.use(nullptr);  // before the broker it talks to
  if (cli.arguments().keep) cli.say("kept " + (*farm)->directory().string());
  return code;
}

}  // namespace framebus::client
