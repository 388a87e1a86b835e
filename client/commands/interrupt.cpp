#include "client/commands/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

namespace framebus::client {
namespace {

constexpr int handled[] = {SIGINT, SIGTERM, SIGHUP};
std::atomic<int> seen_signal{0};  // lock-free, so that a handler may set it

struct sigaction old_actions[3];

void on_signal(int number) {
  int none = 0;
  if (!seen_signal.compare_exchange_strong(none, number)) ::_exit(128 + number);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  seen_signal = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // a write to a pipe is finished, not cut short
  for (int i = 0; i < 3; ++i) {
    sigaction(handled[i], &action, &old_actions[i]);
    // What was ignored stays so: under nohup a closed terminal must not end the job.
    if (old_actions[i].sa_handler == SIG_IGN) sigaction(handled[i], &old_actions[i], nullptr);
  }
}

InterruptGuard::~InterruptGuard() {
  for (int i = 0; i < 3; ++i) sigaction(handled[i], &old_actions[i], nullptr);
}

bool InterruptGuard::is_interrupted() {
  return seen_signal != 0;
}

int InterruptGuard::exit_code() {
  return 128 + seen_signal;
}

}  // namespace framebus::client
