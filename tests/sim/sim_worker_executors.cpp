// What a simulated worker's executors and commands do: they take their time, fail, hang, write
// logs, are deaf to a cancel, or take the whole process down.
#include <algorithm>

#include "tests/sim/log_model.h"
#include "tests/sim/sim_logs.h"
#include "tests/sim/sim_worker.h"

namespace framebus::sim {
namespace {

using worker::ExecutorFinished;
using worker::StartAttempt;

AttemptId id_of(const StartAttempt& start) {
  return {start.attempt.task, start.attempt.token};
}

ExecutorFinished success(const AttemptId& id) {
  ExecutorFinished finished;
  finished.attempt = id;
  finished.outcome = Outcome::ok;
  const std::string text = result_for(id.task, id.token);
  finished.result = Bytes(text.begin(), text.end());
  return finished;
}

ExecutorFinished failure(const AttemptId& id, Code code, bool permanent,
                         Outcome outcome = Outcome::error) {
  ExecutorFinished finished;
  finished.attempt = id;
  finished.outcome = outcome;
  finished.error = {static_cast<std::uint16_t>(code), "simulated", 0};
  finished.permanent = permanent;
  return finished;
}

}  // namespace

Bytes poison() {
  return {'p', 'o', 'i', 's', 'o', 'n'};
}

void SimWorker::check_slots() {
  if (running_.size() > options_.info.slots)
    world_.violated("slots are conserved: worker " + std::to_string(host_) + " runs " +
                    std::to_string(running_.size()) + " attempts on " +
                    std::to_string(options_.info.slots) + " slots");
}

void SimWorker::begin(const StartAttempt& start) {
  const AttemptId id = id_of(start);
  const std::uint64_t number = ++last_execution_;
  if (mischief_.enabled && random_.happens(3)) {
    world_.after(milliseconds(1), [this, id, life = life_] {
      if (life == life_) later([this, id] { step(worker::ExecutorUnavailable{id, "no memory"}); });
    });
    return;
  }
  running_[{id.task, id.token}] = {start, number, 0};
  check_slots();
  on_executor_(start, true);
  if (start.step.params == poison() && start.attempt.index == 0)
    return die_after(Duration{0}, random_.between(milliseconds(200), seconds(5)));
  // Rarely an executor takes longer to begin than the broker allows (row 7).
  const bool slow = mischief_.enabled && random_.happens(4);
  const Duration wait = slow ? seconds(12) : random_.between(Duration{0}, milliseconds(4));
  world_.after(wait, [this, id, start, number, life = life_] {
    const auto found = running_.find({id.task, id.token});
    if (life != life_ || found == running_.end() || found->second.number != number) return;
    later([this, id] { step(worker::ExecutorStarted{id}); });
    plan_end(start, number);
  });
}

void SimWorker::begin_command(const worker::StartCommand& command) {
  worker::CommandFinished finished;
  finished.number = command.number;
  finished.payload = command.payload;
  const std::uint64_t dice = mischief_.enabled ? random_.below(100) : 99;
  // A worker that could not be prepared gets no tasks until somebody prepares it anew.
  if (dice < (command.load_id == 0 ? 10u : 2u))
    finished.error = {static_cast<std::uint16_t>(Code::task_failed), "simulated", 0};
  // A preparation that never ends would keep the worker from its tasks, as it should.
  if (dice < 14 && command.load_id == 0) return;  // until the worker dies
  const Duration takes = random_.between(Duration{0}, dice < 30 ? seconds(8) : milliseconds(300));
  world_.after(takes, [this, finished, life = life_] {
    if (life == life_) later([this, finished] { step(finished); });
  });
}

void SimWorker::die_after(Duration wait, Duration back_after) {
  world_.after(wait, [this, back_after, life = life_] {
    if (life != life_) return;
    die();
    world_.after(back_after, [this] { start(); });
  });
}

void SimWorker::plan_end(const StartAttempt& start, std::uint64_t number) {
  const AttemptId id = id_of(start);
  const bool may_hang = start.step.timeout_ms > 0 || start.step.progress_timeout_ms > 0;
  const std::uint64_t dice = mischief_.enabled ? random_.below(1000) : 999;
  if (dice < 30 && may_hang) return;  // until it is cancelled
  const std::uint64_t length = random_.below(100);
  const Duration most = length < 5 ? seconds(40) : length < 30 ? milliseconds(20) : seconds(3);
  const Duration takes = random_.between(milliseconds(1), most);
  if (dice >= 30 && dice < 40)
    return die_after(takes, random_.between(milliseconds(200), seconds(20)));
  ExecutorFinished finished = success(id);
  if (dice >= 40 && dice < 120) finished = failure(id, Code::task_failed, false);
  if (dice >= 120 && dice < 135) finished = failure(id, Code::task_failed, true);
  if (dice >= 135 && dice < 150) finished = failure(id, Code::device_lost, false, Outcome::crashed);
  for (std::uint32_t part = 1; part < 4; ++part)
    world_.after(takes * part / 4, [this, id, number, part, life = life_] {
      if (life == life_) report_progress(id, number, part * 250);
    });
  world_.after(takes, [this, id, number, finished, life = life_] {
    if (life == life_) end(id, number, finished);
  });
}

void SimWorker::report_progress(const AttemptId& attempt, std::uint64_t number,
                                std::uint32_t permille) {
  const auto found = running_.find({attempt.task, attempt.token});
  if (found == running_.end() || found->second.number != number) return;
  later([this, attempt, permille] {
    step(worker::ExecutorProgress{attempt, permille, "at work"});
  });
  if (!random_.happens(300)) return;
  const auto count = static_cast<std::size_t>(random_.between(1, 200));
  const std::uint64_t offset = found->second.log_bytes;
  found->second.log_bytes += count;
  Bytes bytes = log_bytes(attempt.task, attempt.token.epoch, attempt.token.grant, offset, count);
  later([this, attempt, bytes = std::move(bytes)] {
    step(worker::ExecutorLog{attempt, 0, bytes});
  });
}

void SimWorker::end(const AttemptId& attempt, std::uint64_t number, ExecutorFinished finished) {
  const auto found = running_.find({attempt.task, attempt.token});
  if (found == running_.end() || found->second.number != number) return;
  on_executor_(found->second.start, false);
  running_.erase(found);
  later([this, finished = std::move(finished)] { step(finished); });
}

void SimWorker::cancel(const AttemptId& attempt, bool kill) {
  const auto found = running_.find({attempt.task, attempt.token});
  if (found == running_.end()) return;
  const std::uint64_t number = found->second.number;
  // Some executors are deaf for longer than any grace, some are done before they hear it.
  const bool is_deaf = !kill && mischief_.enabled && random_.happens(30);
  const Duration takes = kill      ? random_.between(Duration{0}, milliseconds(50))
                         : is_deaf ? seconds(25)
                                   : random_.between(Duration{0}, milliseconds(500));
  const ExecutorFinished finished =
      !kill && random_.happens(100) ? success(attempt) : failure(attempt, Code::cancelled, false);
  world_.after(takes, [this, attempt, number, finished, life = life_] {
    if (life == life_) end(attempt, number, finished);
  });
}

}  // namespace framebus::sim
