#include "broker/core/logs.h"

#include <limits>

#include "broker/core/lease.h"
#include "broker/core/token.h"

namespace framebus::broker {
namespace {

// The attempt whose log this is a piece of; nullptr: nobody's.
Attempt* writer_of(State& state, const Worker& worker, const LogChunk& chunk) {
  Job* job = state.find_job(chunk.task.job);
  if (job == nullptr || chunk.task.index >= job->tasks.size()) return nullptr;
  if (!is_genuine(state.key, chunk.task, chunk.token, worker.info.id)) return nullptr;
  return find_attempt(job->detail_of(chunk.task.index), chunk.token);
}

bool is_within_bounds(State& state, const LogChunk& chunk) {
  if (chunk.bytes.size() > limits::log_chunk_bytes_max) {
    refuse_bound(state.refusals, Bound::log_chunk_bytes, limits::log_chunk_bytes_max,
                 chunk.bytes.size());
    return false;
  }
  return chunk.offset <= std::numeric_limits<std::uint64_t>::max() - chunk.bytes.size();
}

void confirm(LogOk& reply, const LogChunk& chunk) {
  const std::uint64_t end = chunk.offset + chunk.bytes.size();
  if (!reply.positions.empty()) {
    LogPosition& last = reply.positions.back();
    if (last.task == chunk.task && last.token == chunk.token) {
      last.offset = std::max(last.offset, end);
      return;
    }
  }
  reply.positions.push_back({chunk.task, chunk.token, end});
}

// The attempt that a LogRead means: the named one, or the latest; nullptr in a task without any.
Result<Attempt*> reader_of(Job& job, const LogRead& message) {
  TaskDetail* detail = job.detail_of(message.task.index);
  if (message.grant == 0) return const_cast<Attempt*>(newest_attempt(detail));
  Attempt* attempt = find_attempt(detail, Token{message.epoch, message.grant, {}});
  if (attempt != nullptr) return attempt;
  const std::size_t known = detail == nullptr ? 0 : detail->attempts.size();
  return fail(Code::not_found, "attempt " + std::to_string(message.epoch) + "." +
                                   std::to_string(message.grant) + " of task " +
                                   to_string(message.task) + ": is not among the " +
                                   std::to_string(known) + " that are remembered");
}

}  // namespace

void on_log(Turn& turn, SessionId session, const Log& message) {
  State& state = turn.state;
  const Worker& worker = *state.worker_of(session);
  LogOk reply;
  for (const LogChunk& chunk : message.chunks) {
    Attempt* attempt = writer_of(state, worker, chunk);
    if (attempt != nullptr && is_within_bounds(state, chunk)) {
      ++state.counters.log_chunks;
      attempt->has_log = true;
      turn.out.emplace_back(
          StoreLog{chunk.task, chunk.token.epoch, chunk.token.grant, chunk.offset, chunk.bytes});
    } else {
      ++state.counters.log_chunks_dropped;
    }
    confirm(reply, chunk);
  }
  if (!reply.positions.empty()) turn.send(session, std::move(reply));
}

void on_log_read(Turn& turn, SessionId session, const LogRead& message) {
  State& state = turn.state;
  Job* job = state.find_job(message.task.job);
  if (job == nullptr) {
    return turn.refuse(session, message.request, Code::not_found,
                       "job " + to_string(message.task.job) + ": there is no such job here");
  }
  if (message.task.index >= job->tasks.size()) {
    return turn.refuse(session, message.request, Code::not_found,
                       "task " + to_string(message.task) + ": the job has " +
                           std::to_string(job->tasks.size()) + " tasks, counted from 0");
  }
  const Result<Attempt*> found = reader_of(*job, message);
  if (!found) return turn.refuse(session, message.request, found.error());
  Attempt* attempt = *found;
  ++state.counters.log_reads;
  ReadLog action{session, message, false};
  action.read.epoch = attempt == nullptr ? 0 : attempt->epoch;
  action.read.grant = attempt == nullptr ? 0 : attempt->grant;
  if (attempt == nullptr) {
    action.open = !is_terminal(job->tasks[message.task.index].state);
  } else if (attempt->is_leased()) {
    action.open = true;
    attempt->has_log = true;  // whoever reads it now may follow it
  }
  turn.hand_on_request();
  turn.out.emplace_back(std::move(action));
}

void end_logs(Turn& turn) {
  for (const LeaseKey& key : turn.state.ended_logs) {
    turn.out.emplace_back(LogEnded{key.task, key.epoch, key.grant});
  }
  turn.state.ended_logs.clear();
}

}  // namespace framebus::broker
