// Which records still count: what compaction keeps and what it drops.
//
// note() every record, in order; then keeps() says of each whether replay still needs it:
// - of a job that was forgotten: nothing before its last JobForgotten; that one itself for
//   `forget_after` (a repeated Submit is recognised by it), and for ever if no later job exists, so
//   that job numbers are never given twice;
// - of a job that came back from the archive in pieces: nothing of a return that a crash has torn,
//   which is one that another record follows before its last piece (they are made in one step);
// - of an upload that was dropped, or whose job was forgotten: nothing up to there;
// - of a sticky command: the last one;
// - everything else, and always the very last record, whose number the next one continues.
// Pure: no disk, no clock. Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "broker/store/record_keys.h"
#include "libmsg/base/time.h"

namespace framebus::broker::journal {

class LiveRecords {
 public:
  explicit LiveRecords(Duration forget_after) : forget_after_(forget_after) {}

  void note(std::uint64_t lsn, std::int64_t at_ns, const RecordKeys& keys);
  bool keeps(std::uint64_t lsn, std::int64_t at_ns, const RecordKeys& keys) const;

 private:
  struct Upload {
    std::uint64_t accepted_lsn = 0;  // of the JobAccepted it became
    std::uint64_t dead_upto = 0;
  };
  struct Revival {
    std::uint64_t job = 0;
    std::uint64_t first_lsn = 0;
    std::uint64_t last_lsn = 0;
  };
  void note_revival(std::uint64_t lsn, const RecordKeys& keys);
  bool is_torn(std::uint64_t lsn) const;
  bool keeps_forgotten(std::uint64_t lsn, std::int64_t at_ns, const RecordKeys& keys) const;

  Duration forget_after_;
  std::uint64_t last_lsn_ = 0;
  std::int64_t last_at_ns_ = 0;
  std::optional<SubmitId> dropped_last_;  // by the very last record
  std::uint64_t highest_job_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> forgotten_at_;  // job -> lsn, the last time
  std::unordered_map<std::uint64_t, SubmitId> upload_of_;          // job -> its upload
  std::map<SubmitId, Upload> uploads_;
  std::map<std::string, std::uint64_t> sticky_at_;
  std::optional<Revival> open_revival_;          // its last piece has not been seen
  std::map<std::uint64_t, std::uint64_t> torn_;  // first lsn -> last lsn of its pieces
};

}  // namespace framebus::broker::journal
