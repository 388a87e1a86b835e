// A worker core on a bench: steps it, checks its invariants after every step, and fails the test
// when an action was never looked at.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "worker/core/core.h"
#include "worker/core/state.h"

namespace framebus::worker {

inline doctest::String toString(const Actions& actions) {
  std::string text = actions.empty() ? "(no actions)" : "";
  for (const Action& action : actions) text += "\n    " + to_string(action);
  return text.c_str();
}

inline Options bench_options(std::uint32_t slots = 1, std::uint32_t prefetch = 1) {
  Options options;
  options.broker_url = "inproc://broker";
  options.program = "test";
  options.info.id.bytes[0] = 7;
  options.info.slots = slots;
  options.info.prefetch = prefetch;
  options.info.task_types = {"echo"};
  options.info.commands = {"ping", "prepare"};
  return options;
}

class CoreBench {
 public:
  explicit CoreBench(const Options& options = bench_options()) : core_(options, 1) {}
  ~CoreBench() {
    CHECK_MESSAGE(pending_.empty(), "actions that no check has read:" << toString(pending_));
  }

  // Steps one event; the actions wait for take().
  void give(const Event& event) {
    core_.step(now_, event, pending_);
    core_.check_invariants();
  }
  // A message on the current connection.
  void hear(const Message& message) { give(Received{core_.state().connection, message}); }
  void tick() { give(Tick{}); }
  void pass(Duration duration) {
    now_ += duration;
    tick();
  }
  // Passes time in small steps, acknowledging every heartbeat; returns all other messages sent.
  std::vector<Message> live(Duration duration, Duration step = milliseconds(50)) {
    std::vector<Message> said;
    for (const TimePoint end = now_ + duration; now_ < end;) {
      pass(step);
      for (const Action& action : take()) {
        const Send* send = std::get_if<Send>(&action);
        if (send == nullptr) continue;
        if (const auto* beat = std::get_if<Heartbeat>(&send->message))
          hear(HeartbeatAck{beat->sequence});
        else
          said.push_back(send->message);
      }
    }
    return said;
  }
  // Connects and is welcomed; all actions up to then are dropped.
  void join(std::uint64_t epoch = 1) {
    tick();
    give(Connected{core_.state().connection});
    hear(welcome(epoch));
    tick();
    take();
  }
  static Welcome welcome(std::uint64_t epoch = 1) {
    Welcome message;
    message.session = {epoch * 100 + 1};
    message.epoch = epoch;
    message.bulk_endpoint = "inproc://bulk";
    message.heartbeat_ms = 1000;
    message.lease_ms = 15000;
    return message;
  }

  Actions take() { return std::exchange(pending_, {}); }
  // Actions but for notes, whose wording is for people.
  Actions take_deeds() {
    Actions deeds;
    for (Action& action : take())
      if (!std::holds_alternative<Note>(action)) deeds.push_back(std::move(action));
    return deeds;
  }

  Core& core() { return core_; }
  const State& state() const { return core_.state(); }
  TimePoint now() const { return now_; }
  std::uint64_t connection() const { return core_.state().connection; }

 private:
  Core core_;
  TimePoint now_{seconds(100)};
  Actions pending_;
};

inline AttemptId attempt(std::uint32_t index, std::uint64_t grant, std::uint64_t epoch = 1) {
  AttemptId id{{{1}, index}, {}};
  id.token.epoch = epoch;
  id.token.grant = grant;
  return id;
}

inline StepInfo step_info() {
  StepInfo step;
  step.job = {1};
  step.name = "work";
  step.type = "echo";
  return step;
}

inline AttemptSpec spec_of(const AttemptId& id) {
  AttemptSpec spec;
  spec.task = id.task;
  spec.token = id.token;
  spec.index = id.task.index;
  spec.attempt = 1;
  return spec;
}

inline Assign assign(const std::vector<AttemptId>& ids, const StepInfo& step = step_info()) {
  Assign message;
  message.steps = {step};
  for (const AttemptId& id : ids) message.attempts.push_back(spec_of(id));
  return message;
}

inline ExecutorFinished finished(const AttemptId& id, const std::string& result = "done") {
  ExecutorFinished event;
  event.attempt = id;
  event.outcome = Outcome::ok;
  event.result = Bytes(result.begin(), result.end());
  return event;
}

inline ExecutorFinished failed(const AttemptId& id, Code code) {
  ExecutorFinished event;
  event.attempt = id;
  event.outcome = Outcome::error;
  event.error = {static_cast<std::uint16_t>(code), "it failed", 0};
  return event;
}

inline ExecutorFinished crashed(const AttemptId& id) {
  ExecutorFinished event;
  event.attempt = id;
  event.outcome = Outcome::crashed;
  event.error = {static_cast<std::uint16_t>(Code::task_failed), "ended by SIGKILL", 0};
  event.log_tail = "last words\n";
  return event;
}

inline TaskResult result_of(const ExecutorFinished& event, std::int64_t queue_us = 0,
                            std::int64_t run_us = 0) {
  TaskResult result;
  result.task = event.attempt.task;
  result.token = event.attempt.token;
  result.outcome = event.outcome;
  result.result = event.result;
  result.error = event.error;
  result.log_tail = event.log_tail;
  result.queue_us = queue_us;
  result.run_us = run_us;
  return result;
}

}  // namespace framebus::worker
