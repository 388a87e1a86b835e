// The process: start, death, stalls, the turns of its loop and what it writes. What it sends and
// receives is in sim_broker_peers.cpp.
#include "tests/sim/sim_broker.h"

#include <algorithm>

#include "broker/core/durable_print.h"
#include "broker/core/state.h"

namespace framebus::sim {
namespace {

constexpr Duration sync_min = std::chrono::microseconds(300);
constexpr Duration sync_max = milliseconds(25);
constexpr Duration deafness_min = seconds(1);
constexpr Duration sync_of_a_busy_disk = milliseconds(1500);
// Some day in 2026: broker times are those of people.
constexpr Duration true_start = seconds(1'790'000'000);

}  // namespace

SimBroker::SimBroker(World& world, Network& network, BrokerSetup setup)
    : world_(world),
      network_(network),
      setup_(std::move(setup)),
      random_(world.stream(4)),
      saboteur_(setup_.bug, world.stream(5)),
      options_(setup_.options),
      archive_(world, setup_.bug) {
  if (saboteur_.is(Bug::no_back_off)) options_.retry_base = Duration{0};
  if (!saboteur_.is(Bug::unbounded_work)) return;
  options_.queued_tasks_max = limits::queued_tasks_max;
  options_.queued_spec_bytes_max = limits::queued_spec_bytes_max;
  options_.outcome_bytes_max = limits::queued_spec_bytes_max;
  options_.command_requests_max = limits::command_requests_max;
}

SimBroker::~SimBroker() = default;

TimePoint SimBroker::wall() const {
  return world_.now() + true_start + wall_skew_;
}

TimePoint SimBroker::broker_now() const {
  if (saboteur_.is(Bug::lease_by_wall_clock)) return std::max(wall(), core_->state().now);
  return clock_->at(world_.now());
}

void SimBroker::start() {
  if (core_) return;
  ++life_;
  if (const Status recovered = recover(); !recovered) return give_up(recovered.error());
  pipeline_ = std::make_unique<broker::CommitPipeline>(*store_);
  promises_ =
      std::make_unique<Promises>(world_, model_, given_out_, setup_.options, setup_.hostile);
  archive_.open(
      [this](broker::Event event) { later([this, event = std::move(event)] { step(event); }); });
  world_.trace("broker starts, epoch " + std::to_string(options_.epoch) + ", " +
               std::to_string(written_.count()) + " records");
  network_.set_server(this);
  if (store_full_) later([this] { step(broker::StorePressure{true, "simulated"}); });
  watch_disk();
  later([this] { step(broker::Tick{}); });
  if (saboteur_.is(Bug::deaf_to_silence)) keep_deaf_sessions_alive();
}

// A disk that fails is tried again later; anything else is what a crash must never leave.
void SimBroker::give_up(const Error& error) {
  core_.reset();
  world_.trace("the broker does not start: " + error.message);
  // Neither does one without room for its epoch.
  if (error.code != Code::internal && error.code != Code::resource_exhausted)
    return world_.violated("what a crash leaves can be read: " + error.message);
  storage().kill(random_);
  if (died_) died_();
}

// Reads what the storage has kept and holds it against what was written.
Status SimBroker::recover() {
  const auto opened = storage().open();
  if (!opened) return fail(opened.error());
  store_ = opened->store;
  options_.epoch = opened->epoch;
  options_.default_strategy = random_.happens(500) ? Strategy::load : Strategy::roundrobin;
  core_ = std::make_unique<broker::Core>(options_, random_.next());
  TimePoint last_at{};
  std::uint64_t given_lsn = 0;
  written_.begin_reading();
  const Status replayed =
      store_->replay([&](std::uint64_t lsn, TimePoint at, const broker::Record& original) {
        broker::Record record = original;
        for (int i = saboteur_.replays(record); i > 0 && !world_.is_violated(); --i) {
          if (auto broken = written_.compare(lsn, at, record)) world_.violated(*broken);
          given_lsn = lsn;
          if (!world_.is_violated()) core_->restore(lsn, at, record);
        }
        last_at = at;
      });
  if (!replayed) return fail(replayed.error());
  if (auto broken = written_.recovered(store_->last_lsn())) world_.violated(*broken);
  if (world_.is_violated()) return fail(Code::data_loss, world_.violation());
  model_ = LogModel();
  for (std::uint64_t lsn = 1; lsn <= written_.count(); ++lsn)
    if (auto broken = model_.apply(lsn, written_.at(lsn))) world_.violated("replay: " + *broken);
  model_.set_full(store_full_);
  const TimePoint last_record = saboteur_.is(Bug::backward_clock) ? TimePoint{} : last_at;
  clock_ = std::make_unique<broker::BrokerClock>(wall(), world_.now(), last_record);
  if (written_.has_gaps()) check_replay();
  return {};
}

void SimBroker::crash(bool power) {
  if (!core_) return;
  world_.trace(std::string(power ? "the broker's machine" : "broker") + " goes down with " +
               std::to_string(written_.count() - written_.durable()) + " records not synced");
  if (random_.happens(250)) check_replay();
  const RowHits hits = core_->state().row_hits();
  for (std::size_t row = 0; row < hits.size(); ++row) hits_of_earlier_lives_[row] += hits[row];
  ++life_;
  pipeline_.reset();
  promises_.reset();
  gauge_.reset();
  deaf_since_.reset();
  core_.reset();
  if (power) {
    storage().lose_power(random_);
  } else {
    storage().kill(random_);
  }
  archive_.crash();
  inbox_.clear();
  syncing_ = doomed_now_ = false;
  doomed_ = CrashPoint::none;
  sessions_.clear();
  connections_.clear();
  worker_of_.clear();
  last_beat_.clear();
  armed_for_ = TimePoint::max();
  stalled_until_ = {};
  saboteur_.restart();
  network_.set_server(nullptr);
}

void SimBroker::check_replay() {
  if (!core_ || world_.is_violated()) return;
  const std::string live = durable_state(*core_);
  const std::string replayed = written_.state_of_replay(options_);
  if (live == replayed) return;
  world_.violated("replay gives the state that there was: " +
                  broker::first_difference(live, replayed));
}

bool SimBroker::has_job(JobId job) const {
  if (!model_.has_job(job)) return false;
  if (core_ && core_->state().jobs.contains(job)) return true;
  if (!setup_.archive) return model_.is_forgotten(job);  // after its time
  return archive_.has_all(job);
}

void SimBroker::stall(Duration duration) {
  if (!core_) return;
  world_.trace("broker stalls for " + std::to_string(to_ms(duration)) + " ms");
  if (world_.now() + duration <= stalled_until_) return;
  const Duration more = world_.now() + duration - std::max(stalled_until_, world_.now());
  stalled_until_ = world_.now() + duration;
  promises_->on_stall(more);
  world_.at(stalled_until_, [this, life = life_, more] {
    if (life != life_) return;
    // As the broker's loop: what came meanwhile is read first, in the same turn.
    inbox_.push_back([this, more] { step(broker::Tick{more}); });
    turn();
  });
}

RowHits SimBroker::row_hits() const {
  RowHits sum = hits_of_earlier_lives_;
  if (core_)
    for (std::size_t row = 0; row < sum.size(); ++row) sum[row] += core_->state().row_hits()[row];
  return sum;
}

void SimBroker::later(std::function<void()> piece_of_work) {
  if (!core_) return;
  inbox_.push_back(std::move(piece_of_work));
  turn();
}

// As the broker's loop: nothing new is made while the store turns records away.
void SimBroker::turn() {
  if (in_turn_) return;
  in_turn_ = true;
  while (core_ && !inbox_.empty() && world_.now() >= stalled_until_ && !world_.is_violated()) {
    if (pipeline_->is_backlogged()) commit({});
    if (!doomed_now_ && pipeline_->is_backlogged()) {
      if (!deaf_since_) deaf_since_ = world_.now();
      break;
    }
    if (!doomed_now_) catch_up();
    const std::function<void()> piece_of_work = std::move(inbox_.front());
    inbox_.pop_front();
    if (!doomed_now_) piece_of_work();
    if (!doomed_now_) continue;
    crash(false);
    if (died_) died_();
  }
  in_turn_ = false;
  if (!core_ || world_.is_violated()) return;
  begin_sync();
  // While something waits a Tick would only wait behind it.
  if (inbox_.empty()) arm();
}

// As the broker's loop after a pause: what came meanwhile is read before any lease is judged, and
// every lease is extended by it.
void SimBroker::catch_up() {
  if (!deaf_since_) return;
  const Duration unheard = world_.now() - *std::exchange(deaf_since_, std::nullopt);
  if (unheard < deafness_min) return;
  promises_->on_stall(unheard);
  inbox_.push_back([this, unheard] { step(broker::Tick{unheard}); });
}

void SimBroker::step(const broker::Event& event) {
  if (!core_ || doomed_now_ || world_.is_violated()) return;
  if (world_.traces()) world_.trace("broker <- " + broker::to_string(event));
  ++steps_;
  promises_->before_step(core_->state(), event);
  broker::Actions actions;
  core_->step(broker_now(), event, actions);
  for (broker::Action& action : actions) look_at(action);
  promises_->after_step(core_->state());
  if (steps_ % setup_.check_every == 0) {
    core_->check_invariants();
    promises_->check_state(core_->state());
  }
  commit(std::move(actions));
}

// Before anything is done: the model reads the records, planted bugs change what sends wait for.
void SimBroker::look_at(broker::Action& action) {
  if (world_.traces() && !std::holds_alternative<broker::Send>(action))
    world_.trace("broker -> " + broker::to_string(action));
  if (const auto* persist = std::get_if<broker::Persist>(&action)) {
    written_.add(broker_now(), persist->record);
    if (auto broken = model_.apply(persist->lsn, persist->record)) world_.violated(*broken);
    promises_->on_record(persist->record);
  }
  saboteur_.act(action);
}

bool SimBroker::meets(CrashPoint point, bool has_records) {
  if (doomed_ != point || !has_records) return false;
  doomed_ = CrashPoint::none;
  doomed_now_ = true;
  return true;
}

// As the broker's loop does it: append, ask how far the store is, release. False: the process ends.
bool SimBroker::commit(broker::Actions&& actions) {
  const bool has_records = std::any_of(actions.begin(), actions.end(), [](const auto& action) {
    return std::holds_alternative<broker::Persist>(action);
  });
  if (meets(CrashPoint::before_append, has_records)) return false;
  if (const Status done = pipeline_->append(broker_now(), std::move(actions)); !done) {
    store_failed(done.error());
    return false;
  }
  if (meets(CrashPoint::after_append, has_records)) return false;
  const auto synced = pipeline_->poll();
  if (!synced) {
    store_failed(synced.error());
    return false;
  }
  written_.set_durable(pipeline_->durable_lsn());
  if (meets(CrashPoint::before_release, synced->has_value())) return false;
  if (synced->has_value()) step(**synced);
  if (!doomed_now_) release();
  return !doomed_now_;
}

void SimBroker::release() {
  std::uint64_t done = 0;
  const bool stops_half_way = doomed_ == CrashPoint::within_release;
  pipeline_->release([&](broker::Action&& action) {
    if (doomed_now_) return;
    carry_out(std::move(action));
    if (stops_half_way && ++done > 1 && random_.happens(500)) doomed_now_ = true;
  });
}

// A store that fails ends the process (exit 74), and somebody starts it again.
void SimBroker::store_failed(const Error& error) {
  world_.trace("the store fails: " + error.message);
  doomed_now_ = true;
}

void SimBroker::begin_sync() {
  if (syncing_ || !storage().has_work()) return;
  syncing_ = true;
  const bool is_slow =
      setup_.slow_syncs &&
      (setup_.disk_is_slow || world_.now() < slow_disk_until_ || random_.happens(60));
  const Duration most = is_slow ? sync_of_a_busy_disk : sync_max;
  world_.after(random_.between(sync_min, most), [this, life = life_] {
    if (life != life_) return;
    syncing_ = false;
    storage().work();
    later([this] { commit({}); });
  });
}

// One alarm at a time; an earlier one replaces it, a late one is harmless.
void SimBroker::arm() {
  const auto at = core_->next_wakeup();
  if (!at) return;
  const Duration wait = std::max(*at - broker_now(), Duration{0});
  TimePoint when = std::max(world_.now() + wait, stalled_until_);
  if (saboteur_.is(Bug::lost_wakeup) ||
      (saboteur_.is(Bug::unarmed_restart) && saboteur_.was_restarted()))
    when += seconds(3600);
  if (when >= armed_for_) return;
  armed_for_ = when;
  world_.at(when, [this, when, life = life_] {
    if (life != life_ || armed_for_ != when) return;
    armed_for_ = TimePoint::max();
    // After a stall, or when nobody was heard, the loop knows that it was late.
    if (world_.now() >= stalled_until_ && !deaf_since_) later([this] { step(broker::Tick{}); });
  });
}

}  // namespace framebus::sim
