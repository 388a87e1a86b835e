#include "libmsg/base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace framebus {
namespace {
std::atomic<void (*)()> crash_hook{nullptr};
}

void set_crash_hook(void (*hook)()) {
  crash_hook = hook;
}

void check_failed(const char* file, int line, const char* expression, std::string_view note) {
  std::fprintf(stderr, "framebus: check failed at %s:%d: %s (%.*s)\n", file, line, expression,
               static_cast<int>(note.size()), note.data());
  // exchange: a check that fails inside the hook must not run the hook again.
  if (auto hook = crash_hook.exchange(nullptr)) hook();
  std::abort();
}

}  // namespace framebus
