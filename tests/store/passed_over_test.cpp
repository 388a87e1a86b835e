// Numbers of records that others know although the journal has lost them: they are passed over, in
// every state of the journal and whenever the machine stops meanwhile.
#include <doctest/doctest.h>

#include "tests/store/journal_rig.h"

using namespace framebus;
using namespace framebus::testing;

namespace {

constexpr std::uint64_t elsewhere = 1'000'000;

// Segments behind a snapshot, the last of them begun.
void fill(Rig& rig) {
  REQUIRE(rig.open());
  RecordStream stream(7);
  for (int i = 0; i < 60; ++i) REQUIRE(rig.append_records(stream.next_batch(6), i));
  REQUIRE(rig.append(1, 99));  // counts also when it is not the last one any more
  REQUIRE(rig.journal->sync());
  REQUIRE(rig.journal->request_compaction());
  rig.run_upkeep();
  REQUIRE(rig.append(40, 100));
  REQUIRE(rig.append(40, 101));
  REQUIRE(rig.append(3, 102));
  REQUIRE(rig.journal->seal());
}

// Works and comes back, with its numbers behind `elsewhere`.
void check_goes_on(Rig& rig) {
  CHECK(rig.journal->last_lsn() == elsewhere);
  CHECK(rig.journal->durable_lsn() == elsewhere);
  const std::vector<Stored> before = rig.replayed;
  rig.options.numbers_above = 0;
  REQUIRE(rig.open());  // before anything was written behind them
  CHECK(rig.journal->last_lsn() == elsewhere);
  CHECK(rig.replayed == before);
  rig.appended.clear();
  REQUIRE(rig.append(5, 200));
  REQUIRE(rig.append(70, 201));
  CHECK(rig.appended.front().lsn == elsewhere + 1);
  REQUIRE(rig.journal->seal());
  REQUIRE(rig.open());
  std::vector<Stored> all = before;
  all.insert(all.end(), rig.appended.begin(), rig.appended.end());
  CHECK(rig.replayed == all);
  CHECK(rig.journal->last_lsn() == elsewhere + 75);
  rig.options.numbers_above = elsewhere;  // known by now
  REQUIRE(rig.open());
  CHECK(rig.replayed == all);
  CHECK(rig.journal->last_lsn() == elsewhere + 75);
}

}  // namespace

TEST_CASE("numbers passed over: an empty journal goes on behind them") {
  FaultDisk disk(1);
  Rig rig(disk);
  SUBCASE("that was never there") {}
  SUBCASE("that has been opened") {
    REQUIRE(rig.open());
  }
  rig.options.numbers_above = elsewhere;
  REQUIRE(rig.open());
  CHECK(rig.replayed.empty());
  check_goes_on(rig);
}

TEST_CASE("numbers passed over: every record is kept, later ones have higher numbers") {
  FaultDisk disk(1);
  Rig rig(disk);
  fill(rig);
  REQUIRE(rig.open());
  const std::vector<Stored> before = rig.replayed;
  REQUIRE(before.size() > 83);
  rig.options.numbers_above = before.back().lsn;
  REQUIRE(rig.open());
  CHECK(rig.files("snapshot-").size() == 1);
  CHECK(rig.segment_count() > 0);  // nothing to pass over: nothing is rewritten
  rig.options.numbers_above = elsewhere;
  REQUIRE(rig.open());
  CHECK(rig.replayed == before);
  CHECK(rig.files("snapshot-").size() == 1);
  check_goes_on(rig);
}

TEST_CASE("numbers passed over: compaction and a second gap keep what counts") {
  FaultDisk disk(1);
  Rig rig(disk);
  fill(rig);
  rig.options.numbers_above = elsewhere / 2;
  REQUIRE(rig.open());
  REQUIRE(rig.append(4, 150));
  REQUIRE(rig.journal->request_compaction());
  rig.run_upkeep();
  REQUIRE(rig.open());
  const std::vector<Stored> before = rig.replayed;
  CHECK(before.back().lsn == elsewhere / 2 + 4);
  rig.options.numbers_above = elsewhere;
  REQUIRE(rig.open());
  CHECK(rig.replayed == before);
  check_goes_on(rig);
}

TEST_CASE(
    "numbers passed over: a crash at any operation loses no record and gives no number twice") {
  for (const CrashMode mode : all_crash_modes) {
    for (std::uint64_t operation = 1;; ++operation) {
      CAPTURE(name_of(mode));
      CAPTURE(operation);
      FaultDisk disk(operation);
      Rig rig(disk);
      fill(rig);
      const auto before = [&] {
        REQUIRE(rig.open());
        return rig.replayed;
      }();
      rig.options.numbers_above = elsewhere;
      disk.crash_at(disk.operation_count() + operation);
      const bool was_opened = static_cast<bool>(rig.open());
      const bool has_crashed = disk.has_crashed();
      if (!has_crashed) REQUIRE(was_opened);
      disk.restart(mode);
      REQUIRE(rig.open());
      CHECK(rig.replayed == before);
      check_goes_on(rig);
      if (!has_crashed) break;
    }
  }
}
