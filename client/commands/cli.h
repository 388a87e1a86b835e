// What every verb has: its arguments, the configuration, where to print, and the way to the broker.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <string_view>

#include "client/commands/arguments.h"
#include "client/commands/client_config.h"
#include "client/lib/primary.h"
#include "client/output/progress_display.h"
#include "client/output/renderer.h"

namespace framebus::client {

class Cli {
 public:
  Cli(Arguments arguments, ClientConfig config, const char* const* environment);

  const Arguments& arguments() const { return arguments_; }
  const ClientConfig& config() const { return config_; }
  const char* const* environment() const { return environment_; }

  // A report on stdout, in the chosen form.
  void print(const Report& report) const;
  // A remark for people on stderr; nothing with --quiet.
  void say(std::string_view line) const;
  // The error on stderr with what to do about it; returns the exit code of its code.
  int fail(const Error& error) const;

  // Connects to the configured broker; made on first use.
  Primary& primary();
  // Primary of a broker of this process (local) instead.
  void use(std::unique_ptr<Primary> primary) { primary_ = std::move(primary); }

  // Waits for an answer; on a terminal says after a second what it waits for. Code::cancelled after
  // Ctrl-C (when an InterruptGuard lives).
  template <class T>
  Result<T> await(Future<T> future) const {
    for (int tenths = 0;
         future.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready; ++tenths) {
      if (const Status going_on = waiting(tenths); !going_on)
        return framebus::fail(going_on.error());
    }
    finish_waiting();
    return future.get();
  }

  ProgressDisplay make_display() const;
  const Terminal& error_terminal() const { return error_terminal_; }

 private:
  Status waiting(int tenths) const;
  void finish_waiting() const;

  Arguments arguments_;
  ClientConfig config_;
  const char* const* environment_;
  Terminal output_terminal_, error_terminal_;
  std::unique_ptr<Renderer> renderer_;
  std::unique_ptr<Primary> primary_;
  mutable bool said_waiting_ = false;
};

// The whole program but for main(): parses, runs the verb, returns the exit code.
int run_client(int argc, const char* const* argv, const char* const* environment);

}  // namespace framebus::client
