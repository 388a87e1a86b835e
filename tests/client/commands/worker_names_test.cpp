#include "client/commands/worker_names.h"

#include <doctest/doctest.h>

using namespace framebus;
using namespace framebus::client;

namespace {

WorkerSummary worker(const std::string& host, std::uint32_t pid, std::uint8_t first_byte) {
  WorkerSummary out;
  out.info.host = host;
  out.info.pid = pid;
  out.info.id.bytes[0] = first_byte;
  return out;
}

const std::vector<WorkerSummary> workers{worker("node7", 4711, 0xab), worker("node7", 4712, 0xac),
                                         worker("node8", 12, 0xcd)};

std::uint32_t pid_of(std::string_view text) {
  const auto found = find_worker(workers, text);
  return found ? found->info.pid : 0;
}

std::string problem_of(std::string_view text) {
  const auto found = find_worker(workers, text);
  return found ? std::string() : found.error().message;
}

}  // namespace

TEST_CASE("worker names: host:pid, a host with one worker, the beginning of an id") {
  CHECK(pid_of("node7:4711") == 4711);
  CHECK(pid_of("node8") == 12);
  CHECK(pid_of("cd") == 12);
  CHECK(pid_of("AB") == 4711);
  CHECK(pid_of(to_string(workers[1].info.id)) == 4712);
}

TEST_CASE("worker names: what may be several lists them") {
  CHECK(problem_of("a").find("node7:4711 (ab000000), node7:4712 (ac000000)") != std::string::npos);
  CHECK(problem_of("node7").find("write host:pid") != std::string::npos);
  CHECK(find_worker(workers, "node7").error().code == Code::invalid_argument);
}

TEST_CASE("worker names: what is unknown names the nearest") {
  CHECK(problem_of("node8:21").find("did you mean node8:12?") != std::string::npos);
  CHECK(problem_of("nide8").find("did you mean node8?") != std::string::npos);
  CHECK(problem_of("zebra").find("framebus workers lists them") != std::string::npos);
  CHECK(problem_of("").find("no worker is called") != std::string::npos);
  CHECK(find_worker({}, "x").error().code == Code::not_found);
}
