#include "worker/executors/echo.h"

namespace framebus::worker {
namespace {

class EchoExecutor final : public Executor {
 public:
  std::string_view type() const override { return "echo"; }
  TaskOutcome run(const TaskInput& input, TaskContext&) override {
    const BytesView said = input.params.empty() ? input.step_params : input.params;
    return TaskOutput{Bytes(said.begin(), said.end()), {}};
  }
};

}  // namespace

std::unique_ptr<Executor> make_echo_executor() {
  return std::make_unique<EchoExecutor>();
}

}  // namespace framebus::worker
