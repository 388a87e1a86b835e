#include "bench/bus/farm.h"

#include <stdlib.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

namespace framebus::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto start_within = std::chrono::seconds(10);

// The broker writes its bound endpoints when it listens; they are complete once they parse.
Result<nlohmann::json> wait_for_endpoints(const std::filesystem::path& file, ChildProcess& broker) {
  for (const auto deadline = Clock::now() + start_within; Clock::now() < deadline;) {
    std::ifstream stream(file);
    if (stream) {
      auto endpoints = nlohmann::json::parse(stream, nullptr, false);
      if (endpoints.is_object()) return endpoints;
    }
    if (!broker.is_running())
      return fail(Code::unavailable,
                  "the broker ended at once; see " + (file.parent_path() / "broker.log").string());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return fail(Code::deadline_exceeded,
              "the broker did not write " + file.string() + " within 10 s");
}

}  // namespace

Result<Farm> Farm::start(const FarmOptions& options) {
  std::string pattern = (options.folder / "framebus-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    return fail(Code::unavailable, "could not make a folder in " + options.folder.string());
  Farm farm;
  farm.folder_ = pattern;
  const std::string any = "tcp://127.0.0.1:0";
  std::vector<std::string> command = {(options.programs / "framebus-broker").string(),
                                      "--data",
                                      (farm.folder_ / "broker").string(),
                                      "--primary-endpoint",
                                      any,
                                      "--worker-endpoint",
                                      any,
                                      "--bulk-endpoint",
                                      any};
  if (!options.journal) command.push_back("--ephemeral");
  FRAMEBUS_ASSIGN(auto broker, ChildProcess::start(command, farm.folder_ / "broker.log"));
  farm.processes_.push_back(std::move(broker));
  FRAMEBUS_ASSIGN(
      const auto endpoints,
      wait_for_endpoints(farm.folder_ / "broker" / "endpoints.json", farm.processes_.front()));
  farm.primary_endpoint_ = endpoints.value("primary", "");
  for (unsigned i = 0; i < options.workers; ++i) {
    const std::string name = "worker" + std::to_string(i);
    FRAMEBUS_ASSIGN(auto worker,
                    ChildProcess::start(
                        {(options.programs / "framebus-worker").string(), "--broker",
                         endpoints.value("worker", ""), "--cpu", "--slots",
                         std::to_string(options.slots), "--data", (farm.folder_ / name).string()},
                        farm.folder_ / (name + ".log")));
    farm.processes_.push_back(std::move(worker));
  }
  return farm;
}

Farm::~Farm() {
  processes_.clear();
  std::error_code ignored;  // a folder left in /tmp is no reason to fail a finished measurement
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace framebus::bench
