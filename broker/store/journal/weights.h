// The running account of what compaction would drop: bytes of jobs that were forgotten, of uploads
// that were dropped or whose job was forgotten, of sticky commands that were replaced.
//
// An estimate for deciding when to compact; what is dropped is decided by live_records.h. Thread
// rule: one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "broker/store/journal/batch.h"

namespace framebus::broker::journal {

class Weights {
 public:
  void note(const RecordWeight& weight);
  // Compaction took this much out.
  void dropped(std::uint64_t bytes);
  std::uint64_t total_bytes() const { return total_bytes_; }
  std::uint64_t dead_bytes() const { return dead_bytes_; }

 private:
  struct JobWeight {
    std::uint64_t bytes = 0;
    SubmitId upload;  // that became it
  };
  void end_upload(const SubmitId& submit_id);

  std::unordered_map<std::uint64_t, JobWeight> jobs_;
  std::map<SubmitId, std::uint64_t> uploads_;
  std::map<std::string, std::uint64_t> sticky_;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t dead_bytes_ = 0;
};

}  // namespace framebus::broker::journal
