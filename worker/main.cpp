// framebus-worker: reads the configuration, starts one worker, turns signals into a drain and a
// stop.
//
// Exit codes: 0 drained or stopped, 78 configuration refused, else the code of the error that the
// broker refused this worker with. The first SIGTERM or SIGINT drains, the second ends at once.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include "libmsg/base/log.h"
#include "worker/shell/worker_server.h"

namespace framebus::worker {
namespace {

constexpr int exit_configuration = 78;
constexpr Duration executors_end_within = seconds(2);

int refuse(const Error& error) {
  std::fprintf(stderr, "framebus-worker: %s\n", error.message.c_str());
  return exit_configuration;
}

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Waits for signals on a thread of its own, so that no handler ever interrupts anything. Ended by a
// SIGTERM to the thread itself, once `done` is set.
void watch_signals(WorkerProcess& worker, const std::atomic<bool>& done) {
  const sigset_t signals = handled_signals();
  for (int seen = 0;;) {
    int number = 0;
    if (sigwait(&signals, &number) != 0) continue;
    if (done.load()) return;
    ++seen;
    log_info("worker", seen == 1 ? "draining; once more to end at once" : "ending at once",
             {{"signal", number}});
    if (seen == 1) worker.drain();
    if (seen == 2) worker.stop();
    if (seen > 2) ::_exit(128 + number);
  }
}

int run(int argc, char** argv, char** environment) {
  WorkerConfig config;
  const Result<ConfigOutcome> loaded =
      load_config(worker_config_table(), argc, argv, environment, config);
  if (!loaded) return refuse(loaded.error());
  if (loaded->help || loaded->version || loaded->print) {
    std::fputs(loaded->text.c_str(), stdout);
    return 0;
  }
  const Result<LogLevel> level = parse_log_level(config.log_level);
  if (!level) return refuse(level.error());
  init_logging(*level, "framebus-worker",
               config.log_format == "json" ? LogFormat::json : LogFormat::text);

  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before the first thread, so that all inherit it
  std::signal(SIGPIPE, SIG_IGN);                  // a log that nobody reads any more ends no task
  auto worker = WorkerProcess::create(config, make_context());
  if (!worker) return refuse(worker.error());
  std::atomic<bool> done{false};
  std::thread watcher([&] { watch_signals(**worker, done); });
  const int code = (*worker)->run();
  const bool is_idle = (*worker)->wait_idle(executors_end_within);
  done = true;
  pthread_kill(watcher.native_handle(), SIGTERM);
  watcher.join();
  // An executor that does not end can not be waited for; what it did counts nowhere.
  if (!is_idle) ::_exit(code);
  return code;
}

}  // namespace
}  // namespace framebus::worker

int main(int argc, char** argv, char** environment) {
  return framebus::worker::run(argc, argv, environment);
}
