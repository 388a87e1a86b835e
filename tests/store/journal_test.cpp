// The journal step by step, over the disk in memory: what is written comes back, in every
// circumstance that is not a crash (crash_test.cpp) and not a damage (damage_test.cpp).
#include <doctest/doctest.h>

#include <algorithm>

#include "broker/store/journal/format.h"
#include "tests/store/journal_rig.h"

using namespace framebus;
using namespace framebus::testing;

TEST_CASE("journal: a new one is empty, makes its directory and begins with record 1") {
  FaultDisk disk(1);
  Rig rig(disk);
  REQUIRE(rig.open());
  CHECK(rig.replayed.empty());
  CHECK(rig.journal->last_lsn() == 0);
  REQUIRE(rig.append(3, 5));
  CHECK(rig.journal->last_lsn() == 3);
  CHECK(rig.journal->durable_lsn() == 0);
  REQUIRE(rig.journal->sync());
  CHECK(rig.journal->durable_lsn() == 3);
}

TEST_CASE("journal: every kind of record comes back with its number and time, in order") {
  FaultDisk disk(1);
  Rig rig(disk);
  REQUIRE(rig.open());
  const std::vector<Record> records = one_of_each();
  std::int64_t at = 100;
  for (const Record& record : records) REQUIRE(rig.append_records({record}, at += 7));
  REQUIRE(rig.journal->seal());
  REQUIRE(rig.open());
  REQUIRE(rig.replayed.size() == records.size());
  at = 100;
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK(rig.replayed[i].lsn == i + 1);
    CHECK(rig.replayed[i].at_ns == (at += 7));
    CHECK(rig.replayed[i].record == records[i]);
  }
}

TEST_CASE("journal: what was appended over many segments and openings comes back as one log") {
  FaultDisk disk(2);
  Rig rig(disk);
  rig.options.compact_dead_bytes_min = UINT64_MAX;
  RecordStream stream(11);
  for (int opening = 0; opening < 10; ++opening) {
    REQUIRE(rig.open());
    CHECK(rig.replayed == rig.appended);
    for (int i = 0; i < 40; ++i) REQUIRE(rig.append_records(stream.next_batch(6), i));
    REQUIRE(rig.journal->sync());
    rig.run_upkeep();
  }
  REQUIRE(rig.open());
  CHECK(rig.replayed == rig.appended);
  CHECK(rig.segment_count() > 5);
}

TEST_CASE("journal: a batch larger than a segment gets a segment of its own") {
  FaultDisk disk(3);
  Rig rig(disk);
  REQUIRE(rig.open());
  UploadPart large{submit_id(1), 1, 0, {Bytes(3 * rig.options.segment_bytes, 7)}};
  REQUIRE(rig.append(2, 1));
  REQUIRE(rig.append_records({large}, 2));
  REQUIRE(rig.append(2, 3));
  REQUIRE(rig.journal->seal());
  REQUIRE(rig.open());
  CHECK(rig.replayed == rig.appended);
}

TEST_CASE("journal: the time of a batch never goes backwards, whatever it is given") {
  FaultDisk disk(4);
  Rig rig(disk);
  REQUIRE(rig.open());
  REQUIRE(rig.journal->append(TimePoint(Duration(50)), {one_of_each()[7]}));
  REQUIRE(rig.journal->append(TimePoint(Duration(20)), {one_of_each()[7]}));
  REQUIRE(rig.journal->sync());
  REQUIRE(rig.open());
  REQUIRE(rig.replayed.size() == 2);
  CHECK(rig.replayed[0].at_ns == 50);
  CHECK(rig.replayed[1].at_ns == 50);
}

TEST_CASE("journal: a failed sync is final, and what it lied about is written again") {
  FaultDisk disk(5);
  Rig rig(disk);
  REQUIRE(rig.open());
  REQUIRE(rig.append(4, 1));
  REQUIRE(rig.journal->sync());
  REQUIRE(rig.append(4, 2));
  disk.fail_sync(1);
  const Status synced = rig.journal->sync();
  REQUIRE(!synced);
  CHECK(synced.error().message.find("Input/output error") != std::string::npos);
  CHECK(rig.journal->durable_lsn() == 4);
  const Status again = rig.journal->sync();
  REQUIRE(!again);
  CHECK(again.error() == synced.error());
  CHECK(!rig.append(1, 3));
  // The process ends; the page cache still has records 5 to 8, which the disk never got.
  disk.restart(CrashMode::keep);
  REQUIRE(rig.open());
  REQUIRE(rig.replayed.size() == 8);
  // They were served as truth, so they must survive the machine from now on.
  disk.restart(CrashMode::drop_unsynced);
  REQUIRE(rig.open());
  CHECK(rig.replayed.size() == 8);
}

