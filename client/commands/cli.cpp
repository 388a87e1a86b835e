#include "client/commands/cli.h"

#include <unistd.h>

#include <cstdio>

#include "client/commands/interrupt.h"
#include "client/commands/verbs.h"
#include "client/output/style.h"
#include "client/output/text.h"
#include "libmsg/transport/transport.h"

namespace framebus::client {
namespace {

constexpr int say_waiting_after_tenths = 10;

void write_all(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

OutputMode mode_of(const Arguments& arguments) {
  if (arguments.json) return OutputMode::json;
  return arguments.quiet ? OutputMode::quiet : OutputMode::table;
}

}  // namespace

Cli::Cli(Arguments arguments, ClientConfig config, const char* const* environment)
    : arguments_(std::move(arguments)),
      config_(std::move(config)),
      environment_(environment),
      output_terminal_(terminal_of(STDOUT_FILENO, environment)),
      error_terminal_(terminal_of(STDERR_FILENO, environment)),
      renderer_(make_renderer(mode_of(arguments_), output_terminal_)) {}

void Cli::print(const Report& report) const {
  write_all(stdout, renderer_->render(report));
}

void Cli::say(std::string_view line) const {
  if (!arguments_.quiet) write_all(stderr, std::string(line) + "\n");
}

int Cli::fail(const Error& error) const {
  finish_waiting();
  const bool by_the_user = error.code == Code::cancelled && InterruptGuard::is_interrupted();
  std::string text = painted("error:", Style::failed, error_terminal_.has_colour) + " " +
                     many_lines(error.message) + "\n";
  if (error.code == Code::unavailable && error.message.starts_with("no broker answers")) {
    text +=
        "  start one here:     framebus-broker\n"
        "  or name another:    --broker URL, or FRAMEBUS_BROKER=URL\n"
        "  or do without one:  framebus local JOB.json\n";
  }
  if (error.retry_after_ms > 0)
    text += "  try again in " + std::to_string((error.retry_after_ms + 999) / 1000) + " s\n";
  write_all(stderr, text);
  if (by_the_user) return InterruptGuard::exit_code();  // no task has failed
  return error_info(error.code).exit_code;
}

Primary& Cli::primary() {
  if (!primary_) {
    PrimaryOptions options;
    options.broker = config_.broker;
    options.program = "framebus " FRAMEBUS_VERSION;
    options.principal = config_.principal;
    options.deadline = config_.timeout;
    options.reconnect_max = seconds(2);  // a person is waiting
    primary_ = std::make_unique<Primary>(std::move(options));
  }
  return *primary_;
}

Status Cli::waiting(int tenths) const {
  if (InterruptGuard::is_interrupted()) return framebus::fail(Code::cancelled, "interrupted");
  if (tenths >= say_waiting_after_tenths && !said_waiting_ && error_terminal_.is_terminal &&
      !arguments_.quiet) {
    said_waiting_ = true;
    const bool is_connected = primary_ && primary_->is_connected();
    std::string text = "waiting for an answer of the broker";
    if (!is_connected) text = std::string("waiting for a broker at ").append(config_.broker);
    write_all(stderr, "\r" + painted(text, Style::dim, error_terminal_.has_colour) + "\x1b[K");
  }
  return {};
}

void Cli::finish_waiting() const {
  if (std::exchange(said_waiting_, false)) write_all(stderr, "\r\x1b[K");
}

ProgressDisplay Cli::make_display() const {
  return {STDERR_FILENO,
          [environment = environment_] { return terminal_of(STDERR_FILENO, environment); }};
}

}  // namespace framebus::client
