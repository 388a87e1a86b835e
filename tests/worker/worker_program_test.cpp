// The program framebus-worker against a scripted broker: what of it survives its own sudden death,
// and what an administrator's orders do to it.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/worker/scripted_broker.h"
#include "worker/shell/process_tree.h"

namespace framebus::worker {
namespace {

class WorkerProgram {
 public:
  WorkerProgram(const std::string& broker, const std::filesystem::path& data,
                const std::vector<std::string>& flags = {}) {
    const std::string directory = data.string();
    std::vector<std::string> words = {program_path(), "--broker",    broker,
                                      "--data",       directory,     "--reconnect-interval",
                                      "20ms",         "--log-level", "warning"};
    words.insert(words.end(), flags.begin(), flags.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    REQUIRE(::posix_spawn(&pid_, program_path().c_str(), nullptr, nullptr, argv.data(), environ) ==
            0);
  }
  ~WorkerProgram() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  // Kills it and waits for its end.
  void kill() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  // Its exit code once it has ended; none while it runs.
  std::optional<int> exit_code() {
    int status = 0;
    if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
};

std::vector<pid_t> escaped_in(const std::string& log) {
  std::vector<pid_t> pids;
  const std::string word = "escaped: ";
  for (auto at = log.find(word); at != std::string::npos; at = log.find(word, at + 1))
    pids.push_back(std::atoi(log.c_str() + at + word.size()));
  return pids;
}

TEST_CASE("program: SIGKILL of the worker ends its executors and all that escaped from them") {
  TemporaryDirectory data;
  auto context = make_context();
  ScriptedBroker broker(context);
  WorkerProgram worker(broker.url(), data.path());
  REQUIRE(broker.serve([&] { return !broker.beats.empty(); }));
  const Assign assign = task("fail", R"({"mode": "escape", "processes": 3, "then": "hang"})");
  broker.say(assign);
  const TaskRef ref = assign.attempts[0].task;
  REQUIRE(broker.serve([&] { return escaped_in(broker.logs[ref]).size() == 3; }));
  const std::vector<ProcessId> tree = descendants_of(worker.pid(), process_table());
  CHECK(tree.size() == 5);  // a keeper, an executor, three that escaped
  for (const pid_t pid : escaped_in(broker.logs[ref]))
    CHECK(std::any_of(tree.begin(), tree.end(),
                      [pid](const ProcessId& each) { return each.pid == pid; }));
  worker.kill();
  const auto any_left = [&] {
    for (const ProcessRow& row : process_table())
      if (std::find(tree.begin(), tree.end(), row.id()) != tree.end() && !row.is_dead) return true;
    return false;
  };
  CHECK(broker.serve([&] { return !any_left(); }));
}

TEST_CASE("program: restart drains and begins anew in the same process with the same identity") {
  TemporaryDirectory data;
  auto context = make_context();
  ScriptedBroker broker(context);
  WorkerProgram worker(broker.url(), data.path());
  REQUIRE(broker.serve([&] { return !broker.beats.empty(); }));
  const std::size_t hellos = broker.hellos.size();
  broker.say(task("echo", "x"));
  REQUIRE(broker.serve([&] { return !broker.results.empty(); }));
  broker.say(Order{WorkerAction::restart, "update"});
  REQUIRE(broker.serve([&] { return broker.hellos.size() > hellos; }));
  CHECK(broker.goodbyes == 1);
  CHECK(broker.hellos.back().worker.id == broker.hellos.front().worker.id);
  CHECK(broker.hellos.back().worker.pid == static_cast<std::uint32_t>(worker.pid()));
  broker.say(task("echo", "y", 1));
  REQUIRE(broker.serve([&] { return broker.results.size() == 2; }));
  CHECK(text_of(broker.results[1].result) == "y");
}

TEST_CASE("program: restart waits for no executor on a thread that does not end") {
  TemporaryDirectory data;
  auto context = make_context();
  ScriptedBroker broker(context);
  WorkerProgram worker(broker.url(), data.path(), {"--executors-in-process"});
  REQUIRE(broker.serve([&] { return !broker.beats.empty(); }));
  const Assign deaf = task("fail", R"({"mode": "hang"})");
  broker.say(deaf);
  REQUIRE(broker.serve([&] { return !broker.started.empty(); }));
  broker.say(Abort{{{deaf.attempts[0].task, deaf.attempts[0].token}}, AbortReason::cancelled, 50});
  REQUIRE(broker.serve([&] { return !broker.aborted.empty(); }));
  const std::size_t hellos = broker.hellos.size();
  broker.say(Order{WorkerAction::restart, "update"});
  REQUIRE(broker.serve([&] { return broker.hellos.size() > hellos; }));
  CHECK(broker.hellos.back().worker.pid == static_cast<std::uint32_t>(worker.pid()));
  broker.say(task("echo", "y", 1));
  REQUIRE(broker.serve([&] { return !broker.results.empty(); }));
  CHECK(text_of(broker.results[0].result) == "y");
}

TEST_CASE("program: remove ends it with exit code 0, whatever runs") {
  TemporaryDirectory data;
  auto context = make_context();
  ScriptedBroker broker(context);
  WorkerProgram worker(broker.url(), data.path());
  REQUIRE(broker.serve([&] { return !broker.beats.empty(); }));
  broker.say(task("fail", R"({"mode": "hang"})"));
  REQUIRE(broker.serve([&] { return !broker.started.empty(); }));
  broker.say(Order{WorkerAction::remove, "sold"});
  std::optional<int> code;
  REQUIRE(broker.serve([&] { return (code = worker.exit_code()).has_value(); }));
  CHECK(*code == 0);
  CHECK(broker.goodbyes == 1);
}

TEST_CASE("program: a deaf task is killed at the end of its grace and confirmed as aborted") {
  TemporaryDirectory data;
  auto context = make_context();
  ScriptedBroker broker(context);
  WorkerProgram worker(broker.url(), data.path());
  REQUIRE(broker.serve([&] { return !broker.beats.empty(); }));
  const Assign deaf = task("fail", R"({"mode": "hang"})");
  broker.say(deaf);
  REQUIRE(broker.serve([&] { return !broker.started.empty(); }));
  broker.say(Abort{{{deaf.attempts[0].task, deaf.attempts[0].token}}, AbortReason::cancelled, 100});
  REQUIRE(broker.serve([&] { return !broker.aborted.empty(); }));
  CHECK(broker.results.empty());
  broker.say(task("echo", "x", 1));
  REQUIRE(broker.serve([&] { return !broker.results.empty(); }));
}

TEST_CASE("program: commands are answered while tasks run, a wait holds up no ping") {
  TemporaryDirectory data;
  auto context = make_context();
  ScriptedBroker broker(context);
  WorkerProgram worker(broker.url(), data.path());
  REQUIRE(broker.serve([&] { return !broker.beats.empty(); }));
  CHECK(broker.hellos[0].worker.commands ==
        std::vector<std::string>{"drop_caches", "echo", "ping", "prepare", "status", "wait"});
  broker.say(task("fail", R"({"mode": "hang"})"));
  REQUIRE(broker.serve([&] { return !broker.started.empty(); }));
  const std::string forever = "{\"ms\": 86400000}";
  broker.say(RunCommand{1, "wait", Bytes(forever.begin(), forever.end()), 300});
  broker.say(RunCommand{2, "ping", {}, 5000});
  broker.say(RunCommand{3, "status", {}, 5000});
  broker.say(Prepare{9, "prepare:scene", {'p'}});
  REQUIRE(broker.serve([&] { return broker.replies.size() == 3 && !broker.ready.empty(); }));
  CHECK(broker.replies.back().command == 1);  // by its deadline
  CHECK(broker.replies.back().error.code == static_cast<std::uint16_t>(Code::deadline_exceeded));
  for (const CommandReply& reply : broker.replies)
    if (reply.command == 3)
      CHECK(text_of(reply.payload).find("\"type\": \"fail\"") != std::string::npos);
  CHECK(broker.ready[0] == Ready{9, "prepare:scene", {}, {}});
}

}  // namespace
}  // namespace framebus::worker