TEST_CASE("journal: a seal whose sync failed is written again, for what comes next hangs on it") {
  FaultDisk disk(5);
  Rig rig(disk);
  REQUIRE(rig.open());
  REQUIRE(rig.append(4, 1));
  REQUIRE(rig.journal->sync());
  disk.fail_sync(1);
  REQUIRE(!rig.journal->seal());
  // The process ends; the page cache has the seal, the disk never gets it from there.
  disk.restart(CrashMode::keep);
  REQUIRE(rig.open());
  REQUIRE(rig.append(2, 2));
  REQUIRE(rig.journal->sync());
  disk.restart(CrashMode::drop_unsynced);
  const Status opened = rig.open();
  CHECK_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
  CHECK(rig.replayed == rig.appended);
}

TEST_CASE("journal: a failed sync while it is opened is an error of the disk, in words") {
  for (std::uint64_t number = 1; number <= 3; ++number) {
    CAPTURE(number);
    FaultDisk disk(5);
    Rig rig(disk);
    REQUIRE(rig.open());
    REQUIRE(rig.append(4, 1));
    REQUIRE(rig.journal->sync());
    disk.restart(CrashMode::keep);
    disk.fail_sync(number);
    const Status opened = rig.open();
    if (opened) continue;  // fewer syncs than that
    CHECK(opened.error().code == Code::internal);
    CHECK(opened.error().message.find("the journal can not be synced") != std::string::npos);
    CHECK(number <= 2);
  }
}

TEST_CASE("journal: a roll finds a segment prepared and only renames it") {
  FaultDisk disk(6);
  Rig rig(disk);
  REQUIRE(rig.open());
  rig.run_upkeep();
  REQUIRE(rig.append(1, 1));
  REQUIRE(rig.journal->sync());
  const auto before = disk.operation_count();
  const std::uint64_t used = disk.used_bytes();
  while (rig.segment_count() < 2) REQUIRE(rig.append(1, 1));
  // sync, rename, sync_directory, and the writes; nothing was made or reserved.
  CHECK(disk.used_bytes() == used);
  CHECK(disk.operation_count() - before < rig.appended.size() + 4);
}

TEST_CASE("journal: a full disk leaves room for results, says so, and recovers by itself") {
  FaultDisk disk(7);
  Rig rig(disk);
  REQUIRE(rig.open());
  REQUIRE(rig.append(1, 1));
  rig.run_upkeep();
  disk.set_capacity(disk.used_bytes());
  rig.options.free_bytes_min = 0;
  Status appended;
  std::uint64_t segments_used = 0;
  while ((appended = rig.append(1, 2))) {
    segments_used = rig.segment_count();
    rig.run_upkeep();
  }
  CHECK(appended.error().code == Code::resource_exhausted);
  CHECK(segments_used == 3);  // the first and both that were kept ready
  CHECK(rig.journal->stats().is_full);
  // Nothing acknowledged is lost, and a seal still fits.
  REQUIRE(rig.journal->seal());
  const std::uint64_t durable = rig.journal->durable_lsn();
  REQUIRE(rig.open());
  CHECK(rig.replayed.size() == durable);
  CHECK(!rig.append(100, 3));
  disk.set_capacity(UINT64_MAX);
  rig.journal->look_at_space();
  rig.run_upkeep();
  CHECK(!rig.journal->stats().is_full);
  REQUIRE(rig.append(100, 3));
  REQUIRE(rig.journal->sync());
}

TEST_CASE("journal: a journal of a newer version is refused in words and left alone") {
  FaultDisk disk(8);
  Rig rig(disk);
  REQUIRE(rig.open());
  REQUIRE(rig.append(3, 1));
  REQUIRE(rig.journal->seal());
  const std::string path = rig.path_of("segment-0000000001");
  Bytes content = disk.contents(path);
  auto header = journal::decode_file_header(content);
  REQUIRE(header);
  header->version = journal::format_version + 1;
  Bytes other;
  journal::append_file_header(*header, other);
  std::copy(other.begin(), other.end(), content.begin());
  disk.set_contents(path, content);
  const Status opened = rig.open();
  REQUIRE(!opened);
  CHECK(opened.error().code == Code::unsupported_version);
  CHECK(opened.error().message.find("journal format 2; this broker reads 1 to 1") !=
        std::string::npos);
  CHECK(disk.contents(path) == content);
}

TEST_CASE(
    "journal: a disk that can not be written is an error with the path, before anything else") {
  FaultDisk disk(9);
  Rig rig(disk);
  rig.options.directory = "/nowhere/journal";
  const Status opened = rig.open();
  REQUIRE(!opened);
  CHECK(opened.error().message.find("/nowhere/journal") != std::string::npos);
}
