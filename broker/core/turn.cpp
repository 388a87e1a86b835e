#include "broker/core/turn.h"

#include "broker/core/apply.h"
#include "broker/core/lease.h"
#include "broker/core/token.h"

namespace framebus::broker {

std::uint64_t Turn::persist(Record record) {
  const std::uint64_t lsn = ++state.lsn;
  changed = broker::apply(state, record);
  out.emplace_back(Persist{lsn, std::move(record)});
  return lsn;
}

void Turn::send(SessionId session, Message message, std::uint64_t after_lsn) {
  out.emplace_back(Send{session, std::move(message), after_lsn});
}

void Turn::note(int level, std::string text) {
  out.emplace_back(Note{level, std::move(text)});
}

void Turn::refuse(SessionId session, std::uint64_t request, Code code, std::string message,
                  std::int64_t retry_after_ms) {
  ++state.counters.requests_refused;
  send(session, ErrorReply{request, wire_error(code, std::move(message), retry_after_ms)});
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
  by_session_[worker->session].push_back(id_of(state, task, attempt));
}

void AbortList::add(SessionId session, TaskRef task, const Token& token) {
  by_session_[session].push_back({task, token});
}

void AbortList::send(Turn& turn, AbortReason reason, std::uint64_t after_lsn) {
  for (auto& [session, attempts] : by_session_) {
    turn.send(session, Abort{std::move(attempts), reason, to_ms(turn.state.options.cancel_grace)},
              after_lsn);
  }
  by_session_.clear();
}

}  // namespace framebus::broker
