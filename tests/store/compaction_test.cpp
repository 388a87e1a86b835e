// What compaction keeps and drops, when it runs, and that what is left replays as before.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "broker/store/journal/crc32c.h"
#include "broker/store/journal/live_records.h"
#include "broker/store/record_codec.h"
#include "tests/store/journal_rig.h"

using namespace framebus;
using namespace framebus::testing;

namespace {

constexpr std::int64_t day_ns = 24ll * 3'600 * 1'000'000'000;

// The lsns that count, of records given as (time, record) from lsn 1.
std::vector<std::uint64_t> kept(const std::vector<std::pair<std::int64_t, Record>>& records) {
  journal::LiveRecords live(std::chrono::hours(7 * 24));
  std::uint64_t lsn = 0;
  for (const auto& [at, record] : records) live.note(++lsn, at, keys_of(record));
  std::vector<std::uint64_t> lsns;
  lsn = 0;
  for (const auto& [at, record] : records) {
    if (live.keeps(++lsn, at, keys_of(record))) lsns.push_back(lsn);
  }
  return lsns;
}

std::vector<std::uint64_t> kept(const std::vector<Record>& records) {
  std::vector<std::pair<std::int64_t, Record>> timed;
  for (const Record& record : records) timed.emplace_back(0, record);
  return kept(timed);
}

Record accepted(std::uint64_t job, std::uint64_t upload = 0) {
  return JobAccepted{{job}, submit_id(upload != 0 ? upload : job), "ann", {}, upload != 0};
}
Record started(std::uint64_t job) {
  return TaskStarted{{{job}, 0}, {1, 1, {}}};
}
Record forgotten(std::uint64_t job) {
  return JobForgotten{{job}, submit_id(job), Bytes(16, 1), 1, true};
}
Record revived_piece(std::uint64_t job, std::uint32_t first_task, bool is_last) {
  JobImage image;
  image.job = {job};
  image.first_task = first_task;
  image.last = is_last;
  return JobRevived{image};
}
Record revived(std::uint64_t job) {
  return revived_piece(job, 0, true);
}
Record opened(std::uint64_t upload) {
  return UploadOpened{submit_id(upload), "ann", {}};
}
Record part(std::uint64_t upload) {
  return UploadPart{submit_id(upload), 1, 0, {}};
}
Record dropped(std::uint64_t upload) {
  return UploadDropped{submit_id(upload)};
}
Record sticky(const char* name) {
  return StickySet{1, name, {}};
}

using Lsns = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("record keys: read from the bytes they are those of the record, for every kind") {
  for (const Record& record : one_of_each()) {
    Bytes payload;
    encode_record(record, payload);
    const auto keys = read_keys(number_of(record), payload);
    REQUIRE(keys);
    CHECK(*keys == keys_of(record));
    const auto decoded = decode_record(number_of(record), payload);
    REQUIRE(decoded);
    CHECK(*decoded == record);
  }
  CHECK(one_of_each().size() == std::variant_size_v<Record>);
  CHECK(decode_record(200, {}).error().code == Code::unsupported_version);
  CHECK(read_keys(200, {}).error().code == Code::unsupported_version);
}

TEST_CASE("crc32c: gives the published value, and both ways agree at every length and place") {
  const char* const digits = "123456789";
  CHECK(journal::crc32c_by_table(bytes_of(digits)) == 0xe3069283u);
  CHECK(journal::crc32c(bytes_of(digits)) == 0xe3069283u);
  RecordStream dice(3);
  Bytes bytes(600);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(dice.below(256));
  for (std::size_t begin = 0; begin < 16; ++begin) {
    for (std::size_t length = 0; length < 300; ++length) {
      const BytesView view = BytesView(bytes).subspan(begin, length);
      const std::uint32_t crc = journal::crc32c_by_table(view, 7);
      CHECK(journal::crc32c_by_instruction(view, 7) == crc);
      const std::size_t cut = length / 3;
      CHECK(journal::crc32c(view.subspan(cut), journal::crc32c(view.first(cut), 7)) == crc);
    }
  }
}

TEST_CASE("live records: of a forgotten job only its JobForgotten is left") {
  CHECK(kept(std::vector<Record>{accepted(1), accepted(2), started(1), forgotten(1), started(2)}) ==
        Lsns{2, 4, 5});
}

TEST_CASE("live records: a JobForgotten goes after seven days, but not that of the newest job") {
  using Timed = std::vector<std::pair<std::int64_t, Record>>;
  CHECK(kept(Timed{{0, forgotten(1)}, {0, forgotten(2)}, {7 * day_ns, sticky("a")}}) ==
        Lsns{1, 2, 3});
  CHECK(kept(Timed{{0, forgotten(1)}, {0, forgotten(2)}, {7 * day_ns + 1, sticky("a")}}) ==
        Lsns{2, 3});
  CHECK(kept(Timed{{0, forgotten(1)}, {0, forgotten(2)}, {8 * day_ns, accepted(3)}}) == Lsns{3});
}

TEST_CASE("live records: a revived job counts from its return, until it is forgotten again") {
  CHECK(kept(std::vector<Record>{accepted(1), forgotten(1), revived(1), revived(1), started(1)}) ==
        Lsns{2, 3, 4, 5});
  CHECK(kept(std::vector<Record>{accepted(1), forgotten(1), revived(1), started(1), forgotten(1),
                                 accepted(2)}) == Lsns{5, 6});
}

TEST_CASE("live records: pieces of a return that a crash has torn go, a whole return stays") {
  const Record first = revived_piece(1, 0, false), middle = revived_piece(1, 1'024, false);
  const Record last = revived_piece(1, 2'048, true);
  using Records = std::vector<Record>;
  CHECK(kept(Records{forgotten(1), first, middle, last, started(1)}) == Lsns{1, 2, 3, 4, 5});
  // Something else came next: the process had died.
  CHECK(kept(Records{forgotten(1), first, middle, accepted(2)}) == Lsns{1, 4});
  CHECK(kept(Records{forgotten(1), first, accepted(2), first, middle, last, started(1)}) ==
        Lsns{1, 3, 4, 5, 6, 7});
  CHECK(kept(Records{forgotten(1), first, middle, first, middle, last}) == Lsns{1, 4, 5, 6});
  CHECK(kept(Records{forgotten(1), forgotten(3), first, revived(3), started(3)}) ==
        Lsns{1, 2, 4, 5});
  // At the end the others may still come, in the next file.
  CHECK(kept(Records{forgotten(1), first, middle}) == Lsns{1, 2, 3});
}

TEST_CASE("compaction: a torn return of a job goes with the next one, whole ones come back") {
  FaultDisk disk(1);
  Rig rig(disk);
  REQUIRE(rig.open());
  REQUIRE(rig.append_records({accepted(1), accepted(2), forgotten(1), forgotten(2)}, 1));
  for (std::uint32_t piece = 0; piece < 5; ++piece)
    REQUIRE(rig.append_records({revived_piece(1, piece * 1'024, false)}, 2));
  REQUIRE(rig.append_records({revived_piece(2, 0, false), revived_piece(2, 1'024, true)}, 3));
  REQUIRE(rig.journal->request_compaction());
  rig.run_upkeep();
  REQUIRE(rig.open());
  const std::vector<Stored> expected = {rig.appended[2], rig.appended[3], rig.appended[9],
                                        rig.appended[10]};
  CHECK(rig.replayed == expected);
}

TEST_CASE("live records: an upload counts while its job does, and not after it was dropped") {
  CHECK(kept(std::vector<Record>{opened(1), part(1), accepted(5, 1), started(5)}) ==
        Lsns{1, 2, 3, 4});
  CHECK(kept(std::vector<Record>{opened(1), part(1), accepted(5, 1), forgotten(5), accepted(6)}) ==
        Lsns{4, 5});
  CHECK(kept(std::vector<Record>{opened(1), part(1), dropped(1), accepted(6)}) == Lsns{4});
  CHECK(kept(std::vector<Record>{opened(1), dropped(1), opened(1), part(1), accepted(6)}) ==
        Lsns{3, 4, 5});
  // The last record stays whatever it is, and then what it needs does, too.
  CHECK(kept(std::vector<Record>{opened(1), part(1), dropped(1)}) == Lsns{1, 2, 3});
}

TEST_CASE("live records: of the sticky commands of one name the last counts") {
  CHECK(kept(std::vector<Record>{sticky("a"), sticky("b"), sticky("a"), accepted(1)}) ==
        Lsns{2, 3, 4});
}

TEST_CASE("compaction: what is left replays as before, with its numbers and times") {
  FaultDisk disk(1);
  Rig rig(disk);
  REQUIRE(rig.open());
  RecordStream stream(41);
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 60; ++i) {
      REQUIRE(rig.append_records(stream.next_batch(5), 1'000 * round + i));
      REQUIRE(rig.journal->sync());
    }
    REQUIRE(rig.journal->request_compaction());
    rig.run_upkeep();
    journal::LiveRecords live(rig.options.forget_after);
    for (const Stored& stored : rig.appended)
      live.note(stored.lsn, stored.at_ns, keys_of(stored.record));
    std::vector<Stored> expected;
    for (const Stored& stored : rig.appended) {
      if (live.keeps(stored.lsn, stored.at_ns, keys_of(stored.record))) expected.push_back(stored);
    }
    const std::uint64_t last = rig.journal->last_lsn();
    REQUIRE(rig.open());
    CHECK(rig.replayed == expected);
    CHECK(rig.journal->last_lsn() == last);
    CHECK(rig.files("snapshot-").size() == 1);
    CHECK(rig.segment_count() <= 1);
  }
}

TEST_CASE("compaction: begins by itself when more than half is dead, and the disk gets room back") {
  FaultDisk disk(2);
  Rig rig(disk);
  REQUIRE(rig.open());
  std::uint64_t most_bytes = 0;
  for (std::uint64_t job = 1; job <= 400; ++job) {
    REQUIRE(rig.append_records({JobAccepted{{job}, submit_id(job), "ann", a_spec(job), false}}, 1));
    REQUIRE(rig.append_records({forgotten(job)}, 1));
    REQUIRE(rig.journal->sync());
    rig.run_upkeep();
    most_bytes = std::max(most_bytes, rig.journal->stats().disk_bytes);
  }
  const StoreStats stats = rig.journal->stats();
  CHECK(stats.compactions >= 2);
  CHECK(stats.failed_compactions == 0);
  CHECK(most_bytes < stats.bytes);
  REQUIRE(rig.open());
  CHECK(rig.replayed.size() < 2 * 400);
  CHECK(rig.journal->last_lsn() == 800);
}

TEST_CASE("compaction: without room it gives up, leaves everything as it was, and says so") {
  FaultDisk disk(3);
  Rig rig(disk);
  REQUIRE(rig.open());
  RecordStream stream(9);
  for (int i = 0; i < 80; ++i) REQUIRE(rig.append_records(stream.next_batch(5), i));
  REQUIRE(rig.journal->sync());
  REQUIRE(rig.journal->request_compaction());
  const auto job = rig.journal->plan_upkeep();
  REQUIRE(job.has_value());
  REQUIRE(job->kind == journal::UpkeepJob::Kind::compact);
  disk.set_capacity(disk.used_bytes());
  rig.journal->finish_upkeep(journal::run_upkeep(disk, *job));
  CHECK(rig.journal->stats().failed_compactions == 1);
  CHECK(rig.files("snapshot-").empty());
  REQUIRE(rig.open());
  CHECK(rig.replayed == rig.appended);
}
