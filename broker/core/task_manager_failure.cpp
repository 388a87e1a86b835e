// What a bad end of an attempt means for its task: wait and try again, failed, dead, cancelled.
#include <algorithm>

#include "broker/core/lease.h"
#include "broker/core/task_manager.h"

namespace framebus::broker {
namespace {

using enum TaskState;

struct Tally {
  std::uint32_t tries, crashes, crashed_workers, losses;
  std::uint32_t all() const { return tries + crashes + losses; }
};

// The task's counters with this failure added.
Tally tally(const TaskDetail& detail, const Attempt& attempt, Blame blame) {
  Tally sum{detail.tries, detail.crashes, 0, detail.losses};
  bool known = false;
  if (detail.trouble) {
    const auto& crashed = detail.trouble->crashed_identities;
    sum.crashed_workers = static_cast<std::uint32_t>(crashed.size());
    known = std::find(crashed.begin(), crashed.end(), attempt.identity) != crashed.end();
  }
  if (blame == Blame::task) ++sum.tries;
  if (blame == Blame::infrastructure) ++sum.losses;
  if (blame == Blame::crash) {
    ++sum.crashes;
    if (!known) ++sum.crashed_workers;
  }
  return sum;
}

bool is_used_up(const Options& options, const StepSpec& spec, const Tally& sum) {
  const std::uint32_t attempts =
      spec.max_attempts != 0 ? spec.max_attempts : options.max_attempts_default;
  return sum.tries >= attempts || sum.crashes >= options.crashes_max ||
         sum.crashed_workers >= options.crash_workers_max ||
         sum.losses >= options.infrastructure_losses_max;
}

// base * 2^(n-1), at most the maximum, then a quarter more or less.
std::int64_t back_off_ms(State& state, std::uint32_t failures) {
  const std::int64_t most = to_ms(state.options.retry_max);
  std::int64_t delay = std::max<std::int64_t>(1, to_ms(state.options.retry_base));
  for (std::uint32_t i = 1; i < failures && delay < most; ++i) delay *= 2;
  delay = std::min(delay, most);
  const auto spread = static_cast<std::uint64_t>(delay / 2 + 1);
  delay += static_cast<std::int64_t>(state.chance.below(spread)) - delay / 4;
  return std::clamp<std::int64_t>(delay, 1, std::max<std::int64_t>(1, most));
}

bool another_runs(const TaskDetail& detail, const Attempt& attempt) {
  return std::any_of(detail.attempts.begin(), detail.attempts.end(),
                     [&](const Attempt& other) { return &other != &attempt && other.is_leased(); });
}

std::int64_t run_ms(const State& state, const Attempt& attempt) {
  return attempt.is_leased() ? to_ms(state.now - attempt.granted_at) : attempt.run_ms;
}

struct Decision {
  std::uint32_t row = 0;
  TaskState state = held;
  bool terminal = false;
  bool counted = true;
};

Decision decide(const State& state, const Job& job, TaskRef task, const Attempt& attempt,
                const Failure& failure) {
  const TaskState from = job.tasks[task.index].state;
  const TaskDetail& detail = *job.detail_of(task.index);
  const StepSpec& spec = job.spec.steps[job.step_of(task.index)];
  const bool cancelling_now = from == cancelling;
  if (cancelling_now && detail.cancel == CancelReason::user) return {22, cancelled, true, false};
  if (failure.permanent) return {13, failed, true};
  if (is_waiting(from) && !attempt.is_leased()) return {12, from, false, false};
  if (another_runs(detail, attempt)) return {12, from, false, false};
  const std::uint32_t row = cancelling_now ? 22 : failure.row;
  if (spec.at_most_once) return {row, failed, true};
  const Tally sum = tally(detail, attempt, failure.blame);
  if (is_used_up(state.options, spec, sum)) return {14, dead, true};
  if (job.stopped) return {13, failed, true};
  if (row == 7) return {row, queued, false};
  if (row == 10 && sum.crashes + sum.losses < 3) return {row, queued, false};
  return {row, retry_wait, false};
}

std::string describe(std::uint32_t row) {
  return row == 14 ? "no attempts are left" : "it is not tried again";
}

std::uint64_t record_end(Turn& turn, TaskRef task, const Attempt& attempt, const Failure& failure,
                         const Decision& decision) {
  State& state = turn.state;
  TaskEnded record;
  record.task = task;
  record.token = id_of(state, task, attempt).token;
  record.row = decision.row;
  record.state = decision.state;
  record.end = failure.end;
  record.blame = decision.counted ? failure.blame : Blame::none;
  record.reported = failure.reported;
  record.run_ms = run_ms(state, attempt);
  record.error = failure.error;
  record.log_tail = failure.log_tail;
  if (decision.state == dead) ++state.counters.tasks_dead;
  if (decision.state != cancelled) {
    turn.note(2, "task " + to_string(task) + " is " + std::string(word(decision.state)) + ", " +
                     describe(decision.row) + ": " + failure.error.message);
  }
  AbortList aborts;
  Job& job = *state.find_job(task.job);
  for (const Attempt& other : job.detail_of(task.index)->attempts) {
    if (&other != &attempt && other.is_leased()) aborts.add(state, task, other);
  }
  const std::uint64_t lsn = turn.persist(std::move(record));
  aborts.send(turn, AbortReason::superseded, lsn);
  if (!failure.reported) {
    job.detail_of(task.index)->may_run_until =
        state.now + state.options.lease + state.options.cancel_grace;
  }
  return lsn;
}

}  // namespace

namespace {

std::string how_it_was_lost(bool ran, Place place) {
  switch (place) {
    case Place::alone:
      return " as it was given this task, which was lost before it started several times";
    case Place::beside:
      return " while another slot was given a task that may be why";
    case Place::slot:
      return ran ? "" : " when it may have been starting";
    case Place::queue:
      return "";
  }
  return "";
}

}  // namespace

std::uint64_t fail_attempt(Turn& turn, TaskRef task, const Token& token, const Failure& failure) {
  State& state = turn.state;
  Job& job = *state.find_job(task.job);
  TaskDetail& detail = *job.detail_of(task.index);
  const Attempt& attempt = *find_attempt(&detail, token);
  const Decision decision = decide(state, job, task, attempt, failure);
  if (decision.terminal) return record_end(turn, task, attempt, failure, decision);
  AttemptEnded record;
  record.task = task;
  record.token = token;
  record.row = decision.row;
  record.end = failure.end;
  record.next = decision.state;
  record.blame = decision.counted ? failure.blame : Blame::none;
  record.reported = failure.reported;
  record.run_ms = run_ms(state, attempt);
  record.error = failure.error;
  record.log_tail = failure.log_tail;
  if (decision.counted) ++state.counters.retries;
  if (decision.state == retry_wait && job.tasks[task.index].state != retry_wait) {
    record.delay_ms = back_off_ms(state, tally(detail, attempt, failure.blame).all());
  }
  const std::uint64_t lsn = turn.persist(std::move(record));
  if (!is_waiting(job.tasks[task.index].state)) return lsn;
  // The job's end has been decided meanwhile: what came back has no time left.
  if (job.deadline_passed) turn.persist(JobActed{job.id, Deed::expire, {task.index}, 0, ""});
  return lsn;
}

void lose_attempt(Turn& turn, const LeaseKey& key, Loss loss, Place place) {
  State& state = turn.state;
  Job& job = *state.find_job(key.task.job);
  const Attempt* attempt =
      find_attempt(job.detail_of(key.task.index), Token{key.epoch, key.grant, {}});
  const AttemptId id = id_of(state, key.task, *attempt);
  const bool ran = attempt->started;
  const bool may_have_run = ran || place != Place::queue;
  const bool was_stopping = attempt->state == AttemptState::stopping;
  const std::string worker = state.identities[attempt->identity].name;
  Failure failure;
  failure.row = 10;
  failure.blame = may_have_run ? Blame::infrastructure : Blame::none;
  failure.end = AttemptEnd::lease_expired;
  switch (loss) {
    case Loss::worker_lost:
      ++state.counters.losses_worker;
      failure.end = AttemptEnd::worker_lost;
      if (ran || place == Place::alone) failure.blame = Blame::crash;
      if (place == Place::beside) failure.blame = Blame::infrastructure;
      failure.error = wire_error(Code::worker_lost, "worker " + worker + " went away" +
                                                        how_it_was_lost(ran, place));
      break;
    case Loss::goodbye:
      ++state.counters.losses_worker;
      // Orderly: it says nothing about a task that only waited there (runs_alone()).
      failure.end = ran ? AttemptEnd::worker_lost : AttemptEnd::aborted;
      failure.error = wire_error(Code::worker_lost, "worker " + worker + " left with it");
      break;
    case Loss::lease_expired:
      ++state.counters.losses_lease;
      failure.error = wire_error(Code::worker_lost, "worker " + worker + " was silent for a lease");
      break;
    case Loss::omitted:
      ++state.counters.losses_omitted;
      // An adopted attempt may have started before, and be listed as queued now.
      failure.row = job.tasks[key.task.index].state == leased ? 7 : 9;
      failure.blame = Blame::infrastructure;
      if (!ran) failure.end = AttemptEnd::not_started;
      failure.error = wire_error(Code::worker_lost, "worker " + worker + " no longer lists it");
      break;
    case Loss::not_started:
      ++state.counters.losses_not_started;
      failure.row = 7;
      failure.blame = Blame::infrastructure;
      failure.end = AttemptEnd::not_started;
      failure.error = wire_error(Code::deadline_exceeded, "worker " + worker + " did not start it");
      break;
    case Loss::given_back:
      failure.end = AttemptEnd::aborted;
      failure.error = wire_error(Code::worker_lost, "worker " + worker + " gave it up");
      break;
  }
  if (was_stopping && attempt->error) {  // a timeout: the bound it passed is the error
    failure.error = *attempt->error;
    failure.end = AttemptEnd::timeout;
    failure.blame = Blame::task;
  }
  AbortList aborts;
  if (failure.row == 7) aborts.add(state, key.task, *attempt);
  fail_attempt(turn, key.task, id.token, failure);
  aborts.send(turn, AbortReason::not_started);
}

}  // namespace framebus::broker
