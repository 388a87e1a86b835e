// See upkeep.h.
#include "broker/store/journal/upkeep.h"

#include "broker/store/journal/compaction.h"

namespace framebus::broker::journal {
namespace {

// Zeros on the disk, so that a commit only overwrites. Its name becomes durable with the rename
// that makes it a segment.
Result<SealedFile> make_spare(Disk& disk, const UpkeepJob& job) {
  const std::filesystem::path path = job.directory / job.name;
  FRAMEBUS_ASSIGN(std::unique_ptr<DiskFile> file, disk.open(path, OpenFor::create));
  Status made = file->allocate(job.bytes);
  if (made) made = file->sync();
  if (!made) {
    file.reset();
    (void)disk.remove(path);  // what matters is the first error
    return fail(made.error());
  }
  return SealedFile{job.name, 0, job.bytes};
}

}  // namespace

UpkeepResult run_upkeep(Disk& disk, const UpkeepJob& job, const std::atomic<bool>* stop) {
  UpkeepResult result;
  result.job = job;
  if (job.kind == UpkeepJob::Kind::spare) {
    auto spare = make_spare(disk, job);
    if (spare) {
      result.made = *spare;
    } else {
      result.status = fail(spare.error());
    }
    return result;
  }
  auto compacted = compact(disk, job, stop);
  if (compacted) {
    result.made = compacted->snapshot;
    result.dropped_bytes = compacted->dropped_bytes;
  } else {
    result.status = fail(compacted.error().context("compact the journal"));
  }
  return result;
}

}  // namespace framebus::broker::journal
