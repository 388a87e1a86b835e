// The built-in executors for trials, and the registry.
#include <doctest/doctest.h>

#include <chrono>

#include "worker/executors/registry.h"

namespace framebus::worker {
namespace {

class TrialContext final : public TaskContext {
 public:
  bool cancelled() const override { return is_cancelled; }
  void progress(std::uint32_t, std::string_view) override { ++progress_count; }
  void log(std::string_view line) override { lines.emplace_back(line); }
  Result<std::filesystem::path> input(const BlobRef&) override {
    return fail(Code::not_found, "no inputs here");
  }
  Result<BlobRef> put(BytesView, std::string_view) override {
    return fail(Code::unavailable, "no broker here");
  }
  unsigned threads() const override { return 1; }
  const std::filesystem::path& cache_directory() const override { return directory; }
  bool is_cancelled = false;
  int progress_count = 0;
  std::vector<std::string> lines;
  std::filesystem::path directory = "/nonexistent";
};

TaskOutcome run(const std::string& type, std::string_view step_params, std::string_view params,
                TrialContext& context, std::uint32_t attempt = 1) {
  auto executors = make_executors({type});
  REQUIRE(executors.has_value());
  TaskInput input;
  input.step_params = bytes_of(step_params);
  input.params = bytes_of(params);
  input.attempt = attempt;
  return executors->at(0)->run(input, context);
}

std::string result_text(const TaskOutcome& outcome) {
  REQUIRE(outcome.has_value());
  return std::string(text_of(outcome->result));
}

TEST_CASE("echo: returns the task's parameters, or the step's when it has none") {
  TrialContext context;
  CHECK(result_text(run("echo", "{\"a\": 1}", "not even json", context)) == "not even json");
  CHECK(result_text(run("echo", "{\"a\": 1}", "", context)) == "{\"a\": 1}");
}

TEST_CASE("sleep: waits as long as it is told, the task's value wins over the step's") {
  TrialContext context;
  const auto begin = std::chrono::steady_clock::now();
  CHECK(result_text(run("sleep", "{\"ms\": 86400000}", "{\"ms\": 30}", context)) ==
        "{\"slept_ms\": 30}");
  CHECK(std::chrono::steady_clock::now() - begin >= milliseconds(30));
  CHECK(context.progress_count > 0);
  CHECK(result_text(run("sleep", "{\"duration\": \"1ms\"}", "", context)) == "{\"slept_ms\": 1}");
}

TEST_CASE("sleep: a cancel ends it as cancelled") {
  TrialContext context;
  context.is_cancelled = true;
  const TaskOutcome outcome = run("sleep", "{\"ms\": 60000}", "", context);
  REQUIRE_FALSE(outcome.has_value());
  CHECK(outcome.error().error.code == Code::cancelled);
}

TEST_CASE("fail: fails the first attempts, then succeeds") {
  TrialContext context;
  CHECK_FALSE(run("fail", "{\"times\": 2}", "", context, 1).has_value());
  CHECK_FALSE(run("fail", "{\"times\": 2}", "", context, 2).has_value());
  CHECK(result_text(run("fail", "{\"times\": 2}", "", context, 3)) == "{\"attempt\": 3}");
  CHECK(context.lines.size() == 2);
}

TEST_CASE("fail: the error carries the message and whether a retry can help") {
  TrialContext context;
  const TaskOutcome outcome =
      run("fail", "{\"message\": \"no licence\"}", "{\"permanent\": true}", context);
  REQUIRE_FALSE(outcome.has_value());
  CHECK(outcome.error().permanent);
  CHECK(outcome.error().error.message == "no licence");
  CHECK_FALSE(run("fail", "", "", context).error().permanent);
}

TEST_CASE("executors: wrong parameters are permanent errors that name the key") {
  TrialContext context;
  for (const char* params : {"{\"ms\": -1}", "{\"ms\": \"soon\"}", "{\"ms\": 1e300}",
                             "{\"duration\": 5}", "[1]", "{\"ms\": 1", "{\"mss\": 1}"}) {
    const TaskOutcome outcome = run("sleep", "", params, context);
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().permanent);
    CHECK(outcome.error().error.code == Code::invalid_argument);
  }
  CHECK(run("sleep", "", "{\"mss\": 1}", context).error().error.message.find("did you mean 'ms'") !=
        std::string::npos);
}

TEST_CASE(
    "executors: a step's parameters are checked like a task's, also where a task has its own") {
  TrialContext context;
  const TaskOutcome shadowed = run("sleep", "{\"ms\": \"x\"}", "{\"ms\": 1}", context);
  REQUIRE_FALSE(shadowed.has_value());
  CHECK(shadowed.error().error.message ==
        "sleep: step params:1:8: /ms: \"x\" is not allowed; wanted an integer from 0 to 86400000");
  const TaskOutcome mode = run("fail", "", "{\"then\": \"explode\"}", context);
  REQUIRE_FALSE(mode.has_value());
  CHECK(mode.error().error.message.find("wanted one of \"error\" \"abort\"") != std::string::npos);
}

TEST_CASE(
    "registry: all types by default, in order, an unknown one is refused with the nearest name") {
  auto all = make_executors({});
  REQUIRE(all.has_value());
  CHECK(all->size() == executor_registry().size());
  for (std::size_t i = 1; i < executor_registry().size(); ++i)
    CHECK(executor_registry()[i - 1].type < executor_registry()[i].type);
  auto wrong = make_executors({"slep"});
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().message.find("'sleep'") != std::string::npos);
}

}  // namespace
}  // namespace framebus::worker
