#include "tests/client/commands/cli_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libmsg/base/check.h"
#include "tests/sanitized.h"

namespace framebus::client {
namespace {

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

// Reads both pipes until both are closed, so that neither can block the program.
void read_both(int out, int err, Ran& ran) {
  pollfd files[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
  std::string* texts[2] = {&ran.out, &ran.err};
  for (int open = 2; open > 0;) {
    poll(files, 2, -1);
    for (int i = 0; i < 2; ++i) {
      if (files[i].fd < 0 || files[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t count = read(files[i].fd, buffer, sizeof buffer);
      if (count > 0) {
        texts[i]->append(buffer, static_cast<std::size_t>(count));
      } else {
        files[i].fd = -1;
        --open;
      }
    }
  }
}

}  // namespace

Ran run_framebus(const std::vector<std::string>& words,
                 const std::vector<std::string>& environment) {
  std::vector<std::string> arguments{FRAMEBUS_BIN_DIR "/framebus"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  std::vector<std::string> variables = environment;
  for (std::string& each : testing::sanitizer_variables()) variables.push_back(std::move(each));
  auto argv = pointers_to(arguments), envp = pointers_to(variables);
  int out[2], err[2];
  FRAMEBUS_CHECK(pipe(out) == 0 && pipe(err) == 0, "no pipes");
  const auto begin = std::chrono::steady_clock::now();
  const pid_t child = fork();
  FRAMEBUS_CHECK(child >= 0, "no process");
  if (child == 0) {
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    for (const int end : {out[0], out[1], err[0], err[1]}) close(end);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  Ran ran;
  read_both(out[0], err[0], ran);
  close(out[0]);
  close(err[0]);
  int status = 0;
  waitpid(child, &status, 0);
  ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ran.took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  return ran;
}

}  // namespace framebus::client
