// Room on the disk that was promised to blobs which are still to be written.
//
// Free space alone says nothing while several blobs come at once: each would count the same bytes.
// A promise shrinks as its bytes are written (then the disk itself counts them) and ends with its
// owner, whether the blob was stored or given up. Asks no disk itself. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

namespace framebus {

class PromisedBytes {
 public:
  // The owner's part. Moved from: promises nothing.
  class Promise {
   public:
    Promise() = default;
    Promise(Promise&& other) noexcept;
    Promise& operator=(Promise&& other) noexcept;
    ~Promise() { written(left_); }
    // So many of the promised bytes are on the disk now, or will never come.
    void written(std::uint64_t bytes);

   private:
    friend class PromisedBytes;
    Promise(std::shared_ptr<std::atomic<std::uint64_t>> total, std::uint64_t bytes)
        : total_(std::move(total)), left_(bytes) {}
    std::shared_ptr<std::atomic<std::uint64_t>> total_;  // shared: the store may be gone first
    std::uint64_t left_ = 0;
  };

  // None when it does not fit beside what is promised already. `free_bytes` is asked for under the
  // lock, so that no two askers see the same room.
  template <class FreeBytes>
  std::optional<Promise> promise(std::uint64_t bytes, std::uint64_t kept_free_bytes,
                                 const FreeBytes& free_bytes) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t promised = total_->load();
    const std::uint64_t free_now = free_bytes();
    const std::uint64_t taken = promised + kept_free_bytes;
    if (free_now < taken || free_now - taken < bytes) return std::nullopt;
    *total_ += bytes;
    return Promise(total_, bytes);
  }
  std::uint64_t total() const { return total_->load(); }

 private:
  std::mutex mutex_;  // one asker at a time
  std::shared_ptr<std::atomic<std::uint64_t>> total_ =
      std::make_shared<std::atomic<std::uint64_t>>(0);
};

}  // namespace framebus
