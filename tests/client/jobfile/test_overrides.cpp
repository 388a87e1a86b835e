// --set KEY=VALUE.
#include <doctest/doctest.h>

#include "client/jobfile/jobfile.h"
#include "client/jobfile/overrides.h"

using namespace framebus;
using namespace framebus::client;

namespace {

std::string applied(const std::string& text, const std::string& override) {
  const auto out = apply_override(text, "x.json", override);
  return out ? *out : out.error().message;
}

}  // namespace

TEST_CASE("--set: replaces, adds, makes what lies between, finds entries by index and name") {
  CHECK(applied(R"({"frames": "1-48"})", "frames=1-10") == R"({"frames": "1-10"})");
  CHECK(applied(R"({"film": {"width": 1}})", "film.width=640") == R"({"film": {"width": 640}})");
  CHECK(applied(R"({"a": 1})", "film.width=640") == R"({"film": {"width": 640}, "a": 1})");
  CHECK(applied(R"({})", "a.b.c=[1, 2]") == R"({"a": {"b": {"c": [1, 2]}}})");
  CHECK(applied(R"({"steps": [{"name": "x"}, {"name": "y", "n": 1}]})", "steps.1.n=2") ==
        R"({"steps": [{"name": "x"}, {"name": "y", "n": 2}]})");
  CHECK(applied(R"({"steps": [{"name": "x"}, {"name": "y"}]})", "steps.y.n=true") ==
        R"({"steps": [{"name": "x"}, {"n": true, "name": "y"}]})");
  CHECK(applied("// c\n{\"a\": 1}", "a=\"two\"") == "// c\n{\"a\": \"two\"}");
  CHECK(applied(R"({"a": 1})", "a=") == R"({"a": ""})");
}

TEST_CASE("--set: what can not be set is said") {
  CHECK(applied("{}", "frames").find("--set frames: expected KEY=VALUE") == 0);
  CHECK(applied("{}", "a..b=1").find("--set a..b=1: an empty name") == 0);
  CHECK(applied(R"({"a": 1})", "a.b=2")
            .find("--set a.b=2: x.json:1:7: /a is a number and has no \"b\"") == 0);
  CHECK(applied(R"({"a": [1]})", "a.7=2").find("/a is an array and has no \"7\"") !=
        std::string::npos);
}

TEST_CASE("--set: errors of meaning tell where the value came from") {
  LoadOptions options;
  options.overrides = {"priority=500"};
  const auto job = load_job_text(R"({"type": "echo", "priority": 5})", "x.json", "/tmp", options);
  REQUIRE_FALSE(job);
  CHECK(job.error().message.find(
            "/priority: 500 is outside what is allowed: 0 to 100 (set by --set priority=500)") !=
        std::string::npos);
  options.overrides = {"priority=7", "name=\"from the flag\""};
  const auto good = load_job_text(R"({"type": "echo"})", "x.json", "/tmp", options);
  REQUIRE(good);
  CHECK(good->spec.priority == 7);
  CHECK(good->spec.name == "from the flag");
}
