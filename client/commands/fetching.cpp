// fetch: the results of a job that has ended, or what there is of one that runs.
#include "client/commands/away_notice.h"
#include "client/commands/follow.h"
#include "client/commands/interrupt.h"
#include "client/commands/lookup.h"
#include "client/commands/verbs.h"
#include "client/output/words.h"

namespace framebus::client {
namespace {

Result<Fetched> fetch(Cli& cli) {
  FRAMEBUS_ASSIGN(const OneJob one, find_one_job(cli, cli.arguments().selector));
  if (!one.tasks.empty())
    return fail(Code::invalid_argument,
                "fetch takes a whole job, such as " + to_string(one.job.id));
  FRAMEBUS_ASSIGN(const JobSpec spec,
                  await_patiently<JobSpec>(cli, [&] { return ask_spec(cli, one.job.id); }));
  ResultsOptions options;
  const std::string& given = cli.arguments().output_directory;
  options.directory = given.empty() ? "job-" + to_string(one.job.id) : given;
  options.save_files = true;
  FRAMEBUS_ASSIGN(const auto results,
                  Results::make(cli.primary(), one.job.id, spec, std::move(options)));
  FRAMEBUS_ASSIGN(const Followed followed, follow(cli, one.job, {results.get(), {}, true}));
  if (followed.is_interrupted)
    return fail(Code::cancelled, "interrupted; what was complete is written");
  return results->report(followed.job.state == JobState::succeeded);
}

}  // namespace

int run_fetch(Cli& cli) {
  const InterruptGuard guard;
  const Result<Fetched> fetched = fetch(cli);
  if (!fetched)
    return InterruptGuard::is_interrupted() ? InterruptGuard::exit_code()
                                            : cli.fail(fetched.error());
  cli.print(*fetched);
  return 0;
}

}  // namespace framebus::client
