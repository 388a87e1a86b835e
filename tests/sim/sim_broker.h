// The broker's shell, simulated: the real core, the real rule of what a send waits for, a store
// that syncs late and whose crash loses the unsynced tail, deadlines, stalls; and the checks that
// can be made at this place.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/tables.h"
#include "broker/shell/commit_pipeline.h"
#include "tests/sim/late_store.h"
#include "tests/sim/log_model.h"
#include "tests/sim/network.h"
#include "tests/sim/planted.h"

namespace framebus::sim {

using RowHits = std::array<std::uint64_t, broker::task_row_count + 1>;

class SimBroker final : public Endpoint {
 public:
  SimBroker(World& world, Network& network, Bug bug);
  ~SimBroker() override;

  void start();
  // Loses what is not synced, all sessions and all timers.
  void crash();
  bool is_up() const { return core_ != nullptr; }
  // The loop stands still; messages wait meanwhile.
  void stall(Duration duration);
  void set_store_full(bool full);
  // Every sync takes long, for so long.
  void slow_disk(Duration duration) { slow_disk_until_ = world_.now() + duration; }

  // From now on heartbeats of this worker list nothing, as if it had lost its attempts.
  void forget_heartbeats_of(const WorkerId& worker, TimePoint until) { forgetful_[worker] = until; }

  const broker::Core* core() const { return core_.get(); }
  const LogModel& log() const { return model_; }
  RowHits row_hits() const;
  std::uint64_t steps() const { return steps_; }
  std::uint64_t records() const { return store_.size(); }

  void on_open(ConnectionId) override {}
  void on_message(ConnectionId, const Message&) override;
  void on_close(ConnectionId) override;

 private:
  void step(const broker::Event& event);
  void look_at(broker::Action& action);
  void commit(broker::Actions&& actions);
  void carry_out(const broker::Action& action);
  void transmit(SessionId session, const Message& message);
  void close(SessionId session);
  void begin_sync();
  void arm();
  void receive(ConnectionId id, const Message& message);
  void mangle(Message& message);
  void check_promises(const Message& message);
  void check_ends();
  void forget_session(ConnectionId id);

  World& world_;
  Network& network_;
  const Bug bug_;
  broker::Options options_;
  std::unique_ptr<broker::Core> core_;
  std::uint64_t life_ = 0;  // counts starts: what was scheduled for an earlier life is void
  LateStore store_;
  std::unique_ptr<broker::CommitPipeline> pipeline_;
  bool syncing_ = false;
  LogModel model_;
  std::map<ConnectionId, SessionId> sessions_;
  std::map<SessionId, ConnectionId> connections_;
  std::uint64_t last_session_ = 0;
  TimePoint stalled_until_{};
  TimePoint slow_disk_until_{};
  TimePoint armed_for_ = TimePoint::max();
  std::map<WorkerId, TimePoint> forgetful_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> given_out_;  // epoch and grant, over all lives
  std::map<SessionId, WorkerId> worker_of_;
  std::map<TaskRef, std::uint64_t> ended_lsn_;  // of tasks seen terminal
  RowHits hits_of_earlier_lives_{};
  std::uint64_t steps_ = 0;
};

}  // namespace framebus::sim
