// Processes as the kernel lists them: who lives, and that nobody else is ever signalled.
#include "worker/shell/process_tree.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "tests/libmsg/blob/raw_peer.h"

namespace framebus::worker {
namespace {

using test::eventually;

[[noreturn]] void live_on() {
  for (;;) ::pause();
}

// A process of the test's own, killed and reaped with it.
class Forked {
 public:
  template <class Life>
  explicit Forked(const Life& life) : pid_(::fork()) {
    if (pid_ == 0) {
      life();
      ::_exit(0);
    }
    REQUIRE(pid_ > 0);
  }
  ~Forked() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  std::optional<ProcessRow> row() const {
    for (const ProcessRow& each : process_table())
      if (each.pid == pid_) return each;
    return std::nullopt;
  }
  bool is_running() const {
    siginfo_t ended = {};
    ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT);
    return ended.si_pid == 0;
  }
  // "Z" once its first thread has ended.
  char state() const {
    const auto text = read_state();
    return text.empty() ? '?' : text[0];
  }

 private:
  std::string read_state() const {
    const std::string path = "/proc/" + std::to_string(pid_) + "/stat";
    FILE* file = std::fopen(path.c_str(), "r");
    if (file == nullptr) return "";
    char text[512] = {};
    const std::size_t size = std::fread(text, 1, sizeof text - 1, file);
    std::fclose(file);
    const std::string all(text, size);
    return all.substr(all.rfind(')') + 2);
  }
  pid_t pid_;
};

TEST_CASE("process tree: a process whose first thread has ended lives as long as its others") {
  Forked process([] {
    std::thread(live_on).detach();
    ::syscall(SYS_exit, 0);  // this thread alone
  });
  REQUIRE(eventually([&] { return process.state() == 'Z'; }));
  const auto row = process.row();
  REQUIRE(row);
  CHECK_FALSE(row->is_dead);
  const auto below = descendants_of(::getpid(), process_table());
  CHECK(std::find(below.begin(), below.end(), row->id()) != below.end());
  const auto find = [&] {
    std::vector<ProcessId> found;
    if (const auto now = process.row(); now && !now->is_dead) found.push_back(now->id());
    return found;
  };
  CHECK(kill_all(
            find, [] {}, 100) == 1);
  CHECK(process.row()->is_dead);
}

TEST_CASE("process tree: a process that has ended and waits to be reaped is dead") {
  Forked process([] {});
  REQUIRE(eventually([&] { return process.row()->is_dead; }));
}

TEST_CASE("process tree: a number that belongs to another process now is not signalled") {
  Forked process(live_on);
  const ProcessId now = process.row()->id();
  const ProcessId before{now.pid, now.began - 1};
  CHECK_FALSE(signal_process(before, SIGKILL));
  int asked = 0;
  const auto find = [&] {
    // As it was when the list was made: the process behind the number changed right after.
    return ++asked == 1 ? std::vector<ProcessId>{before} : std::vector<ProcessId>{};
  };
  CHECK(kill_all(
            find, [] {}, 10) == 0);
  CHECK(process.is_running());
  CHECK(signal_process(now, SIGKILL));
  CHECK(eventually([&] { return !process.is_running(); }));
}

}  // namespace
}  // namespace framebus::worker
