// Verbs that stay: wait and watch.
#include <algorithm>

#include "client/commands/event_feed.h"
#include "client/commands/follow.h"
#include "client/commands/interrupt.h"
#include "client/commands/lookup.h"
#include "client/commands/verbs.h"
#include "client/output/words.h"

namespace framebus::client {
namespace {

constexpr Duration turn = milliseconds(100);

int watch_until_end(Cli& cli, JobId job) {
  EventFeed feed(cli.primary(), {.job = job, .from = {}, .results = true});
  for (;;) {
    for (const Event& event : feed.next(turn)) {
      cli.print(WatchedEvent{event});
      const bool has_job = event.kind == EventKind::job || event.kind == EventKind::live;
      if (!job.is_none() && has_job && is_terminal(event.job.state)) {
        return event.job.state == JobState::succeeded ? 0 : error_info(Code::task_failed).exit_code;
      }
    }
    if (const auto end = feed.end()) return cli.fail(*end);
    if (InterruptGuard::is_interrupted()) return InterruptGuard::exit_code();
  }
}

}  // namespace

int run_wait(Cli& cli) {
  const InterruptGuard guard;
  const std::string& text = cli.arguments().selector;
  const Result<Selector> selector = parse_selector(text.empty() ? "last" : text);
  if (!selector) return cli.fail(selector.error());
  Result<std::vector<JobSummary>> jobs = find_jobs(cli, *selector);
  if (!jobs) return cli.fail(jobs.error());
  // With `all`, those that had ended before are old news.
  if (selector->kind == Selector::Kind::all)
    std::erase_if(*jobs, [](const JobSummary& job) { return is_terminal(job.state); });
  int code = 0;
  for (const JobSummary& job : *jobs) {
    Result<Followed> followed = follow(cli, job, {});
    if (!followed) return cli.fail(followed.error());
    if (followed->is_interrupted) {
      tell_detached(cli, job.id);
      return InterruptGuard::exit_code();
    }
    code = std::max(code, conclude(cli, std::move(*followed)));
  }
  return code;
}

int run_watch(Cli& cli) {
  const InterruptGuard guard;
  if (cli.arguments().selector == "all") return watch_until_end(cli, JobId{});
  const Result<OneJob> one = find_one_job(cli, cli.arguments().selector);
  if (!one) return cli.fail(one.error());
  return watch_until_end(cli, one->job.id);
}

}  // namespace framebus::client
