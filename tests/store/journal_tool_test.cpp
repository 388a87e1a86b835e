// What people get to see of a journal, and what a repair saves.
#include <doctest/doctest.h>

#include <algorithm>

#include "broker/store/journal/format.h"
#include "broker/store/journal/salvage.h"
#include "broker/store/journal/tool.h"
#include "tests/store/journal_rig.h"

using namespace framebus;
using namespace framebus::testing;

namespace {

struct Lines {
  std::vector<std::string> lines;
  journal::LineSink sink() {
    return [this](const std::string& line) { lines.push_back(line); };
  }
  bool has(const std::string& text) const {
    return std::ranges::any_of(
        lines, [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }
};

Record accepted(std::uint64_t job) {
  return JobAccepted{{job}, submit_id(job), "ann", a_spec(job), false};
}
Record started(std::uint64_t job, std::uint32_t task) {
  return TaskStarted{{{job}, task}, {1, job, {}}};
}

// Jobs 1 and 2, one record a batch; then the batch with lsn 3 is damaged.
void damaged_journal(FaultDisk& disk, Rig& rig) {
  REQUIRE(rig.open());
  const std::vector<Record> records{accepted(1),   started(1, 0), started(1, 1),
                                    started(1, 2), accepted(2),   started(2, 0)};
  std::uint64_t third_ends_at = 0;
  for (const Record& record : records) {
    REQUIRE(rig.append_records({record}, 1'700'000'000'000'000'000));
    REQUIRE(rig.journal->sync());
    if (rig.journal->last_lsn() == 3) third_ends_at = 4'096 - rig.journal->stats().reserved_bytes;
  }
  REQUIRE(rig.journal->seal());
  disk.flip_bit(rig.path_of("segment-0000000001"), 8 * (third_ends_at - 10));
}

}  // namespace

TEST_CASE("journal verify: a sound one is described file by file") {
  FaultDisk disk(1);
  Rig rig(disk);
  REQUIRE(rig.open());
  REQUIRE(rig.append(3, 1));
  REQUIRE(rig.journal->seal());
  Lines lines;
  REQUIRE(journal::verify_journal(disk, rig.options.directory, lines.sink()));
  REQUIRE(lines.lines.size() == 4);
  CHECK(lines.lines[0] == "journal /data/journal, format 1");
  CHECK(lines.lines[1].starts_with("segment-0000000001: 3 records, 1 to 3, 2 batches, "));
  CHECK(lines.lines[2] ==
        "3 records that count, the last is 3; known to be synced up to 3, sealed; 0 segments "
        "prepared");
  CHECK(lines.lines[3] == "sound");
}

TEST_CASE("journal verify: a damaged one is an error that says where") {
  FaultDisk disk(2);
  Rig rig(disk);
  damaged_journal(disk, rig);
  Lines lines;
  const Status verified = journal::verify_journal(disk, rig.options.directory, lines.sink());
  REQUIRE(!verified);
  CHECK(verified.error().code == Code::data_loss);
  CHECK(lines.has("records 3 to 6 were acknowledged"));
}

TEST_CASE("journal show: one line a record, from the first to the last that was asked for") {
  FaultDisk disk(3);
  Rig rig(disk);
  REQUIRE(rig.open());
  for (std::uint64_t job = 1; job <= 5; ++job) {
    REQUIRE(rig.append_records({accepted(job)}, 1'700'000'000'123'000'000));
  }
  REQUIRE(rig.journal->seal());
  Lines lines;
  REQUIRE(journal::show_journal(disk, rig.options.directory, 2, 3, lines.sink()));
  REQUIRE(lines.lines.size() == 2);
  CHECK(lines.lines[0].starts_with("2 2023-11-14T22:13:20.123Z JobAccepted"));
  CHECK(lines.lines[1].starts_with("3 2023-11-14T22:13:20.123Z JobAccepted"));
}

TEST_CASE("journal repair: only told, it changes nothing") {
  FaultDisk disk(4);
  Rig rig(disk);
  damaged_journal(disk, rig);
  const auto before = disk.paths();
  Lines lines;
  REQUIRE(journal::repair_journal(disk, rig.options.directory, journal::RepairMode::only_tell,
                                  lines.sink()));
  CHECK(disk.paths() == before);
  CHECK(lines.has("lost: record 3"));
  CHECK(lines.has("job 1 loses 1 readable records behind a gap"));
  CHECK(lines.has("nothing was changed"));
  CHECK(!rig.open());
}

TEST_CASE("journal repair: saves what is consistent, keeps copies, and the broker starts again") {
  FaultDisk disk(5);
  Rig rig(disk);
  damaged_journal(disk, rig);
  const Bytes damaged = disk.contents(rig.path_of("segment-0000000001"));
  Lines lines;
  REQUIRE(journal::repair_journal(disk, rig.options.directory, journal::RepairMode::repair,
                                  lines.sink()));
  CHECK(disk.contents(rig.path_of("segment-0000000001.damaged")) == damaged);
  disk.restart(CrashMode::drop_unsynced);
  REQUIRE(rig.open());
  std::vector<std::uint64_t> lsns;
  for (const Stored& stored : rig.replayed) {
    lsns.push_back(stored.lsn);
    CHECK(stored == rig.appended.at(stored.lsn - 1));
  }
  // Job 1 up to the gap; job 2, which began behind it, whole.
  CHECK(lsns == std::vector<std::uint64_t>{1, 2, 5, 6});
  CHECK(rig.journal->last_lsn() == 6);
  REQUIRE(rig.append(2, 9));
  REQUIRE(rig.journal->seal());
  REQUIRE(rig.open());
  CHECK(rig.replayed.size() == 6);
}

TEST_CASE("journal repair: a sound journal is refused") {
  FaultDisk disk(6);
  Rig rig(disk);
  REQUIRE(rig.open());
  REQUIRE(rig.append(3, 1));
  REQUIRE(rig.journal->seal());
  const Status repaired = journal::repair_journal(disk, rig.options.directory,
                                                  journal::RepairMode::repair, Lines().sink());
  REQUIRE(!repaired);
  CHECK(repaired.error().code == Code::failed_precondition);
}

TEST_CASE("journal repair: a crash at any of its operations leaves nothing worse than before") {
  std::uint64_t crashes = 0;
  for (const CrashMode mode : all_crash_modes) {
    for (std::uint64_t at = 1;; ++at) {
      FaultDisk disk(7);
      Rig rig(disk);
      damaged_journal(disk, rig);
      disk.crash_at(disk.operation_count() + at);
      const Status repaired = journal::repair_journal(disk, rig.options.directory,
                                                      journal::RepairMode::repair, Lines().sink());
      if (!disk.has_crashed()) break;
      ++crashes;
      disk.restart(mode);
      // Either still damaged, and told so, or repaired; never empty.
      const Status opened = rig.open();
      CHECK((opened ? rig.replayed.size() == 4 : opened.error().code == Code::data_loss));
    }
  }
  CHECK(crashes > 20);
}
