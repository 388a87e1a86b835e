// See compaction.h.
#include "broker/store/journal/compaction.h"

#include <algorithm>

#include "broker/store/journal/live_records.h"
#include "broker/store/journal/snapshot_writer.h"

namespace framebus::broker::journal {
namespace {

// Reads the sources from the first to the last record; `after` is what follows them.
Status read_sources(Disk& disk, const UpkeepJob& job, const RawSink& sink, Continuation& after) {
  for (const SealedFile& source : job.sources) {
    const std::filesystem::path path = job.directory / source.name;
    FRAMEBUS_ASSIGN(FileWindow window, FileWindow::open(disk, path));
    FRAMEBUS_ASSIGN(const BytesView start, window.view(0, file_header_bytes));
    const auto header = decode_file_header(start);
    if (!header) return fail(header.error().context(path.string()));
    const bool is_snapshot = header->kind == FileKind::snapshot;
    BatchReader reader(window, *header, is_snapshot ? Continuation{} : after);
    for (;;) {
      FRAMEBUS_ASSIGN(const Found found, reader.next(sink));
      if (found == Found::end) break;
      if (found == Found::bad) {
        return fail(Code::data_loss, path.string() + " at offset " +
                                         std::to_string(reader.offset()) + ": " + reader.why_bad());
      }
    }
    after = reader.after();
    if (is_snapshot) {
      after.next_lsn = header->number + 1;
      after.chain = header->chain;
    }
  }
  if (after.next_lsn == job.upto_lsn + 1) return {};
  return fail(Code::data_loss, "the journal's files end with record " +
                                   std::to_string(after.next_lsn - 1) + " instead of " +
                                   std::to_string(job.upto_lsn));
}

Status check_stop(const std::atomic<bool>* stop) {
  if (stop == nullptr || !stop->load(std::memory_order_relaxed)) return {};
  return fail(Code::cancelled, "the store is being closed");
}

Result<LiveRecords> find_live(Disk& disk, const UpkeepJob& job, const std::atomic<bool>* stop) {
  LiveRecords live(job.forget_after);
  const auto note = [&](const RawRecord& record) -> Status {
    FRAMEBUS_TRY(check_stop(stop));
    FRAMEBUS_ASSIGN(const RecordKeys keys, read_keys(record.number, record.payload));
    live.note(record.lsn, record.at_ns, keys);
    return {};
  };
  Continuation after;
  FRAMEBUS_TRY(read_sources(disk, job, note, after));
  return live;
}

}  // namespace

Result<Compacted> compact(Disk& disk, const UpkeepJob& job, const std::atomic<bool>* stop) {
  FRAMEBUS_ASSIGN(const LiveRecords live, find_live(disk, job, stop));
  // A snapshot stands for all numbers up to its own, be there a record for each or not.
  const std::uint64_t stands_for_lsn = std::max(job.upto_lsn, job.pass_over_lsn);
  FRAMEBUS_ASSIGN(SnapshotWriter writer, SnapshotWriter::create(disk, job.directory, stands_for_lsn,
                                                                job.next_segment, job.stamp));
  Compacted result;
  const auto copy = [&](const RawRecord& record) -> Status {
    FRAMEBUS_TRY(check_stop(stop));
    FRAMEBUS_ASSIGN(const RecordKeys keys, read_keys(record.number, record.payload));
    if (!live.keeps(record.lsn, record.at_ns, keys)) {
      result.dropped_bytes += record_header_bytes + record.payload.size();
      return {};
    }
    ++result.kept_records;
    return writer.add(record);
  };
  Continuation after;
  FRAMEBUS_TRY(read_sources(disk, job, copy, after));
  FRAMEBUS_ASSIGN(result.snapshot, writer.finish(after.chain));
  // The snapshot is durable under its name: from here on the sources are superfluous, and whatever
  // of them a crash leaves is removed when the journal is opened.
  for (const SealedFile& source : job.sources) {
    if (source.name != result.snapshot.name) (void)disk.remove(job.directory / source.name);
  }
  return result;
}

}  // namespace framebus::broker::journal
