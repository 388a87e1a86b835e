// The program framebus-broker by itself: flags, exit codes, what it prints.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>

#include "tests/system/farm.h"

namespace framebus::test {
namespace {

int exit_code_of(Farm& farm, const Words& arguments, std::string* errors = nullptr) {
  ChildProcess& process = farm.start("framebus-broker", arguments);
  const auto code = process.wait_exit(seconds(10));
  REQUIRE(code);
  if (errors) *errors = process.errors();
  return *code;
}

TEST_CASE("framebus-broker: ends with 0 on SIGTERM and on SIGINT") {
  for (const int number : {SIGTERM, SIGINT}) {
    Farm farm;
    farm.broker().signal(number);
    CHECK(farm.broker().wait_exit(seconds(5)) == 0);
    CHECK_FALSE(std::filesystem::exists(farm.path("broker-data/endpoints.json")));
  }
}

TEST_CASE(
    "framebus-broker: prints where it listens as one JSON line, and writes the same to a file") {
  Farm farm;
  const std::string printed = farm.broker().output();
  CHECK(std::count(printed.begin(), printed.end(), '\n') == 1);
  const auto file = farm.path("broker-data/endpoints.json");
  farm.wait_for({"status"}, [](const Json&) { return true; });
  std::ifstream in(file);
  CHECK(Json::parse(in) == Json::parse(printed));
}

TEST_CASE("framebus-broker: a refused configuration ends with 78 and a sentence") {
  Farm farm;
  std::string errors;
  CHECK(exit_code_of(farm, {"--worker-endpoint", "tcp://*:0", "--ephemeral"}, &errors) == 78);
  CHECK(errors.find("worker-endpoint") != std::string::npos);
  CHECK(errors.find("keys") != std::string::npos);
  CHECK(exit_code_of(farm, {"--leese", "3s"}, &errors) == 78);
  CHECK(errors.find("lease") != std::string::npos);
  CHECK(exit_code_of(farm, {"--lease", "1"}, &errors) == 78);
  CHECK(exit_code_of(farm, {"--lease", "1s", "--heartbeat", "1s"}, &errors) == 78);
  CHECK(exit_code_of(farm, {"--help"}) == 0);
}

TEST_CASE("framebus-broker: a second one on the same directory is refused and the first goes on") {
  Farm farm;
  std::string errors;
  CHECK(exit_code_of(farm,
                     {"--ephemeral", "--data", farm.path("broker-data"), "--primary-endpoint",
                      "tcp://127.0.0.1:0", "--worker-endpoint", "tcp://127.0.0.1:0",
                      "--bulk-endpoint", "tcp://127.0.0.1:0"},
                     &errors) == 78);
  CHECK(errors.find("another broker") != std::string::npos);
  CHECK(errors.find(std::to_string(farm.broker().pid())) != std::string::npos);
  CHECK(farm.json({"status"}).at("epoch") == 1);
}

TEST_CASE("framebus-broker: says at status and at each submit whether jobs survive a restart") {
  auto keeps = Farm::Keeps::journal;
  SUBCASE("with its journal") {}
  SUBCASE("with --ephemeral") {
    keeps = Farm::Keeps::nothing;
  }
  Farm farm({}, Farm::Sockets::tcp, keeps);
  const bool ephemeral = keeps == Farm::Keeps::nothing;
  CHECK(farm.json({"status"}).at("ephemeral") == ephemeral);
  const auto job = farm.write_file("job.json", R"({"type": "echo", "params": {}})");
  CHECK(farm.json({"submit", job}).at("ephemeral") == ephemeral);
}

}  // namespace
}  // namespace framebus::test
