// The broker process, simulated: the real core, commit pipeline and clock, a storage that crashes,
// an archive that is slow, a loop that can stall.
//
// It carries out the core's actions as the broker's shell does and checks every promise that can be
// seen from outside the core (promises.h, log_model.h). Thread rule: one thread.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "broker/core/core.h"
#include "broker/shell/broker_clock.h"
#include "broker/shell/commit_pipeline.h"
#include "broker/shell/disk_gauge.h"
#include "tests/sim/log_model.h"
#include "tests/sim/network.h"
#include "tests/sim/promises.h"
#include "tests/sim/records_written.h"
#include "tests/sim/saboteur.h"
#include "tests/sim/sim_archive.h"
#include "tests/sim/sim_logs.h"
#include "tests/sim/storage.h"

namespace framebus::sim {

using RowHits = std::array<std::uint64_t, broker::task_row_count + 1>;

// What a run's broker is like, beside its chance.
struct BrokerSetup {
  Bug bug = Bug::none;
  bool archive = true;
  bool hostile = false;  // the network is
  bool slow_syncs = true;
  bool disk_is_slow = false;  // always
  unsigned check_every = 16;  // steps between looks at the whole state
  std::unique_ptr<Storage> storage;
  broker::Options options;
};

// Where in a turn a broker is killed.
enum class CrashPoint : std::uint8_t {
  none,
  before_append,
  after_append,
  before_release,
  within_release
};

class SimBroker final : public Endpoint {
 public:
  SimBroker(World& world, Network& network, BrokerSetup setup);
  ~SimBroker() override;

  void start();
  // The process is gone at once; `power`: the machine, too.
  void crash(bool power);
  // The next turn that has a record ends there. Nothing happens when there is none in time.
  void crash_at(CrashPoint point) { doomed_ = point; }
  bool is_up() const { return core_ != nullptr; }
  // The loop stands still; messages wait meanwhile.
  void stall(Duration duration);
  // The disk is full: a real one has no room from now on, else the core is told so.
  void fill_disk(Random& dice);
  void free_disk();
  // Every sync takes long, for so long.
  void slow_disk(Duration duration) { slow_disk_until_ = world_.now() + duration; }
  void fail_next_sync() { storage().fail_next_sync(); }
  void fail_archive(Duration duration) { archive_.fail_for(duration); }
  // What people set on the machine's clock, relative to true time.
  void set_wall_clock(Duration skew) { wall_skew_ = skew; }
  // From now on heartbeats of this worker list nothing, as if it had lost its attempts.
  void forget_heartbeats_of(const WorkerId& worker, TimePoint until) { forgetful_[worker] = until; }
  // The next heartbeat of this worker also lists a grant that nobody gave out.
  void let_lie(const WorkerId& worker) { liars_.insert(worker); }
  // Called when the process has ended by itself or at a crash point; somebody has to start it
  // again.
  void on_death(std::function<void()> died) { died_ = std::move(died); }

  const broker::Core* core() const { return core_.get(); }
  const LogModel& log() const { return model_; }
  const SimArchive& archive() const { return archive_; }
  RowHits row_hits() const;
  std::uint64_t steps() const { return steps_; }
  std::uint64_t records() const { return written_.count(); }
  // Everything about the job can still be had from this broker or its archive.
  bool has_job(JobId job) const;
  // A replay of everything written gives the state that there is; the last look of a run.
  void check_replay();

  void on_open(ConnectionId) override {}
  void on_message(ConnectionId, const Message&) override;
  void on_close(ConnectionId) override;

 private:
  Storage& storage() { return *setup_.storage; }
  TimePoint broker_now() const;
  TimePoint wall() const;
  Status recover();
  void give_up(const Error& error);
  void later(std::function<void()> piece_of_work);
  void turn();
  void catch_up();
  void step(const broker::Event& event);
  void look_at(broker::Action& action);
  bool commit(broker::Actions&& actions);
  bool meets(CrashPoint point, bool has_records);
  void store_failed(const Error& error);
  void release();
  void carry_out(broker::Action&& action);
  void transmit(SessionId session, Message message);
  void hand_over(SessionId session, const Message& message);
  void close(SessionId session);
  void begin_sync();
  void set_store_full(bool full);
  void feel_pressure(const broker::StorePressure& pressure);
  void watch_disk();
  void arm();
  void receive(ConnectionId id, const Message& message);
  void receive_hello(ConnectionId id, const Hello& hello);
  void touch_up(Message& message, const WorkerId& worker);
  void forget_session(ConnectionId id);
  void expect_end_of(SessionId session);
  void keep_deaf_sessions_alive();
  void check_log(const LogPosition& position);

  World& world_;
  Network& network_;
  const BrokerSetup setup_;
  Random random_;
  Saboteur saboteur_;
  broker::Options options_;
  SimArchive archive_;
  SimLogs logs_;
  RecordsWritten written_;
  LogModel model_;
  GivenOut given_out_;

  // Of one life
  std::unique_ptr<broker::Core> core_;
  std::uint64_t life_ = 0;  // counts starts: what was scheduled for an earlier life is void
  broker::Store* store_ = nullptr;
  std::unique_ptr<broker::CommitPipeline> pipeline_;
  std::unique_ptr<broker::BrokerClock> clock_;
  std::unique_ptr<Promises> promises_;
  std::optional<broker::DiskGauge> gauge_;  // of a disk that is there
  std::optional<TimePoint> deaf_since_;     // the backlog is full: nobody is heard
  std::deque<std::function<void()>> inbox_;
  bool in_turn_ = false;
  bool syncing_ = false;
  bool doomed_now_ = false;
  CrashPoint doomed_ = CrashPoint::none;
  std::map<ConnectionId, SessionId> sessions_;
  std::map<SessionId, ConnectionId> connections_;
  std::map<SessionId, WorkerId> worker_of_;
  std::map<SessionId, Heartbeat> last_beat_;  // for a planted bug
  TimePoint stalled_until_{};
  TimePoint armed_for_ = TimePoint::max();

  std::function<void()> died_;
  std::uint64_t last_session_ = 0;
  TimePoint slow_disk_until_{};
  Duration wall_skew_{0};
  std::map<WorkerId, TimePoint> forgetful_;
  std::set<WorkerId> liars_;
  RowHits hits_of_earlier_lives_{};
  std::uint64_t steps_ = 0;
  bool store_full_ = false;
  std::uint64_t fills_ = 0;  // of the disk
};

}  // namespace framebus::sim
