// logs: what tasks have written, live and after their worker is gone.
#include <algorithm>
#include <deque>
#include <numeric>
#include <thread>

#include "client/commands/away_notice.h"
#include "client/commands/interrupt.h"
#include "client/commands/log_follower.h"
#include "client/commands/lookup.h"
#include "client/commands/verbs.h"
#include "client/output/log_text.h"
#include "libmsg/transport/transport.h"

namespace framebus::client {
namespace {

constexpr std::size_t followed_max = 64;               // at once
constexpr std::size_t read_max = 10'000;               // one after the other
constexpr Duration follow_deadline_min = seconds(30);  // the broker waits for something to tell
constexpr Duration idle_pause = milliseconds(500);
constexpr Duration turn = milliseconds(50);
constexpr std::int64_t hint_ms_max = 60'000;

Future<QueryReply> ask_one_task(Cli& cli, TaskRef task) {
  Query query;
  query.kind = QueryKind::tasks;
  query.task.job = task.job;
  query.offset = task.index;
  query.limit = 1;
  return cli.primary().query(query);
}

Result<TaskSummary> only_task(Result<QueryReply> reply, TaskRef task) {
  if (!reply) return fail(std::move(reply).error());
  if (reply->tasks.empty())
    return fail(Code::not_found, "task " + to_string(task) + ": there is no such task");
  return std::move(reply->tasks.front());
}

// --attempt N counts from the oldest that the broker still lists.
Result<LogChoice> choose(Cli& cli, TaskRef task) {
  LogChoice choice{task, cli.arguments().follow, 0, 0};
  const std::uint32_t wanted = cli.arguments().attempt;
  if (wanted == 0) return choice;
  FRAMEBUS_ASSIGN(const TaskSummary summary, only_task(cli.await(ask_one_task(cli, task)), task));
  if (wanted > summary.attempts.size()) {
    return fail(Code::not_found, "task " + to_string(task) + " has " +
                                     std::to_string(summary.attempts.size()) +
                                     " attempts, counted from 1");
  }
  choice.epoch = summary.attempts[wanted - 1].epoch;
  choice.grant = summary.attempts[wanted - 1].grant;
  return choice;
}

// The logs of several tasks, read side by side with -f, else one after the other. With -f it goes
// on for as long as the user wants: the broker has answered before, so its absence will pass.
class LogReader {
 public:
  LogReader(Cli& cli, bool has_prefix)
      : cli_(cli), text_(has_prefix), notice_([&cli](std::string_view line) { cli.say(line); }) {
    deadline_ = std::max<Duration>(cli.config().timeout, follow_deadline_min);
  }

  void add(const LogChoice& choice) { logs_.push_back(Log{LogFollower(choice), {}, {}, {}}); }

  Status run() {
    while (!logs_.empty()) {
      const std::size_t together = cli_.arguments().follow ? logs_.size() : 1;
      bool has_moved = false;
      for (std::size_t i = 0; i < together; ++i) {
        FRAMEBUS_ASSIGN(const bool moved, advance(logs_[i]));
        has_moved = has_moved || moved;
      }
      const std::size_t ended =
          std::erase_if(logs_, [this](const Log& log) { return is_finished(log); });
      if (InterruptGuard::is_interrupted()) return fail(Code::cancelled, "interrupted");
      if (cli_.arguments().follow) notice_.look(now_monotonic(), cli_.primary().is_connected());
      if (!has_moved && ended == 0) wait_a_turn();
    }
    return {};
  }

  bool has_shown_nothing() const { return !has_shown_; }

 private:
  struct Log {
    LogFollower follower;
    Future<LogData> pending;  // at most one of these two
    Future<QueryReply> asked;
    TimePoint not_before{};
  };

  bool is_finished(const Log& log) {
    if (log.pending.valid() || log.asked.valid() || !log.follower.is_over()) return false;
    if (log.follower.was_granted()) has_shown_ = true;
    // The last line need not end in a new line. With --json every byte has been printed.
    const std::string rest = text_.end(log.follower.task());
    if (!rest.empty() && !cli_.arguments().json) show_rest(log.follower.task(), rest);
    return true;
  }

