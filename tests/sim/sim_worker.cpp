#include "tests/sim/sim_worker.h"

#include <algorithm>

#include "tests/sim/log_model.h"
#include "worker/core/state.h"

namespace framebus::sim {
namespace {

using worker::ExecutorFinished;
using worker::StartAttempt;

AttemptId id_of(const StartAttempt& start) {
  return {start.attempt.task, start.attempt.token};
}

ExecutorFinished success(const AttemptId& id) {
  ExecutorFinished finished;
  finished.attempt = id;
  finished.outcome = Outcome::ok;
  const std::string text = result_for(id.task, id.token);
  finished.result = Bytes(text.begin(), text.end());
  return finished;
}

ExecutorFinished failure(const AttemptId& id, Code code, bool permanent,
                         Outcome outcome = Outcome::error) {
  ExecutorFinished finished;
  finished.attempt = id;
  finished.outcome = outcome;
  finished.error = {static_cast<std::uint16_t>(code), "simulated", 0};
  finished.permanent = permanent;
  return finished;
}

}  // namespace

Bytes poison() {
  return {'p', 'o', 'i', 's', 'o', 'n'};
}

SimWorker::SimWorker(World& world, Network& network, unsigned host, const Mischief& mischief,
                     Observer on_executor)
    : world_(world),
      network_(network),
      host_(host),
      mischief_(mischief),
      on_executor_(std::move(on_executor)) {
  options_.broker_url = "sim://broker";
  options_.program = "sim";
  options_.info.id.bytes[0] = static_cast<std::uint8_t>(host + 1);
  options_.info.host = "host" + std::to_string(host);
  options_.info.pid = host;
  options_.info.slots = static_cast<std::uint32_t>(world.random.between(1, 4));
  options_.info.prefetch = static_cast<std::uint32_t>(world.random.between(0, 3));
  options_.info.threads = options_.info.slots;
  options_.info.task_types = {"work"};
  if (host == 0) options_.info.labels = {{"room", "7"}};
  options_.orphan_timeout = seconds(120);
}

void SimWorker::start() {
  if (core_) return;
  ++life_;
  core_ = std::make_unique<worker::Core>(options_, world_.random.next());
  world_.trace("worker " + std::to_string(host_) + " starts");
  arm();
}

void SimWorker::die() {
  if (!core_) return;
  world_.trace("worker " + std::to_string(host_) + " dies");
  core_.reset();
  ++life_;
  for (const auto& [key, running] : running_) on_executor_(running.start, false);
  running_.clear();
  wires_.clear();
  armed_for_ = TimePoint::max();
  network_.kill_client(host_);
}

void SimWorker::drain() {
  step(worker::DrainRequested{});
}

std::string SimWorker::leftovers() const {
  if (!core_) return "";
  const worker::State& state = core_->state();
  if (state.attempts.empty() && state.lingering.empty()) return "";
  std::string text = "worker " + std::to_string(host_) + " holds " +
                     std::to_string(state.attempts.size()) + " attempts";
  for (const auto& [key, attempt] : state.attempts)
    text +=
        ", " + to_string(key.task) + " in phase " + std::to_string(static_cast<int>(attempt.phase));
  return text;
}

void SimWorker::on_open(ConnectionId id) {
  for (const auto& [number, wire] : wires_)
    if (wire == id) return step(worker::Connected{number});
}

void SimWorker::on_message(ConnectionId id, const Message& message) {
  for (const auto& [number, wire] : wires_)
    if (wire == id) return step(worker::Received{number, message});
}

void SimWorker::on_close(ConnectionId id) {
  for (const auto& [number, wire] : wires_)
    if (wire == id) return step(worker::Closed{number, "simulated"});
}

void SimWorker::step(const worker::Event& event) {
  if (!core_ || world_.is_violated()) return;
  if (world_.traces())
    world_.trace("worker " + std::to_string(host_) + " <- " + worker::to_string(event));
  worker::Actions actions;
  core_->step(world_.now(), event, actions);
  core_->check_invariants();
  for (const worker::Action& action : actions)
    if (core_) perform(action);
  if (core_) arm();
}

void SimWorker::perform(const worker::Action& action) {
  if (world_.traces())
    world_.trace("worker " + std::to_string(host_) + " -> " + worker::to_string(action));
  if (const auto* connect = std::get_if<worker::Connect>(&action))
    wires_[connect->connection] = network_.connect(*this, host_);
  if (const auto* close = std::get_if<worker::Disconnect>(&action)) {
    network_.close(wires_[close->connection], Side::client);
    wires_.erase(close->connection);
  }
  if (const auto* send = std::get_if<worker::Send>(&action))
    network_.send(wires_[send->connection], Side::client, send->message);
  if (const auto* start = std::get_if<StartAttempt>(&action)) begin(*start);
  if (const auto* stop = std::get_if<worker::CancelAttempt>(&action)) cancel(stop->attempt);
  if (std::holds_alternative<worker::Exit>(action)) {
    // Drained: the process is gone and comes back some time later, as after an update of its host.
    world_.after(Duration{0}, [this, life = life_] {
      if (life == life_) die();
    });
    world_.after(world_.random.between(seconds(1), seconds(10)), [this] { start(); });
  }
}

void SimWorker::begin(const StartAttempt& start) {
  const AttemptId id = id_of(start);
  const std::uint64_t number = ++last_execution_;
  running_[{id.task, id.token}] = {start, number};
  on_executor_(start, true);
  if (start.step.params == poison() && start.attempt.index == 0)
    return die_after(Duration{0}, world_.random.between(milliseconds(200), seconds(5)));
  // Rarely an executor takes longer to begin than the broker allows (row 7).
  const bool slow = mischief_.enabled && world_.random.happens(4);
  const Duration wait = slow ? seconds(12) : world_.random.between(Duration{0}, milliseconds(4));
  world_.after(wait, [this, id, start, number, life = life_] {
    const auto found = running_.find({id.task, id.token});
    if (life != life_ || found == running_.end() || found->second.number != number) return;
    step(worker::ExecutorStarted{id});
    plan_end(start, number);
  });
}

void SimWorker::die_after(Duration wait, Duration back_after) {
  world_.after(wait, [this, back_after, life = life_] {
    if (life != life_) return;
    die();
    world_.after(back_after, [this] { start(); });
  });
}

void SimWorker::plan_end(const StartAttempt& start, std::uint64_t number) {
  const AttemptId id = id_of(start);
  const bool may_hang = start.step.timeout_ms > 0 || start.step.progress_timeout_ms > 0;
  const std::uint64_t dice = mischief_.enabled ? world_.random.below(1000) : 999;
  if (dice < 30 && may_hang) return;  // until it is cancelled
  const std::uint64_t length = world_.random.below(100);
  const Duration most = length < 5 ? seconds(40) : length < 30 ? milliseconds(20) : seconds(3);
  const Duration takes = world_.random.between(milliseconds(1), most);
  if (dice >= 30 && dice < 40)
    return die_after(takes, world_.random.between(milliseconds(200), seconds(20)));
  ExecutorFinished finished = success(id);
  if (dice >= 40 && dice < 120) finished = failure(id, Code::task_failed, false);
  if (dice >= 120 && dice < 135) finished = failure(id, Code::task_failed, true);
  if (dice >= 135 && dice < 150) finished = failure(id, Code::device_lost, false, Outcome::crashed);
  for (std::uint32_t part = 1; part < 4; ++part)
    world_.after(takes * part / 4, [this, id, number, part, life = life_] {
      if (life == life_) report_progress(id, number, part * 250);
    });
  world_.after(takes, [this, id, number, finished, life = life_] {
    if (life == life_) end(id, number, finished);
  });
}

void SimWorker::report_progress(const AttemptId& attempt, std::uint64_t number,
                                std::uint32_t permille) {
  const auto found = running_.find({attempt.task, attempt.token});
  if (found != running_.end() && found->second.number == number)
    step(worker::ExecutorProgress{attempt, permille, "at work"});
}

void SimWorker::end(const AttemptId& attempt, std::uint64_t number, ExecutorFinished finished) {
  const auto found = running_.find({attempt.task, attempt.token});
  if (found == running_.end() || found->second.number != number) return;
  on_executor_(found->second.start, false);
  running_.erase(found);
  step(finished);
}

void SimWorker::cancel(const AttemptId& attempt) {
  const auto found = running_.find({attempt.task, attempt.token});
  if (found == running_.end()) return;
  const std::uint64_t number = found->second.number;
  // Some executors are deaf for longer than any grace, some are done before they hear it.
  const Duration takes = mischief_.enabled && world_.random.happens(30)
                             ? seconds(25)
                             : world_.random.between(Duration{0}, milliseconds(500));
  const ExecutorFinished finished =
      world_.random.happens(100) ? success(attempt) : failure(attempt, Code::cancelled, false);
  world_.after(takes, [this, attempt, number, finished, life = life_] {
    if (life == life_) end(attempt, number, finished);
  });
}

void SimWorker::arm() {
  const auto at = core_->next_wakeup();
  if (!at) return;
  const TimePoint when = std::max(*at, world_.now());
  if (when >= armed_for_) return;
  armed_for_ = when;
  world_.at(when, [this, when, life = life_] {
    if (life != life_ || armed_for_ != when) return;
    armed_for_ = TimePoint::max();
    step(worker::Tick{});
  });
}

}  // namespace framebus::sim
