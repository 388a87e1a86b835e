#include "tests/sim/apart.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "libmsg/base/check.h"

namespace framebus::sim {
namespace {

// Everything of a Report that is no text, as it goes through a pipe.
struct Numbers {
  double violated_at_s, peace_at_s, virtual_s;
  RowHits row_hits;
  std::uint64_t happenings, jobs, records, commands, archived, killed;
  bool real_disk, hostile;
};

struct Child {
  const Setup* setup = nullptr;
  pid_t pid = 0;
  int reports = -1, errors = -1;
  std::string told, said;
};

void write_all(int fd, const void* bytes, std::size_t count) {
  const char* at = static_cast<const char*>(bytes);
  while (count > 0) {
    const ssize_t done = ::write(fd, at, count);
    if (done <= 0) return;
    at += done;
    count -= static_cast<std::size_t>(done);
  }
}

[[noreturn]] void run_child(const Setup& setup, int reports, int errors) {
  ::dup2(errors, STDERR_FILENO);
  const Report r = simulate(setup);
  Numbers n{};
  n.violated_at_s = r.violated_at_s;
  n.peace_at_s = r.peace_at_s;
  n.virtual_s = r.virtual_s;
  n.row_hits = r.row_hits;
  n.happenings = r.happenings;
  n.jobs = r.jobs;
  n.records = r.records;
  n.commands = r.commands;
  n.archived = r.archived;
  n.killed = r.killed;
  n.real_disk = r.real_disk;
  n.hostile = r.hostile;
  write_all(reports, &n, sizeof n);
  write_all(reports, r.violation.data(), r.violation.size());
  ::_exit(0);
}

Report report_of(const Child& child) {
  Report report;
  if (child.told.size() < sizeof(Numbers)) {
    report.violation = "at 0 s: a CHECK holds: " + child.said.substr(0, child.said.find('\n'));
    return report;
  }
  Numbers n;
  std::memcpy(&n, child.told.data(), sizeof n);
  report.violation = child.told.substr(sizeof n);
  report.violated_at_s = n.violated_at_s;
  report.peace_at_s = n.peace_at_s;
  report.virtual_s = n.virtual_s;
  report.row_hits = n.row_hits;
  report.happenings = n.happenings;
  report.jobs = n.jobs;
  report.records = n.records;
  report.commands = n.commands;
  report.archived = n.archived;
  report.killed = n.killed;
  report.real_disk = n.real_disk;
  report.hostile = n.hostile;
  return report;
}

Child launch(const Setup& setup) {
  int reports[2], errors[2];
  FRAMEBUS_CHECK(::pipe(reports) == 0 && ::pipe(errors) == 0, "no pipe for a child");
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  FRAMEBUS_CHECK(pid >= 0, "no process for a child");
  if (pid == 0) run_child(setup, reports[1], errors[1]);
  ::close(reports[1]);
  ::close(errors[1]);
  return {&setup, pid, reports[0], errors[0], "", ""};
}

// False: this pipe has ended.
bool read_some(int fd, std::string& into) {
  char buffer[4096];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got > 0) into.append(buffer, static_cast<std::size_t>(got));
  return got > 0;
}

void close_if_ended(int& fd, short events, std::string& into) {
  if (fd < 0 || events == 0 || read_some(fd, into)) return;
  ::close(fd);
  fd = -1;
}

// Waits until something has come from any of them.
void listen_to(std::vector<Child>& children) {
  std::vector<pollfd> fds;
  for (const Child& child : children) {
    fds.push_back({child.reports, POLLIN, 0});
    fds.push_back({child.errors, POLLIN, 0});
  }
  if (::poll(fds.data(), fds.size(), -1) < 0) return;
  for (std::size_t i = 0; i < children.size(); ++i) {
    close_if_ended(children[i].reports, fds[2 * i].revents, children[i].told);
    close_if_ended(children[i].errors, fds[2 * i + 1].revents, children[i].said);
  }
}

}  // namespace

void simulate_many(const std::vector<Setup>& setups, unsigned jobs,
                   const std::function<bool(const Setup&, const Report&)>& told) {
  std::vector<Child> children;
  std::size_t next = 0;
  bool goes_on = true;
  while (!children.empty() || (goes_on && next < setups.size())) {
    while (goes_on && next < setups.size() && children.size() < jobs)
      children.push_back(launch(setups[next++]));
    listen_to(children);
    for (std::size_t i = 0; i < children.size();) {
      Child& child = children[i];
      if (child.reports >= 0 || child.errors >= 0) {
        ++i;
        continue;
      }
      int status = 0;
      while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
      }
      if (!told(*child.setup, report_of(child))) goes_on = false;
      children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

Report simulate_apart(const Setup& setup) {
  Report report;
  simulate_many({setup}, 1, [&report](const Setup&, const Report& each) {
    report = each;
    return true;
  });
  return report;
}

}  // namespace framebus::sim
