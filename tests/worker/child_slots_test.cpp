// Executors in processes of their own: real processes of the real program, that crash, are deaf,
// print garbage and leave others behind.
#include "worker/shell/child_slots.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "tests/worker/scripted_broker.h"
#include "tests/worker/store_client.h"
#include "worker/shell/process_tree.h"

namespace framebus::worker {
namespace {

StartAttempt start_of(const std::string& type, const std::string& params, std::uint32_t index = 0) {
  const Assign assign = task(type, params, index);
  return {assign.attempts[0], assign.steps[0]};
}

ChildProgram program(bool owns_all_children = false) {
  ChildProgram program;
  program.path = program_path();
  program.owns_all_children = owns_all_children;
  return program;
}

struct Rig {
  explicit Rig(unsigned slots = 1, const ChildProgram& executed = program()) {
    cache = std::move(*open_blob_store(directory.path() / "cache", false));
    far = std::move(*open_blob_store(directory.path() / "far", false));
    client = std::make_unique<StoreClient>(*far);
    trim = std::make_unique<CacheTrim>(*cache, std::uint64_t{1} << 30);
    std::filesystem::create_directories(directory.path() / "spool");
    services.inbox = &inbox;
    services.cache = cache.get();
    services.blobs = client.get();
    services.prepared = &prepared;
    services.executor_caches = directory.path() / "executors";
    services.spool = directory.path() / "spool";
    pool = make_child_slots(slots, services, *trim, executed);
  }

  void listen() {
    wait({}, {}, &inbox.wakeup(), milliseconds(50));
    inbox.wakeup().drain();
    for (Event& event : inbox.take()) {
      if (const auto* log = std::get_if<ExecutorLog>(&event)) log_text += text_of(log->bytes);
      events.push_back(std::move(event));
    }
  }
  void listen_until(const std::function<bool()>& done) {
    const TimePoint limit = now_monotonic() + patience;
    while (!done()) {
      REQUIRE_MESSAGE(now_monotonic() < limit, "it did not come; log so far: ", log_text);
      listen();
    }
  }
  template <class T>
  const T* last() const {
    for (auto it = events.rbegin(); it != events.rend(); ++it)
      if (const auto* found = std::get_if<T>(&*it)) return found;
    return nullptr;
  }
  ExecutorFinished finished() {
    listen_until([&] { return last<ExecutorFinished>() != nullptr; });
    return *last<ExecutorFinished>();
  }
  ExecutorFinished run(const std::string& type, const std::string& params,
                       std::uint32_t index = 0) {
    events.clear();
    log_text.clear();
    pool->start(start_of(type, params, index));
    return finished();
  }
  // Processes that `fail` says it has let escape.
  std::vector<pid_t> escaped() const {
    std::vector<pid_t> pids;
    const std::string word = "escaped: ";
    for (auto at = log_text.find(word); at != std::string::npos; at = log_text.find(word, at + 1))
      pids.push_back(std::atoi(log_text.c_str() + at + word.size()));
    return pids;
  }
  std::size_t files_in_spool() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(services.spool))
      count += entry.is_regular_file();
    return count;
  }
  std::int64_t child_pid() { return pool->describe().children.at(0).pid; }

  TemporaryDirectory directory;
  Inbox inbox;
  PreparedStore prepared;
  std::unique_ptr<BlobStore> cache, far;
  std::unique_ptr<StoreClient> client;
  std::unique_ptr<CacheTrim> trim;
  AttemptServices services;
  std::vector<Event> events;
  std::string log_text;
  std::unique_ptr<SlotPool> pool;  // first to go
};

bool is_alive(pid_t pid) {
  for (const ProcessRow& row : process_table())
    if (row.pid == pid) return !row.is_dead;
  return false;
}

std::size_t own_children() {
  const auto table = process_table();
  return static_cast<std::size_t>(std::count_if(
      table.begin(), table.end(), [](const ProcessRow& row) { return row.parent == ::getpid(); }));
}

