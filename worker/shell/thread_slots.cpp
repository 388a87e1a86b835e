#include "worker/shell/thread_slots.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "worker/shell/work_list.h"

namespace framebus::worker {
namespace {

// Work yields to the loop that keeps this worker's leases alive. Threads that an executor makes
// inherit it.
constexpr int slot_niceness = 5;

class ThreadSlots final : public SlotPool {
 public:
  ThreadSlots(unsigned slots, const AttemptServices& services, const Executors& executors,
              CacheTrim& trim)
      : services_(services), executors_(executors), trim_(trim) {
    for (unsigned i = 0; i < slots; ++i) threads_.emplace_back([this] { run_slot(); });
  }
  ~ThreadSlots() override {
    work_.stop_all(true);
    work_.close();
    for (std::thread& thread : threads_) thread.join();
  }

  void start(StartAttempt attempt) override { work_.add(std::move(attempt)); }
  void cancel(const AttemptId& attempt) override { work_.stop(attempt, false); }
  void kill(const AttemptId& attempt) override { work_.stop(attempt, true); }
  void cancel_all() override { work_.stop_all(false); }
  bool wait_idle(Duration most) override { return work_.wait_idle(most); }
  void drop_caches() override {
    for (const auto& executor : executors_) executor->drop_caches();
  }
  PoolView describe() override { return {work_.describe(), {}}; }

 private:
  void run_slot() {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), slot_niceness);
    std::uint64_t pokes_seen = 0;
    while (const auto work = work_.take(pokes_seen, [](bool) {})) {
      AttemptContext context(services_, work->id(), work->start.step.type, work->cancelled);
      ExecutorFinished finished =
          run_task(executors_, work->start.attempt, work->start.step, context);
      finished.log_tail = context.log_tail();
      if (context.inputs_asked() > 0) trim_.when_due();
      work_.done(work, [&] { services_.inbox->post(std::move(finished)); });
    }
  }

  const AttemptServices& services_;
  const Executors& executors_;
  CacheTrim& trim_;
  WorkList work_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<SlotPool> make_thread_slots(unsigned slots, const AttemptServices& services,
                                            const Executors& executors, CacheTrim& trim) {
  return std::make_unique<ThreadSlots>(slots, services, executors, trim);
}

}  // namespace framebus::worker
