#include "client/commands/follow.h"

#include <algorithm>

#include "client/commands/away_notice.h"
#include "client/commands/event_feed.h"
#include "client/commands/interrupt.h"
#include "client/commands/lookup.h"
#include "client/output/words.h"
#include "libmsg/transport/transport.h"

namespace framebus::client {
namespace {

constexpr Duration turn = milliseconds(100);  // a clock that shows seconds needs no more
constexpr Duration ask_every = seconds(2);
constexpr std::size_t troubles_max = 3;

// Asks about workers and about why nothing runs, without ever waiting.
class Questions {
 public:
  Questions(Cli& cli, JobId job) : primary_(cli.primary()), job_(job) {}

  void poll(TimePoint now, ProgressModel& model, bool is_running) {
    if (status_.valid() && status_.wait_for(Duration::zero()) == std::future_status::ready) {
      if (const auto status = status_.get()) model.set_workers(status->workers);
    }
    if (reason_.valid() && reason_.wait_for(Duration::zero()) == std::future_status::ready) {
      const auto reply = reason_.get();
      if (reply && !reply->jobs.empty()) note_ = reply->jobs.front().reason;
    }
    if (!primary_.is_connected()) {
      model.set_note("connection lost, trying again");
    } else {
      model.set_note(is_running ? "" : note_);
    }
    if (asked_at_ && now - *asked_at_ < ask_every) return;
    asked_at_ = now;
    if (!status_.valid()) status_ = primary_.status();
    if (is_running || reason_.valid()) return;
    Query query;
    query.kind = QueryKind::job;
    query.task.job = job_;
    query.limit = 1;
    reason_ = primary_.query(query);
  }

 private:
  Primary& primary_;
  JobId job_;
  Future<BrokerStatus> status_;
  Future<QueryReply> reason_;
  std::string note_;
  std::optional<TimePoint> asked_at_;
};

class Follower {
 public:
  Follower(Cli& cli, const JobSummary& job, const FollowOptions& options)
      : cli_(cli),
        options_(options),
        model_(now_monotonic(), job.id, job.name, job.task_count),
        questions_(cli, job.id),
        display_(cli.make_display()),
        is_shown_(!cli.arguments().quiet &&
                  (cli.error_terminal().is_terminal || !cli.arguments().json)),
        notice_([this](std::string_view line) { is_shown_ ? display_.say(line) : cli_.say(line); }),
        feed_(cli.primary(), {.job = job.id, .from = {}, .results = options.results != nullptr}) {
    out_.job = job;
  }

  Result<Followed> run() {
    while (!is_over_) {
      for (const Event& event : feed_.next(turn)) FRAMEBUS_TRY(take(event));
      const TimePoint now = now_monotonic();
      notice_.look(now, cli_.primary().is_connected());
      if (options_.results) FRAMEBUS_TRY(options_.results->pump(now));
      show(now);
      if (auto end = feed_.end()) {
        if (end->code == Code::not_found)
          end->message += "; a broker that keeps jobs in memory forgets them when it restarts";
        return fail(std::move(*end));
      }
      if (InterruptGuard::is_interrupted()) {
        out_.is_interrupted = true;
        return std::move(out_);
      }
    }
    if (options_.results) FRAMEBUS_TRY(options_.results->finish([this] { return turn_of_wait(); }));
    show(now_monotonic());
    return std::move(out_);
  }

 private:
  Status take(const Event& event) {
    switch (event.kind) {
      case EventKind::job:
        out_.job = event.job;
        is_over_ = is_over_ || is_terminal(event.job.state);
        break;
      case EventKind::live:
        if (!event.job.id.is_none()) out_.job = event.job;
        is_over_ = is_over_ || options_.until_live || is_terminal(out_.job.state);
        model_.restart_rate(now_monotonic());
        break;
      case EventKind::progress:
        model_.set_progress(event.task.task.index, event.task.progress_permille);
        break;
      case EventKind::task:
        return take_task(event.task);
      case EventKind::none:
        break;
    }
    return {};
  }

  Status take_task(const TaskSummary& task) {
    model_.set_state(task.task.index, task.state);
    if (task.state == TaskState::succeeded && options_.on_result) {
      display_.clear();  // the result's line may go to the same terminal
      options_.on_result(task);
    }
    if (task.state == TaskState::succeeded && options_.results)
      return options_.results->add(task, [this] { return turn_of_wait(); });
    const auto is_same = [&task](const TaskSummary& known) { return known.task == task.task; };
    if (is_failure(task.state) && out_.troubles.size() < troubles_max &&
        std::none_of(out_.troubles.begin(), out_.troubles.end(), is_same))
      out_.troubles.push_back(task);
    return {};
  }

  Status turn_of_wait() {
    notice_.look(now_monotonic(), cli_.primary().is_connected());
    if (!InterruptGuard::is_interrupted()) return {};
    return fail(Code::cancelled, "interrupted while fetching results");
  }

  void show(TimePoint now) {
    ProgressSnapshot snapshot = model_.snapshot(now);
    questions_.poll(now, model_, snapshot.running > 0 || is_over_);
    if (options_.results) {
      for (const std::string& news : options_.results->take_news())
        if (is_shown_) display_.say(news);
    }
    if (is_shown_ && !is_over_) display_.update(now, snapshot);
  }

  Cli& cli_;
  FollowOptions options_;
  Followed out_;
  ProgressModel model_;
  Questions questions_;
  ProgressDisplay display_;
  bool is_shown_;
  AwayNotice notice_;
  bool is_over_ = false;
  EventFeed feed_;
};

}  // namespace

Result<Followed> follow(Cli& cli, const JobSummary& job, const FollowOptions& options) {
  return Follower(cli, job, options).run();
}

int conclude(Cli& cli, Followed followed) {
  // The event of the end may be terse; the job and the log of the first task that failed are worth
  // asking for.
  if (auto job = ask_job(cli, followed.job.id)) followed.job = std::move(*job);
  if (!followed.troubles.empty() && followed.troubles.front().log_tail.empty()) {
    auto reply = ask_task(cli, followed.troubles.front().task);
    if (reply && !reply->tasks.empty() && reply->tasks.front().error.code != 0)
      followed.troubles.front() = std::move(reply->tasks.front());
  }
  const bool is_good = followed.job.state == JobState::succeeded;
  cli.print(JobDetail{std::move(followed.job), std::move(followed.troubles), true});
  return is_good ? 0 : error_info(Code::task_failed).exit_code;
}

void tell_detached(const Cli& cli, JobId job) {
  const std::string id = to_string(job);
  cli.say("\njob " + id +
          " goes on without this terminal\n"
          "  follow it:  framebus wait " +
          id +
          "\n"
          "  results:    framebus fetch " +
          id +
          "\n"
          "  stop it:    framebus cancel " +
          id);
}

}  // namespace framebus::client
