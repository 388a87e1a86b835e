// What a simulated primary asks of the broker beside its orders, and that each of it is answered.
#include <algorithm>

#include "tests/sim/sim_logs.h"
#include "tests/sim/sim_primary.h"

namespace framebus::sim {
namespace {

// Stalls, slow disks and held messages included.
constexpr Duration patience = seconds(90);

}  // namespace

void SimPrimary::act(Kind kind, Random dice) {
  if (kind == Kind::submit) return order(dice, false);
  if (kind == Kind::upload) return order(dice, true);
  if (!is_welcome_) return;
  if (kind == Kind::act) act_on_job(dice);
  if (kind == Kind::query) query(dice);
  if (kind == Kind::command) command(dice);
  if (kind == Kind::administer) administer(dice);
  if (kind == Kind::read_log) read_log(dice);
}

// An answer of some kind comes on this connection; only its end excuses the broker.
void SimPrimary::expect(std::uint64_t request, Pending pending, Duration within) {
  pending_[request] = std::move(pending);
  world_.after(within + patience,
               [this, request, id = connection_] { check_answered(request, id); });
}

void SimPrimary::check_answered(std::uint64_t request, ConnectionId connection) {
  const auto found = pending_.find(request);
  if (connection != connection_ || found == pending_.end() || setup_.hostile) return;
  const TimePoint clear = network_.clear_from(setup_.host) + patience;
  if (world_.now() < clear) {
    world_.at(clear, [this, request, connection] { check_answered(request, connection); });
    return;
  }
  world_.violated(std::string("every request is answered: ") + found->second.what + " " +
                  std::to_string(request) + " of primary " + std::to_string(setup_.host));
}

void SimPrimary::act_on_job(Random& dice) {
  if (accepted_.empty()) return;
  Act message;
  message.request = ++request_;
  message.job = accepted_[dice.below(accepted_.size())];
  if (setup_.bug == Bug::overtaking_aborts) message.job = accepted_.back();
  message.action = static_cast<JobAction>(dice.between(1, 5));
  message.priority = static_cast<std::uint32_t>(dice.between(0, 100));
  if (dice.happens(600)) message.tasks = {static_cast<std::uint32_t>(dice.below(2))};
  if (message.action == JobAction::set_priority) message.tasks.clear();
  for (Order& order : orders_) {
    if (order.job != message.job) continue;
    std::erase_if(message.tasks, [&](std::uint32_t index) { return index >= order.task_count; });
    // Whoever asks for it again wants to see what comes of it.
    if (message.action != JobAction::retry) continue;
    order.watched_until = world_.now() + 2 * patience;
    if (order.is_settled) watch(order);
  }
  send(message);
  expect(message.request, {"Act", {}, false, {}, {}}, Duration{0});
}

void SimPrimary::query(Random& dice) {
  if (accepted_.empty()) return;
  Query query{++request_, static_cast<QueryKind>(dice.between(1, 8)), {}, 0, 0};
  query.task.job = accepted_[dice.below(accepted_.size())];
  send(query);
  expect(query.request, {"Query", {}, false, {}, {}}, Duration{0});
}

void SimPrimary::command(Random& dice) {
  Command message;
  message.request = ++request_;
  message.target = static_cast<CommandTarget>(dice.between(1, 3));
  message.verb = "poke";
  message.payload = {static_cast<std::uint8_t>(message.request)};
  if (dice.happens(700)) message.deadline_ms = dice.between(200, 20000);
  Pending pending{"Command", {}, message.target == CommandTarget::next, {}, {}};
  if (message.target == CommandTarget::named) {
    for (const WorkerId& worker : setup_.workers)
      if (dice.happens(500)) message.workers.push_back(worker);
    if (message.workers.empty()) message.workers.push_back(setup_.workers.front());
    pending.named = {message.workers.begin(), message.workers.end()};
  }
  if (message.target == CommandTarget::all && dice.happens(250)) {
    message.sticky = true;
    message.verb = "prepare" + std::to_string(dice.below(3));
    prepared_.insert(message.verb);
  }
  send(message);
  expect(message.request, std::move(pending),
         milliseconds(message.deadline_ms == 0 ? 30'000 : message.deadline_ms));
}

void SimPrimary::prepare_again() {
  for (const std::string& name : prepared_) {
    Command message;
    message.request = ++request_;
    message.target = CommandTarget::all;
    message.verb = name;
    message.sticky = true;
    send(message);
    expect(message.request, {"Command", {}, false, {}, {}}, seconds(30));
  }
}

void SimPrimary::on_command_done(const CommandDone& done) {
  const auto found = pending_.find(done.request);
  if (found == pending_.end()) {
    if (!setup_.hostile)
      world_.violated("a command is answered once: request " + std::to_string(done.request));
    return;
  }
  Pending& pending = found->second;
  for (const CommandAnswer& answer : done.answers) {
    if (!pending.answered.insert(answer.worker).second && !setup_.hostile)
      world_.violated("each worker answers a command once: request " +
                      std::to_string(done.request));
    if (!pending.named.empty() && !pending.named.contains(answer.worker))
      world_.violated("only those answer who were asked: request " + std::to_string(done.request));
  }
  if (!done.last) return;
  if (pending.to_next && pending.answered.size() != 1 && !setup_.hostile)
    world_.violated("one worker answers for the next: request " + std::to_string(done.request));
  if (!pending.named.empty() && pending.answered != pending.named && !setup_.hostile)
    world_.violated("everybody who was asked is answered for: request " +
                    std::to_string(done.request));
  ++commands_done_;
  pending_.erase(found);
}

void SimPrimary::administer(Random& dice) {
  const WorkerId worker = setup_.workers[dice.below(setup_.workers.size())];
  const auto action = static_cast<WorkerAction>(dice.between(1, 4));
  send(Administer{++request_, action, worker, "simulated"});
  expect(request_, {"Administer", {}, false, {}, {}}, Duration{0});
  // Nobody drains for ever, or stays away.
  if (action == WorkerAction::drain || action == WorkerAction::remove)
    world_.after(dice.between(seconds(1), seconds(30)), [this, worker] {
      if (!is_welcome_) return;
      send(Administer{++request_, WorkerAction::resume, worker, "simulated"});
      expect(request_, {"Administer", {}, false, {}, {}}, Duration{0});
    });
}

void SimPrimary::read_log(Random& dice) {
  if (accepted_.empty()) return;
  LogRead read;
  read.task.job = accepted_[dice.below(accepted_.size())];
  read.follow = dice.happens(300);
  for (const Order& order : orders_)
    if (order.job == read.task.job)
      read.task.index = static_cast<std::uint32_t>(dice.below(order.task_count));
  read_on(read);
}

void SimPrimary::read_on(const LogRead& read) {
  Pending pending{"LogRead", {}, false, {}, read};
  pending.read.request = ++request_;
  send(pending.read);
  expect(request_, pending, seconds(5));
}

void SimPrimary::on_log_data(const LogData& data) {
  const auto found = pending_.find(data.request);
  if (found == pending_.end()) return;
  LogRead read = found->second.read;
  pending_.erase(found);
  if (data.task != read.task || data.offset < read.offset)
    return world_.violated("a log is read as it was asked for: task " + to_string(read.task));
  if (auto wrong = wrong_log(data.task, data.epoch, data.grant, data.offset, data.bytes))
    return world_.violated(*wrong);
  if (data.end || data.bytes.empty()) return;
  read.epoch = data.epoch;
  read.grant = data.grant;
  read.offset = data.offset + data.bytes.size();
  read_on(read);
}

void SimPrimary::on_error(const ErrorReply& reply) {
  const auto code = static_cast<Code>(reply.error.code);
  const bool may_happen = code == Code::resource_exhausted || code == Code::unavailable ||
                          code == Code::failed_precondition || code == Code::no_session ||
                          code == Code::not_found || code == Code::stale_epoch ||
                          code == Code::no_worker || code == Code::worker_lost ||
                          code == Code::deadline_exceeded;
  if (!may_happen && !setup_.hostile)
    world_.violated("valid requests are not refused as wrong: " +
                    std::string(error_info(code).name) + " " + reply.error.message);
  pending_.erase(reply.request);
  for (Order& order : orders_) {
    const bool is_audit = order.audit == reply.request;
    const bool is_watch = order.watch == reply.request || is_audit;
    if (order.job.is_none() || !is_watch || reply.request == 0) continue;
    // One that was told something has ended: the job went to the archive. It comes back from there.
    const bool has_begun = order.watch == reply.request && order.sequence > 0;
    if (code == Code::not_found && !has_begun && !setup_.hostile)
      world_.violated("an accepted job is never lost: job " + to_string(order.job));
    // Or the archive can not be read now: later.
    world_.after(seconds(2), [this, is_audit, index = &order - orders_.data(), life = life_] {
      if (life != life_) return;
      Order& again = orders_[static_cast<std::size_t>(index)];
      if (is_audit && !again.audited) start_audit(again);
      if (!is_audit && !again.is_settled) watch(again);
    });
  }
}

}  // namespace framebus::sim
