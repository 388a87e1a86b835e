#include "worker/executors/fail.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "worker/executors/json_params.h"

namespace framebus::worker {
namespace {

constexpr unsigned escaped_live_s = 600;  // should the worker fail to end them
constexpr std::size_t flood_bytes = 1 << 20;

struct Plan {
  std::int64_t times = 0;
  bool permanent = false;
  std::string mode, then, message;
  std::int64_t processes = 0, mebibytes = 0, ms = 0;
};

Result<Plan> read_plan(const TaskInput& input, const TaskContext& context) {
  FRAMEBUS_ASSIGN(const JsonParams params, JsonParams::read(input, "fail"));
  Plan plan;
  plan.times = params.integer("times", std::numeric_limits<std::int64_t>::max());
  plan.permanent = params.boolean("permanent", false);
  plan.mode = params.text("mode", params.boolean("crash", false) ? "abort" : "error");
  plan.then = params.text("then", "error");
  plan.processes = params.integer("processes", 2);
  plan.mebibytes = params.integer("mebibytes", 64);
  plan.ms = params.integer("ms", 0);
  plan.message = params.text("message", "failed on purpose");
  if (params.has("prepared")) {
    const std::optional<Bytes> payload = context.prepared(params.text("prepared", ""));
    plan.message = payload ? std::string(text_of(*payload)) : "nothing is prepared";
  }
  return plan;
}

// Behind a fork of a process with threads: only calls that are safe there.
[[noreturn]] void live_on() {
  ::setsid();
  for (int number = 1; number < NSIG; ++number)
    if (number != SIGALRM) ::signal(number, SIG_IGN);
  ::alarm(escaped_live_s);
  for (;;) ::pause();
}

// Its process id; -1 when it could not be made.
pid_t escape() {
  int pipe[2];
  if (::pipe(pipe) != 0) return -1;
  const pid_t first = ::fork();
  if (first == 0) {
    ::setsid();
    const pid_t second = ::fork();
    if (second == 0) live_on();
    [[maybe_unused]] const ssize_t ignored = ::write(pipe[1], &second, sizeof second);
    ::_exit(0);
  }
  pid_t escaped = -1;
  ::close(pipe[1]);
  if (first > 0 && ::read(pipe[0], &escaped, sizeof escaped) != sizeof escaped) escaped = -1;
  ::close(pipe[0]);
  if (first > 0) ::waitpid(first, nullptr, 0);
  return escaped;
}

void flood() {
  std::mt19937 random(1);
  std::vector<unsigned char> bytes(flood_bytes);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random());
  std::fwrite(bytes.data(), 1, bytes.size() / 2, stdout);
  std::fwrite(bytes.data() + bytes.size() / 2, 1, bytes.size() / 2, stderr);
}

void hold_memory(const Plan& plan, const TaskContext& context) {
  std::vector<std::vector<char>> held;
  for (std::int64_t i = 0; i < plan.mebibytes; ++i) held.emplace_back(1 << 20, 'x');
  for (std::int64_t ms = 0; ms < plan.ms && !context.cancelled(); ms += 20) ::poll(nullptr, 0, 20);
}

// A sanitizer would report the store instead of letting it end the process.
[[gnu::no_sanitize("undefined")]] void store_through_null() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

void misbehave(const std::string& mode, const Plan& plan, TaskContext& context) {
  if (mode == "abort") std::abort();
  if (mode == "segfault") store_through_null();
  if (mode == "exit") ::_exit(3);
  while (mode == "hang") ::poll(nullptr, 0, 1000);
  if (mode == "flood") flood();
  if (mode == "memory") hold_memory(plan, context);
  if (mode != "escape") return;
  for (std::int64_t i = 0; i < plan.processes; ++i)
    context.log("escaped: " + std::to_string(escape()));
  if (plan.then != "escape") misbehave(plan.then, plan, context);
}

class FailExecutor final : public Executor {
 public:
  std::string_view type() const override { return "fail"; }
  TaskOutcome run(const TaskInput& input, TaskContext& context) override {
    const Result<Plan> plan = read_plan(input, context);
    if (!plan) return permanent_error(plan.error().context("fail"));
    if (input.attempt > plan->times) {
      const std::string result = "{\"attempt\": " + std::to_string(input.attempt) + "}";
      return TaskOutput{Bytes(result.begin(), result.end()), {}};
    }
    context.log("attempt " + std::to_string(input.attempt) + " fails on purpose");
    misbehave(plan->mode, *plan, context);
    return tl::unexpected<TaskError>(
        TaskError{{Code::task_failed, plan->message, 0}, plan->permanent});
  }
};

}  // namespace

std::unique_ptr<Executor> make_fail_executor() {
  return std::make_unique<FailExecutor>();
}

}  // namespace framebus::worker
