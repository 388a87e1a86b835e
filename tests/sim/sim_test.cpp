// Many seeds keep every promise and take every row of the task table.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "broker/core/tables.h"
#include "tests/full_run.h"
#include "tests/sanitized.h"
#include "tests/sim/apart.h"
#include "tests/sim/shrink.h"

namespace framebus::sim {
namespace {

// A tenth of the figure in docs/RELIABILITY.md, and all of it with FRAMEBUS_TEST_FULL. A build with
// sanitizers runs few: enough to take every row.
constexpr std::uint64_t seeds = testing::is_sanitized ? 20 : 200;
constexpr std::uint64_t seeds_full = 2000;
constexpr std::int64_t minutes = 10;
constexpr unsigned shrink_trials = 200;

unsigned jobs() {
  return static_cast<unsigned>(std::clamp(::sysconf(_SC_NPROCESSORS_ONLN), 1L, 8L));
}

struct Sums {
  RowHits rows{};
  std::uint64_t seeds = 0, disks = 0, hostile = 0, records = 0, jobs = 0, commands = 0,
                archived = 0;
  double virtual_s = 0;
  void add(const Report& report) {
    for (std::size_t row = 0; row < rows.size(); ++row) rows[row] += report.row_hits[row];
    ++seeds;
    disks += report.real_disk ? 1 : 0;
    hostile += report.hostile ? 1 : 0;
    records += report.records;
    jobs += report.jobs;
    commands += report.commands;
    archived += report.archived;
    virtual_s += report.virtual_s;
  }
};

TEST_CASE("sim: every promise is kept, and every row of the task table is taken") {
  const std::uint64_t last = testing::is_full_run() ? seeds_full : seeds;
  std::vector<Setup> setups(last);
  for (std::uint64_t i = 0; i < last; ++i) {
    setups[i].seed = i + 1;
    setups[i].minutes = minutes;
  }
  Sums sums;
  int broken = 0;
  const auto begin = std::chrono::steady_clock::now();
  simulate_many(setups, jobs(), [&](const Setup& setup, const Report& report) {
    sums.add(report);
    if (report.violation.empty()) return true;
    if (++broken == 1)
      std::printf("sim: shrunk: %s", describe(shrink(setup, report, shrink_trials)).c_str());
    CHECK_MESSAGE(report.violation.empty(), "seed " << setup.seed << ": " << report.violation
                                                    << "; run again: " << how_to_rerun(setup));
    return broken < 5;
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf(
      "sim: seeds 1 to %llu of %lld minutes, %d broken; %llu on the real journal, %llu on a "
      "hostile "
      "network; %llu jobs (%llu archived), %llu records, %llu commands in %.1f virtual hours; %.0f "
      "s "
      "on %u processes\n",
      static_cast<unsigned long long>(last), static_cast<long long>(minutes), broken,
      static_cast<unsigned long long>(sums.disks), static_cast<unsigned long long>(sums.hostile),
      static_cast<unsigned long long>(sums.jobs), static_cast<unsigned long long>(sums.archived),
      static_cast<unsigned long long>(sums.records), static_cast<unsigned long long>(sums.commands),
      sums.virtual_s / 3600, took.count(), jobs());
  for (std::size_t row = 1; row < sums.rows.size(); ++row)
    CHECK_MESSAGE(sums.rows[row] > 0, "row " << row << " was never taken: "
                                             << std::string(broker::task_rows[row].event));
}

TEST_CASE("sim: the same seed gives the same run") {
  for (const std::uint64_t seed : {4711u, 4712u}) {
    Setup setup;
    setup.seed = seed;
    setup.minutes = 3;
    const Report first = simulate_apart(setup), second = simulate_apart(setup);
    CHECK(first.happenings == second.happenings);
    CHECK(first.records == second.records);
    CHECK(first.row_hits == second.row_hits);
    CHECK(first.records > 100);
  }
}

TEST_CASE("sim: a task that kills its workers before it starts is given up, and no other with it") {
  std::vector<Setup> setups(40);
  for (std::uint64_t i = 0; i < setups.size(); ++i) {
    setups[i].seed = i + 1;
    setups[i].minutes = 1;
    setups[i].killer = true;
    setups[i].filter.all = false;
    setups[i].filter.without = static_cast<std::uint8_t>(Feature::executors);
  }
  // Two losses before it is suspected, then crashes; beside them what one that never ran may lose.
  constexpr std::uint64_t killed_max = 2 + 5;
  std::uint64_t most = 0;
  simulate_many(setups, jobs(), [&](const Setup& setup, const Report& report) {
    CHECK_MESSAGE(report.violation.empty(), "seed " << setup.seed << ": " << report.violation
                                                    << "; run again: " << how_to_rerun(setup));
    CHECK_MESSAGE(report.killed > 0, "seed " << setup.seed);
    CHECK_MESSAGE(report.killed <= killed_max, "seed " << setup.seed << ": " << report.killed
                                                       << " workers were taken down");
    most = std::max(most, report.killed);
    return true;
  });
  std::printf("sim: killer: seeds 1 to %zu, at most %llu workers were taken down\n", setups.size(),
              static_cast<unsigned long long>(most));
}

TEST_CASE("sim: a fault that is left out changes no other") {
  const std::vector<Injection> all = plan(7, minutes);
  REQUIRE(all.size() > 50);
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i].number == i + 1);
  Setup setup;
  setup.seed = 7;
  setup.minutes = minutes;
  setup.filter.all = false;
  setup.filter.only = {};
  setup.filter.until_s = 30;
  const Report nothing = simulate_apart(setup);
  CHECK(nothing.violation.empty());
  CHECK(nothing.jobs == 0);
}

}  // namespace
}  // namespace framebus::sim
