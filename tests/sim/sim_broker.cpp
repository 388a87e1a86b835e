#include "tests/sim/sim_broker.h"

#include <algorithm>

#include "broker/core/state.h"

namespace framebus::sim {
namespace {

constexpr Duration sync_min = std::chrono::microseconds(300);
constexpr Duration sync_max = milliseconds(25);
constexpr Duration sync_of_a_busy_disk = milliseconds(1500);
constexpr Duration peer_loss_noticed_within = seconds(1);

broker::Options broker_options() {
  broker::Options options;
  options.epoch = 0;
  options.ephemeral = false;
  options.token_key = Bytes(16, 42);
  options.version = "sim";
  options.bulk_endpoint = "sim://bulk";
  options.named_limits = {{"licence", 2}};
  options.retry_max = seconds(20);
  return options;
}

}  // namespace

SimBroker::SimBroker(World& world, Network& network, Bug bug)
    : world_(world), network_(network), bug_(bug), options_(broker_options()) {}

SimBroker::~SimBroker() = default;

void SimBroker::start() {
  ++life_;
  if (bug_ != Bug::same_epoch || options_.epoch == 0) ++options_.epoch;
  options_.default_strategy = world_.random.happens(500) ? Strategy::load : Strategy::roundrobin;
  core_ = std::make_unique<broker::Core>(options_, world_.random.next());
  model_ = LogModel();
  const Status replayed = store_.replay([this](std::uint64_t lsn, TimePoint at, const broker::Record& record) {
    core_->restore(lsn, at, record);
    if (auto broken = model_.apply(lsn, record)) world_.violated("replay: " + *broken);
  });
  if (!replayed) world_.violated("the store can be read: " + replayed.error().message);
  pipeline_ = std::make_unique<broker::CommitPipeline>(store_);
  ended_lsn_.clear();
  world_.trace("broker starts, epoch " + std::to_string(options_.epoch) + ", " +
               std::to_string(store_.size()) + " records");
  network_.set_server(this);
  step(broker::Tick{});
}

void SimBroker::crash() {
  if (!core_) return;
  world_.trace("broker crashes, loses " + std::to_string(store_.size() - store_.durable_lsn()) +
               " records");
  const RowHits hits = core_->state().row_hits();
  for (std::size_t row = 0; row < hits.size(); ++row) hits_of_earlier_lives_[row] += hits[row];
  core_.reset();
  ++life_;
  pipeline_.reset();
  store_.crash(bug_ == Bug::lost_durable_record ? 1 : 0);
  syncing_ = false;
  sessions_.clear();
  connections_.clear();
  worker_of_.clear();
  armed_for_ = TimePoint::max();
  stalled_until_ = {};
  network_.set_server(nullptr);
}

void SimBroker::stall(Duration duration) {
  if (!core_) return;
  world_.trace("broker stalls for " + std::to_string(to_ms(duration)) + " ms");
  stalled_until_ = world_.now() + duration;
  world_.at(stalled_until_, [this, life = life_, duration] {
    if (life == life_) step(broker::Tick{duration});
  });
}

void SimBroker::set_store_full(bool full) {
  if (core_) step(broker::StorePressure{full, full ? "simulated" : ""});
}

RowHits SimBroker::row_hits() const {
  RowHits sum = hits_of_earlier_lives_;
  if (core_)
    for (std::size_t row = 0; row < sum.size(); ++row) sum[row] += core_->state().row_hits()[row];
  return sum;
}

void SimBroker::on_message(ConnectionId id, const Message& message) {
  if (world_.now() >= stalled_until_) return receive(id, message);
  world_.at(stalled_until_, [this, id, message, life = life_] {
    if (life == life_) receive(id, message);
  });
}

void SimBroker::receive(ConnectionId id, const Message& original) {
  if (!core_) return;
  const auto known = sessions_.find(id);
  if (known == sessions_.end()) {
    const auto* hello = std::get_if<Hello>(&original);
    if (hello == nullptr) {
      network_.send(
          id, Side::server,
          ErrorReply{0, {static_cast<std::uint16_t>(Code::no_session), "say Hello first", 0}});
      return;
    }
    const SessionId session{++last_session_};
    sessions_[id] = session;
    connections_[session] = id;
    if (hello->role == Role::worker) worker_of_[session] = hello->worker.id;
    return step(broker::PeerHello{session, *hello, "sim"});
  }
  Message message = original;
  if (auto* beat = std::get_if<Heartbeat>(&message)) {
    const auto forgetful = forgetful_.find(worker_of_[known->second]);
    if (forgetful != forgetful_.end() && forgetful->second > world_.now()) beat->attempts.clear();
  }
  if (bug_ == Bug::dropped_results && std::holds_alternative<Results>(message) &&
      world_.random.happens(50))
    return;
  mangle(message);
  broker::Received event{known->second, std::move(message), {}};
  // Now and then the inputs have to be put first.
  if (const auto* submit = std::get_if<Submit>(&event.message);
      submit && !submit->job.steps.empty() && world_.random.happens(200))
    event.missing = submit->job.steps[0].inputs;
  step(event);
}

void SimBroker::mangle(Message& message) {
  auto* results = std::get_if<Results>(&message);
  if (bug_ == Bug::swapped_results && results != nullptr && results->results.size() > 1)
    std::swap(results->results.front().result, results->results.back().result);
}

void SimBroker::on_close(ConnectionId id) {
  if (!core_) return;
  const auto known = sessions_.find(id);
  if (known == sessions_.end()) return;
  const SessionId session = known->second;
  forget_session(id);
  if (bug_ != Bug::swallowed_peer_lost) step(broker::PeerLost{session, "simulated"});
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
  sessions_.erase(id);
}

void SimBroker::step(const broker::Event& event) {
  if (!core_ || world_.is_violated()) return;
  if (world_.traces()) world_.trace("broker <- " + broker::to_string(event));
  ++steps_;
  broker::Actions actions;
  core_->step(world_.now(), event, actions);
  core_->check_invariants();
  for (broker::Action& action : actions) look_at(action);
  commit(std::move(actions));
  check_ends();
  begin_sync();
  arm();
}

// Before anything is done: the model reads the records, planted bugs change what sends wait for.
void SimBroker::look_at(broker::Action& action) {
  auto* send = std::get_if<broker::Send>(&action);
  if (world_.traces() && send == nullptr) world_.trace("broker -> " + broker::to_string(action));
  if (const auto* persist = std::get_if<broker::Persist>(&action))
    if (auto broken = model_.apply(persist->lsn, persist->record)) world_.violated(*broken);
  if (send == nullptr) return;
  if (bug_ == Bug::early_replies) send->after_lsn = 0;
  if (bug_ == Bug::overtaking_aborts && std::holds_alternative<Abort>(send->message))
    send->after_lsn = 0;
  const auto* told = std::get_if<Events>(&send->message);
  if (bug_ == Bug::overtaking_events && told != nullptr &&
      std::all_of(told->events.begin(), told->events.end(),
                  [](const Event& event) { return event.kind == EventKind::progress; }))
    send->after_lsn = 0;
}

// As the broker's loop does it, with a store that is late.
void SimBroker::commit(broker::Actions&& actions) {
  Status done = pipeline_->append(world_.now(), std::move(actions));
  if (done) done = pipeline_->sync();
  if (!done) return world_.violated("the store works: " + done.error().message);
  pipeline_->release([this](broker::Action&& action) { carry_out(action); });
}

void SimBroker::carry_out(const broker::Action& action) {
  if (const auto* send = std::get_if<broker::Send>(&action)) transmit(send->session, send->message);
  if (const auto* closing = std::get_if<broker::CloseSession>(&action)) close(closing->session);
}

void SimBroker::begin_sync() {
  if (syncing_ || store_.durable_lsn() == store_.size()) return;
  syncing_ = true;
  const std::uint64_t target = store_.size();
  const bool is_slow = world_.now() < slow_disk_until_ || world_.random.happens(60);
  const Duration most = is_slow ? sync_of_a_busy_disk : sync_max;
  world_.after(world_.random.between(sync_min, most), [this, target, life = life_] {
    if (life != life_) return;
    syncing_ = false;
    store_.make_durable(target);
    commit({});
    begin_sync();
  });
}

void SimBroker::transmit(SessionId session, const Message& message) {
  check_promises(message);
  if (bug_ == Bug::dropped_results_ok && std::holds_alternative<ResultsOk>(message)) return;
  if (bug_ == Bug::dropped_events && std::holds_alternative<Events>(message) &&
      world_.random.happens(30))
    return;
  if (bug_ == Bug::repeated_events && std::holds_alternative<Events>(message) &&
      world_.random.happens(30))
    if (const auto at = connections_.find(session); at != connections_.end())
      network_.send(at->second, Side::server, message);
  if (bug_ == Bug::doubled_assign && std::holds_alternative<Assign>(message))
    for (const auto& [other_session, worker] : worker_of_)
      if (other_session != session)
        network_.send(connections_[other_session], Side::server, message);
  const auto at = connections_.find(session);
  const bool unlucky = std::holds_alternative<Assign>(message) && world_.random.happens(5);
  if (world_.traces())
    world_.trace("broker -> " +
                 broker::to_string(broker::Action(broker::Send{session, message, 0})));
  if (at != connections_.end() && !unlucky && network_.send(at->second, Side::server, message))
    return;
  world_.after(Duration{0}, [this, session, message, life = life_] {
    if (life == life_) step(broker::SendFailed{session, message});
  });
}

void SimBroker::close(SessionId session) {
  const auto at = connections_.find(session);
  if (at == connections_.end()) return;
  const ConnectionId id = at->second;
  forget_session(id);
  network_.close(id, Side::server);
}

// One alarm at a time; an earlier one replaces it, a late one is harmless.
void SimBroker::arm() {
  const auto at = core_->next_wakeup();
  if (!at) return;
  TimePoint when = std::max({*at, world_.now(), stalled_until_});
  if (bug_ == Bug::lost_wakeup) when += seconds(3600);
  if (when >= armed_for_) return;
  armed_for_ = when;
  world_.at(when, [this, when, life = life_] {
    if (life != life_ || armed_for_ != when) return;
    armed_for_ = TimePoint::max();
    step(broker::Tick{});
  });
}

void SimBroker::check_promises(const Message& message) {
  if (const auto* ok = std::get_if<SubmitOk>(&message)) {
    const std::uint64_t lsn = model_.accepted_lsn(ok->job);
    if (lsn == 0 || lsn > store_.durable_lsn())
      world_.violated("SubmitOk leaves after its record is durable: job " + to_string(ok->job));
  }
  if (const auto* assign = std::get_if<Assign>(&message))
    for (const AttemptSpec& spec : assign->attempts)
      if (!given_out_.insert({spec.token.epoch, spec.token.grant}).second)
        world_.violated("a token is given out once: " + std::to_string(spec.token.epoch) + "." +
                        std::to_string(spec.token.grant));
  if (const auto* abort = std::get_if<Abort>(&message))
    for (const AttemptId& id : abort->attempts)
      if (!given_out_.contains({id.token.epoch, id.token.grant}))
        world_.violated("an Abort leaves after its Assign: task " + to_string(id.task));
  const auto check = [&](const AttemptId& id) {
    const std::uint64_t lsn = model_.reported_lsn(id.task, id.token);
    if (lsn == 0 || lsn > store_.durable_lsn())
      world_.violated("ResultsOk leaves after its record is durable: task " + to_string(id.task));
  };
  if (const auto* ok = std::get_if<ResultsOk>(&message)) {
    std::for_each(ok->attempts.begin(), ok->attempts.end(), check);
    std::for_each(ok->duplicates.begin(), ok->duplicates.end(), check);
  }
}

// What has ended stays ended, with the same record, until a person retries it.
void SimBroker::check_ends() {
  for (const auto& [id, job] : core_->state().jobs) {
    for (std::uint32_t index = 0; index < job.tasks.size(); ++index) {
      const broker::Task& task = job.tasks[index];
      const TaskRef ref{id, index};
      const auto seen = ended_lsn_.find(ref);
      if (broker::is_terminal(task.state)) {
        if (seen != ended_lsn_.end() && seen->second != task.ended_lsn &&
            model_.retries_of(ref.job) == 0)
          world_.violated("a task ends once: task " + to_string(ref));
        ended_lsn_[ref] = task.ended_lsn;
      } else if (seen != ended_lsn_.end() && model_.retries_of(ref.job) == 0) {
        world_.violated("what has ended stays ended: task " + to_string(ref));
      } else if (seen != ended_lsn_.end()) {
        ended_lsn_.erase(seen);
      }
    }
  }
}

}  // namespace framebus::sim
