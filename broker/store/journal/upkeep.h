// Work of the journal that runs beside the commits: preparing segments ahead, compaction.
//
// A job says everything it needs, touches only files that commits do not, and is told back to the
// Journal as a result. Thread rule: run_upkeep() may run on any thread, one job at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "libmsg/disk/disk.h"

namespace framebus::broker::journal {

// A file of the journal that is not written any more.
struct SealedFile {
  std::string name;
  std::uint64_t number = 0;  // of the segment; of the snapshot: its lsn
  std::uint64_t bytes = 0;   // its length
  bool operator==(const SealedFile&) const = default;
};

struct UpkeepJob {
  enum class Kind : std::uint8_t { spare, compact };
  Kind kind = Kind::spare;
  std::filesystem::path directory;
  std::string name;         // spare: of the file to make
  std::uint64_t bytes = 0;  // spare: its length

  std::vector<SealedFile> sources;  // compact: the snapshot, if any, then the segments, in order
  std::uint64_t next_segment = 1;   // compact: behind them
  std::uint64_t upto_lsn = 0;       // compact: their last record
  std::uint64_t pass_over_lsn = 0;  // compact: numbers up to this one are never given; mostly 0
  std::uint64_t stamp = 1;
  Duration forget_after{};
};

struct UpkeepResult {
  UpkeepJob job;
  Status status;
  SealedFile made;                  // the spare or the snapshot
  std::uint64_t dropped_bytes = 0;  // compact: of records
};

// `stop`, when given: ends a compaction early, as cancelled; nothing is changed then.
UpkeepResult run_upkeep(Disk& disk, const UpkeepJob& job, const std::atomic<bool>* stop = nullptr);

}  // namespace framebus::broker::journal
