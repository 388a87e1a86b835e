#include "broker/core/turn.h"

#include <algorithm>

#include "broker/core/apply.h"
#include "broker/core/lease.h"
#include "broker/core/token.h"

namespace framebus::broker {
namespace {

// Replies that answer a request for good. (CommandDone is counted in commands.cpp.)
bool is_answer(const Message& message) {
  return std::visit(
      []<class M>(const M&) {
        return std::is_same_v<M, SubmitOk> || std::is_same_v<M, InputsMissing> ||
               std::is_same_v<M, SubmitOpenOk> || std::is_same_v<M, SubmitPartOk> ||
               std::is_same_v<M, ActOk> || std::is_same_v<M, QueryReply> ||
               std::is_same_v<M, AdministerOk>;
      },
      message);
}

}  // namespace

std::uint64_t Turn::persist(Record record) {
  const std::uint64_t lsn = ++state.lsn;
  changed = broker::apply(state, record);
  out.emplace_back(Persist{lsn, std::move(record)});
  return lsn;
}

void Turn::send(SessionId session, Message message, std::uint64_t after_lsn) {
  if (state.in_request && is_answer(message)) accept_request();
  out.emplace_back(Send{session, std::move(message), after_lsn});
}

void Turn::note(int level, std::string text) {
  out.emplace_back(Note{level, std::move(text)});
}

void Turn::refuse(SessionId session, std::uint64_t request, Code code, std::string message,
                  std::int64_t retry_after_ms) {
  ++state.counters.requests_refused;
  if (std::exchange(state.in_request, false)) ++state.ledger.requests_refused;
  send(session, ErrorReply{request, wire_error(code, std::move(message), retry_after_ms)});
}

void Turn::refuse(SessionId session, std::uint64_t request, const Error& error) {
  refuse(session, request, error.code, error.message, error.retry_after_ms);
}

void Turn::accept_request() {
  if (std::exchange(state.in_request, false)) ++state.ledger.requests_answered;
}

void Turn::keep_request() {
  state.in_request = false;
}

void Turn::resume_request() {
  state.in_request = true;
}

void Turn::hand_on_request() {
  if (std::exchange(state.in_request, false)) ++state.ledger.requests_handed_on;
}

WireError wire_error(Code code, std::string message, std::int64_t retry_after_ms) {
  return {static_cast<std::uint16_t>(code), std::move(message), retry_after_ms};
}

AttemptId id_of(const State& state, TaskRef task, const Attempt& attempt) {
  return {task,
          make_token(state.key, task, attempt.epoch, attempt.grant, worker_of(state, attempt))};
}

void AbortList::add(const State& state, TaskRef task, const Attempt& attempt) {
  const Worker* worker = state.find_worker(worker_of(state, attempt));
  if (worker == nullptr || !worker->is_connected()) return;
  const auto lease = worker->leases.find(key_of(task, attempt));
  const std::uint64_t assign_lsn = lease == worker->leases.end() ? 0 : lease->second.assign_lsn;
  Batch& batch = batches_[{worker->session, assign_lsn != 0}];
  batch.attempts.push_back(id_of(state, task, attempt));
  batch.after_lsn = std::max(batch.after_lsn, assign_lsn);
}

void AbortList::add(SessionId session, TaskRef task, const Token& token) {
  batches_[{session, false}].attempts.push_back({task, token});
}

void AbortList::send(Turn& turn, AbortReason reason, std::uint64_t after_lsn) {
  const std::int64_t grace_ms = to_ms(turn.state.options.cancel_grace);
  for (auto& [key, batch] : batches_) {
    turn.send(key.first, Abort{std::move(batch.attempts), reason, grace_ms},
              std::max(after_lsn, batch.after_lsn));
  }
  batches_.clear();
}

}  // namespace framebus::broker
