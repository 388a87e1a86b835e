#include "client/commands/interrupt.h"

#include <doctest/doctest.h>

#include <csignal>

using framebus::client::InterruptGuard;

TEST_CASE("interrupt: a signal is noted, and told as its exit code") {
  const InterruptGuard guard;
  CHECK_FALSE(InterruptGuard::is_interrupted());
  std::raise(SIGTERM);
  CHECK(InterruptGuard::is_interrupted());
  CHECK(InterruptGuard::exit_code() == 128 + SIGTERM);
}

TEST_CASE("interrupt: what the process was started to ignore stays ignored") {
  const auto before = std::signal(SIGHUP, SIG_IGN);
  {
    const InterruptGuard guard;
    std::raise(SIGHUP);
    CHECK_FALSE(InterruptGuard::is_interrupted());
  }
  std::signal(SIGHUP, before);
}
