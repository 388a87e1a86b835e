// Many seeds keep every promise, take every row of the task table, and every planted bug is found.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "broker/core/tables.h"
#include "tests/sim/simulation.h"

namespace framebus::sim {
namespace {

constexpr std::uint64_t first_seed = 1;
constexpr std::uint64_t seed_count = 1000;
constexpr std::uint64_t seeds_per_bug = 100;

// True when the run broke a promise or ended in a failed CHECK. In a process of its own: a CHECK
// aborts.
bool is_found(const Setup& setup) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // What a planted bug makes a CHECK say is no news for the reader of the test's output.
    if (std::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(2);
    ::_exit(simulate(setup).violation.empty() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return !WIFEXITED(status) || WEXITSTATUS(status) == 1;
}

TEST_CASE("sim: every promise is kept, and every row of the task table is taken") {
  RowHits hits{};
  std::printf("sim: seeds %llu to %llu\n", static_cast<unsigned long long>(first_seed),
              static_cast<unsigned long long>(first_seed + seed_count - 1));
  for (std::uint64_t seed = first_seed; seed < first_seed + seed_count; ++seed) {
    Setup setup;
    setup.seed = seed;
    setup.minutes = 2;
    const Report report = simulate(setup);
    CHECK_MESSAGE(report.violation.empty(), "seed " << seed << ": " << report.violation
                                                    << "; run again: " << how_to_rerun(setup));
    for (std::size_t row = 0; row < hits.size(); ++row) hits[row] += report.row_hits[row];
  }
  for (std::size_t row = 1; row < hits.size(); ++row)
    CHECK_MESSAGE(hits[row] > 0, "row " << row << " was never taken: "
                                        << std::string(broker::task_rows[row].event));
}

TEST_CASE("sim: the same seed gives the same run") {
  Setup setup;
  setup.seed = 4711;
  const Report first = simulate(setup), second = simulate(setup);
  CHECK(first.happenings == second.happenings);
  CHECK(first.records == second.records);
  CHECK(first.row_hits == second.row_hits);
}

TEST_CASE("sim: every planted bug is found") {
  for (const BugInfo& planted : bug_table) {
    if (planted.bug == Bug::none) continue;
    std::uint64_t seed = 1;
    Setup setup;
    setup.bug = planted.bug;
    for (; seed <= seeds_per_bug; ++seed) {
      setup.seed = seed;
      if (is_found(setup)) break;
    }
    std::printf("sim: %.*s found with seed %llu\n", static_cast<int>(planted.name.size()),
                planted.name.data(), static_cast<unsigned long long>(seed));
    CHECK_MESSAGE(seed <= seeds_per_bug,
                  "planted bug '" << std::string(planted.name)
                                  << "' was not found: " << std::string(planted.meaning));
  }
}

}  // namespace
}  // namespace framebus::sim
