#include "tests/sim/promises.h"

#include <algorithm>

#include "broker/core/tables.h"

namespace framebus::sim {
namespace {

constexpr std::uint32_t row_lease_expired = 10;
// Beyond a lease: the beat that was missed, timers, a sync on its way.
constexpr Duration silence_slack = seconds(6);
constexpr Duration heartbeat_slack = milliseconds(3500);

}  // namespace

void Promises::before_step(const broker::State& state, const broker::Event& event) {
  is_tick_ = std::holds_alternative<broker::Tick>(event);
  lease_ = state.options.lease;
  if (const auto* hello = std::get_if<broker::PeerHello>(&event))
    if (hello->hello.role == Role::worker) heard_[hello->hello.worker.id] = world_.now();
  const auto* received = std::get_if<broker::Received>(&event);
  if (received == nullptr) return;
  if (std::holds_alternative<Heartbeat>(received->message)) {
    const auto session = state.sessions.find(received->session);
    if (session != state.sessions.end()) heard_[session->second.worker] = world_.now();
  }
  if (const auto* command = std::get_if<Command>(&received->message))
    commands_[{received->session, command->request}];
}

void Promises::on_record(const broker::Record& record) {
  if (const auto* ended = std::get_if<broker::AttemptEnded>(&record))
    if (ended->row == row_lease_expired) check_lease_end(ended->task, ended->token);
  if (const auto* adopted = std::get_if<broker::GrantAdopted>(&record)) {
    if (!given_out_.grants.contains({adopted->token.epoch, adopted->token.grant}))
      world_.violated("only a grant that was given out is adopted: " +
                      grant_name(adopted->task, adopted->token));
  }
}

// A worker that speaks keeps its leases, whatever any clock says.
void Promises::check_lease_end(const TaskRef& task, const Token& token) {
  if (!is_tick_ || hostile_) return;  // a closed connection, a Goodbye; an Assign that was lost
  const auto heard = heard_.find(log_.worker_of(task, {token.epoch, token.grant}));
  const TimePoint last = heard == heard_.end() ? born_ : heard->second;
  // Beats before the worker had the Assign do not count for it; two of them in a row are row 7.
  if (world_.now() - last < lease_ - heartbeat_slack)
    world_.violated("a worker that speaks keeps its leases: " + grant_name(task, token) +
                    " after " + std::to_string(to_ms(world_.now() - last)) + " ms");
}

void Promises::durable(std::uint64_t lsn, std::uint64_t durable_lsn, const char* promise,
                       const std::string& about) {
  if (lsn == 0 || lsn > durable_lsn)
    world_.violated(std::string(promise) + " leaves after its record is durable: " + about);
}

void Promises::on_send(SessionId session, const Message& message, std::uint64_t durable_lsn) {
  if (const auto* ok = std::get_if<SubmitOk>(&message))
    durable(log_.accepted_lsn(ok->job), durable_lsn, "SubmitOk", "job " + to_string(ok->job));
  if (const auto* assign = std::get_if<Assign>(&message))
    for (const AttemptSpec& spec : assign->attempts)
      if (!given_out_.grants.insert({spec.token.epoch, spec.token.grant}).second)
        world_.violated("a token is given out once: " + grant_name(spec.task, spec.token));
  if (const auto* abort = std::get_if<Abort>(&message))
    for (const AttemptId& id : abort->attempts)
      if (!hostile_ && !given_out_.grants.contains({id.token.epoch, id.token.grant}) &&
          log_.worker_of(id.task, {id.token.epoch, id.token.grant}) != WorkerId{})
        world_.violated("an Abort leaves after its Assign: " + grant_name(id.task, id.token));
  const auto check = [&](const AttemptId& id) {
    durable(log_.reported_lsn(id.task, id.token), durable_lsn, "ResultsOk",
            grant_name(id.task, id.token));
  };
  if (const auto* ok = std::get_if<ResultsOk>(&message)) {
    std::for_each(ok->attempts.begin(), ok->attempts.end(), check);
    std::for_each(ok->duplicates.begin(), ok->duplicates.end(), check);
  }
  if (const auto* rejected = std::get_if<ResultRejected>(&message)) {
    const AttemptId& id = rejected->attempt;
    const std::uint64_t lsn = log_.decided_lsn(id.task, id.token);
    if (rejected->reason != RejectReason::forged && lsn > durable_lsn)
      world_.violated("ResultRejected leaves after the record it rests on is durable: " +
                      grant_name(id.task, id.token));
  }
  // A Command that the network repeats is asked twice.
  if (!hostile_) check_commands(session, message);
}

// Each worker answers a command once, and the last answer is the last.
void Promises::check_commands(SessionId session, const Message& message) {
  if (const auto* error = std::get_if<ErrorReply>(&message))
    commands_.erase({session, error->request});
  const auto* done = std::get_if<CommandDone>(&message);
  if (done == nullptr) return;
  const auto asked = commands_.find({session, done->request});
  if (asked == commands_.end())
    return world_.violated("a command is answered once: request " + std::to_string(done->request));
  for (const CommandAnswer& answer : done->answers)
    if (!asked->second.answered.insert(answer.worker).second && !answer.worker.is_none())
      world_.violated("each worker answers a command once: request " +
                      std::to_string(done->request));
  if (done->last) commands_.erase(asked);
}

void Promises::check_state(const broker::State& state) {
  std::map<TaskRef, std::uint32_t> leases;
  for (const auto& [id, worker] : state.workers)
    for (const auto& [key, lease] : worker.leases) ++leases[key.task];
  for (const auto& [id, job] : state.jobs) check_tasks(state, job, leases);
  check_workers(state);
  check_bounds(state);
}

// No task is both queued and leased; what has ended stays ended until a person retries it; what is
// charged to whom is what the records say.
void Promises::check_tasks(const broker::State&, const broker::Job& job,
                           const std::map<TaskRef, std::uint32_t>& leases) {
  for (std::uint32_t index = 0; index < job.tasks.size(); ++index) {
    const broker::Task& task = job.tasks[index];
    const TaskRef ref{job.id, index};
    const auto leased = leases.find(ref);
    const bool has_lease = leased != leases.end();
    if (has_lease != broker::is_in_flight(task.state))
      world_.violated("a task is leased or it waits, never both: task " + to_string(ref) + " is " +
                      std::string(broker::word(task.state)) + " with " +
                      std::to_string(has_lease ? leased->second : 0) + " leases");
    const auto seen = ended_lsn_.find(ref);
    const bool retried = log_.retries_of(ref.job) > 0;
    if (broker::is_terminal(task.state)) {
      if (seen != ended_lsn_.end() && seen->second != task.ended_lsn && !retried)
        world_.violated("a task ends once: task " + to_string(ref));
      ended_lsn_[ref] = task.ended_lsn;
    } else if (seen != ended_lsn_.end()) {
      if (!retried) world_.violated("what has ended stays ended: task " + to_string(ref));
      ended_lsn_.erase(seen);
    }
    if (broker::is_terminal(task.state) || retried) continue;  // a retry begins to count anew
    const broker::TaskDetail* detail = job.detail_of(index);
    const LogModel::Charges known = log_.charges_of(ref);
    const LogModel::Charges found =
        detail == nullptr ? LogModel::Charges{}
                          : LogModel::Charges{detail->tries, detail->crashes, detail->losses};
    if (!(known == found))
      world_.violated("attempts are charged as recorded: task " + to_string(ref) + " has " +
                      std::to_string(found.tries) + "+" + std::to_string(found.crashes) + "+" +
                      std::to_string(found.losses) + ", recorded are " +
                      std::to_string(known.tries) + "+" + std::to_string(known.crashes) + "+" +
                      std::to_string(known.losses));
  }
}

// A silent worker loses its leases, however open its connection is.
void Promises::check_workers(const broker::State& state) {
  const Duration patience = state.options.lease + stalled_ + silence_slack;
  const TimePoint grace_over = born_ + state.options.restart_grace + patience;
  for (const auto& [id, worker] : state.workers) {
    if (worker.leases.empty()) continue;
    const auto arrived = arrived_.find(id);
    const TimePoint last = arrived == arrived_.end() ? born_ : arrived->second;
    if (world_.now() > last + patience && world_.now() > grace_over)
      world_.violated("a silent worker loses its leases: " + worker.name +
                      " was not heard of for " + std::to_string(to_ms(world_.now() - last)) +
                      " ms");
  }
}

void Promises::check_bounds(const broker::State& state) {
  if (state.sessions.size() > state.options.sessions_max) world_.violated("bounds hold: sessions");
  std::uint64_t open = 0;
  bool retried = false;  // what comes back was taken in before
  for (const auto& [id, job] : state.jobs) {
    open += job.open_tasks();
    retried = retried || log_.retries_of(id) > 0;
  }
  if (!retried && open > state.options.queued_tasks_max)
    world_.violated("bounds hold: queued tasks");
}

}  // namespace framebus::sim
