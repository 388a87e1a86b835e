// Builds with sanitizers: slower and larger, and their options must reach every program that a test
// starts, for a report that goes nowhere would count as none.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

namespace framebus::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif
#else
inline constexpr bool is_sanitized = false;
#endif

// Factor of every bound on a time: such a build shows faults, not speed.
inline constexpr int patience = is_sanitized ? 30 : 1;

// NAME=value of the sanitizers' options in this process, for programs with an environment of their
// own.
inline std::vector<std::string> sanitizer_variables() {
  std::vector<std::string> variables;
  for (const char* const name : {"ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    if (const char* const value = std::getenv(name))
      variables.push_back(std::string(name) + "=" + value);
  }
  return variables;
}

}  // namespace framebus::testing
