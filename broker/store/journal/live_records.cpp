// See live_records.h.
#include "broker/store/journal/live_records.h"

#include <algorithm>

namespace framebus::broker::journal {

// Pieces of one job in the order of their lsns, which compaction does not change; with a gap where
// others were dropped, never with one of another kind between them.
void LiveRecords::note_revival(std::uint64_t lsn, const RecordKeys& keys) {
  const bool is_piece = keys.number == JobRevived::number;
  const bool goes_on =
      is_piece && !keys.begins_revival && open_revival_ && open_revival_->job == keys.job.value;
  if (open_revival_ && !goes_on) {
    torn_[open_revival_->first_lsn] = open_revival_->last_lsn;
    open_revival_.reset();
  }
  if (!is_piece) return;
  if (!open_revival_) open_revival_ = Revival{keys.job.value, lsn, lsn};
  open_revival_->last_lsn = lsn;
  if (keys.ends_revival) open_revival_.reset();
}

bool LiveRecords::is_torn(std::uint64_t lsn) const {
  const auto behind = torn_.upper_bound(lsn);
  return behind != torn_.begin() && lsn <= std::prev(behind)->second;
}

void LiveRecords::note(std::uint64_t lsn, std::int64_t at_ns, const RecordKeys& keys) {
  last_lsn_ = lsn;
  last_at_ns_ = at_ns;
  highest_job_ = std::max(highest_job_, keys.job.value);
  dropped_last_.reset();
  note_revival(lsn, keys);
  switch (keys.number) {
    case JobAccepted::number:
      if (keys.uploaded) {
        uploads_[keys.submit_id].accepted_lsn = lsn;
        upload_of_[keys.job.value] = keys.submit_id;
      }
      break;
    case JobForgotten::number: {
      forgotten_at_[keys.job.value] = lsn;
      const auto made_of = upload_of_.find(keys.job.value);
      if (made_of == upload_of_.end()) break;
      Upload& upload = uploads_[made_of->second];
      upload.dead_upto = std::max(upload.dead_upto, upload.accepted_lsn);
      upload_of_.erase(made_of);
      break;
    }
    case UploadDropped::number:
      uploads_[keys.submit_id].dead_upto = lsn;
      dropped_last_ = keys.submit_id;
      break;
    case StickySet::number:
      sticky_at_[keys.sticky] = lsn;
      break;
    default:
      break;
  }
}

bool LiveRecords::keeps_forgotten(std::uint64_t lsn, std::int64_t at_ns,
                                  const RecordKeys& keys) const {
  if (forgotten_at_.at(keys.job.value) != lsn) return false;
  return keys.job.value == highest_job_ || last_at_ns_ - at_ns <= forget_after_.count();
}

bool LiveRecords::keeps(std::uint64_t lsn, std::int64_t at_ns, const RecordKeys& keys) const {
  if (lsn == last_lsn_) return true;
  switch (keys.number) {
    case UploadOpened::number:
    case UploadPart::number:
    case UploadDropped::number: {
      if (dropped_last_ == keys.submit_id) return true;  // the last record needs what it drops
      const auto upload = uploads_.find(keys.submit_id);
      return upload == uploads_.end() || lsn > upload->second.dead_upto;
    }
    case StickySet::number:
      return sticky_at_.at(keys.sticky) == lsn;
    case JobForgotten::number:
      return keeps_forgotten(lsn, at_ns, keys);
    case JobRevived::number:
      if (is_torn(lsn)) return false;
      [[fallthrough]];
    default: {
      const auto forgotten = forgotten_at_.find(keys.job.value);
      return forgotten == forgotten_at_.end() || lsn > forgotten->second;
    }
  }
}

}  // namespace framebus::broker::journal
