// Damage to what was acknowledged is told, never served, and nothing is deleted; what was never
// synced is cut off without a word more than its count.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "broker/store/journal/format.h"
#include "broker/store/record_codec.h"
#include "tests/full_run.h"
#include "tests/store/journal_rig.h"

using namespace framebus;
using namespace framebus::testing;

namespace {

std::map<std::string, Bytes> all_files(const FaultDisk& disk) {
  std::map<std::string, Bytes> files;
  for (const std::string& path : disk.paths()) files[path] = disk.contents(path);
  return files;
}

// A sealed journal that fills one segment of this size.
void fill(Rig& rig, std::uint64_t segment_bytes) {
  rig.options.segment_bytes = segment_bytes;
  REQUIRE(rig.open());
  RecordStream stream(77);
  for (;;) {
    const std::vector<Record> records = stream.next_batch(8);
    const auto batch = journal::make_batch(TimePoint{}, 1, records);
    // The room that a batch and its seal need; the next one would begin another segment.
    const auto room = rig.journal->stats().reserved_bytes;
    if (rig.segment_count() > 0 && room < batch->body.size() + 2 * journal::batch_header_bytes)
      break;
    REQUIRE(rig.append_records(records, static_cast<std::int64_t>(rig.appended.size())));
    REQUIRE(rig.journal->sync());
  }
  REQUIRE(rig.journal->seal());
  REQUIRE(rig.segment_count() == 1);
}

struct Original {
  std::uint16_t number;
  Bytes payload;
};

std::vector<Original> originals_of(const Rig& rig) {
  std::vector<Original> originals;
  for (const Stored& stored : rig.appended) {
    Original original{number_of(stored.record), {}};
    encode_record(stored.record, original.payload);
    originals.push_back(std::move(original));
  }
  return originals;
}

}  // namespace

