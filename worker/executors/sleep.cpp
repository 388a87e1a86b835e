#include "worker/executors/sleep.h"

#include <algorithm>
#include <thread>

#include "worker/executors/json_params.h"

namespace framebus::worker {
namespace {

constexpr Duration slice = milliseconds(20);

Result<Duration> wanted(const TaskInput& input) {
  FRAMEBUS_ASSIGN(const JsonParams params, JsonParams::read(input, "sleep"));
  return params.duration("duration", milliseconds(params.integer("ms", 1000)));
}

class SleepExecutor final : public Executor {
 public:
  std::string_view type() const override { return "sleep"; }
  TaskOutcome run(const TaskInput& input, TaskContext& context) override {
    const Result<Duration> duration = wanted(input);
    if (!duration) return permanent_error(duration.error().context("sleep"));
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
      const Duration slept = std::chrono::steady_clock::now() - begin;
      if (slept >= *duration) break;
      if (context.cancelled())
        return tl::unexpected<TaskError>(TaskError{
            {Code::cancelled, "cancelled after " + std::to_string(to_ms(slept)) + " ms", 0},
            false});
      context.progress(static_cast<std::uint32_t>(
                           slept.count() / std::max<std::int64_t>(1, duration->count() / 1000)),
                       "sleeping");
      std::this_thread::sleep_for(std::min(slice, *duration - slept));
    }
    const std::string result = "{\"slept_ms\": " + std::to_string(to_ms(*duration)) + "}";
    return TaskOutput{Bytes(result.begin(), result.end()), {}};
  }
};

}  // namespace

std::unique_ptr<Executor> make_sleep_executor() {
  return std::make_unique<SleepExecutor>();
}

}  // namespace framebus::worker
