#include "worker/shell/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "worker/shell/child_main.h"
#include "worker/shell/child_protocol.h"
#include "worker/shell/process_tree.h"

namespace framebus::worker {
namespace {

constexpr int exit_usage = 64;
constexpr int exit_no_process = 71;

bool is_socket(int fd) {
  int type = 0;
  socklen_t length = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
}

// When memory runs out, the executor goes before anything else of this worker.
void volunteer_for_oom() {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  static constexpr char score[] = "500";
  [[maybe_unused]] const ssize_t ignored = ::write(fd, score, sizeof score - 1);
  ::close(fd);
}

class Keeper {
 public:
  explicit Keeper(pid_t executor) : executor_(executor) {}

  // Until the tree is gone.
  int run(int child_signals) {
    while (!has_ended_) {
      pollfd watched[] = {{keeper_control_fd, POLLIN, 0}, {child_signals, POLLIN, 0}};
      if (::poll(watched, 2, -1) < 0 && errno != EINTR) break;
      if (watched[1].revents != 0) {
        signalfd_siginfo ignored[8];
        [[maybe_unused]] const ssize_t bytes = ::read(child_signals, ignored, sizeof ignored);
        reap();
      }
      // A byte and the end of the connection mean the same.
      if (watched[0].revents != 0) break;
    }
    const unsigned killed =
        kill_all([] { return descendants_of(::getpid(), process_table()); }, [this] { reap(); }, 0);
    // Dead in the list is not yet waited for: other threads of it may be on their way out.
    for (int status = 0;;) {
      const pid_t pid = ::waitpid(-1, &status, 0);
      if (pid < 0 && errno != EINTR) break;
      note(pid, status);
    }
    report(killed);
    return 0;
  }

 private:
  void reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) note(pid, status);
  }

  void note(pid_t pid, int status) {
    if (pid != executor_) return;
    has_ended_ = true;
    status_ = status;
  }

  void report(unsigned killed) const {
    ChildExit exit;
    exit.is_signal = WIFSIGNALED(status_);
    exit.number =
        static_cast<std::uint32_t>(exit.is_signal ? WTERMSIG(status_) : WEXITSTATUS(status_));
    exit.killed = killed;
    const Bytes frame = encode_child(exit);
    // The worker may be gone; then nobody wants to know.
    [[maybe_unused]] const ssize_t sent =
        ::send(keeper_control_fd, frame.data(), frame.size(), MSG_NOSIGNAL);
  }

  const pid_t executor_;
  bool has_ended_ = false;
  int status_ = 0;
};

int run_executor(pid_t keeper, const char* role) {
  ::close(keeper_control_fd);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != keeper) return exit_no_process;  // it went before the line above
  ::setpgid(0, 0);
  volunteer_for_oom();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  return run_child(executor_talk_fd, role, keeper);
}

}  // namespace

int run_keeper(int argc, char** argv) {
  if (argc != 2 || !is_socket(executor_talk_fd) || !is_socket(keeper_control_fd)) {
    std::fprintf(stderr, "framebus-worker executor: is started by framebus-worker itself\n");
    return exit_usage;
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_NAME, "framebus-keeper");
  sigset_t child_ends;
  sigemptyset(&child_ends);
  sigaddset(&child_ends, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_ends, nullptr);
  const int child_signals = ::signalfd(-1, &child_ends, SFD_CLOEXEC | SFD_NONBLOCK);
  const pid_t self = ::getpid();
  const pid_t executor = child_signals < 0 ? -1 : ::fork();
  if (executor == 0) {
    ::close(child_signals);
    return run_executor(self, argv[1]);
  }
  if (executor < 0) {
    ChildExit exit;
    exit.number = exit_no_process;
    exit.text = std::string("fork: ") + std::strerror(errno);
    const Bytes frame = encode_child(exit);
    [[maybe_unused]] const ssize_t sent =
        ::send(keeper_control_fd, frame.data(), frame.size(), MSG_NOSIGNAL);
    return exit_no_process;
  }
  // What the executor prints, and its connection, end with the executor's tree.
  ::close(executor_talk_fd);
  for (const int fd : {0, 1, 2}) ::close(fd);
  return Keeper(executor).run(child_signals);
}

}  // namespace framebus::worker
