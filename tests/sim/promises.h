// Watches what a broker's life says and does, and compares it with what is durable, what was
// granted, and who was heard of. Independent of the core but for reading its state.
//
// One Promises for each life of the broker, except what must hold over all lives (tokens given
// out). Thread rule: one thread.
#pragma once

#include <map>
#include <set>
#include <string_view>

#include "broker/core/action.h"
#include "broker/core/event.h"
#include "broker/core/state.h"
#include "tests/sim/log_model.h"
#include "tests/sim/world.h"

namespace framebus::sim {

// What must never repeat, over all lives of the broker.
struct GivenOut {
  std::set<LogModel::Grant> grants;
};

class Promises {
 public:
  // `promised`: the bounds that the broker was told, or should have been; outlives this.
  Promises(World& world, const LogModel& log, GivenOut& given_out, const broker::Options& promised,
           bool hostile)
      : world_(world),
        log_(log),
        given_out_(given_out),
        promised_(promised),
        hostile_(hostile),
        born_(world.now()) {}

  // Called in this order for each step of the core.
  void before_step(const broker::State& state, const broker::Event& event);
  void after_step(const broker::State& state);
  void on_record(const broker::Record& record);
  void on_send(SessionId session, const Message& message, std::uint64_t durable_lsn);
  // Bytes of this worker have come over the network.
  void on_heard(const WorkerId& worker) { arrived_[worker] = world_.now(); }
  void on_stall(Duration duration) { stalled_ += duration; }
  // Walks the whole state; now and then.
  void check_state(const broker::State& state);

 private:
  void check_lease_end(const TaskRef& task, const Token& token);
  void check_back_off(const broker::Record& record);
  void check_commands(SessionId session, const Message& message);
  void check_tasks(const broker::State& state, const broker::Job& job,
                   const std::map<TaskRef, std::uint32_t>& leases);
  void check_workers(const broker::State& state);
  void check_archive_bounds(const broker::ArchiveState& archive);
  void check_ask_bounds(const broker::State& state);
  void within(std::string_view name, std::uint64_t found, std::uint64_t limit);
  void durable(std::uint64_t lsn, std::uint64_t durable_lsn, const char* promise,
               const std::string& about);

  World& world_;
  const LogModel& log_;
  GivenOut& given_out_;
  const broker::Options& promised_;
  const bool hostile_;
  const TimePoint born_;
  Duration stalled_{0};
  bool is_tick_ = false;
  Duration lease_{0};
  std::uint64_t open_tasks_before_ = 0;  // the step at hand
  std::uint64_t spec_bytes_before_ = 0;
  std::map<WorkerId, TimePoint> heard_;          // the core has, by Hello or Heartbeat
  std::map<WorkerId, TimePoint> arrived_;        // anything, by the network
  std::map<TaskRef, std::uint64_t> ended_lsn_;   // of tasks seen terminal
  std::map<TaskRef, TimePoint> back_off_until_;  // by this life's records
  struct Asked {
    std::set<WorkerId> answered;
    std::uint64_t answers = 0;
  };
  std::map<std::pair<SessionId, std::uint64_t>, Asked> commands_;  // open, by request
};

}  // namespace framebus::sim
