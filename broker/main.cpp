// The program framebus-broker: commands on a data directory, or configuration, signals, exit codes
// of a broker. Everything else is in shell/server.h.
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include "broker/shell/data_commands.h"
#include "broker/shell/exit_codes.h"
#include "broker/shell/server.h"
#include "libmsg/base/check.h"
#include "libmsg/base/log.h"

namespace {

using framebus::broker::BrokerConfig;
using framebus::broker::BrokerServer;

// The one global of the program: a failed check has nothing else to find the server by.
BrokerServer* crashing_server = nullptr;

// Runs on the thread whose check failed, which is nearly always the loop's, and only once.
void print_recent_events() {
  if (!crashing_server) return;
  std::fputs("the last events, oldest first:\n", stderr);
  std::fputs(crashing_server->recent_events().c_str(), stderr);
}

int report(const framebus::Error& error, int exit_code) {
  std::fprintf(stderr, "framebus-broker: %s\n", error.message.c_str());
  return exit_code;
}

int report_start(framebus::Error error) {
  const int exit_code = framebus::broker::exit_code_of_start(error);
  if (exit_code == framebus::broker::exit_sync_failed) {
    error.message = "the disk failed while the broker started: " + error.message +
                    ". Nothing was taken in, nothing that was acknowledged before is given up. Look "
                    "at the disk (dmesg, smartctl), then start the broker again";
  }
  return report(error, exit_code);
}

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR2);  // sent by main() itself to end the waiting thread
  return set;
}

int serve(BrokerServer& server, const BrokerConfig& config) {
  const std::string ready =
      config.json ? endpoints_json(server.facts()) : endpoints_text(server.facts());
  std::printf("%s\n", ready.c_str());
  std::fflush(stdout);
  // A thread that waits for signals, with the signals blocked everywhere: no handler, no global.
  std::thread signals([&server] {
    const sigset_t set = stop_signals();
    int number = 0;
    sigwait(&set, &number);
    server.stop();
  });
  crashing_server = &server;
  framebus::set_crash_hook(print_recent_events);
  const framebus::Status status = server.run();
  framebus::set_crash_hook(nullptr);
  crashing_server = nullptr;
  pthread_kill(signals.native_handle(), SIGUSR2);
  signals.join();
  if (status) return 0;
  framebus::Error error = status.error().context("the store failed");
  error.message +=
      ". The broker has ended: what it had not answered yet may not be on the disk, everything it "
      "had answered is. Look at the disk and its free space, then start the broker again";
  return report(error, framebus::broker::exit_sync_failed);
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto done = framebus::broker::run_data_command(argc, argv, environ)) return *done;
  BrokerConfig config;
  const auto outcome =
      load_config(framebus::broker::broker_config_table(), argc, argv, environ, config);
  if (!outcome) return report(outcome.error(), framebus::broker::exit_config_refused);
  if (outcome->help || outcome->version || outcome->print) {
    std::printf("%s\n", outcome->text.c_str());
    return 0;
  }
  framebus::init_logging(
      *framebus::parse_log_level(config.log_level), "framebus-broker",
      config.log_format == "json" ? framebus::LogFormat::json : framebus::LogFormat::text);
  // Before the first thread, so that every thread inherits it.
  const sigset_t blocked = stop_signals();
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  // Best effort: with few descriptors the broker works, for few peers.
  if (const auto raised = framebus::raise_descriptor_limit(); !raised) {
    framebus::log_warning("broker", raised.error().message);
  }
  auto server = BrokerServer::start(config);
  if (!server) return report_start(server.error());
  return serve(**server, config);
}
