// Everything the worker core knows, as plain values. Only the files of worker/core/ change it.
//
// Attempts live in one ordered map from the receipt of Assign until ResultsOk, ResultRejected or
// Aborted; `queue` orders those that wait for a slot. A slot whose executor can not even be killed
// is counted in `lingering` until the executor returns. Logs outlive their attempts until LogOk.
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
  TimePoint give_up_at{};  // then it is killed, and after kill_wait given up
  std::string text;
  bool killed = false;
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

// The log of one attempt, as far as the broker has not confirmed it. Pieces lie in order of their
// offset; a gap between two of them was given up.
struct LogPiece {
  std::uint64_t offset = 0;
  Bytes bytes;
};
struct AttemptLog {
  std::deque<LogPiece> pieces;
  std::uint64_t end = 0;    // offset of the next byte
  std::uint64_t acked = 0;  // confirmed on this connection, or by an earlier one
  std::uint64_t sent = 0;   // sent on this connection
  std::size_t bytes = 0;    // in the pieces
  bool is_over = false;     // its attempt is forgotten: kept for the broker only
};

struct PendingCommand {
  std::uint64_t command = 0;  // of its RunCommand; 0: a preparation
  std::uint64_t load_id = 0;
  std::string verb;
  TimePoint deadline = TimePoint::max();
  bool is_answered = false;  // cancelled, or nobody waits any more
};

// The newest preparation of each name.
struct Preparation {
  std::uint64_t epoch = 0;
  std::uint64_t load_id = 0;
  bool is_done = false;  // well or badly; `error` says
  WireError error;
  Bytes payload;
};

// Where every attempt has gone that was ever taken: received = the others + those held.
struct AttemptTally {
  std::uint64_t received = 0;
  std::uint64_t confirmed = 0;
  std::uint64_t rejected = 0;
  std::uint64_t handed_back = 0;  // Aborted
};

// What follows once nothing is left; none: the worker stays connected, without new work.
enum class Departure : std::uint8_t { none, exit, restart };

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
  AttemptTally tally;
  std::uint32_t start_failures = 0;  // in a row
  TimePoint unable_until{};          // no executor can be started: nothing is taken before
  std::string unable_reason;

  // logs
  std::map<AttemptKey, AttemptLog> logs;
  std::set<AttemptKey> logs_unsent;
  std::size_t log_bytes = 0;              // kept, of all
  std::size_t log_bytes_unsent = 0;       // since the last Log message; a hint, not a count
  std::uint64_t log_bytes_given_up = 0;   // ever
  std::uint64_t log_bytes_in_flight = 0;  // sent on this connection and not confirmed
  TimePoint log_after{};                  // no small Log message before this

  // commands
  std::uint64_t last_command = 0;
  std::map<std::uint64_t, PendingCommand> commands;  // by number
  std::map<std::string, Preparation> preparations;   // by verb

  // gathered until the next Tick with a session; cleared by Hello, which says what is held
  std::vector<AttemptId> started;
  std::vector<AttemptId> aborted;
  std::vector<AttemptKey> results;  // not yet sent on this connection
  std::set<AttemptKey> progressed;
  TimePoint progress_after{};  // no Progress message before this

  // leaving
  bool draining = false;
  Departure departure = Departure::none;
  bool is_ordered = false;            // by an administrator, who may also take it back
  std::optional<TimePoint> leave_by;  // set when only unconfirmed results are left
};

// connection.cpp
void on_connected(State&, const Connected&, Actions&);
void on_closed(State&, const Closed&, Actions&);
void on_message(State&, const Received&, Actions&);
void lose_connection(State&, const std::string& reason, Duration at_least, Actions&);
void tick_connection(State&, Actions&);
void finish(State&, int code, const std::string& reason, Actions&, bool restart = false);

// heartbeat.cpp
std::uint32_t credit_of(const State&);
void send_heartbeat(State&, Actions&);
void on_heartbeat_ack(State&, const HeartbeatAck&);
void tick_silence(State&, Actions&);

// attempts.cpp
void on_assign(State&, const Assign&, Actions&);
void on_abort(State&, const Abort&, Actions&);
void on_executor_started(State&, const ExecutorStarted&);
void on_executor_unavailable(State&, const ExecutorUnavailable&, Actions&);
void on_executor_progress(State&, const ExecutorProgress&);
void on_executor_finished(State&, const ExecutorFinished&, Actions&);
void start_queued(State&, Actions&);
void stop_attempt(State&, const AttemptKey&, Stop, Actions&);
void drop_queued(State&, const AttemptKey&);
void hand_back_queue(State&);
bool takes_work(const State&);
void tick_attempts(State&, Actions&);
std::uint32_t slots_used(const State&);

// reports.cpp
void report(State&, const AttemptKey&, TaskResult);
void forget(State&, AttemptKey, std::uint64_t AttemptTally::*);
void on_results_ok(State&, const ResultsOk&);
void on_result_rejected(State&, const ResultRejected&, Actions&);
void resend_results(State&);
void flush(State&, Actions&);
bool has_something_to_flush(const State&);

// logs.cpp
void on_executor_log(State&, const ExecutorLog&);
void on_log_ok(State&, const LogOk&);
void close_log(State&, const AttemptKey&, bool is_wanted);
void resend_logs(State&);
void send_logs(State&, Actions&);
bool is_log_due(const State&);
std::optional<TimePoint> log_deadline(const State&);

// commands.cpp
void on_run_command(State&, const RunCommand&, Actions&);
void on_prepare(State&, const Prepare&, Actions&);
void on_command_finished(State&, const CommandFinished&, Actions&);
void drop_commands(State&, Actions&);
void tick_commands(State&, Actions&);
bool is_preparing(const State&);

// leaving.cpp
void on_order(State&, const Order&, Actions&);
void on_drain(State&, Actions&);
void on_stop(State&, Actions&);
void tick_leaving(State&, Actions&);
bool has_only_results(const State&);

}  // namespace framebus::worker
