// Reads what can be read of a damaged journal, past every bad place, and keeps what is consistent.
//
// A record behind a gap may speak of something that happened in the gap. So a job, or an upload,
// that existed before a gap keeps its records up to there and loses the rest; one that began behind
// it is whole. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "broker/store/journal/batch_reader.h"
#include "broker/store/record_keys.h"
#include "libmsg/disk/disk.h"

namespace framebus::broker::journal {

// Which salvaged records may be kept, fed in order.
class ConsistentRecords {
 public:
  void note_gap() { ++gaps_; }
  bool takes(const RecordKeys& keys);

 private:
  using Gaps = std::uint64_t;  // how many gaps there were when it began
  bool takes_upload(const RecordKeys& keys);

  Gaps gaps_ = 0;
  std::map<JobId, Gaps> jobs_;
  std::map<JobId, Gaps> forgotten_;
  std::map<SubmitId, Gaps> uploads_;
};

struct SalvageFacts {
  std::vector<std::string> files;                             // of the journal, damaged or not
  std::vector<std::string> places;                            // what was wrong, for people
  std::vector<std::pair<std::uint64_t, std::uint64_t>> lost;  // lsns, from and to
  std::map<JobId, std::uint64_t> cut;  // jobs that lose readable records behind a gap, and how many
  std::uint64_t readable = 0;
  std::uint64_t kept = 0;
  std::uint64_t last_lsn = 0;  // the highest that was seen or claimed
  std::uint64_t last_kept_lsn = 0;
  std::uint64_t last_segment = 0;
  std::uint64_t last_snapshot = 0;
};

// Hands the records that are readable and consistent to `sink`, in order.
Result<SalvageFacts> salvage_journal(Disk& disk, const std::filesystem::path& directory,
                                     const RawSink& sink);

}  // namespace framebus::broker::journal
