#include "worker/executors/fail.h"

#include <cstdlib>

#include "worker/executors/json_params.h"

namespace framebus::worker {
namespace {

constexpr std::int64_t times_max = 1'000'000;

struct Plan {
  std::int64_t times = 0;
  bool permanent = false;
  bool crash = false;
  std::string message;
};

Result<Plan> read_plan(const TaskInput& input) {
  FRAMEBUS_ASSIGN(JsonParams params, JsonParams::read(input));
  Plan plan;
  FRAMEBUS_ASSIGN(plan.times, params.integer("times", times_max, 0, times_max));
  FRAMEBUS_ASSIGN(plan.permanent, params.boolean("permanent", false));
  FRAMEBUS_ASSIGN(plan.crash, params.boolean("crash", false));
  FRAMEBUS_ASSIGN(plan.message, params.text("message", "failed on purpose"));
  FRAMEBUS_TRY(params.refuse_others());
  return plan;
}

class FailExecutor final : public Executor {
 public:
  std::string_view type() const override { return "fail"; }
  TaskOutcome run(const TaskInput& input, TaskContext& context) override {
    const Result<Plan> plan = read_plan(input);
    if (!plan) return permanent_error(plan.error().context("fail"));
    if (input.attempt > plan->times) {
      const std::string result = "{\"attempt\": " + std::to_string(input.attempt) + "}";
      return TaskOutput{Bytes(result.begin(), result.end()), {}};
    }
    context.log("attempt " + std::to_string(input.attempt) + " fails on purpose");
    if (plan->crash) std::abort();
    return tl::unexpected<TaskError>(
        TaskError{{Code::task_failed, plan->message, 0}, plan->permanent});
  }
};

}  // namespace

std::unique_ptr<Executor> make_fail_executor() {
  return std::make_unique<FailExecutor>();
}

}  // namespace framebus::worker
