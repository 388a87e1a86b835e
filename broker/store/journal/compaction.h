// Rewrites sealed files into one snapshot of the records that still count, then removes them.
//
// Cleaning the log, not imaging the state: what replay reads are the records that were written, so
// there is one way from bytes to state (docs/decisions/0090-journal.md). A crash at any point
// leaves either the old files or the whole snapshot, which makes the old ones superfluous. Thread
// rule: any thread, one at a time; the sources are not written any more.
#pragma once

#include "broker/store/journal/upkeep.h"

namespace framebus::broker::journal {

struct Compacted {
  SealedFile snapshot;
  std::uint64_t dropped_bytes = 0;
  std::uint64_t kept_records = 0;
};

// data_loss: a source can not be read; nothing was removed. cancelled: `stop` (may be null) was
// set.
Result<Compacted> compact(Disk& disk, const UpkeepJob& job, const std::atomic<bool>* stop);

}  // namespace framebus::broker::journal
