#include "tests/sim/sim_primary.h"

#include <algorithm>

namespace framebus::sim {
namespace {

constexpr Duration answer_expected_within = seconds(4);

bool is_terminal(TaskState state) {
  return state >= TaskState::succeeded;
}
bool is_ended(JobState state) {
  return state >= JobState::succeeded;
}

}  // namespace

SimPrimary::SimPrimary(World& world, Network& network, unsigned host, Bug bug)
    : world_(world), network_(network), host_(host), bug_(bug) {
  jobs_left_ = static_cast<unsigned>(world.random.between(1, 5));
}

void SimPrimary::start() {
  connect();
  make_job();
  act();
}

void SimPrimary::connect() {
  is_welcome_ = false;
  connection_ = network_.connect(*this, host_);
}

void SimPrimary::on_open(ConnectionId id) {
  if (id != connection_) return;
  Hello hello;
  hello.role = Role::primary;
  hello.program = "sim";
  hello.principal = "primary" + std::to_string(host_);
  send(hello);
}

void SimPrimary::on_close(ConnectionId id) {
  if (id != connection_) return;
  is_welcome_ = false;
  connection_ = 0;
  world_.after(world_.random.between(milliseconds(100), seconds(2)), [this] { connect(); });
}

void SimPrimary::send(const Message& message) {
  if (connection_ != 0) network_.send(connection_, Side::client, message);
}

void SimPrimary::make_job() {
  if (jobs_left_ == 0 || settling_) return;
  --jobs_left_;
  Order order;
  order.submit.submit_id.bytes[0] = static_cast<std::uint8_t>(host_);
  order.submit.submit_id.bytes[1] = static_cast<std::uint8_t>(orders_.size() + 1);
  order.submit.job = random_job(
      world_.random, "job" + std::to_string(host_) + "-" + std::to_string(orders_.size()));
  for (const StepSpec& step : order.submit.job.steps) order.task_count += step.task_count;
  orders_.push_back(std::move(order));
  send_submit(orders_.size() - 1);
  world_.after(world_.random.between(seconds(1), seconds(25)), [this] { make_job(); });
}

// Again with the same id until it is known to be accepted: no reply means unknown.
void SimPrimary::send_submit(std::size_t index) {
  Order& order = orders_[index];
  if (!order.job.is_none()) return;
  if (is_welcome_) {
    if (bug_ == Bug::fresh_submit_ids && order.submit.request != 0)
      order.submit.submit_id.bytes[2] =
          static_cast<std::uint8_t>(order.submit.submit_id.bytes[2] + 1);
    order.submit.request = ++request_;
    send(order.submit);
  }
  world_.after(is_welcome_ ? answer_expected_within : milliseconds(300),
               [this, index] { send_submit(index); });
}

void SimPrimary::on_message(ConnectionId id, const Message& message) {
  if (id != connection_) return;
  if (world_.traces())
    world_.trace("primary " + std::to_string(host_) + " hears message " +
                 std::to_string(message.index()));
  if (std::holds_alternative<Welcome>(message)) {
    is_welcome_ = true;
    for (Order& order : orders_) {
      if (order.job.is_none()) continue;
      watch(order);
      if (auditing_ && !order.audited) start_audit(order);
    }
  }
  if (const auto* ok = std::get_if<SubmitOk>(&message)) on_submit_ok(*ok);
  if (const auto* error = std::get_if<ErrorReply>(&message)) on_error(*error);
  if (const auto* events = std::get_if<Events>(&message)) on_events(*events);
  if (const auto* missing = std::get_if<InputsMissing>(&message))
    for (std::size_t i = 0; i < orders_.size(); ++i)
      if (orders_[i].submit.request == missing->request && orders_[i].job.is_none()) send_submit(i);
}

void SimPrimary::on_submit_ok(const SubmitOk& ok) {
  for (Order& order : orders_) {
    if (order.submit.request != ok.request) continue;
    if (!order.job.is_none() && order.job != ok.job)
      world_.violated("one Submit makes one job: " + to_string(order.job) + " and " +
                      to_string(ok.job));
    if (ok.task_count != order.task_count)
      world_.violated("the job has the tasks that were asked for: " +
                      std::to_string(ok.task_count) + " of " + std::to_string(order.task_count));
    if (!order.job.is_none()) return;
    order.job = ok.job;
    accepted_.push_back(ok.job);
    watch(order);
  }
}

void SimPrimary::on_error(const ErrorReply& reply) {
  const auto code = static_cast<Code>(reply.error.code);
  const bool may_happen = code == Code::resource_exhausted || code == Code::unavailable ||
                          code == Code::failed_precondition || code == Code::no_session ||
                          code == Code::not_found || code == Code::stale_epoch;
  if (!may_happen)
    world_.violated("valid requests are not refused as wrong: " +
                    std::string(error_info(code).name) + " " + reply.error.message);
  for (const Order& order : orders_) {
    const bool lost = code == Code::not_found && !order.job.is_none() &&
                      (order.watch == reply.request || order.audit == reply.request);
    if (lost) world_.violated("an accepted job is never lost: job " + to_string(order.job));
  }
}

void SimPrimary::watch(Order& order) {
  if (!is_welcome_) return;
  order.watch = ++request_;
  order.sequence = 0;
  send(Watch{order.watch, order.job, order.cursor, true});
}

void SimPrimary::on_events(const Events& events) {
  send(EventsOk{events.request, events.sequence});
  for (Order& order : orders_) {
    if (order.audit == events.request && order.audit != 0) on_audit(order, events);
    if (order.watch != events.request || order.watch == 0) continue;
    if (events.sequence != ++order.sequence)
      world_.violated(
          "the messages of a watch come one after the other: " + std::to_string(events.sequence) +
          " instead of " + std::to_string(order.sequence));
    for (const Event& event : events.events) take_in(order, event);
  }
}

void SimPrimary::take_in(Order& order, const Event& event) {
  if (event.kind == EventKind::task || event.kind == EventKind::progress) {
    const std::uint32_t index = event.task.task.index;
    if (event.task.task.job != order.job || index >= order.task_count)
      return world_.violated("a watch tells of its own job's tasks");
    if (event.kind == EventKind::task) {
      told_[event.task.task] = event.task.state;
      if (is_terminal(event.task.state))
        check_end(order, event);
      else
        order.ended.erase(index);
    }
  }
  if (event.kind == EventKind::job || event.kind == EventKind::live) order.state = event.job.state;
  if (event.cursor.lsn != 0) {
    if (event.cursor.epoch == order.cursor.epoch && event.cursor.lsn < order.cursor.lsn)
      world_.violated("events come in record order: job " + to_string(order.job));
    order.cursor = event.cursor;
  }
}

void SimPrimary::check_end(Order& order, const Event& event) {
  const std::uint32_t index = event.task.task.index;
  if (!order.ends.insert({index, {event.cursor.epoch, event.cursor.lsn}}).second)
    world_.violated("the end of a task is told once from a cursor on: task " +
                    to_string(event.task.task) + " at lsn " + std::to_string(event.cursor.lsn));
  order.ended.insert(index);
}

void SimPrimary::act() {
  world_.after(world_.random.between(milliseconds(500), seconds(15)), [this] {
    if (settling_) return;
    if (!accepted_.empty() && is_welcome_) {
      Act message;
      message.request = ++request_;
      message.job = accepted_[world_.random.below(accepted_.size())];
      message.action = static_cast<JobAction>(world_.random.between(1, 5));
      message.priority = static_cast<std::uint32_t>(world_.random.between(0, 100));
      if (world_.random.happens(600))
        message.tasks = {static_cast<std::uint32_t>(world_.random.below(2))};
      if (message.action == JobAction::set_priority) message.tasks.clear();
      for (const Order& order : orders_)
        if (order.job == message.job)
          std::erase_if(message.tasks,
                        [&](std::uint32_t index) { return index >= order.task_count; });
      send(message);
      Query query{
          ++request_, static_cast<QueryKind>(world_.random.between(1, 7)), {message.job, 0}, 0, 0};
      send(query);
    }
    act();
  });
}

void SimPrimary::settle() {
  settling_ = true;
  jobs_left_ = 0;
  keep_resuming();
}

void SimPrimary::keep_resuming() {
  if (is_welcome_)
    for (const Order& order : orders_)
      if (!order.job.is_none() && !is_ended(order.state))
        send(Act{++request_, JobAction::resume, order.job, {}, 0});
  world_.after(seconds(10), [this] { keep_resuming(); });
}

bool SimPrimary::is_done() const {
  return unfinished().empty();
}

std::string SimPrimary::unfinished() const {
  for (const Order& order : orders_) {
    const std::string name = order.submit.job.name + " (job " + to_string(order.job) + ")";
    if (order.job.is_none()) return name + " was never accepted";
    if (!is_ended(order.state))
      return name + " has not ended: state " + std::to_string(static_cast<int>(order.state));
    if (order.ended.size() != order.task_count)
      return name + ": the end of " + std::to_string(order.task_count - order.ended.size()) +
             " tasks was never told";
  }
  return "";
}

void SimPrimary::audit() {
  auditing_ = true;
  for (Order& order : orders_) start_audit(order);
}

void SimPrimary::start_audit(Order& order) {
  order.audit_ends.clear();
  order.audit = ++request_;
  send(Watch{order.audit, order.job, Cursor{}, false});
}

void SimPrimary::on_audit(Order& order, const Events& events) {
  for (const Event& event : events.events) {
    if (event.kind == EventKind::task && is_terminal(event.task.state) &&
        !order.audit_ends.insert(event.task.task.index).second)
      world_.violated("a watch from the beginning tells each end once: task " +
                      to_string(event.task.task));
    if (event.kind != EventKind::live) continue;
    if (order.audit_ends.size() != order.task_count)
      world_.violated("a watch from the beginning tells every end: job " + to_string(order.job) +
                      ", " + std::to_string(order.audit_ends.size()) + " of " +
                      std::to_string(order.task_count));
    order.audited = true;
  }
}

bool SimPrimary::is_audited() const {
  return std::all_of(orders_.begin(), orders_.end(),
                     [](const Order& order) { return order.audited; });
}

}  // namespace framebus::sim
