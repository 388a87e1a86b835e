// Every planted bug is found, by name; and a failing run is shrunk to a command that fails alike.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>

#include "tests/sanitized.h"
#include "tests/sim/apart.h"
#include "tests/sim/shrink.h"

namespace framebus::sim {
namespace {

constexpr std::uint64_t seeds_per_bug = 40;
constexpr std::int64_t minutes = 10;
constexpr unsigned jobs = 2;

struct Found {
  Setup setup;
  Report report;
};

// The first seed that finds it; a report without a violation: none does.
Found find(Bug bug) {
  std::vector<Setup> setups(seeds_per_bug);
  for (std::uint64_t i = 0; i < seeds_per_bug; ++i) {
    setups[i].seed = i + 1;
    setups[i].minutes = minutes;
    setups[i].bug = bug;
  }
  Found found;
  simulate_many(setups, jobs, [&found](const Setup& setup, const Report& report) {
    const bool is_first = found.report.violation.empty() || setup.seed < found.setup.seed;
    if (!report.violation.empty() && is_first) found = {setup, report};
    return found.report.violation.empty();
  });
  return found;
}

TEST_CASE("sim: every planted bug is found") {
  // Whether a bug is found does not depend on the build: under sanitizers every fifth will do.
  const std::size_t stride = testing::is_sanitized ? 5 : 1;
  std::size_t count = 0, planted_bugs = 0, index = 0;
  for (const BugInfo& planted : bug_table) {
    if (planted.bug == Bug::none || index++ % stride != 0) continue;
    ++planted_bugs;
    const Found found = find(planted.bug);
    CHECK_MESSAGE(!found.report.violation.empty(),
                  "planted bug '" << std::string(planted.name) << "' was not found in "
                                  << seeds_per_bug << " seeds: " << std::string(planted.meaning));
    if (found.report.violation.empty()) continue;
    ++count;
    std::printf("sim: %-23.*s seed %2llu  %s\n", static_cast<int>(planted.name.size()),
                planted.name.data(), static_cast<unsigned long long>(found.setup.seed),
                found.report.violation.c_str());
  }
  std::printf("sim: %zu of %zu planted bugs found\n", count, planted_bugs);
  CHECK(count == planted_bugs);
  CHECK(planted_bugs >= 51 / stride);
}

TEST_CASE("sim: a failing run is shrunk to a command that fails alike") {
  const Found found = find(Bug::same_epoch);
  REQUIRE(!found.report.violation.empty());
  const Shrunk shrunk = shrink(found.setup, found.report, 300);
  std::printf("sim: %s", describe(shrunk).c_str());
  CHECK(promise_of(shrunk.report.violation) == promise_of(found.report.violation));
  CHECK(shrunk.before > 20);
  CHECK(shrunk.after < 10);
  // As a person would type it.
  const std::string command =
      FRAMEBUS_BIN_DIR "/" + how_to_rerun(shrunk.setup) + " > /dev/null 2>&1";
  const int status = std::system(command.c_str());
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 1);
}

}  // namespace
}  // namespace framebus::sim
