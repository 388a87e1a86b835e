#include "tests/sim/promises.h"

#include <algorithm>

#include "broker/core/tables.h"

namespace framebus::sim {
namespace {

constexpr std::uint32_t row_lease_expired = 10;
// Beyond a lease: the beat that was missed, timers, a sync on its way.
constexpr Duration silence_slack = seconds(6);
constexpr Duration heartbeat_slack = milliseconds(3500);
constexpr Duration clock_slack = milliseconds(1);  // records count in whole ones

}  // namespace

void Promises::before_step(const broker::State& state, const broker::Event& event) {
  is_tick_ = std::holds_alternative<broker::Tick>(event);
  lease_ = state.options.lease;
  // The first step of a life sums up what was there before.
  open_tasks_before_ = state.began ? state.open_tasks : UINT64_MAX;
  spec_bytes_before_ = state.began ? state.open_spec_bytes : UINT64_MAX;
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
  check_back_off(record);
  if (const auto* adopted = std::get_if<broker::GrantAdopted>(&record)) {
    if (!given_out_.grants.contains({adopted->token.epoch, adopted->token.grant}))
      world_.violated("only a grant that was given out is adopted: " +
                      grant_name(adopted->task, adopted->token));
  }
}

// What failed waits before it is tried again, unless a person acts on its job or the attempt goes
// on after all.
void Promises::check_back_off(const broker::Record& record) {
  if (const auto* ended = std::get_if<broker::AttemptEnded>(&record)) {
    // A late error of a task that waits already changes nothing.
    if (ended->next == TaskState::retry_wait && ended->blame == broker::Blame::none) return;
    back_off_until_.erase(ended->task);
    if (ended->next != TaskState::retry_wait) return;
    const Duration delay = milliseconds(ended->delay_ms);
    if (delay < std::min(promised_.retry_base, promised_.retry_max) / 4 * 3)
      world_.violated(
          "a failed task is not tried again at once: " + grant_name(ended->task, ended->token) +
          " after " + std::to_string(ended->delay_ms) + " ms");
    back_off_until_[ended->task] = world_.now() + delay;
  }
  if (const auto* granted = std::get_if<broker::TaskGranted>(&record)) {
    const auto wait = back_off_until_.find(granted->task);
    if (wait == back_off_until_.end()) return;
    if (world_.now() + clock_slack < wait->second)
      world_.violated("a back-off is waited out: " + grant_name(granted->task, granted->token));
    back_off_until_.erase(wait);
  }
  if (const auto* adopted = std::get_if<broker::GrantAdopted>(&record))
    back_off_until_.erase(adopted->task);
  if (const auto* ended = std::get_if<broker::TaskEnded>(&record))
    back_off_until_.erase(ended->task);
  if (const auto* acted = std::get_if<broker::JobActed>(&record))
    std::erase_if(back_off_until_, [&](const auto& each) { return each.first.job == acted->job; });
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

}  // namespace framebus::sim
