// The journal's reader under damaged and hostile files. Input: one byte of choices, then the bytes
// of a segment (or snapshot) file.
//
// Nearly every mutation only breaks a checksum; so, if the first byte says so, the checksums are
// made right again and what lies behind them is reached. Whatever the bytes are: nothing is changed
// when damage is found, what opens also goes on, and a repair makes a journal that opens.
#include <algorithm>
#include <cstring>

#include "broker/store/journal/crc32c.h"
#include "broker/store/journal/format.h"
#include "broker/store/journal/tool.h"
#include "libmsg/base/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/store/journal_rig.h"

using namespace framebus;
using namespace framebus::testing;

namespace {

enum Reached : std::size_t { opens, repairs };
FuzzMilestone milestones[] = {{"opens", 20}, {"opens after a repair", 30}};

constexpr std::uint8_t flag_reseal = 0x01;
constexpr std::uint8_t flag_snapshot = 0x02;
constexpr const char* segment_path = "/data/journal/segment-0000000001";
constexpr std::uint64_t snapshot_upto = 40;

std::uint32_t u32_at(const Bytes& bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}
void put_at(Bytes& bytes, std::size_t at, const void* value, std::size_t size) {
  std::memcpy(bytes.data() + at, value, size);
}

// Makes every checksum, and the chain, right, batch by batch as far as lengths lead.
void reseal(Bytes& bytes) {
  if (bytes.size() < journal::file_header_bytes) return;
  const BytesView all(bytes);
  const std::uint32_t file_crc = journal::crc32c(all.first(60));
  put_at(bytes, 60, &file_crc, 4);
  std::uint64_t previous = 0;
  std::memcpy(&previous, bytes.data() + 32, 8);
  if (u32_at(bytes, 12) == 2) previous = 0;  // a snapshot's own chain begins anew
  std::size_t at = journal::file_header_bytes;
  while (at + journal::batch_header_bytes <= bytes.size() &&
         journal::has_batch_magic(bytes.data() + at)) {
    const std::size_t length = u32_at(bytes, at + 8);
    const std::size_t body = at + journal::batch_header_bytes;
    if (length > bytes.size() - body) return;
    const std::uint32_t body_crc = journal::crc32c(BytesView(bytes).subspan(body, length));
    put_at(bytes, at + 40, &previous, 8);
    put_at(bytes, at + 48, bytes.data() + 40, 8);
    put_at(bytes, at + 56, &body_crc, 4);
    const std::uint32_t header_crc = journal::crc32c(BytesView(bytes).subspan(at + 8, 56));
    put_at(bytes, at + 4, &header_crc, 4);
    previous = std::uint64_t{body_crc} << 32 | header_crc;
    at = body + length;
  }
}

void check_goes_on(FaultDisk& disk, Rig& rig) {
  const std::size_t before = rig.replayed.size();
  if (rig.journal->last_lsn() > UINT64_MAX / 2) return;
  FRAMEBUS_CHECK(rig.append(2, INT64_MAX).has_value(), "an opened journal takes records");
  FRAMEBUS_CHECK(rig.journal->seal().has_value(), "and seals them");
  disk.restart(CrashMode::drop_unsynced);
  const Status again = rig.open();
  FRAMEBUS_CHECK(again.has_value(), again ? "" : again.error().message);
  FRAMEBUS_CHECK(rig.replayed.size() == before + 2, "everything is there the next time");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Bytes content(data + 1, data + size);
  if ((data[0] & flag_reseal) != 0) reseal(content);
  FaultDisk disk(1);
  Rig rig(disk);
  if (!disk.make_directory("/data/journal") || !disk.sync_directory("/data")) return 0;
  const std::string path = (data[0] & flag_snapshot) != 0
                               ? "/data/journal/" + journal::snapshot_name(snapshot_upto)
                               : std::string(segment_path);
  disk.set_contents(path, content);
  const journal::LineSink nowhere = [](const std::string&) {};
  (void)journal::verify_journal(disk, rig.options.directory, nowhere);
  (void)journal::show_journal(disk, rig.options.directory, 1, 10, nowhere);
  const Status opened = rig.open();
  if (opened) {
    ++milestones[opens].count;
    check_goes_on(disk, rig);
    return 0;
  }
  FRAMEBUS_CHECK(disk.contents(path) == content, "a refused journal is left alone");
  const Status repaired =
      journal::repair_journal(disk, rig.options.directory, journal::RepairMode::repair, nowhere);
  if (!repaired) return 0;
  const Status again = rig.open();
  FRAMEBUS_CHECK(again.has_value(), again ? "" : again.error().message);
  ++milestones[repairs].count;
  check_goes_on(disk, rig);
  return 0;
}

std::span<FuzzMilestone> fuzz_milestones() {
  return milestones;
}

std::vector<std::vector<std::uint8_t>> fuzz_seeds() {
  std::vector<std::vector<std::uint8_t>> seeds;
  const auto add = [&](std::uint8_t choices, const Bytes& content) {
    for (const std::uint8_t flag : {std::uint8_t{0}, flag_reseal}) {
      std::vector<std::uint8_t> seed{static_cast<std::uint8_t>(choices | flag)};
      seed.insert(seed.end(), content.begin(), content.end());
      seeds.push_back(std::move(seed));
    }
  };
  for (std::uint64_t kind = 0; kind < 4; ++kind) {
    FaultDisk disk(1);
    Rig rig(disk);
    rig.options.segment_bytes = 64 * 1'024;
    if (!rig.open()) continue;
    RecordStream stream(kind);
    while (rig.journal->last_lsn() < snapshot_upto) {
      const auto left = snapshot_upto - rig.journal->last_lsn();
      std::vector<Record> records = stream.next_batch(4);
      if (kind == 0) records = one_of_each();
      records.resize(std::min<std::size_t>(records.size(), left));
      if (!rig.append_records(records, 5) || !rig.journal->sync()) break;
    }
    if (!rig.journal->seal()) continue;
    Bytes segment = disk.contents(segment_path);
    while (!segment.empty() && segment.back() == 0) segment.pop_back();
    add(0, segment);
    if (!rig.journal->request_compaction()) continue;
    rig.run_upkeep();
    for (const std::string& path : rig.files("snapshot-")) add(flag_snapshot, disk.contents(path));
  }
  return seeds;
}
