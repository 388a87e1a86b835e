// Waits in a test for another thread's wake(), with a deadline and without a sleep.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace framebus::broker::test {

class Woken {
 public:
  std::function<void()> wake() {
    return [this] {
      {
        const std::lock_guard lock(mutex_);
        ++count_;
      }
      changed_.notify_all();
    };
  }
  // Until `is_done` holds, which is looked at after every wake.
  void until(const std::function<bool()>& is_done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::unique_lock lock(mutex_);
    for (;;) {
      const int seen = count_;
      lock.unlock();
      const bool done = is_done();
      lock.lock();
      if (done) return;
      const bool woken = changed_.wait_until(lock, deadline, [&] { return count_ != seen; });
      REQUIRE_MESSAGE(woken, "nothing came within 20 s");
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

}  // namespace framebus::broker::test
