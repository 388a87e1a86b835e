// The process and its loop. What its executors and commands do is in sim_worker_executors.cpp.
#include "tests/sim/sim_worker.h"

#include <algorithm>

#include "worker/core/state.h"

namespace framebus::sim {

SimWorker::SimWorker(World& world, Network& network, unsigned host, const Mischief& mischief,
                     Observer on_executor)
    : world_(world),
      network_(network),
      host_(host),
      mischief_(mischief),
      on_executor_(std::move(on_executor)),
      random_(world.stream(100 + host)) {
  options_.broker_url = "sim://broker";
  options_.program = "sim";
  options_.info.id.bytes[0] = static_cast<std::uint8_t>(host + 1);
  options_.info.host = "host" + std::to_string(host);
  options_.info.pid = host;
  options_.info.slots = static_cast<std::uint32_t>(random_.between(1, 4));
  options_.info.prefetch = static_cast<std::uint32_t>(random_.between(0, 3));
  options_.info.threads = options_.info.slots;
  options_.info.task_types = {"work"};
  options_.info.commands = {"poke", "prepare0", "prepare1", "prepare2"};
  if (host == 0) options_.info.labels = {{"room", "7"}};
  options_.orphan_timeout = seconds(120);
  options_.executors_killable = random_.happens(700);
}

void SimWorker::start() {
  if (core_) return;
  ++life_;
  core_ = std::make_unique<worker::Core>(options_, random_.next());
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
  inbox_.clear();
  stalled_until_ = {};
  armed_for_ = TimePoint::max();
  network_.kill_client(host_);
}

void SimWorker::stall(Duration duration) {
  if (!core_) return;
  world_.trace("worker " + std::to_string(host_) + " stalls for " +
               std::to_string(to_ms(duration)) + " ms");
  stalled_until_ = std::max(stalled_until_, world_.now() + duration);
  world_.at(stalled_until_, [this, life = life_] {
    if (life == life_) turn();
  });
}

void SimWorker::drain() {
  later([this] { step(worker::DrainRequested{}); });
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
  later([this, id] {
    for (const auto& [number, wire] : wires_)
      if (wire == id) return step(worker::Connected{number});
  });
}

void SimWorker::on_message(ConnectionId id, const Message& message) {
  later([this, id, message] {
    for (const auto& [number, wire] : wires_)
      if (wire == id) return step(worker::Received{number, message});
  });
}

void SimWorker::on_close(ConnectionId id) {
  later([this, id] {
    for (const auto& [number, wire] : wires_)
      if (wire == id) return step(worker::Closed{number, "simulated"});
  });
}

void SimWorker::later(std::function<void()> piece_of_work) {
  if (!core_) return;
  inbox_.push_back(std::move(piece_of_work));
  turn();
}

void SimWorker::turn() {
  if (in_turn_) return;
  in_turn_ = true;
  while (core_ && !inbox_.empty() && world_.now() >= stalled_until_) {
    const std::function<void()> piece_of_work = std::move(inbox_.front());
    inbox_.pop_front();
    piece_of_work();
  }
  in_turn_ = false;
  if (core_ && world_.now() >= stalled_until_) arm();
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
  if (const auto* start = std::get_if<worker::StartAttempt>(&action)) begin(*start);
  if (const auto* stop = std::get_if<worker::CancelAttempt>(&action)) cancel(stop->attempt, false);
  if (const auto* stop = std::get_if<worker::KillAttempt>(&action)) cancel(stop->attempt, true);
  if (const auto* command = std::get_if<worker::StartCommand>(&action)) begin_command(*command);
  if (const auto* exit = std::get_if<worker::Exit>(&action)) leave(*exit);
}

// The process is gone and comes back some time later, as after an update of its host, or because
// somebody starts it again.
void SimWorker::leave(const worker::Exit& exit) {
  world_.after(Duration{0}, [this, life = life_] {
    if (life == life_) die();
  });
  const Duration away = exit.restart ? milliseconds(200) : random_.between(seconds(1), seconds(10));
  world_.after(away, [this] { start(); });
}

void SimWorker::arm() {
  const auto at = core_->next_wakeup();
  if (!at) return;
  const TimePoint when = std::max({*at, world_.now(), stalled_until_});
  if (when >= armed_for_) return;
  armed_for_ = when;
  world_.at(when, [this, when, life = life_] {
    if (life != life_ || armed_for_ != when) return;
    armed_for_ = TimePoint::max();
    later([this] { step(worker::Tick{}); });
  });
}

}  // namespace framebus::sim
