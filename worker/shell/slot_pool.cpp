#include "worker/shell/slot_pool.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <exception>

#include "libmsg/base/log.h"

namespace framebus::worker {
namespace {

// Work yields to the loop that keeps this worker's leases alive. Threads that an executor makes
// inherit it.
constexpr int slot_niceness = 5;
constexpr Duration trim_interval = seconds(10);

ExecutorFinished failed(const AttemptId& attempt, Error error, bool permanent) {
  ExecutorFinished finished;
  finished.attempt = attempt;
  finished.outcome = Outcome::error;
  finished.error = {static_cast<std::uint16_t>(error.code),
                    error.message.substr(0, limits::error_text_bytes_max), 0};
  finished.permanent = permanent;
  return finished;
}

TaskOutcome run_guarded(Executor& executor, const TaskInput& input, TaskContext& context) {
  try {
    return executor.run(input, context);
  } catch (const std::exception& thrown) {
    return tl::unexpected<TaskError>(TaskError{
        {Code::task_failed, std::string(executor.type()) + " threw: " + thrown.what(), 0}, false});
  } catch (...) {
    return tl::unexpected<TaskError>(TaskError{
        {Code::task_failed, std::string(executor.type()) + " threw something unknown", 0}, false});
  }
}

}  // namespace

SlotPool::SlotPool(unsigned slots, const AttemptServices& services,
                   const std::vector<std::unique_ptr<Executor>>& executors,
                   std::uint64_t cache_bytes_max)
    : services_(services), executors_(executors), cache_bytes_max_(cache_bytes_max) {
  for (unsigned i = 0; i < slots; ++i) threads_.emplace_back([this] { run_slot(); });
}

SlotPool::~SlotPool() {
  cancel_all();
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void SlotPool::start(StartAttempt attempt) {
  {
    const std::lock_guard lock(mutex_);
    auto work = std::make_shared<Work>();
    work->start = std::move(attempt);
    active_.push_back(work);
    waiting_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void SlotPool::cancel(const AttemptId& attempt) {
  const std::lock_guard lock(mutex_);
  for (const auto& work : active_)
    if (work->start.attempt.task == attempt.task && work->start.attempt.token == attempt.token)
      work->cancelled = true;
}

void SlotPool::cancel_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& work : active_) work->cancelled = true;
}

bool SlotPool::wait_idle(Duration most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, most, [&] { return active_.empty(); });
}

void SlotPool::run_slot() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), slot_niceness);
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return closing_ || !waiting_.empty(); });
    if (closing_) return;
    const std::shared_ptr<Work> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    ExecutorFinished finished = run(*work);
    lock.lock();
    active_.erase(std::remove(active_.begin(), active_.end(), work), active_.end());
    // Posted after the slot counts as free, so that a start that follows finds a thread.
    services_.inbox->post(std::move(finished));
    changed_.notify_all();
  }
}

Executor* SlotPool::executor_of(const std::string& type) const {
  for (const auto& executor : executors_)
    if (executor->type() == type) return executor.get();
  return nullptr;
}

ExecutorFinished SlotPool::run(Work& work) {
  const AttemptSpec& spec = work.start.attempt;
  const StepInfo& step = work.start.step;
  const AttemptId id{spec.task, spec.token};
  Executor* const executor = executor_of(step.type);
  if (executor == nullptr)
    return failed(id, {Code::failed_precondition, "no executor for '" + step.type + "'", 0}, false);
  AttemptContext context(services_, id, step.type, work.cancelled);
  const TaskInput input{spec.task,   step.name,   spec.index,  spec.attempt,
                        step.params, spec.params, &step.inputs};
  TaskOutcome outcome = run_guarded(*executor, input, context);

  ExecutorFinished finished;
  if (!outcome) {
    finished = failed(id, outcome.error().error, outcome.error().permanent);
  } else {
    finished.attempt = id;
    finished.outcome = Outcome::ok;
    finished.blobs = std::move(outcome->blobs);
    if (outcome->result.size() <= limits::inline_result_bytes_max) {
      finished.result = std::move(outcome->result);
    } else if (auto stored = context.put(outcome->result, "result")) {
      finished.blobs.push_back(std::move(*stored));
    } else {
      finished = failed(id, stored.error(), false);
    }
  }
  finished.log_tail = context.log_tail();
  if (context.inputs_asked() > 0) trim_cache_when_due();
  return finished;
}

// Looking through a cache of many thousand files takes longer than many a task.
void SlotPool::trim_cache_when_due() {
  {
    const std::lock_guard lock(mutex_);
    const TimePoint now = now_monotonic();
    if (now < trim_after_) return;
    trim_after_ = now + trim_interval;
  }
  if (const Status trimmed = services_.cache->trim(cache_bytes_max_); !trimmed)
    log_warning("cache", trimmed.error().message);
}

}  // namespace framebus::worker
