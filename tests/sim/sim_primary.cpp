// Connection, orders and watches. Requests are in sim_primary_requests.cpp.
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

SimPrimary::SimPrimary(World& world, Network& network, Setup setup)
    : world_(world),
      network_(network),
      setup_(std::move(setup)),
      random_(world.stream(1000 + setup_.host)) {}

void SimPrimary::start() {
  if (is_up_) return;
  is_up_ = true;
  ++life_;
  connect();
  for (std::size_t i = 0; i < orders_.size(); ++i) send_submit(i);
}

void SimPrimary::die() {
  if (!is_up_) return;
  is_up_ = is_welcome_ = false;
  ++life_;
  connection_ = 0;
  pending_.clear();
  for (Order& order : orders_) order.watch = order.audit = order.next_part = 0;
  network_.kill_client(setup_.host);
}

void SimPrimary::connect() {
  is_welcome_ = false;
  connection_ = network_.connect(*this, setup_.host);
}

void SimPrimary::on_open(ConnectionId id) {
  if (id != connection_) return;
  Hello hello;
  hello.role = Role::primary;
  hello.program = "sim";
  hello.principal = "primary" + std::to_string(setup_.host);
  send(hello);
  check_handshake(id);
}

// One that gets lost is begun anew.
void SimPrimary::check_handshake(ConnectionId id) {
  world_.after(seconds(8), [this, id, life = life_] {
    if (life != life_ || id != connection_ || is_welcome_) return;
    if (world_.now() < network_.clear_from(setup_.host) + seconds(4)) return check_handshake(id);
    network_.close(id, Side::client);
    on_close(id);
  });
}

void SimPrimary::on_close(ConnectionId id) {
  if (id != connection_) return;
  is_welcome_ = false;
  connection_ = 0;
  pending_.clear();
  for (Order& order : orders_) order.watch = order.audit = order.next_part = 0;
  world_.after(random_.between(milliseconds(100), seconds(2)), [this, life = life_] {
    if (life == life_) connect();
  });
}

void SimPrimary::send(const Message& message) {
  if (connection_ != 0) network_.send(connection_, Side::client, message);
}

Order SimPrimary::make_order() {
  Order order;
  const std::uint64_t number = ++orders_made_;
  order.submit.submit_id.bytes[0] = static_cast<std::uint8_t>(setup_.host);
  order.submit.submit_id.bytes[1] = static_cast<std::uint8_t>(number & 255);
  order.submit.submit_id.bytes[3] = static_cast<std::uint8_t>(number >> 8);
  return order;
}

void SimPrimary::submit(JobSpec job) {
  Order order = make_order();
  order.submit.job = std::move(job);
  place(std::move(order));
}

void SimPrimary::order(Random& dice, bool in_parts) {
  Order order = make_order();
  order.submit.job =
      random_job(dice, "job" + std::to_string(setup_.host) + "-" + std::to_string(orders_made_));
  // Only their Assign waits for its record.
  if (setup_.bug == Bug::overtaking_aborts)
    for (StepSpec& step : order.submit.job.steps) step.at_most_once = true;
  if (in_parts) make_upload(dice, order);
  place(std::move(order));
}

void SimPrimary::place(Order order) {
  for (const StepSpec& step : order.submit.job.steps) order.task_count += step.task_count;
  orders_.push_back(std::move(order));
  if (is_up_) send_submit(orders_.size() - 1);
}

// Again with the same id until it is known to be accepted: no reply means unknown.
void SimPrimary::send_submit(std::size_t index) {
  if (!orders_[index].job.is_none()) return;
  if (is_welcome_) send_order(orders_[index]);
  world_.after(is_welcome_ ? answer_expected_within : milliseconds(300),
               [this, index, life = life_] {
                 if (life == life_) send_submit(index);
               });
}

void SimPrimary::send_order(Order& order) {
  if (setup_.bug == Bug::fresh_submit_ids && order.submit.request != 0)
    order.submit.submit_id.bytes[2] =
        static_cast<std::uint8_t>(order.submit.submit_id.bytes[2] + 1);
  order.submit.request = ++request_;
  if (order.is_upload) {
    send(SubmitOpen{order.submit.request, order.submit.submit_id, order.submit.job});
  } else {
    send(order.submit);
  }
}

void SimPrimary::send_next_part(Order& order) {
  order.submit.request = ++request_;
  if (order.next_part > order.parts.size())
    return send(SubmitCommit{request_, order.submit.submit_id,
                             static_cast<std::uint32_t>(order.parts.size()), order.digest});
  SubmitPart part = order.parts[order.next_part - 1];
  part.request = request_;
  part.submit_id = order.submit.submit_id;
  send(part);
  // As after a timeout: the same part once more.
  if (random_.happens(100)) send(part);
}

