// framebus-worker: reads the configuration, starts one worker, turns signals into a drain and a
// stop.
//
// Exit codes: 0 drained, stopped, or removed by an administrator (a service manager should not
// start it again then: Restart=on-failure), 78 configuration refused, else the code of the error
// that the broker refused this worker with. The first SIGTERM or SIGINT drains, the second ends at
// once. An administrator's restart replaces the program by itself, with the same arguments and
// process id. `framebus-worker executor` is for the worker's own use (worker/shell/keeper.h).
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include "libmsg/base/log.h"
#include "worker/shell/keeper.h"
#include "worker/shell/worker_server.h"

namespace framebus::worker {
namespace {

constexpr int exit_configuration = 78;
constexpr int exit_cannot_restart = 71;
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

// By the path it had at the start: after an update of the file the new program begins. Returns only
// when that is impossible.
void begin_anew(const std::string& program, char** argv) {
  log_info("worker", "starting anew", {{"program", program}});
  ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
  ::execv(program.c_str(), argv);
  ::execv("/proc/self/exe", argv);
  log_error("worker", "could not start anew; start it by hand", {{"error", std::strerror(errno)}});
}

// One life of the worker; its exit code. When it wants to begin anew, `begin_anew` is called, and
// returns only when that is impossible.
int live(const WorkerConfig& config, const std::function<void()>& begin_anew) {
  ChildProgram program;
  program.owns_all_children = true;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what a lost keeper leaves behind comes to this process
  auto worker = WorkerProcess::create(config, make_context(), program);
  if (!worker) return refuse(worker.error());
  std::atomic<bool> done{false};
  std::thread watcher([&] { watch_signals(**worker, done); });
  const int code = (*worker)->run();
  const bool is_idle = (*worker)->wait_idle(executors_end_within);
  done = true;
  pthread_kill(watcher.native_handle(), SIGTERM);
  watcher.join();
  const bool wants_restart = (*worker)->wants_restart();
  // An executor on a thread that does not end can not be waited for; what it did counts nowhere.
  // (Executors' processes are ended by their keepers, when this process is gone at the latest, or
  // below when it goes on.) With the new program all threads of the old one end.
  if (!is_idle && (config.executors_in_process || !wants_restart)) {
    if (wants_restart) begin_anew();
    ::_exit(wants_restart ? exit_cannot_restart : code);
  }
  if (!wants_restart) return code;
  worker->reset();  // orderly: what is still to be sent is sent
  begin_anew();
  return exit_cannot_restart;
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
  std::error_code ignored;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  return live(config, [&] { begin_anew(program, argv); });
}

}  // namespace
}  // namespace framebus::worker

int main(int argc, char** argv, char** environment) {
  if (argc > 1 && std::strcmp(argv[1], "executor") == 0)
    return framebus::worker::run_keeper(argc - 1, argv + 1);
  return framebus::worker::run(argc, argv, environment);
}
