#include "worker/shell/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

namespace framebus::worker {
namespace {

constexpr int freeze_rounds_max = 100;

// "PID (NAME) STATE PARENT ..."; the name may hold anything, also parentheses.
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
  if (std::sscanf(behind_name + 1, " %c %d", &state, &parent) != 2) return false;
  row.pid = static_cast<pid_t>(std::atol(pid_text));
  row.parent = parent;
  row.is_dead = state == 'Z' || state == 'X';
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

std::vector<pid_t> descendants_of(pid_t ancestor, const std::vector<ProcessRow>& table) {
  std::multimap<pid_t, const ProcessRow*> children;
  for (const ProcessRow& row : table) children.emplace(row.parent, &row);
  std::vector<pid_t> found, next = {ancestor};
  std::set<pid_t> seen = {ancestor};
  while (!next.empty()) {
    const pid_t parent = next.back();
    next.pop_back();
    for (auto [it, end] = children.equal_range(parent); it != end; ++it) {
      if (!seen.insert(it->second->pid).second) continue;
      next.push_back(it->second->pid);
      if (!it->second->is_dead) found.push_back(it->second->pid);
    }
  }
  return found;
}

unsigned kill_all(const std::function<std::vector<pid_t>()>& find,
                  const std::function<void()>& reap, int rounds_max) {
  std::set<pid_t> killed;
  for (int round = 0;; ++round) {
    std::set<pid_t> frozen;
    for (int i = 0; i < freeze_rounds_max; ++i) {
      bool grew = false;
      for (const pid_t pid : find())
        if (frozen.insert(pid).second) {
          ::kill(pid, SIGSTOP);
          grew = true;
        }
      if (!grew) break;
    }
    reap();
    if (frozen.empty() || (rounds_max > 0 && round >= rounds_max))
      return static_cast<unsigned>(killed.size());
    for (const pid_t pid : frozen) {
      ::kill(pid, SIGKILL);
      killed.insert(pid);
    }
    nap(std::min(1 + round, 50));
    reap();
  }
}

}  // namespace framebus::worker