  // One log alone is waited for, so that it is read as fast as it comes.
  void wait_a_turn() {
    if (logs_.size() == 1 && logs_.front().pending.valid()) {
      logs_.front().pending.wait_for(turn);
    } else {
      std::this_thread::sleep_for(turn);
    }
  }

  // Takes an answer in, asks the next question; false: there was nothing to do.
  Result<bool> advance(Log& log) {
    if (log.pending.valid()) {
      if (log.pending.wait_for(Duration::zero()) != std::future_status::ready) return false;
      FRAMEBUS_TRY(take(log, log.pending.get()));
    }
    if (log.asked.valid()) {
      if (log.asked.wait_for(Duration::zero()) != std::future_status::ready) return false;
      FRAMEBUS_TRY(take(log, only_task(log.asked.get(), log.follower.task())));
    }
    if (now_monotonic() < log.not_before) return false;
    if (log.follower.needs_task()) {
      log.asked = ask_one_task(cli_, log.follower.task());
      return true;
    }
    const auto read = log.follower.next_read();
    if (read) log.pending = cli_.primary().read_log(*read, deadline_);
    return read.has_value();
  }

  Status take(Log& log, Result<LogData> data) {
    if (!data) return pause_or_fail(log, data.error());
    notice_.answered();
    if (auto piece = log.follower.on_data(*data)) show(std::move(*piece));
    if (log.follower.is_idle()) log.not_before = now_monotonic() + idle_pause;
    return {};
  }

  Status take(Log& log, const Result<TaskSummary>& task) {
    if (!task) return pause_or_fail(log, task.error());
    notice_.answered();
    log.follower.on_task(*task);
    if (log.follower.is_idle()) log.not_before = now_monotonic() + idle_pause;
    return {};
  }

  // A broker that is away, or asks for patience itself, is waited for, as `watch` does.
  Status pause_or_fail(Log& log, const Error& error) {
    const bool is_away = is_absence(error);
    const bool is_busy = error.retry_after_ms > 0;
    if (!cli_.arguments().follow || (!is_away && !is_busy)) return fail(error);
    if (is_away) notice_.unanswered();
    log.not_before = now_monotonic() + std::max<Duration>(idle_pause, hint_of(error));
    return {};
  }

  static Duration hint_of(const Error& error) {
    return milliseconds(std::clamp<std::int64_t>(error.retry_after_ms, 0, hint_ms_max));
  }

  void show_rest(TaskRef task, std::string rest) {
    LogPiece piece;
    piece.task = task;
    piece.shown = std::move(rest);
    cli_.print(piece);
  }

  void show(LogPiece piece) {
    has_shown_ = true;
    piece.shown = text_.add(piece);
    cli_.print(piece);
  }

  Cli& cli_;
  LogText text_;
  AwayNotice notice_;
  Duration deadline_;
  std::deque<Log> logs_;
  bool has_shown_ = false;
};

Status show_logs(Cli& cli) {
  FRAMEBUS_ASSIGN(OneJob one, find_one_job(cli, cli.arguments().selector));
  std::vector<std::uint32_t> tasks = one.tasks;
  if (tasks.empty()) {
    tasks.resize(one.job.task_count);
    std::iota(tasks.begin(), tasks.end(), 0u);
  }
  const std::size_t tasks_max = cli.arguments().follow ? followed_max : read_max;
  if (tasks.size() > tasks_max) {
    return fail(Code::invalid_argument,
                std::to_string(tasks.size()) + " tasks are too many at once; at most " +
                    std::to_string(tasks_max) + " are possible, such as " + to_string(one.job.id) +
                    ":0-" + std::to_string(tasks_max - 1));
  }
  LogReader reader(cli, tasks.size() > 1);
  for (const std::uint32_t index : tasks) {
    FRAMEBUS_ASSIGN(const LogChoice choice, choose(cli, {one.job.id, index}));
    reader.add(choice);
  }
  FRAMEBUS_TRY(reader.run());
  if (reader.has_shown_nothing()) cli.say("nothing was written: no attempt has begun");
  return {};
}

}  // namespace

int run_logs(Cli& cli) {
  const InterruptGuard guard;
  const Status shown = show_logs(cli);
  if (shown) return 0;
  return InterruptGuard::is_interrupted() ? InterruptGuard::exit_code() : cli.fail(shown.error());
}

}  // namespace framebus::client
