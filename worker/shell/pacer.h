// Lets something through at most so often: an executor may report its progress a thousand times a
// second, the loop hears of 20. Thread-safe; losing a race costs one report more, nothing else.
#pragma once

#include <atomic>
#include <cstdint>

#include "libmsg/transport/transport.h"

namespace framebus::worker {

class Pacer {
 public:
  explicit Pacer(Duration spacing) : spacing_(spacing) {}
  bool is_due() {
    const std::int64_t now_ns = now_monotonic().time_since_epoch().count();
    if (now_ns < after_ns_.load(std::memory_order_relaxed)) return false;
    after_ns_.store(now_ns + spacing_.count(), std::memory_order_relaxed);
    return true;
  }

 private:
  const Duration spacing_;
  std::atomic<std::int64_t> after_ns_{0};
};

inline constexpr Duration progress_spacing = milliseconds(50);

}  // namespace framebus::worker