std::size_t open_descriptors() {
  std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("child: tasks run in a process of their own that stays warm between them") {
  Rig rig;
  const ExecutorFinished first = rig.run("echo", "one");
  CHECK(first.outcome == Outcome::ok);
  CHECK(text_of(first.result) == "one");
  CHECK(rig.last<ExecutorStarted>() != nullptr);
  const std::int64_t pid = rig.child_pid();
  CHECK(pid != ::getpid());
  CHECK(text_of(rig.run("echo", "two").result) == "two");
  CHECK(rig.child_pid() == pid);
}

TEST_CASE(
    "child: each kind of death is a crash that names it, and the next task has a new process") {
  Rig rig;
  const std::pair<const char*, const char*> deaths[] = {
      {"abort", "SIGABRT"}, {"segfault", "SIGSEGV"}, {"exit", "exit code 3"}};
  for (const auto& [mode, word] : deaths) {
    CAPTURE(mode);
    const ExecutorFinished ended = rig.run("fail", "{\"mode\": \"" + std::string(mode) + "\"}");
    CHECK(ended.outcome == Outcome::crashed);
    CHECK_MESSAGE(contains(ended.error.message, word), ended.error.message);
    CHECK(contains(ended.log_tail, "fails on purpose"));
    CHECK(contains(rig.log_text, "fails on purpose"));
    CHECK(rig.run("echo", "x").outcome == Outcome::ok);
  }
}

TEST_CASE("child: a cancel reaches the task, a deaf one is killed with its process") {
  Rig rig;
  rig.pool->start(start_of("sleep", "{\"duration\": \"1h\"}"));
  rig.listen_until([&] { return rig.last<ExecutorProgress>() != nullptr; });
  rig.pool->cancel({{{1}, 0}, start_of("sleep", "").attempt.token});
  CHECK(rig.finished().error.code == static_cast<std::uint16_t>(Code::cancelled));

  rig.events.clear();
  const StartAttempt deaf = start_of("fail", "{\"mode\": \"hang\"}");
  const AttemptId id{deaf.attempt.task, deaf.attempt.token};
  rig.pool->start(deaf);
  rig.listen_until([&] { return contains(rig.log_text, "fails on purpose"); });
  const auto pid = static_cast<pid_t>(rig.child_pid());
  rig.pool->cancel(id);
  rig.pool->kill(id);
  const ExecutorFinished ended = rig.finished();
  CHECK(ended.outcome == Outcome::crashed);
  CHECK_MESSAGE(contains(ended.error.message, "was killed"), ended.error.message);
  CHECK_FALSE(is_alive(pid));
}

TEST_CASE("child: processes that escape by two forks and a session end with their task") {
  for (const char* then : {"error", "abort", "hang"}) {
    CAPTURE(then);
    Rig rig;
    const StartAttempt start = start_of(
        "fail", R"({"mode": "escape", "processes": 3, "then": ")" + std::string(then) + "\"}");
    rig.pool->start(start);
    rig.listen_until([&] { return rig.escaped().size() == 3; });
    const std::vector<pid_t> escaped = rig.escaped();
    if (std::string_view(then) == "hang") {
      for (const pid_t pid : escaped) CHECK(is_alive(pid));
      rig.pool->kill({start.attempt.task, start.attempt.token});
    }
    rig.finished();
    for (const pid_t pid : escaped) CHECK_FALSE(is_alive(pid));
    CHECK(rig.run("echo", "x").outcome == Outcome::ok);
  }
}

TEST_CASE("child: when its slots go, nothing of any tree is left, not even a zombie") {
  std::vector<pid_t> escaped;
  {
    Rig rig(2);
    rig.pool->start(start_of("fail", R"({"mode": "escape", "then": "hang"})", 0));
    rig.pool->start(start_of("fail", R"({"mode": "escape", "then": "hang"})", 1));
    rig.listen_until([&] { return rig.escaped().size() == 4; });
    escaped = rig.escaped();
  }
  for (const pid_t pid : escaped) CHECK_FALSE(is_alive(pid));
  CHECK(own_children() == 0);
}

