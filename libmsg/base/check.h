// FRAMEBUS_CHECK: an assertion that stays on in release builds. For programmers' errors only:
// nothing a peer, a user or the environment does may reach one. A failed check ends the process; a
// restart recovers.
#pragma once

#include <string_view>

namespace framebus {

// Prints file, line, the expression and the note to stderr, runs the crash hook, aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* expression,
                               std::string_view note);

// Called once before a failed check aborts (a core's event ring is dumped here). nullptr removes
// it.
void set_crash_hook(void (*hook)());

}  // namespace framebus

#define FRAMEBUS_CHECK(condition, note)                               \
  do {                                                                \
    if (!(condition)) [[unlikely]]                                    \
      ::framebus::check_failed(__FILE__, __LINE__, #condition, note); \
  } while (false)
