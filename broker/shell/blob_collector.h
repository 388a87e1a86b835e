// Removes blobs that nothing names any more and that nobody has put for `pin`.
//
// One subdirectory of the store at a time: the archivist's thread lists what is old, the core says
// what no job in memory names, the archivist's thread asks the archive and removes the rest. Why an
// accepted job never loses a blob by it: docs/decisions/0092-blob-order.md. Thread rule: the loop's
// thread; its work runs on the archivist's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>

#include "broker/core/action.h"
#include "broker/core/event.h"
#include "broker/shell/archivist.h"
#include "libmsg/base/time.h"
#include "libmsg/blob/blob_store.h"

namespace framebus::broker {

struct BlobCollectorOptions {
  Duration pin = std::chrono::hours(24);   // since the blob was put, or a job was to name it
  Duration round = std::chrono::hours(1);  // once through the whole store
  std::size_t offered_max = 1'024;         // at once
};

struct BlobCollectorCounters {
  std::uint64_t offered = 0;
  std::uint64_t removed = 0;
  std::uint64_t removed_bytes = 0;
  std::uint64_t failed = 0;
};

class BlobCollector {
 public:
  // `store` lies in `directory`; store and archivist outlive the collector's last post, that is:
  // destroy the archivist first. `wake`: take() has something (any thread).
  BlobCollector(BlobStore& store, std::filesystem::path directory, Archivist& archivist,
                BlobCollectorOptions options, std::function<void()> wake);

  // Looks at the next part of the store when it is time to. Cheap; call it every turn.
  void tick(TimePoint now);
  // Old blobs, for the core. Its DropBlobs, made in the same step, must go to drop() without delay,
  // also when it names none: the next look waits for it.
  std::optional<BlobsOffered> take();
  void drop(DropBlobs&& action);
  BlobCollectorCounters counters() const;

 private:
  // Shared with the work that is out: it may end after the collector.
  struct Shared {
    std::mutex mutex;
    std::optional<BlobsOffered> offer;
    bool is_busy = false;   // from a look until the core's answer is carried out
    bool has_more = false;  // in the part that was looked at, behind `after`
    BlobHash after;
    BlobCollectorCounters counters;
  };

  BlobStore& store_;
  std::filesystem::path directory_;
  Archivist& archivist_;
  BlobCollectorOptions options_;
  std::function<void()> wake_;
  std::shared_ptr<Shared> shared_;
  std::optional<TimePoint> next_look_;
  unsigned next_part_ = 0;  // 0 to 255: the first byte of the hashes
};

}  // namespace framebus::broker
