#include "worker/shell/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>

namespace framebus::worker {
namespace {

constexpr int freeze_rounds_max = 100;

// "PID (NAME) STATE PARENT ... THREADS ... BEGAN ..."; the name may hold anything, also
// parentheses.
bool read_row(const char* pid_text, ProcessRow& row) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%s/stat", pid_text);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[512];
  const ssize_t length = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  if (length <= 0) return false;
  text[length] = '\0';
  const char* behind_name = std::strrchr(text, ')');
  if (behind_name == nullptr) return false;
  char state = 0;
  int parent = 0;
  long threads = 0;
  std::uint64_t began = 0;
  // Fields 3, 4, 20 and 22 of proc_pid_stat(5).
  if (std::sscanf(
          behind_name + 1,
          " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %*s %" SCNu64,
          &state, &parent, &threads, &began) != 4)
    return false;
  row.pid = static_cast<pid_t>(std::atol(pid_text));
  row.parent = parent;
  row.began = began;
  row.is_dead = (state == 'Z' || state == 'X') && threads <= 1;
  return true;
}

void nap(int ms) {
  ::poll(nullptr, 0, ms);
}

}  // namespace

std::vector<ProcessRow> process_table() {
  std::vector<ProcessRow> table;
  DIR* const directory = ::opendir("/proc");
  if (directory == nullptr) return table;
  while (const dirent* entry = ::readdir(directory)) {
    ProcessRow row;
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && read_row(entry->d_name, row))
      table.push_back(row);
  }
  ::closedir(directory);
  return table;
}

std::vector<ProcessId> descendants_of(pid_t ancestor, const std::vector<ProcessRow>& table) {
  std::multimap<pid_t, const ProcessRow*> children;
  for (const ProcessRow& row : table) children.emplace(row.parent, &row);
  std::vector<ProcessId> found;
  std::vector<pid_t> next = {ancestor};
  std::set<pid_t> seen = {ancestor};
  while (!next.empty()) {
    const pid_t parent = next.back();
    next.pop_back();
    for (auto [it, end] = children.equal_range(parent); it != end; ++it) {
      if (!seen.insert(it->second->pid).second) continue;
      next.push_back(it->second->pid);
      if (!it->second->is_dead) found.push_back(it->second->id());
    }
  }
  return found;
}

bool signal_process(const ProcessId& process, int number) {
  // The descriptor holds on to whoever has the number now; is that the one that is meant?
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0));
  if (fd < 0) {
    // No descriptors left, or a kernel without: looked at as late as possible.
    if (errno == ESRCH) return false;
    ProcessRow row;
    return read_row(std::to_string(process.pid).c_str(), row) && row.id() == process &&
           ::kill(process.pid, number) == 0;
  }
  ProcessRow row;
  const bool is_same = read_row(std::to_string(process.pid).c_str(), row) && row.id() == process;
  const bool is_sent = is_same && ::syscall(SYS_pidfd_send_signal, fd, number, nullptr, 0) == 0;
  ::close(fd);
  return is_sent;
}

unsigned kill_all(const std::function<std::vector<ProcessId>()>& find,
                  const std::function<void()>& reap, int rounds_max) {
  std::set<ProcessId> killed;
  for (int round = 0;; ++round) {
    std::set<ProcessId> frozen;
    for (int i = 0; i < freeze_rounds_max; ++i) {
      bool grew = false;
      for (const ProcessId& process : find())
        if (frozen.insert(process).second) {
          signal_process(process, SIGSTOP);
          grew = true;
        }
      if (!grew) break;
    }
    reap();
    if (frozen.empty() || (rounds_max > 0 && round >= rounds_max))
      return static_cast<unsigned>(killed.size());
    for (const ProcessId& process : frozen)
      if (signal_process(process, SIGKILL)) killed.insert(process);
    nap(std::min(1 + round, 50));
    reap();
  }
}

}  // namespace framebus::worker
