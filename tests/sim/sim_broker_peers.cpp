// What the simulated broker's shell does with peers: sessions, messages in and out, and the actions
// that have to do with archive and logs.
#include <algorithm>

#include "broker/core/state.h"
#include "tests/sim/sim_broker.h"

namespace framebus::sim {
namespace {

constexpr Duration peer_loss_noticed_within = seconds(1);
constexpr unsigned missing_inputs_permille = 200;
constexpr unsigned unlucky_assigns_permille = 5;

}  // namespace

void SimBroker::on_message(ConnectionId id, const Message& message) {
  if (!core_) return;
  if (const auto known = sessions_.find(id); known != sessions_.end())
    if (const auto worker = worker_of_.find(known->second); worker != worker_of_.end())
      promises_->on_heard(worker->second);
  later([this, id, message] { receive(id, message); });
}

void SimBroker::receive_hello(ConnectionId id, const Hello& hello) {
  const SessionId session{++last_session_};
  sessions_[id] = session;
  connections_[session] = id;
  if (hello.role == Role::worker) {
    worker_of_[session] = hello.worker.id;
    promises_->on_heard(hello.worker.id);
  }
  step(broker::PeerHello{session, hello, "sim"});
}

void SimBroker::receive(ConnectionId id, const Message& original) {
  const auto known = sessions_.find(id);
  if (known == sessions_.end()) {
    if (const auto* hello = std::get_if<Hello>(&original)) return receive_hello(id, *hello);
    network_.send(
        id, Side::server,
        ErrorReply{0, {static_cast<std::uint16_t>(Code::no_session), "say Hello first", 0}});
    return;
  }
  const SessionId session = known->second;
  const auto worker = worker_of_.find(session);
  const WorkerId from = worker == worker_of_.end() ? WorkerId{} : worker->second;
  Message message = original;
  touch_up(message, from);
  if (!saboteur_.receive(message, from, options_.token_key)) return;
  if (const auto* beat = std::get_if<Heartbeat>(&message);
      beat != nullptr && saboteur_.is(Bug::deaf_to_silence))
    last_beat_[session] = *beat;
  const std::optional<Message> echo = saboteur_.echo(message);
  broker::Received event{session, std::move(message), {}};
  // Now and then the inputs have to be put first.
  if (const auto* submit = std::get_if<Submit>(&event.message);
      submit && !submit->job.steps.empty() && random_.happens(missing_inputs_permille))
    event.missing = submit->job.steps[0].inputs;
  step(event);
  if (echo) step(broker::Received{session, *echo, {}});
}

// What the fault plan wants of a worker's heartbeats.
void SimBroker::touch_up(Message& message, const WorkerId& worker) {
  auto* beat = std::get_if<Heartbeat>(&message);
  if (beat == nullptr) return;
  const auto forgetful = forgetful_.find(worker);
  if (forgetful != forgetful_.end() && forgetful->second > world_.now()) beat->attempts.clear();
  if (!liars_.contains(worker)) return;
  // A grant that would be larger than all, for a task that somebody may be working on.
  for (const auto& [id, job] : core_->state().jobs) {
    if (job.open_tasks() == 0) continue;
    const auto index = static_cast<std::uint32_t>(random_.below(job.tasks.size()));
    Token forged{options_.epoch, core_->state().next_grant + 1000, {}};
    forged.mac[0] = 1;
    beat->attempts.push_back({{id, index}, forged, AttemptPhase::running, 0, ""});
    liars_.erase(worker);
    return;
  }
}

void SimBroker::on_close(ConnectionId id) {
  if (!core_) return;
  later([this, id] {
    const auto known = sessions_.find(id);
    if (known == sessions_.end()) return;
    const SessionId session = known->second;
    forget_session(id);
    const bool is_wrong = saboteur_.is(Bug::wrong_peer_lost) && !connections_.empty();
    const SessionId reported = is_wrong ? connections_.begin()->first : session;
    if (!saboteur_.is(Bug::swallowed_peer_lost)) step(broker::PeerLost{reported, "simulated"});
    expect_end_of(session);
  });
}

void SimBroker::expect_end_of(SessionId session) {
  world_.after(peer_loss_noticed_within, [this, session, life = life_] {
    if (life == life_ && core_ && core_->state().sessions.contains(session))
      world_.violated("a closed peer's session ends within a second: session " +
                      to_string(session));
  });
}

void SimBroker::forget_session(ConnectionId id) {
  const SessionId session = sessions_[id];
  connections_.erase(session);
  worker_of_.erase(session);
  last_beat_.erase(session);
  sessions_.erase(id);
}

// A planted bug: as long as a connection is open its last heartbeat is taken to be true.
void SimBroker::keep_deaf_sessions_alive() {
  world_.after(seconds(1), [this, life = life_] {
    if (life != life_ || !core_) return;
    for (const auto& [session, beat] : last_beat_)
      later([this, session = session, beat = beat] {
        if (connections_.contains(session)) step(broker::Received{session, beat, {}});
      });
    keep_deaf_sessions_alive();
  });
}

void SimBroker::carry_out(broker::Action&& action) {
  if (auto* send = std::get_if<broker::Send>(&action))
    return transmit(send->session, std::move(send->message));
  if (const auto* closing = std::get_if<broker::CloseSession>(&action))
    return close(closing->session);
  if (const auto* log = std::get_if<broker::StoreLog>(&action)) {
    if (saboteur_.is(Bug::dropped_logs)) return;
    if (auto broken = logs_.store(*log, setup_.hostile)) world_.violated(*broken);
    return;
  }
  if (const auto* read = std::get_if<broker::ReadLog>(&action))
    return hand_over(read->session, logs_.read(*read));
  if (const auto* dropped = std::get_if<broker::DropLogs>(&action)) return logs_.drop(dropped->job);
  if (const auto* piece = std::get_if<broker::Archive>(&action)) {
    if (piece->piece.last_lsn > written_.durable())
      world_.violated("a job goes to the archive after its records are durable: job " +
                      to_string(piece->piece.job));
    return archive_.put(*piece);
  }
  if (const auto* wanted = std::get_if<broker::LoadArchived>(&action))
    return archive_.load(*wanted);
  if (const auto* list = std::get_if<broker::ListArchived>(&action))
    return hand_over(list->session, archive_.list(list->query));
}

void SimBroker::transmit(SessionId session, Message message) {
  promises_->on_send(session, message, written_.durable());
  if (const auto* ok = std::get_if<LogOk>(&message))
    for (const LogPosition& position : ok->positions) check_log(position);
  for (int i = saboteur_.sends(message); i > 0; --i) {
    hand_over(session, message);
    if (i > 1) promises_->on_send(session, message, written_.durable());
  }
  if (saboteur_.is(Bug::doubled_assign) && std::holds_alternative<Assign>(message))
    for (const auto& [other_session, worker] : worker_of_)
      if (other_session != session)
        network_.send(connections_[other_session], Side::server, message);
}

void SimBroker::check_log(const LogPosition& position) {
  // What the broker has never had it may let the worker forget: the attempt is none of its own.
  const std::uint64_t size = logs_.size(position.task, position.token.epoch, position.token.grant);
  if (setup_.hostile) return;
  const bool is_known =
      !model_.worker_of(position.task, {position.token.epoch, position.token.grant}).is_none();
  if (is_known && size < position.offset && !model_.is_forgotten(position.task.job))
    world_.violated("lines of a log are kept before they are confirmed: task " +
                    to_string(position.task) + " has " + std::to_string(size) + " bytes of " +
                    std::to_string(position.offset));
}

void SimBroker::hand_over(SessionId session, const Message& message) {
  const auto at = connections_.find(session);
  const bool unlucky =
      std::holds_alternative<Assign>(message) && random_.happens(unlucky_assigns_permille);
  if (world_.traces())
    world_.trace("broker -> " +
                 broker::to_string(broker::Action(broker::Send{session, message, 0})));
  if (at != connections_.end() && !unlucky && network_.send(at->second, Side::server, message))
    return;
  inbox_.push_back([this, session, message] { step(broker::SendFailed{session, message}); });
  if (!in_turn_)
    world_.after(Duration{0}, [this, life = life_] {
      if (life == life_) turn();
    });
}

void SimBroker::close(SessionId session) {
  const auto at = connections_.find(session);
  if (at == connections_.end()) return;
  const ConnectionId id = at->second;
  forget_session(id);
  network_.close(id, Side::server);
}

}  // namespace framebus::sim
