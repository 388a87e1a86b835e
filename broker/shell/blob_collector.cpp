// See blob_collector.h.
#include "broker/shell/blob_collector.h"

#include <utility>

#include "libmsg/base/log.h"
#include "libmsg/blob/blob_age.h"

namespace framebus::broker {

BlobCollector::BlobCollector(BlobStore& store, std::filesystem::path directory,
                             Archivist& archivist, BlobCollectorOptions options,
                             std::function<void()> wake)
    : store_(store),
      directory_(std::move(directory)),
      archivist_(archivist),
      options_(options),
      wake_(std::move(wake)),
      shared_(std::make_shared<Shared>()) {}

// One part of the store at a time, a page of it after the other; then some rest, so that a round
// takes `round`.
void BlobCollector::tick(TimePoint now) {
  if (next_look_ && now < *next_look_) return;
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->is_busy) return;
    if (shared_->has_more) {
      shared_->has_more = false;
    } else {
      next_part_ = next_look_ ? (next_part_ + 1) % blob_parts : 0;
      shared_->after = BlobHash{};
    }
    shared_->is_busy = true;
  }
  next_look_ = now + options_.round / blob_parts;
  const auto look = [shared = shared_, directory = directory_, options = options_,
                     part = next_part_, wake = wake_](JobArchive&) {
    BlobHash after;
    {
      const std::lock_guard lock(shared->mutex);
      after = shared->after;
    }
    auto old = list_older_blobs(*make_posix_disk(), directory, part, options.pin, after,
                                options.offered_max);
    {
      const std::lock_guard lock(shared->mutex);
      if (!old || old->empty()) {
        shared->counters.failed += old ? 0 : 1;
        shared->is_busy = false;
        return;
      }
      shared->has_more = old->size() == options.offered_max;
      shared->after = old->back();
      shared->counters.offered += old->size();
      shared->offer = BlobsOffered{std::move(*old)};
    }
    wake();
  };
  if (archivist_.post(look)) return;
  const std::lock_guard lock(shared_->mutex);
  shared_->is_busy = false;  // the archive has more important things to do
}

std::optional<BlobsOffered> BlobCollector::take() {
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->offer, std::nullopt);
}

void BlobCollector::drop(DropBlobs&& action) {
  const auto remove = [shared = shared_, &store = store_, pin = options_.pin,
                       blobs = std::move(action.blobs)](JobArchive& archive) {
    BlobCollectorCounters done;
    // An archive that does not answer may name any of them.
    if (const auto unnamed = archive.unnamed(blobs)) {
      for (const BlobHash& hash : *unnamed) {
        const std::uint64_t bytes = store.size_of(hash).value_or(0);
        const auto removed = store.remove_older(hash, pin);
        done.removed += removed && *removed ? 1 : 0;
        done.removed_bytes += removed && *removed ? bytes : 0;
        done.failed += removed ? 0 : 1;
      }
    } else {
      log_warning("blobs", "not collected now", {{"error", unnamed.error().message}});
      done.failed += blobs.size();
    }
    const std::lock_guard lock(shared->mutex);
    shared->counters.removed += done.removed;
    shared->counters.removed_bytes += done.removed_bytes;
    shared->counters.failed += done.failed;
    shared->is_busy = false;
  };
  if (archivist_.post(remove)) return;
  const std::lock_guard lock(shared_->mutex);
  shared_->is_busy = false;
}

BlobCollectorCounters BlobCollector::counters() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->counters;
}

}  // namespace framebus::broker