TEST_CASE("damage: every single-bit flip of a sealed journal is refused or harmless") {
  FaultDisk disk(1);
  Rig rig(disk);
  fill(rig, 64 * 1'024);
  const std::vector<Original> originals = originals_of(rig);
  const std::string path = rig.path_of("segment-0000000001");
  const std::uint64_t bits = disk.contents(path).size() * 8;
  REQUIRE(bits == 524'288);
  std::uint64_t tried = 0;
  std::uint64_t refused = 0;
  std::uint64_t harmless = 0;
  std::uint64_t served_wrong = 0;
  std::uint64_t dropped = 0;
  for (std::uint64_t bit = 0; bit < bits; bit += stride_of_run()) {
    disk.flip_bit(path, bit);
    std::size_t seen = 0;
    const auto facts = journal::read_journal(
        disk, rig.options.directory, [&](const journal::RawRecord& record) -> Status {
          const bool is_right = seen < originals.size() && record.lsn == seen + 1 &&
                                record.number == originals[seen].number &&
                                std::ranges::equal(record.payload, originals[seen].payload);
          if (!is_right) ++served_wrong;
          ++seen;
          return {};
        });
    disk.flip_bit(path, bit);
    ++tried;
    if (!facts || facts->is_damaged) {
      ++refused;
    } else if (seen == originals.size()) {
      ++harmless;
    } else {
      ++dropped;
    }
  }
  std::printf(
      "damage: %llu of %llu single-bit flips, %llu refused, %llu harmless, "
      "%llu served wrong, %llu dropped silently\n",
      static_cast<unsigned long long>(tried), static_cast<unsigned long long>(bits),
      static_cast<unsigned long long>(refused), static_cast<unsigned long long>(harmless),
      static_cast<unsigned long long>(served_wrong), static_cast<unsigned long long>(dropped));
  CHECK(served_wrong == 0);
  CHECK(dropped == 0);
  CHECK(refused > tried * 95 / 100);
  // The last seal and the zeros behind it hold no record.
  CHECK(harmless > 0);
}

TEST_CASE("damage: the refusal names file, offset and records, says what to do, changes nothing") {
  FaultDisk disk(2);
  Rig rig(disk);
  REQUIRE(rig.open());
  for (int i = 0; i < 4; ++i) {
    REQUIRE(rig.append(3, i));
    REQUIRE(rig.journal->sync());
  }
  REQUIRE(rig.journal->seal());
  const std::string path = rig.path_of("segment-0000000001");
  disk.flip_bit(path, 8 * (journal::file_header_bytes + journal::batch_header_bytes + 20));
  const auto before = all_files(disk);
  const Status opened = rig.open();
  REQUIRE(!opened);
  CHECK(opened.error().code == Code::data_loss);
  CHECK(
      opened.error().message ==
      "the journal is damaged: /data/journal/segment-0000000001 at offset 64: the batch's checksum "
      "is wrong; records 1 to 12 were acknowledged and can not be read. Nothing was changed. "
      "Restore /data/journal from a copy, or look with `framebus-broker journal verify` and save "
      "what is readable with `framebus-broker journal repair`");
  CHECK(all_files(disk) == before);
}

TEST_CASE("damage: an unsynced tail is cut off and counted, and the journal goes on") {
  FaultDisk disk(3);
  Rig rig(disk);
  REQUIRE(rig.open());
  REQUIRE(rig.append(3, 1));
  REQUIRE(rig.journal->sync());
  REQUIRE(rig.append(5, 2));  // never synced, damaged
  REQUIRE(rig.append(2, 3));  // never synced, whole
  const std::string path = rig.path_of("segment-0000000001");
  const std::uint64_t end = 4'096 - rig.journal->stats().reserved_bytes;
  disk.flip_bit(path, (end - 160) * 8);
  Rig again(disk);
  REQUIRE(again.open());
  CHECK(again.replayed.size() == 3);
  CHECK(again.journal->stats().dropped_tail_records >= 2);
  REQUIRE(again.append(4, 9));
  REQUIRE(again.journal->seal());
  REQUIRE(again.open());
  CHECK(again.replayed.size() == 7);
  CHECK(again.journal->stats().dropped_tail_records == 0);
}

TEST_CASE("damage: a missing segment is told, be it the first or one between") {
  for (const char* missing : {"segment-0000000001", "segment-0000000002"}) {
    FaultDisk disk(4);
    Rig rig(disk);
    rig.options.compact_dead_bytes_min = UINT64_MAX;
    REQUIRE(rig.open());
    while (rig.segment_count() < 4) {
      REQUIRE(rig.append(3, 1));
      REQUIRE(rig.journal->sync());
    }
    REQUIRE(rig.journal->seal());
    REQUIRE(disk.remove(rig.path_of(missing)));
    const Status opened = rig.open();
    REQUIRE(!opened);
    CHECK(opened.error().code == Code::data_loss);
    CHECK(rig.segment_count() == 3);
  }
}

TEST_CASE("damage: zeros over an acknowledged batch are damage, not an end") {
  FaultDisk disk(5);
  Rig rig(disk);
  REQUIRE(rig.open());
  REQUIRE(rig.append(3, 1));
  REQUIRE(rig.journal->seal());
  const std::string path = rig.path_of("segment-0000000001");
  Bytes content = disk.contents(path);
  const std::uint64_t seal_at = 4'096 - rig.journal->stats().reserved_bytes - 64;
  std::fill(content.begin() + 64, content.begin() + static_cast<std::ptrdiff_t>(seal_at), 0);
  disk.set_contents(path, content);
  const Status opened = rig.open();
  REQUIRE(!opened);
  CHECK(opened.error().code == Code::data_loss);
  CHECK(opened.error().message.find("a gap of zeros") != std::string::npos);
}

TEST_CASE("damage: a header that a client hides in its parameters is not believed") {
  FaultDisk disk(6);
  Rig rig(disk);
  REQUIRE(rig.open());
  REQUIRE(rig.append(3, 1));
  REQUIRE(rig.journal->sync());
  journal::BatchHeader forged;
  forged.length = 8;
  forged.count = 1;
  forged.first_lsn = 1'000'000;
  forged.durable_upto = 999'999;
  Bytes bytes;
  for (int shift = 0; shift < 8; ++shift) {  // one of them will lie where a search looks
    journal::append_batch_header(forged, bytes);
    bytes.push_back(0);
  }
  REQUIRE(rig.append_records({UploadPart{submit_id(1), 1, 0, {bytes}}}, 2));
  // Never synced; its own header is lost.
  disk.flip_bit(rig.path_of("segment-0000000001"),
                (4'096 - rig.journal->stats().reserved_bytes - bytes.size() - 100) * 8);
  REQUIRE(rig.open());
  CHECK(rig.replayed.size() == 3);
}

TEST_CASE("damage: a flipped bit anywhere in a snapshot is refused") {
  FaultDisk disk(7);
  Rig rig(disk);
  REQUIRE(rig.open());
  RecordStream stream(5);
  for (int i = 0; i < 60; ++i) REQUIRE(rig.append_records(stream.next_batch(4), i));
  REQUIRE(rig.journal->seal());
  REQUIRE(rig.journal->request_compaction());
  rig.run_upkeep();
  REQUIRE(rig.files("snapshot-").size() == 1);
  REQUIRE(rig.append(1, 100));
  REQUIRE(rig.journal->seal());
  const std::string path = rig.files("snapshot-").front();
  const std::uint64_t bits = disk.contents(path).size() * 8;
  std::uint64_t refused = 0;
  std::uint64_t tried = 0;
  for (std::uint64_t bit = 0; bit < bits; bit += stride_of_run()) {
    disk.flip_bit(path, bit);
    const auto facts = journal::read_journal(disk, rig.options.directory, nullptr);
    disk.flip_bit(path, bit);
    ++tried;
    if (!facts || facts->is_damaged) ++refused;
  }
  std::printf("damage: %llu single-bit flips of a snapshot, %llu refused\n",
              static_cast<unsigned long long>(tried), static_cast<unsigned long long>(refused));
  CHECK(refused == tried);
}
