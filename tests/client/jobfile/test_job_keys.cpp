// Keys of jobs and steps: what becomes of them in the JobSpec.
#include <doctest/doctest.h>

#include "client/jobfile/jobfile.h"
#include "libmsg/base/json_text.h"
#include "libmsg/schema/sweep.h"
#include "libmsg/schema/task_params.h"

using namespace framebus;
using namespace framebus::client;

namespace {

LoadedJob load(const std::string& text) {
  auto job = load_job_text(text, "x.json", "/tmp");
  REQUIRE_MESSAGE(job, job.error().message);
  return std::move(*job);
}

std::string text_of_params(const Bytes& bytes) {
  return std::string(text_of(bytes));
}

}  // namespace

TEST_CASE("job keys: a job of one step, all common keys") {
  const LoadedJob job = load(R"({
    "$schema": "../config/job.schema.json", // for editors
    "name": "n", "type": "simulate", "priority": 60, "labels": {"project": "film"}, "deadline": "2h", "strategy": "load",
    "max_parallel": 4, "on_failure": "stop", "max_failures": 2,
    "requires": {"gpus": 1, "gpu_memory": "8GiB", "compute_capability": "8.6", "cpus": 2, "memory": "1GiB", "labels": {"os": "linux"}},
    "max_attempts": 5, "timeout": "90s", "progress_timeout": "1m", "at_most_once": true, "limits": {"licences": 2},
    "params": {"b": [1, 2.50], "a": {"x": null}} })");
  const JobSpec& spec = job.spec;
  CHECK(spec.name == "n");
  CHECK(spec.priority == 60);
  CHECK(spec.labels == std::vector<Label>{{"project", "film"}});
  CHECK(spec.deadline_ms == 7'200'000);
  CHECK(spec.strategy == Strategy::load);
  CHECK(spec.max_parallel == 4);
  CHECK(spec.on_failure == OnFailure::stop);
  CHECK(spec.max_failures == 2);
  REQUIRE(spec.steps.size() == 1);
  const StepSpec& step = spec.steps[0];
  CHECK(step.name == "simulate");
  CHECK(step.type == "simulate");
  CHECK(step.requires_ == Requirements{1, 8ull << 30, 86, 2, 1ull << 30, {{"os", "linux"}}});
  CHECK(step.max_attempts == 5);
  CHECK(step.timeout_ms == 90'000);
  CHECK(step.progress_timeout_ms == 60'000);
  CHECK(step.at_most_once);
  CHECK(step.limits == std::vector<NamedLimit>{{"licences", 2}});
  CHECK(text_of_params(step.params) == R"({"a":{"x":null},"b":[1,2.50]})");
  CHECK(step.task_count == 1);
  CHECK(step.task_params.empty());
}

TEST_CASE("job keys: defaults are those of the protocol, the name is the file's") {
  const LoadedJob job = load(R"({"type": "echo"})");
  JobSpec expected;
  expected.name = "x";
  expected.steps.emplace_back();
  expected.steps[0].name = expected.steps[0].type = "echo";
  expected.steps[0].task_count = 1;
  CHECK(job.spec == expected);
  CHECK(job.warnings.empty());
}

TEST_CASE("job keys: tasks carry their own parameters") {
  const LoadedJob job =
      load(R"({"type": "sleep", "params": {"ms": 1}, "tasks": [{"params": {"ms": 5}}, {}]})");
  const StepSpec& step = job.spec.steps[0];
  CHECK(step.task_count == 2);
  REQUIRE(step.task_params.size() == 2);
  CHECK(text_of_params(step.task_params[0]) == R"({"ms":5})");
  CHECK(text_of_params(step.task_params[1]) == "{}");
}

TEST_CASE("job keys: a sweep is the product of its lists, the last key fastest") {
  const LoadedJob job =
      load(R"({"type": "t", "sweep": {"seed": {"range": "1-2"}, "map": ["a", {"b": 1}]}})");
  const StepSpec& step = job.spec.steps[0];
  REQUIRE(step.task_count == 4);
  CHECK(step.task_params.empty());
  CHECK(text_of_params(sweep_params(step.axes, 0)) == R"({"map":"a","seed":1})");
  CHECK(text_of_params(sweep_params(step.axes, 1)) == R"({"map":{"b":1},"seed":1})");
  CHECK(text_of_params(sweep_params(step.axes, 3)) == R"({"map":{"b":1},"seed":2})");
}

TEST_CASE("job keys: ranges with equal distances stay ranges, others become lists") {
  const auto axis = [](const std::string& range) {
    const LoadedJob job = load(R"({"type": "t", "sweep": {"i": {"range": ")" + range + R"("}}})");
    return job.spec.steps[0].axes.at(0);
  };
  CHECK(axis("1-100") == SweepAxis{"i", {}, 1, 1, 100});
  CHECK(axis("1-100:3") == SweepAxis{"i", {}, 1, 3, 34});
  CHECK(axis("10-1") == SweepAxis{"i", {}, 10, -1, 10});
  CHECK(axis("7") == SweepAxis{"i", {}, 7, 1, 1});
  CHECK(axis("1-3,4-6") == SweepAxis{"i", {}, 1, 1, 6});
  CHECK(axis("1,2,5") == SweepAxis{"i", {{'1'}, {'2'}, {'5'}}, 0, 1, 0});
}

TEST_CASE("job keys: a sweep of a million tasks is read without being expanded") {
  const LoadedJob job =
      load(R"({"type": "t", "sweep": {"x": {"range": "1-1000"}, "y": {"range": "0-1998:2"}}})");
  const StepSpec& step = job.spec.steps[0];
  CHECK(step.task_count == 1'000'000);
  CHECK(step.task_params.empty());
  CHECK(step.axes == std::vector<SweepAxis>{{"x", {}, 1, 1, 1000}, {"y", {}, 0, 2, 1000}});
  CHECK(text_of_params(sweep_params(step.axes, 999'999)) == R"({"x":1000,"y":1998})");
}

TEST_CASE("job keys: a sweep whose tasks would be too large, or too many, is refused") {
  const std::string large(200'000, 'x');
  const auto refused = [](const std::string& text) {
    const auto job = load_job_text(text, "x.json", "/tmp");
    REQUIRE_FALSE(job);
    return job.error().message;
  };
  CHECK(refused(R"({"type": "t", "sweep": {"a": [")" + large + R"("], "b": [")" + large + R"("]}})")
            .find("262144 are allowed") != std::string::npos);
  CHECK(refused(R"({"type": "t", "sweep": {"a": {"range": "1-1001"}, "b": {"range": "1-1000"}}})")
            .find("1001000 tasks") != std::string::npos);
}

TEST_CASE("job keys: steps wait for earlier steps, whole or task by task") {
  const LoadedJob job = load(R"({"name": "film", "steps": [
    {"name": "a", "type": "echo", "sweep": {"i": {"range": "1-3"}}},
    {"name": "b", "type": "echo", "sweep": {"i": {"range": "1-3"}}, "depends_on": [{"step": "a", "by": "task"}]},
    {"name": "c", "type": "echo", "depends_on": ["a", {"step": "b"}]}]})");
  REQUIRE(job.spec.steps.size() == 3);
  CHECK(job.spec.steps[1].depends_on == std::vector<Dependency>{{0, true}});
  CHECK(job.spec.steps[2].depends_on == std::vector<Dependency>{{0, false}, {1, false}});
}

TEST_CASE("job keys: a type that looks like a slip is taken, with a warning") {
  const LoadedJob job = load(R"({"type": "ecko"})");
  REQUIRE(job.warnings.size() == 1);
  CHECK(job.warnings[0].find("Did you mean \"echo\"?") != std::string::npos);
}

TEST_CASE("schema and manual name every key") {
  const std::string schema = job_schema(), manual = job_file_manual();
  for (const char* key : {"priority", "gpu_memory", "sweep", "depends_on", "spp", "spp_per_task",
                          "look_at", "rotate_y", "tonemap", "outer_angle", "steps"}) {
    CAPTURE(key);
    CHECK(schema.find("\"" + std::string(key) + "\": {") != std::string::npos);
    CHECK(manual.find("| `" + std::string(key) + "` |") != std::string::npos);
  }
}

TEST_CASE("manual: it says of every parameter of the built-in types what is taken and what it is") {
  const std::string manual = job_file_manual();
  for (const std::string& type : types_with_params()) {
    CAPTURE(type);
    const std::size_t begin = manual.find("## params of " + type + "\n");
    REQUIRE(begin != std::string::npos);
    const std::string section = manual.substr(begin, manual.find("\n## ", begin + 1) - begin);
    for (const TaskParam& param : *task_params_of(type)) {
      CAPTURE(param.name);
      CHECK(section.find("| `" + param.name + "` | " + allowed_text(param) + " | ") !=
            std::string::npos);
      CHECK(param.doc.ends_with('.'));
      CHECK(section.find(" | " + param.doc + " |\n") != std::string::npos);
    }
  }
}

TEST_CASE("manual: the defaults of parameters that it shows are taken by their types") {
  for (const std::string& type : types_with_params()) {
    for (const TaskParam& param : *task_params_of(type)) {
      if (param.fallback.empty()) continue;
      CAPTURE(type);
      CAPTURE(param.name);
      const auto value = JsonDocument::parse(param.fallback, "fallback");
      REQUIRE(value);
      CHECK_FALSE(why_not_allowed(param, value->root()).has_value());
    }
  }
}
