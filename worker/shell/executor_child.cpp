#include "worker/shell/executor_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "libmsg/base/config.h"
#include "libmsg/base/log.h"
#include "worker/shell/keeper.h"
#include "worker/shell/process_tree.h"

namespace framebus::worker {
namespace {

constexpr Duration keeper_ends_within = seconds(5);
// Work yields to the loop that keeps this worker's leases alive.
constexpr int executor_niceness = 5;
constexpr int exit_no_program = 127;
constexpr int stray_rounds_max = 100;  // five seconds

// Everything that the new process needs, made before the fork: behind it only calls that are safe
// after a fork of many threads.
struct Launch {
  std::vector<char*> argv;
  const char* path = nullptr;
  int talk = -1, control = -1, output = -1, nothing = -1;
};

[[noreturn]] void become_keeper(const Launch& launch) {
  ::setsid();
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // First out of the way of the places they go to.
  const int talk = ::fcntl(launch.talk, F_DUPFD, 16),
            control = ::fcntl(launch.control, F_DUPFD, 16);
  const int output = ::fcntl(launch.output, F_DUPFD, 16);
  const int nothing = ::fcntl(launch.nothing, F_DUPFD, 16);
  ::dup2(nothing, 0);
  ::dup2(output, 1);
  ::dup2(output, 2);
  ::dup2(talk, executor_talk_fd);
  ::dup2(control, keeper_control_fd);
  ::close_range(keeper_control_fd + 1, ~0u, 0);
  ::setpriority(PRIO_PROCESS, 0, executor_niceness);
  ::execv(launch.path, launch.argv.data());
  const char* const reason = ::strerrordesc_np(errno);
  static constexpr char what[] = "cannot execute ";
  [[maybe_unused]] ssize_t ignored = ::write(2, what, sizeof what - 1);
  ignored = ::write(2, launch.path, std::strlen(launch.path));
  ignored = ::write(2, ": ", 2);
  ignored = ::write(2, reason, std::strlen(reason));
  ::_exit(exit_no_program);
}

tl::unexpected<Error> no_start(const std::string& why) {
  return fail(Code::unavailable, "start an executor process: " + why);
}

Status make_pair(FileDescriptor& ours, FileDescriptor& theirs) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return no_start(std::string("socketpair: ") + std::strerror(errno));
  ours = FileDescriptor(pair[0]);
  theirs = FileDescriptor(pair[1]);
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  return {};
}

int ms_until(TimePoint limit) {
  return static_cast<int>(std::max<std::int64_t>(0, to_ms(limit - now_monotonic())));
}

}  // namespace

std::string name_of_signal(int number) {
  const char* const name = ::sigabbrev_np(number);
  return name == nullptr ? "signal " + std::to_string(number) : "SIG" + std::string(name);
}

void KeeperList::end_strays() {
  const std::lock_guard lock(mutex_);
  const auto strays = [&] {
    const std::vector<ProcessRow> table = process_table();
    std::vector<ProcessId> found;
    for (const ProcessRow& row : table) {
      if (row.parent != ::getpid() || pids_.contains(row.pid)) continue;
      if (!row.is_dead) found.push_back(row.id());
      const std::vector<ProcessId> below = descendants_of(row.pid, table);
      found.insert(found.end(), below.begin(), below.end());
    }
    return found;
  };
  const auto reap = [&] {
    for (const ProcessRow& row : process_table())
      if (row.parent == ::getpid() && !pids_.contains(row.pid))
        ::waitpid(row.pid, nullptr, WNOHANG);
  };
  if (const unsigned killed = kill_all(strays, reap, stray_rounds_max); killed > 0)
    log_warning("executor", "ended processes whose keeper was lost", {{"count", killed}});
  reap();
}

Result<std::unique_ptr<ExecutorChild>> ExecutorChild::start(const ChildProgram& program,
                                                            const std::string& role,
                                                            KeeperList& keepers) {
  std::unique_ptr<ExecutorChild> child(new ExecutorChild(program, role, keepers));
  FRAMEBUS_TRY(child->spawn());
  FRAMEBUS_TRY(child->await_hello());
  return child;
}

