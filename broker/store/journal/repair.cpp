// repair of tool.h. The order: everything readable into a temporary snapshot, copies of all files
// put aside and synced, then the snapshot gets its name, then the originals go. A crash at any
// point leaves the damaged journal as it was, or the repaired one; the copies stay either way.
#include <algorithm>

#include "broker/store/journal/format.h"
#include "broker/store/journal/live_records.h"
#include "broker/store/journal/read_journal.h"
#include "broker/store/journal/salvage.h"
#include "broker/store/journal/snapshot_writer.h"
#include "broker/store/journal/tool.h"

namespace framebus::broker::journal {
namespace {

constexpr std::size_t copy_bytes = 1024 * 1024;

Status copy_aside(Disk& disk, const std::filesystem::path& path) {
  const std::filesystem::path aside = path.string() + ".damaged";
  auto target = disk.open(aside, OpenFor::create);
  if (!target && target.error().code == Code::already_exists) {
    return fail(Code::already_exists, aside.string() +
                                          " is there from an earlier repair; move it elsewhere "
                                          "first");
  }
  if (!target) return fail(target.error());
  FRAMEBUS_ASSIGN(const std::unique_ptr<DiskFile> source, disk.open(path, OpenFor::read));
  Bytes piece(copy_bytes);
  for (std::uint64_t at = 0;;) {
    FRAMEBUS_ASSIGN(const std::size_t got, source->read(at, piece));
    if (got == 0) break;
    FRAMEBUS_TRY((*target)->write(at, BytesView(piece).first(got)));
    at += got;
  }
  return (*target)->sync();
}

void tell(const SalvageFacts& facts, const LineSink& print) {
  for (const std::string& place : facts.places) print("damaged: " + place);
  std::uint64_t lost = 0;
  for (const auto& [from, to] : facts.lost) {
    print(from == to ? "lost: record " + std::to_string(from)
                     : "lost: records " + std::to_string(from) + " to " + std::to_string(to));
    lost += to - from + 1;
  }
  for (const auto& [job, count] : facts.cut) {
    print((job.is_none() ? std::string("an upload that was not complete")
                         : "job " + std::to_string(job.value)) +
          " loses " + std::to_string(count) + " readable records behind a gap");
  }
  print(std::to_string(facts.readable) + " records are readable, " + std::to_string(facts.kept) +
        " of them consistent; " + std::to_string(lost) + " are lost");
}

// What is written is written in the order of compaction: only what still counts.
Result<SnapshotWriter> write_snapshot(Disk& disk, const std::filesystem::path& directory,
                                      const SalvageFacts& facts, const LiveRecords& live) {
  // Numbers go on behind the last record that is kept, as everywhere: those of lost ones come
  // again, under the next epoch.
  const std::uint64_t upto = facts.last_kept_lsn;
  FRAMEBUS_ASSIGN(SnapshotWriter writer,
                  SnapshotWriter::create(disk, directory, upto, facts.last_segment + 1, 1));
  const auto copy = [&](const RawRecord& record) -> Status {
    FRAMEBUS_ASSIGN(const RecordKeys keys, read_keys(record.number, record.payload));
    return live.keeps(record.lsn, record.at_ns, keys) ? writer.add(record) : Status{};
  };
  FRAMEBUS_TRY(salvage_journal(disk, directory, copy));
  return writer;
}

}  // namespace

Status repair_journal(Disk& disk, const std::filesystem::path& directory, RepairMode mode,
                      const LineSink& print) {
  FRAMEBUS_ASSIGN(const JournalFacts before, read_journal(disk, directory, nullptr));
  if (!before.is_damaged) {
    return fail(Code::failed_precondition,
                "the journal in " + directory.string() + " is not damaged; nothing was changed");
  }
  LiveRecords live(std::chrono::hours(7 * 24));
  const auto note = [&](const RawRecord& record) -> Status {
    FRAMEBUS_ASSIGN(const RecordKeys keys, read_keys(record.number, record.payload));
    live.note(record.lsn, record.at_ns, keys);
    return {};
  };
  FRAMEBUS_ASSIGN(const SalvageFacts facts, salvage_journal(disk, directory, note));
  tell(facts, print);
  if (mode == RepairMode::only_tell) {
    print("nothing was changed");
    return {};
  }
  FRAMEBUS_ASSIGN(SnapshotWriter writer, write_snapshot(disk, directory, facts, live));
  for (const std::string& name : facts.files) FRAMEBUS_TRY(copy_aside(disk, directory / name));
  FRAMEBUS_TRY(disk.sync_directory(directory));
  FRAMEBUS_ASSIGN(const SealedFile made, writer.finish(0));
  for (const std::string& name : facts.files) {
    if (name != made.name) FRAMEBUS_TRY(disk.remove(directory / name));
  }
  FRAMEBUS_TRY(disk.sync_directory(directory));
  print("repaired: " + made.name + "; copies of the damaged files end in .damaged");
  return {};
}

}  // namespace framebus::broker::journal
