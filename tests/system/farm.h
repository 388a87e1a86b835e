// A whole installation in a temporary directory, for tests: one broker, workers, the command line.
//
//   Farm farm({"--lease", "800ms"});              // flags of the broker; free ports
//   auto& worker = farm.worker({"--slots", "2"});
//   const auto job = farm.submit(R"({"type": "echo", "tasks": [{"params": {"n": 1}}]})");
//   farm.wait_for_state(job, "succeeded");        // fails the test, with all logs, when it does
//   not const CliResult done = farm.cli({"fetch", job, "-o", farm.path("out")});
//
// Every process runs with HOME and TMPDIR in the directory and is killed by its id when the Farm
// goes. All waiting is for conditions with deadlines. Thread rule: one thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "libmsg/base/time.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/system/child_process.h"

namespace framebus::test {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

// Lets the farm go on by itself; for what is to happen while nobody looks.
void let_it_run(Duration duration);

struct CliResult {
  int exit_code = -1;
  std::string output;  // stdout
  std::string errors;  // stderr
  // stdout as JSON; the test fails when it is none.
  Json json() const;
};

class Farm {
 public:
  enum class Sockets { tcp, ipc };
  enum class Keeps { nothing, journal };  // --ephemeral, or as users run it

  // Starts the broker with these flags and waits until it listens.
  explicit Farm(Words broker_flags = {}, Sockets sockets = Sockets::tcp,
                Keeps keeps = Keeps::nothing);
  // As above, without starting the broker: start_broker() does. ipc, so that its address is known
  // before.
  static std::unique_ptr<Farm> without_broker(Keeps keeps = Keeps::nothing);
  // Back to TCP and free ports, before the broker is started.
  void choose_tcp();
  ~Farm();  // prints every log when the test has failed here

  // ---- processes
  // A broker that was stopped comes back at the same addresses.
  ChildProcess& start_broker(const Words& flags = {});
  ChildProcess& broker() { return *broker_; }
  // SIGTERM, and its exit code.
  int stop_broker();
  // SIGKILL, and waits for its end.
  void kill_broker();
  // From the next start on this program is run by `prefix` (["/bin/sh", "-c",
  // "ulimit -n 64; exec \"$@\"", "sh"], say): what it runs must exec its arguments. Empty: as it is.
  void wrap(const std::string& program, Words prefix) { prefixes_[program] = std::move(prefix); }
  std::filesystem::path broker_data() const { return path("broker-data"); }
  // A worker with a data directory of its own unless one is given, already started; it may not be
  // registered yet.
  ChildProcess& worker(const Words& flags = {}, const std::string& data = "");
  // Waits until this many workers are ready.
  void wait_for_workers(std::size_t count, Duration patience = seconds(10));
  // Any program of the build with the farm's environment, not waited for.
  ChildProcess& start(const std::string& program, const Words& arguments);

  // ---- command line
  // `framebus ARGUMENTS` against this farm's broker. It is killed, and the test fails, after
  // `patience`.
  CliResult cli(const Words& arguments, Duration patience = seconds(30));
  // `framebus ARGUMENTS --json`, which must succeed.
  Json json(Words arguments);
  // Writes the job into a file and submits it; the id as the command line takes it.
  std::string submit(const std::string& job_text, const Words& flags = {});
  Json job(const std::string& id) { return json({"job", id}); }
  Json tasks(const std::string& id) { return json({"tasks", id}).at("tasks"); }
  // Repeats `framebus ARGUMENTS --json` until the condition holds; the test fails when it never
  // does.
  Json wait_for(const Words& arguments, const std::function<bool(const Json&)>& condition,
                Duration patience = seconds(20));
  Json wait_for_state(const std::string& job, const std::string& state,
                      Duration patience = seconds(20));

  // Waits until so many of the job's tasks run.
  void wait_for_running(const std::string& job, std::size_t count);
  // One of the broker's counters in `framebus status`; 0 when it is not told.
  std::uint64_t counter(const std::string& name);
  void wait_for_counter(const std::string& name, std::uint64_t at_least);

  // ---- places
  std::filesystem::path path(const std::string& name) const { return directory_ / name; }
  std::filesystem::path write_file(const std::string& name, const std::string& text) const;
  const std::string& primary_endpoint() const { return primary_; }
  const std::string& worker_endpoint() const { return worker_; }
  const std::string& bulk_endpoint() const { return bulk_; }

 private:
  struct Unstarted {};
  explicit Farm(Unstarted);
  void choose_ipc();
  Words environment(const std::string& home) const;
  std::unique_ptr<ChildProcess> launch(const std::string& program, const Words& arguments,
                                       const std::string& name);
  [[noreturn]] void give_up(const std::string& what);
  void print_logs() const;

  ScratchDirectory directory_;
  std::string primary_ = "tcp://127.0.0.1:0";
  std::string worker_ = "tcp://127.0.0.1:0";
  std::string bulk_ = "tcp://127.0.0.1:0";
  Keeps keeps_ = Keeps::nothing;
  std::map<std::string, Words> prefixes_;
  std::unique_ptr<ChildProcess> broker_;
  std::vector<std::unique_ptr<ChildProcess>> processes_;
  std::vector<std::filesystem::path> log_stems_;
  int next_number_ = 1;
  int exceptions_at_start_ = 0;
};

}  // namespace framebus::test
