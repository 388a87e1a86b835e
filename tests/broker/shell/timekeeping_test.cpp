// The broker's time, and what the loop looks after by it: free space and places for peers.
#include <doctest/doctest.h>

#include "broker/shell/broker_clock.h"
#include "broker/shell/catch_up.h"
#include "broker/shell/descriptor_budget.h"
#include "broker/shell/disk_gauge.h"
#include "libmsg/base/limits.h"

namespace framebus::broker {
namespace {

constexpr TimePoint at(std::int64_t s) {
  return TimePoint{seconds(s)};
}

TEST_CASE("broker clock: starts at the wall clock and follows the monotonic one") {
  const BrokerClock clock(at(1'000'000), at(50), TimePoint{});
  CHECK(clock.at(at(50)) == at(1'000'000));
  CHECK(clock.at(at(53)) == at(1'000'003));
}

TEST_CASE("broker clock: a wall clock that was set back does not take the broker's time back") {
  const BrokerClock clock(at(1'000), at(50), at(2'000));
  CHECK(clock.start() == at(2'000));
  CHECK(clock.at(at(51)) == at(2'001));
}

TEST_CASE("broker clock: time that passed while the broker was down has passed") {
  const BrokerClock clock(at(5'000), at(3), at(2'000));
  CHECK(clock.at(at(3)) == at(5'000));
}

TEST_CASE("broker clock: the wall clock is one of this century") {
  CHECK(wall_clock_now() > at(1'700'000'000));
  CHECK(wall_clock_now() < at(4'100'000'000));
}

TEST_CASE("catch up: leases are judged when what came meanwhile is read, and extended once by it") {
  CatchUp catch_up;
  CHECK(catch_up.judge(true) == Duration{0});  // more waits, but nobody was unheard
  catch_up.begin(at(100), seconds(4));
  CHECK_FALSE(catch_up.judge(true));
  catch_up.begin(at(100), Duration{0});
  CHECK_FALSE(catch_up.judge(true));
  catch_up.begin(at(103), seconds(2));  // once more while it reads
  CHECK_FALSE(catch_up.judge(true));
  CHECK(catch_up.judge(false) == seconds(6));
  CHECK(catch_up.judge(false) == Duration{0});
  CHECK(catch_up.judge(true) == Duration{0});
}

TEST_CASE("catch up: a peer that never stops sending puts the leases off for so many turns only") {
  CatchUp catch_up;
  catch_up.begin(at(100), seconds(3));
  for (std::size_t turn = 0; turn < CatchUp::turns_max; ++turn) CHECK_FALSE(catch_up.judge(true));
  CHECK(catch_up.judge(true) == seconds(3));
  CHECK(catch_up.judge(true) == Duration{0});
}

TEST_CASE("catch up: turns that come late one after the other do not put the leases off for ever") {
  CatchUp catch_up;
  std::vector<Duration> judged;
  for (std::int64_t turn = 0; turn < 60; ++turn) {  // a disk that stays slow, 2 s for each turn
    catch_up.begin(at(100 + 2 * turn), seconds(2));
    if (const auto unheard = catch_up.judge(true)) judged.push_back(*unheard);
  }
  // Every ten seconds, and no lease pays for any of it.
  CHECK(judged == std::vector<Duration>(10, seconds(12)));
}

TEST_CASE("catch up: short late turns are bounded by their number as well") {
  CatchUp catch_up;
  std::size_t turns = 0;
  do {
    REQUIRE(turns++ <= CatchUp::turns_max);
    catch_up.begin(at(100), milliseconds(1));
  } while (!catch_up.judge(true));
  CHECK(turns == CatchUp::turns_max + 1);
}

TEST_CASE("disk gauge: short below the reserve, well again an eighth above it, told once each") {
  DiskGauge gauge(800);
  CHECK_FALSE(gauge.judge(800, false, "/data"));
  const auto full = gauge.judge(799, false, "/data");
  REQUIRE(full);
  CHECK(full->full);
  CHECK(full->detail ==
        "799 bytes are free in /data, 800B are kept for results (disk-reserve): free space on that "
        "disk, lower archive-max-bytes, logs-max-bytes or blob-pin, or move the directory to a "
        "larger disk (docs/OPERATING.md, \"A full disk\")");
  CHECK_FALSE(gauge.judge(0, false, "/data"));
  CHECK_FALSE(gauge.judge(899, false, "/data"));
  const auto well = gauge.judge(900, false, "/data");
  REQUIRE(well);
  CHECK_FALSE(well->full);
  CHECK_FALSE(gauge.judge(800, false, "/data"));
  CHECK(gauge.free_bytes() == 800);
}

TEST_CASE("disk gauge: short also while the store has no room, whatever is free") {
  DiskGauge gauge(800);
  CHECK(gauge.judge(10'000, true, "/data"));
  CHECK_FALSE(gauge.judge(10'000, true, "/data"));
  CHECK_FALSE(gauge.judge(10'000, false, "/data")->full);
}

TEST_CASE("disk gauge: without a reserve it is never short") {
  DiskGauge gauge(0);
  CHECK_FALSE(gauge.judge(0, false, "/data"));
}

TEST_CASE("descriptor budget: the endpoints' parts and the broker's own files fit into the limit") {
  for (const std::uint64_t limit : {256ul, 1'024ul, 4'096ul, 65'536ul, 1'048'576ul, ~0ul}) {
    CAPTURE(limit);
    const auto budget = plan_descriptors(limit, 10, limits::sessions_max);
    REQUIRE(budget);
    CHECK(budget->connections + budget->log_files + 10 + 64 < limit);
    CHECK(budget->sessions <= limits::sessions_max);
    CHECK(budget->sessions <= budget->connections);
    CHECK(budget->connections >= 30);
  }
  CHECK(plan_descriptors(1'048'576, 10, limits::sessions_max)->sessions == limits::sessions_max);
}

TEST_CASE("descriptor budget: a limit that leaves no room is refused with one that would do") {
  const auto refused = plan_descriptors(64, 10, 100);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::resource_exhausted);
  const std::string& text = refused.error().message;
  const std::size_t number = text.find("at least ") + 9;
  CHECK(plan_descriptors(std::stoull(text.substr(number)), 10, 100));
  CHECK(descriptors_open() >= 3);
}

}  // namespace
}  // namespace framebus::broker
