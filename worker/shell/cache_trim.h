// Cuts the blob cache back to its size, not more often than it is worth: looking through a cache of
// many thousand files takes longer than many a task. Thread-safe.
#pragma once

#include <mutex>

#include "libmsg/base/log.h"
#include "libmsg/blob/blob_store.h"
#include "libmsg/transport/transport.h"

namespace framebus::worker {

class CacheTrim {
 public:
  CacheTrim(BlobStore& cache, std::uint64_t bytes_max) : cache_(cache), bytes_max_(bytes_max) {}

  void when_due() {
    {
      const std::lock_guard lock(mutex_);
      const TimePoint now = now_monotonic();
      if (now < after_) return;
      after_ = now + seconds(10);
    }
    if (const Status trimmed = cache_.trim(bytes_max_); !trimmed)
      log_warning("cache", trimmed.error().message);
  }

 private:
  BlobStore& cache_;
  const std::uint64_t bytes_max_;
  std::mutex mutex_;
  TimePoint after_{};
};

}  // namespace framebus::worker
