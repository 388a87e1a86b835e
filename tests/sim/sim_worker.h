// A worker process, simulated: the real core, executors that take their time and misbehave,
// commands, logs, stalls, death and rebirth.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "tests/sim/network.h"
#include "tests/sim/planted.h"
#include "worker/core/core.h"

namespace framebus::sim {

// What happens in executors is decided by this; turned off at the end of a run, so that jobs can
// end.
struct Mischief {
  bool enabled = true;
};

// Parameters of a step whose first task takes its worker down, every time, before it has started.
Bytes poison();

class SimWorker final : public Endpoint {
 public:
  // `on_executor`: told of each executor that begins (true) or ends (false).
  using Observer = std::function<void(const worker::StartAttempt&, bool begins)>;
  SimWorker(World& world, Network& network, unsigned host, const Mischief& mischief,
            Observer on_executor);

  void start();
  // The process dies; the kernel closes its connections.
  void die();
  // The process stands still, its executors do not.
  void stall(Duration duration);
  void drain();
  bool is_up() const { return core_ != nullptr; }
  unsigned host() const { return host_; }
  const WorkerId& id() const { return options_.info.id; }
  // What this worker still holds, in words; empty when nothing.
  std::string leftovers() const;

  void on_open(ConnectionId id) override;
  void on_message(ConnectionId id, const Message& message) override;
  void on_close(ConnectionId id) override;

 private:
  struct Running {
    worker::StartAttempt start;
    std::uint64_t number = 0;  // of this execution: a cancel moves its end
    std::uint64_t log_bytes = 0;
  };

  void later(std::function<void()> piece_of_work);
  void turn();
  void step(const worker::Event& event);
  void perform(const worker::Action& action);
  void begin(const worker::StartAttempt& start);
  void begin_command(const worker::StartCommand& command);
  void leave(const worker::Exit& exit);
  void die_after(Duration wait, Duration back_after);
  void plan_end(const worker::StartAttempt& start, std::uint64_t number);
  void end(const AttemptId& attempt, std::uint64_t number, worker::ExecutorFinished finished);
  void report_progress(const AttemptId& attempt, std::uint64_t number, std::uint32_t permille);
  void cancel(const AttemptId& attempt, bool kill);
  void check_slots();
  void arm();

  World& world_;
  Network& network_;
  const unsigned host_;
  const Mischief& mischief_;
  Observer on_executor_;
  Random random_;
  worker::Options options_;
  std::unique_ptr<worker::Core> core_;
  std::uint64_t life_ = 0;  // counts starts: what was scheduled for an earlier life is void
  std::deque<std::function<void()>> inbox_;
  bool in_turn_ = false;
  TimePoint stalled_until_{};
  std::map<std::pair<TaskRef, Token>, Running> running_;
  std::map<std::uint64_t, ConnectionId> wires_;  // by the core's number of a connection
  std::uint64_t last_execution_ = 0;
  TimePoint armed_for_ = TimePoint::max();
};

}  // namespace framebus::sim
