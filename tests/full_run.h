// How much of a long test runs: a fixed tenth of docs/RELIABILITY.md's figures, or all of them with
// FRAMEBUS_TEST_FULL=1 (./run test --full); and where random ones begin. The one place that reads
// those variables.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace framebus::testing {

inline bool is_full_run() {
  const char* const full = std::getenv("FRAMEBUS_TEST_FULL");
  return full != nullptr && std::string_view(full) == "1";
}

// FRAMEBUS_TEST_SEED, or `otherwise`: what a random test begins with. ./run soak gives a fresh one.
inline std::uint64_t seed_or(std::uint64_t otherwise) {
  const char* const given = std::getenv("FRAMEBUS_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

// Cases `first`, `first + stride` ... of a long test are run.
inline std::uint64_t stride_of_run() {
  return is_full_run() ? 1 : 10;
}

}  // namespace framebus::testing