TEST_CASE("child: garbage on its output is log and disturbs nothing") {
  Rig rig;
  CHECK(rig.run("echo", "x").outcome == Outcome::ok);
  const std::int64_t pid = rig.child_pid();
  const ExecutorFinished ended = rig.run("fail", "{\"mode\": \"flood\"}");
  CHECK(ended.outcome == Outcome::error);
  CHECK(ended.error.message == "failed on purpose");
  CHECK(rig.log_text.size() > 100'000);
  CHECK(ended.log_tail.size() <= 16 * limits::KiB);
  CHECK(rig.run("echo", "x").outcome == Outcome::ok);
  CHECK(rig.child_pid() == pid);
}

TEST_CASE("child: a large result becomes a blob, and its spool is empty afterwards") {
  Rig rig;
  const std::string large(200'000, 'r');
  const ExecutorFinished ended = rig.run("echo", large);
  REQUIRE(ended.outcome == Outcome::ok);
  CHECK(ended.result.empty());
  REQUIRE(ended.blobs.size() == 1);
  CHECK(ended.blobs[0].name == "result");
  CHECK(text_of(*rig.far->read(ended.blobs[0].hash, 0, 1 << 20)) == large);
  CHECK(rig.files_in_spool() == 0);
}

TEST_CASE("child: what was prepared is there when the next task begins, the newest of each name") {
  Rig rig;
  CHECK(rig.run("fail", R"({"prepared": "a"})").error.message == "nothing is prepared");
  rig.prepared.set("a", 1, {'1'});
  rig.prepared.set("b", 2, {'2'});
  CHECK(rig.run("fail", R"({"prepared": "a"})").error.message == "1");
  rig.prepared.set("a", 3, {'3'});
  rig.prepared.set("a", 2, {'x'});  // overtaken
  CHECK(rig.run("fail", R"({"prepared": "a"})").error.message == "3");
  CHECK(rig.run("fail", R"({"prepared": "b"})").error.message == "2");
  rig.run("fail", R"({"mode": "exit"})");  // a new process knows it, too
  CHECK(rig.run("fail", R"({"prepared": "a"})").error.message == "3");
}

TEST_CASE("child: dropping caches ends an idle process, the next task has a new one") {
  Rig rig;
  rig.run("echo", "x");
  const std::int64_t pid = rig.child_pid();
  rig.pool->drop_caches();
  rig.listen_until([&] { return rig.pool->describe().children.empty(); });
  CHECK(rig.run("echo", "x").outcome == Outcome::ok);
  CHECK(rig.child_pid() != pid);
}

TEST_CASE("child: one that dies while it is idle costs the next task nothing") {
  Rig rig;
  rig.run("echo", "x");
  const auto pid = static_cast<pid_t>(rig.child_pid());
  REQUIRE(::kill(pid, SIGKILL) == 0);
  const TimePoint limit = now_monotonic() + patience;
  while (is_alive(pid) && now_monotonic() < limit) rig.listen();
  rig.listen_until([&] { return rig.pool->describe().children.empty(); });
  CHECK(own_children() == 0);
  CHECK(rig.run("echo", "x").outcome == Outcome::ok);
}

TEST_CASE("child: a program that can not be started is said in words, not blamed on the task") {
  const std::pair<const char*, const char*> programs[] = {
      {"/nonexistent/framebus-worker", "No such file"}, {"/bin/false", "exit code 1"}};
  for (const auto& [path, word] : programs) {
    ChildProgram wrong = program();
    wrong.path = path;
    Rig rig(1, wrong);
    rig.pool->start(start_of("echo", "x"));
    rig.listen_until([&] { return rig.last<ExecutorUnavailable>() != nullptr; });
    const std::string reason = rig.last<ExecutorUnavailable>()->reason;
    CHECK_MESSAGE(contains(reason, word), reason);
    CHECK(rig.last<ExecutorStarted>() == nullptr);
    CHECK(own_children() == 0);
  }
}

TEST_CASE("child: what a process that died had in its spool goes with it") {
  Rig rig;
  rig.run("echo", "one");
  const auto folder = std::filesystem::directory_iterator(rig.services.spool)->path();
  std::ofstream(folder / "4711-1") << "half a resu";  // as a kill in the middle of a put leaves it
  CHECK(rig.run("fail", "{\"mode\": \"exit\"}").outcome == Outcome::crashed);
  CHECK(std::filesystem::is_empty(rig.services.spool));
}

TEST_CASE("child: a result that is larger than the spool's bound is refused with the numbers") {
  Rig rig;
  rig.services.spool_bytes_max = 200'000;
  const ExecutorFinished small = rig.run("echo", std::string(150'000, 'x'));
  CHECK(small.outcome == Outcome::ok);
  CHECK(small.blobs.size() == 1);
  const ExecutorFinished large = rig.run("echo", std::string(250'000, 'x'));
  CHECK(large.outcome == Outcome::error);
  CHECK_MESSAGE(contains(large.error.message, "250000 bytes"), large.error.message);
  CHECK_MESSAGE(contains(large.error.message, "at most 200000"), large.error.message);
  CHECK_MESSAGE(contains(large.error.message, "blob-spool-size"), large.error.message);
  CHECK(rig.files_in_spool() == 0);
}

TEST_CASE("child: a lost keeper is a crash, and what it leaves behind is found and ended") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  Rig rig(1, program(true));
  rig.pool->start(start_of("fail", R"({"mode": "escape", "then": "hang"})"));
  rig.listen_until([&] { return rig.escaped().size() == 2; });
  const auto executor = static_cast<pid_t>(rig.child_pid());
  const auto table = process_table();
  const auto row = std::find_if(table.begin(), table.end(),
                                [&](const ProcessRow& each) { return each.pid == executor; });
  REQUIRE(row != table.end());
  REQUIRE(::kill(row->parent, SIGKILL) == 0);
  const ExecutorFinished ended = rig.finished();
  CHECK(ended.outcome == Outcome::crashed);
  CHECK_MESSAGE(contains(ended.error.message, "keeper was lost"), ended.error.message);
  CHECK_FALSE(is_alive(executor));
  for (const pid_t pid : rig.escaped()) CHECK_FALSE(is_alive(pid));
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("child: a hundred processes started and ended leave no descriptor and no zombie") {
  Rig rig;
  rig.run("fail", "{\"mode\": \"exit\"}");
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 100; ++i)
    CHECK(rig.run("fail", "{\"mode\": \"exit\"}").outcome == Outcome::crashed);
  CHECK(open_descriptors() == before);
  CHECK(own_children() == 0);
}

}  // namespace
}  // namespace framebus::worker
