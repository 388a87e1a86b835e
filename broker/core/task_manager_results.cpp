// Results of attempts: which count, which are told to be forgotten (rows 11 to 17, 21, 22, 31).
#include <algorithm>

#include "broker/core/lease.h"
#include "broker/core/task_manager.h"
#include "broker/core/token.h"
#include "broker/core/transition.h"

namespace framebus::broker {
namespace {

struct Reply {
  ResultsOk ok;
  std::uint64_t after_lsn = 0;
};

// The worker forgets its result because of this, so the record that decided it (another grant, an
// end) must be durable first, as with ResultsOk: else a crash would bring back a task whose only
// result is thrown away.
void reject(Turn& turn, SessionId session, const TaskResult& result, RejectReason reason,
            std::uint64_t after_lsn) {
  turn.send(session, ResultRejected{{result.task, result.token}, reason}, after_lsn);
}

std::string tail_of(const std::string& text, std::size_t bytes) {
  return text.size() <= bytes ? text : text.substr(text.size() - bytes);
}

// An outcome that breaks a bound is an error of the task: trying again gives the same.
std::string broken_bound(Refusals& refusals, const TaskResult& result) {
  if (result.result.size() > limits::inline_result_bytes_max) {
    return refuse_bound(refusals, Bound::inline_result_bytes, limits::inline_result_bytes_max,
                        result.result.size(), "the inline result (larger ones must be blobs)")
        .message;
  }
  const Status named = check_blobs(refusals, "the result's blobs", result.blobs);
  return named ? std::string() : named.error().message;
}

std::uint64_t record_success(Turn& turn, Job& job, const Attempt& attempt,
                             const TaskResult& result) {
  State& state = turn.state;
  const bool late_cancel = job.tasks[result.task.index].state == TaskState::cancelling;
  TaskEnded record;
  record.task = result.task;
  record.token = result.token;
  record.row = late_cancel ? 21 : 11;
  record.state = TaskState::succeeded;
  record.end = AttemptEnd::ok;
  record.reported = true;
  record.run_ms = std::max<std::int64_t>(result.run_us, 0) / 1000;
  record.result = result.result;
  record.blobs = result.blobs;
  record.log_tail = tail_of(result.log_tail, log_tail_bytes_kept_of_success);
  AbortList aborts;
  for (const Attempt& other : job.detail_of(result.task.index)->attempts) {
    if (&other != &attempt && other.is_leased()) aborts.add(state, result.task, other);
  }
  const std::uint64_t lsn = turn.persist(std::move(record));
  aborts.send(turn, AbortReason::superseded, lsn);
  ++state.counters.results_ok;
  return lsn;
}

std::uint64_t record_failure(Turn& turn, const TaskResult& result, const std::string& broken) {
  State& state = turn.state;
  Failure failure;
  failure.reported = true;
  failure.error = result.error;
  failure.permanent = result.permanent;
  failure.log_tail = tail_of(result.log_tail, log_tail_bytes_kept);
  if (!broken.empty()) {
    ++state.counters.results_clipped;
    failure.error = wire_error(Code::invalid_argument, broken);
    failure.permanent = true;
  } else if (result.outcome == Outcome::crashed) {
    ++state.counters.results_crashed;
    failure.end = AttemptEnd::crashed;
    failure.blame = Blame::crash;
  } else {
    ++state.counters.results_error;
  }
  if (failure.error.code == 0) {
    failure.error =
        wire_error(Code::task_failed, failure.error.message.empty() ? "the worker gave no reason"
                                                                    : failure.error.message);
  }
  if (failure.error.message.size() > limits::error_text_bytes_max) {
    failure.error.message.resize(limits::error_text_bytes_max);
  }
  return fail_attempt(turn, result.task, result.token, failure);
}

void take_result(Turn& turn, SessionId session, const WorkerId& worker, const TaskResult& result,
                 Reply& reply) {
  State& state = turn.state;
  ++state.counters.results;
  Job* job = state.find_job(result.task.job);
  if (job == nullptr || result.task.index >= job->tasks.size()) {
    hit_row(state, 31);
    ++state.counters.results_unknown;
    // Whether it was ever here is not known any more: it may have been forgotten a moment ago.
    return reject(turn, session, result, RejectReason::unknown, state.lsn);
  }
  if (!is_genuine(state.key, result.task, result.token, worker)) {
    ++state.counters.results_forged;
    return reject(turn, session, result, RejectReason::forged, 0);
  }
  const Attempt* attempt = find_attempt(job->detail_of(result.task.index), result.token);
  const bool ended = is_terminal(job->tasks[result.task.index].state);
  if (attempt != nullptr && attempt->state == AttemptState::reported) {
    if (ended) hit_row(state, 16);
    ++state.counters.results_duplicate;
    reply.ok.duplicates.push_back({result.task, result.token});
    reply.after_lsn = std::max(reply.after_lsn, job->last_lsn);
    return;
  }
  if (ended) {
    hit_row(state, 17);
    ++state.counters.results_terminal;
    return reject(turn, session, result, RejectReason::terminal, job->last_lsn);
  }
  if (attempt == nullptr || !attempt->is_live()) {
    hit_row(state, 15);
    ++state.counters.results_fenced;
    return reject(turn, session, result, RejectReason::fenced, job->last_lsn);
  }
  const std::string broken = broken_bound(state.refusals, result);
  const std::uint64_t lsn = result.outcome == Outcome::ok && broken.empty()
                                ? record_success(turn, *job, *attempt, result)
                                : record_failure(turn, result, broken);
  reply.ok.attempts.push_back({result.task, result.token});
  reply.after_lsn = std::max(reply.after_lsn, lsn);
}

}  // namespace

void on_results(Turn& turn, SessionId session, const Results& message) {
  const Worker* worker = turn.state.worker_of(session);
  const WorkerId id = worker->info.id;
  Reply reply;
  for (const TaskResult& result : message.results) take_result(turn, session, id, result, reply);
  if (reply.ok.attempts.empty() && reply.ok.duplicates.empty()) return;
  turn.send(session, std::move(reply.ok), reply.after_lsn);
}

}  // namespace framebus::broker