void SimPrimary::on_upload(const Message& message) {
  for (Order& order : orders_) {
    if (!order.job.is_none() || !order.is_upload) continue;
    if (const auto* open = std::get_if<SubmitOpenOk>(&message);
        open != nullptr && open->request == order.submit.request) {
      if (open->next_part == 0 || open->next_part > order.parts.size() + 1)
        return world_.violated("an upload goes on where it was: part " +
                               std::to_string(open->next_part) + " of " +
                               std::to_string(order.parts.size()));
      order.next_part = open->next_part;
      return send_next_part(order);
    }
    if (const auto* part = std::get_if<SubmitPartOk>(&message);
        part != nullptr && part->request == order.submit.request && part->part == order.next_part) {
      ++order.next_part;
      return send_next_part(order);
    }
  }
}

void SimPrimary::on_message(ConnectionId id, const Message& message) {
  if (id != connection_) return;
  if (world_.traces())
    world_.trace("primary " + std::to_string(setup_.host) + " hears " +
                 std::string(std::visit([](const auto& each) { return each.name; }, message)));
  if (std::holds_alternative<Welcome>(message)) {
    is_welcome_ = true;
    for (Order& order : orders_) {
      if (order.job.is_none()) continue;
      if (!order.is_settled) watch(order);
      if (auditing_ && !order.audited) start_audit(order);
    }
  }
  if (const auto* ok = std::get_if<SubmitOk>(&message)) on_submit_ok(*ok);
  if (const auto* error = std::get_if<ErrorReply>(&message)) on_error(*error);
  if (const auto* events = std::get_if<Events>(&message)) on_events(*events);
  if (const auto* missing = std::get_if<InputsMissing>(&message))
    for (Order& order : orders_)
      if (order.submit.request == missing->request && order.job.is_none()) send_order(order);
  if (const auto* done = std::get_if<CommandDone>(&message)) on_command_done(*done);
  if (const auto* data = std::get_if<LogData>(&message)) on_log_data(*data);
  if (const auto* ok = std::get_if<ActOk>(&message)) pending_.erase(ok->request);
  if (const auto* ok = std::get_if<AdministerOk>(&message)) pending_.erase(ok->request);
  if (const auto* reply = std::get_if<QueryReply>(&message)) pending_.erase(reply->request);
  on_upload(message);
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

void SimPrimary::watch(Order& order) {
  if (!is_welcome_) return;
  order.watch = ++request_;
  order.sequence = 0;
  order.is_settled = false;
  send(Watch{order.watch, order.job, order.cursor, true});
}

void SimPrimary::on_events(const Events& events) {
  send(EventsOk{events.request, events.sequence});
  for (Order& order : orders_) {
    if (order.audit == events.request && order.audit != 0) on_audit(order, events);
    if (order.watch != events.request || order.watch == 0) continue;
    if (setup_.hostile && events.sequence != order.sequence + 1) {
      if (events.sequence > order.sequence + 1) watch(order);
      continue;
    }
    if (events.sequence != ++order.sequence)
      world_.violated(
          "the messages of a watch come one after the other: " + std::to_string(events.sequence) +
          " instead of " + std::to_string(order.sequence));
    for (const Event& event : events.events) take_in(order, event);
    const bool is_over = is_ended(order.state) && order.ended.size() == order.task_count;
    if (!is_over || world_.now() < order.watched_until || !random_.happens(500)) continue;
    send(Unwatch{order.watch});
    order.watch = 0;
    order.is_settled = true;
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
  if (!order.ends.insert({index, {event.cursor.epoch, event.cursor.lsn}}).second && !setup_.hostile)
    world_.violated("the end of a task is told once from a cursor on: task " +
                    to_string(event.task.task) + " at lsn " + std::to_string(event.cursor.lsn));
  order.ended.insert(index);
}

void SimPrimary::settle() {
  settling_ = true;
  keep_resuming();
}

void SimPrimary::keep_resuming() {
  if (is_welcome_) {
    for (const Order& order : orders_)
      if (!order.job.is_none() && !is_ended(order.state))
        send(Act{++request_, JobAction::resume, order.job, {}, 0});
    for (const WorkerId& worker : setup_.workers)
      send(Administer{++request_, WorkerAction::resume, worker, "peace"});
    prepare_again();
  }
  world_.after(seconds(10), [this] { keep_resuming(); });
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
  if (!is_welcome_) return;
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
    send(Unwatch{order.audit});
    order.audit = 0;
    return;
  }
}

bool SimPrimary::is_audited() const {
  return std::all_of(orders_.begin(), orders_.end(),
                     [](const Order& order) { return order.audited; });
}

}  // namespace framebus::sim
