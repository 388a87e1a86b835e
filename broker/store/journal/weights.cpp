// See weights.h.
#include "broker/store/journal/weights.h"

#include <algorithm>

namespace framebus::broker::journal {

void Weights::end_upload(const SubmitId& submit_id) {
  const auto upload = uploads_.find(submit_id);
  if (upload == uploads_.end()) return;
  dead_bytes_ += upload->second;
  uploads_.erase(upload);
}

void Weights::note(const RecordWeight& weight) {
  const RecordKeys& keys = weight.keys;
  total_bytes_ += weight.bytes;
  switch (keys.number) {
    case UploadOpened::number:
    case UploadPart::number:
      uploads_[keys.submit_id] += weight.bytes;
      return;
    case UploadDropped::number:
      end_upload(keys.submit_id);
      dead_bytes_ += weight.bytes;
      return;
    case StickySet::number: {
      std::uint64_t& standing = sticky_[keys.sticky];
      dead_bytes_ += standing;
      standing = weight.bytes;
      return;
    }
    case JobForgotten::number: {
      const auto job = jobs_.find(keys.job.value);
      if (job == jobs_.end()) return;
      dead_bytes_ += job->second.bytes;
      if (!job->second.upload.is_none()) end_upload(job->second.upload);
      jobs_.erase(job);
      return;
    }
    default: {
      JobWeight& job = jobs_[keys.job.value];
      job.bytes += weight.bytes;
      if (keys.uploaded) job.upload = keys.submit_id;
    }
  }
}

void Weights::dropped(std::uint64_t bytes) {
  total_bytes_ -= std::min(total_bytes_, bytes);
  dead_bytes_ -= std::min(dead_bytes_, bytes);
}

}  // namespace framebus::broker::journal
