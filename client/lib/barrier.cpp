#include "client/lib/barrier.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "client/lib/continuations.h"
#include "client/lib/primary_impl.h"

namespace framebus::client {

// Continuations run on the Primary's I/O thread, never on that of callbacks: so a callback that
// waits for room in step() does not wait for itself.
struct Barrier::Shared {
  std::shared_ptr<PrimaryImpl> impl;  // with its threads, like every request under way
  std::string command;
  BarrierOptions options;
  mutable std::mutex mutex;
  std::condition_variable has_room;
  StepWindow window;  // guarded by mutex
};

bool StepReport::is_acknowledged_by_all() const {
  return std::all_of(answers.begin(), answers.end(),
                     [](const CommandAnswer& answer) { return answer.error.code == 0; });
}

Barrier::Barrier(Primary& primary, std::string command, BarrierOptions options)
    : shared_(new Shared{primary.impl_,
                         std::move(command),
                         options,
                         {},
                         {},
                         StepWindow(options.workers, options.window)}) {}

Barrier::~Barrier() = default;

Future<StepReport> Barrier::step(Bytes payload) {
  return as_future<StepReport>([&](Sink<StepReport> sink) {
    const std::shared_ptr<Shared> shared = shared_;
    if (shared->options.workers.empty())
      return sink(fail(Code::invalid_argument, "a barrier needs at least one worker"));
    std::uint64_t step = 0;
    {
      std::unique_lock lock(shared->mutex);
      shared->has_room.wait(lock, [&] { return shared->window.has_room(); });
      step = *shared->window.begin();
    }
    Command command;
    command.target = CommandTarget::named;
    command.workers = shared->options.workers;
    command.verb = shared->command;
    command.payload = std::move(payload);
    const auto on_answers = [shared, step](const std::vector<CommandAnswer>& answers) {
      const std::lock_guard lock(shared->mutex);
      for (const CommandAnswer& answer : answers) shared->window.on_answer(step, answer);
    };
    shared->impl->command(std::move(command), shared->options.deadline, Cancel{}, on_answers,
                          [shared, step, sink](Result<CommandDone> done) {
                            {
                              const std::lock_guard lock(shared->mutex);
                              shared->window.end(step);
                              shared->has_room.notify_all();
                            }
                            if (!done) return sink(fail(done.error()));
                            sink(StepReport{step, std::move(done->answers)});
                          });
  });
}

bool Barrier::has_room() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->window.has_room();
}

std::vector<WorkerLag> Barrier::lags() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->window.lags();
}

}  // namespace framebus::client
