// See child_process.h.
#include "tests/system/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "libmsg/base/check.h"

namespace framebus::test {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

int open_log(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

int code_of_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ChildProcess::ChildProcess(Start start) : start_(std::move(start)) {
  std::vector<std::string> words = start_.arguments;
  words.insert(words.begin(), start_.program.string());
  std::vector<char*> argv = pointers(words);
  std::vector<char*> envp = pointers(start_.environment);
  const int out = open_log(start_.log_stem.string() + ".out");
  const int err = open_log(start_.log_stem.string() + ".err");
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  FRAMEBUS_CHECK(out >= 0 && err >= 0 && nothing >= 0, "no log files for a child process");
  pid_ = ::fork();
  FRAMEBUS_CHECK(pid_ >= 0, "fork failed");
  if (pid_ == 0) {
    // Only calls that are safe after fork; a test that is killed takes its children along.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(out);
  ::close(err);
  ::close(nothing);
  pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  FRAMEBUS_CHECK(pid_fd_ >= 0, "pidfd_open failed");
}

ChildProcess::~ChildProcess() {
  if (!exit_code_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(pid_fd_);
}

void ChildProcess::signal(int number) const {
  if (!exit_code_) ::kill(pid_, number);
}

std::optional<int> ChildProcess::wait_exit(Duration patience) {
  if (exit_code_) return exit_code_;
  pollfd ended{pid_fd_, POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(to_ms(patience))) <= 0) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  exit_code_ = code_of_status(status);
  return exit_code_;
}

bool ChildProcess::is_running() {
  return !wait_exit(Duration{0}).has_value();
}

std::string ChildProcess::output() const {
  return read_text(start_.log_stem.string() + ".out");
}
std::string ChildProcess::errors() const {
  return read_text(start_.log_stem.string() + ".err");
}

}  // namespace framebus::test