Status ExecutorChild::spawn() {
  FileDescriptor their_talk, their_control, their_output;
  FRAMEBUS_TRY(make_pair(talk_, their_talk));
  FRAMEBUS_TRY(make_pair(control_, their_control));
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return no_start(std::string("pipe: ") + std::strerror(errno));
  output_ = FileDescriptor(pipe[0]);
  their_output = FileDescriptor(pipe[1]);
  ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  FRAMEBUS_ASSIGN(const FileDescriptor nothing, open_file("/dev/null", O_RDONLY));

  std::vector<std::string> words = {"framebus-worker"};
  words.insert(words.end(), program_.arguments.begin(), program_.arguments.end());
  words.push_back(role_);
  Launch launch;
  for (std::string& word : words) launch.argv.push_back(word.data());
  launch.argv.push_back(nullptr);
  launch.path = program_.path.c_str();
  launch.talk = their_talk.get();
  launch.control = their_control.get();
  launch.output = their_output.get();
  launch.nothing = nothing.get();
  const std::lock_guard lock(keepers_.mutex_);
  keeper_ = ::fork();
  if (keeper_ == 0) become_keeper(launch);
  if (keeper_ < 0) return no_start(std::string("fork: ") + std::strerror(errno));
  keepers_.pids_.insert(keeper_);
  return {};
}

Status ExecutorChild::await_hello() {
  const TimePoint limit = now_monotonic() + program_.start_within;
  for (;;) {
    pollfd watched[] = {{talk_.get(), POLLIN, 0}, {control_.get(), POLLIN, 0}};
    const int ready = ::poll(watched, 2, ms_until(limit));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0)
      return no_start("it said nothing within " + to_text(program_.start_within) + last_words());
    std::uint8_t bytes[4096];
    const ssize_t count = ::recv(talk_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) frames_.append(BytesView(bytes, static_cast<std::size_t>(count)));
    auto message = frames_.next();
    if (!message) return no_start("it spoke nonsense: " + message.error().message);
    if (*message && std::holds_alternative<ChildHello>(**message)) {
      executor_ = static_cast<pid_t>(std::get<ChildHello>(**message).pid);
      return {};
    }
    if (*message) return no_start("it did not begin with Hello");
    if (count == 0 || watched[1].revents != 0) {
      const ChildExit exit = end();
      const std::string how = exit.is_signal
                                  ? "was ended by " + name_of_signal(static_cast<int>(exit.number))
                                  : "ended with exit code " + std::to_string(exit.number);
      return no_start("it " + how + (exit.text.empty() ? "" : " (" + exit.text + ")") +
                      last_words());
    }
  }
}

// What it has printed so far, cut.
std::string ExecutorChild::last_words() const {
  char text[512];
  const ssize_t count = ::read(output_.get(), text, sizeof text);
  if (count <= 0) return "";
  return ": " + std::string(text, static_cast<std::size_t>(count));
}

bool ExecutorChild::is_alive() const {
  pollfd watched[] = {{control_.get(), POLLIN, 0}, {talk_.get(), POLLRDHUP, 0}};
  return ::poll(watched, 2, 0) == 0;
}

void ExecutorChild::kill() noexcept {
  static constexpr char word = 'k';
  ::send(control_.get(), &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ChildExit ExecutorChild::end() {
  ChildExit exit;
  if (keeper_ <= 0) return exit;
  kill();
  const TimePoint limit = now_monotonic() + keeper_ends_within;
  ChildFrames frames;
  bool has_report = false;
  for (bool is_open = true; is_open && now_monotonic() < limit;) {
    pollfd watched = {control_.get(), POLLIN, 0};
    if (::poll(&watched, 1, ms_until(limit)) <= 0) continue;
    std::uint8_t bytes[4096];
    const ssize_t count = ::recv(control_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) frames.append(BytesView(bytes, static_cast<std::size_t>(count)));
    is_open = count > 0;
    auto message = frames.next();
    if (message && *message && std::holds_alternative<ChildExit>(**message)) {
      exit = std::get<ChildExit>(std::move(**message));
      has_report = true;
      break;
    }
  }
  if (!has_report) ::kill(keeper_, SIGKILL);
  int status = 0;
  while (::waitpid(keeper_, &status, 0) < 0 && errno == EINTR) {
  }
  {
    const std::lock_guard lock(keepers_.mutex_);
    keepers_.pids_.erase(keeper_);
  }
  keeper_ = -1;
  if (has_report) return exit;
  exit.is_signal = WIFSIGNALED(status);
  exit.number = static_cast<std::uint32_t>(exit.is_signal ? WTERMSIG(status) : WEXITSTATUS(status));
  if (exit.is_signal) exit.text = "its keeper was lost";
  if (program_.owns_all_children) keepers_.end_strays();
  return exit;
}

ExecutorChild::~ExecutorChild() {
  if (keeper_ > 0) end();
}

}  // namespace framebus::worker
