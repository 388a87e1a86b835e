// Everything the worker core knows, as plain values. Only the files of worker/core/ change it.
//
// Attempts live in one ordered map from the receipt of Assign until ResultsOk, ResultRejected or
// Aborted; `queue` orders those that wait for a slot. A slot whose executor did not end within its
// grace is counted in `lingering` until the executor returns.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "worker/core/action.h"
#include "worker/core/event.h"
#include "worker/core/options.h"

namespace framebus::worker {

struct AttemptKey {
  TaskRef task;
  Token token;
  auto operator<=>(const AttemptKey&) const = default;
};

inline AttemptKey key_of(const AttemptId& id) {
  return {id.task, id.token};
}
inline AttemptId id_of(const AttemptKey& key) {
  return {key.task, key.token};
}

// Why a started attempt is being ended before its executor is done.
enum class StopReason : std::uint8_t {
  aborted,        // the broker said so: answered by Aborted
  timed_out,      // its run or progress timeout passed: reported as an error
  broker_silent,  // at_most_once and no HeartbeatAck for a lease
  orphaned,       // no HeartbeatAck for orphan_timeout
};

struct Stop {
  StopReason reason = StopReason::aborted;
  TimePoint give_up_at{};
  std::string text;
};

struct Attempt {
  AttemptSpec spec;
  StepInfo step;
  AttemptPhase phase = AttemptPhase::queued;
  TimePoint received_at{};
  TimePoint started_at{};   // phases starting and later
  TimePoint progress_at{};  // last sign of life of the executor
  std::uint32_t permille = 0;
  std::string status;
  std::optional<Stop> stop;          // phases starting and running
  std::optional<TaskResult> result;  // phase reporting
};

enum class Link : std::uint8_t { idle, connecting, ready, ended };

struct State {
  State(const Options& given, std::uint64_t seed) : options(given), random(seed) {}

  Options options;
  std::mt19937_64 random;
  TimePoint now{};

  // connection
  Link link = Link::idle;
  std::uint64_t connection = 0;  // number of the current or last one
  TimePoint connect_at{};        // link idle
  TimePoint handshake_until{};   // link connecting
  std::uint32_t failures = 0;    // since the last HeartbeatAck
  bool was_welcomed = false;
  SessionId session;
  std::uint64_t epoch = 0;
  Duration heartbeat{};
  Duration lease{};
  TimePoint heard_at{};  // last Welcome or HeartbeatAck

  // heartbeats
  TimePoint heartbeat_at{};
  std::uint64_t sequence = 0;
  std::deque<std::pair<std::uint64_t, TimePoint>> beats;  // not yet acknowledged
  LoadReport load;

  // attempts
  std::map<AttemptKey, Attempt> attempts;
  std::deque<AttemptKey> queue;
  std::set<AttemptKey> lingering;
  std::deque<AttemptKey> ended;  // the last ones, so that a repeated Assign starts nothing
  std::size_t unreported_bytes = 0;

  // gathered until the next Tick with a session; cleared by Hello, which says what is held
  std::vector<AttemptId> started;
  std::vector<AttemptId> aborted;
  std::vector<AttemptKey> results;  // not yet sent on this connection
  std::set<AttemptKey> progressed;
  TimePoint progress_after{};  // no Progress message before this

  // leaving
  bool draining = false;
  std::optional<TimePoint> leave_by;  // set when only unconfirmed results are left
};

// connection.cpp
void on_connected(State&, const Connected&, Actions&);
void on_closed(State&, const Closed&, Actions&);
void on_message(State&, const Received&, Actions&);
void lose_connection(State&, const std::string& reason, Duration at_least, Actions&);
void tick_connection(State&, Actions&);
void finish(State&, int code, const std::string& reason, Actions&);

// heartbeat.cpp
std::uint32_t credit_of(const State&);
void send_heartbeat(State&, Actions&);
void on_heartbeat_ack(State&, const HeartbeatAck&);
void tick_silence(State&, Actions&);

// attempts.cpp
void on_assign(State&, const Assign&, Actions&);
void on_abort(State&, const Abort&, Actions&);
void on_executor_started(State&, const ExecutorStarted&);
void on_executor_progress(State&, const ExecutorProgress&);
void on_executor_finished(State&, const ExecutorFinished&, Actions&);
void start_queued(State&, Actions&);
void stop_attempt(State&, const AttemptKey&, Stop, Actions&);
void drop_queued(State&, const AttemptKey&);
void tick_attempts(State&, Actions&);
std::uint32_t slots_used(const State&);

// reports.cpp
void report(State&, const AttemptKey&, TaskResult);
void forget(State&, AttemptKey);
void on_results_ok(State&, const ResultsOk&);
void on_result_rejected(State&, const ResultRejected&, Actions&);
void resend_results(State&);
void flush(State&, Actions&);
bool has_something_to_flush(const State&);

// leaving.cpp
void on_drain(State&, Actions&);
void on_stop(State&, Actions&);
void tick_leaving(State&, Actions&);
bool has_only_results(const State&);

}  // namespace framebus::worker
