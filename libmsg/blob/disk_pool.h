// A few threads that wait for the disk so that the socket thread never does.
//
// Work is posted to strands: within one, jobs run in order, one at a time; strands take turns, so a
// large transfer never holds up a small one for more than a job. Jobs must not throw.
// Thread rule: post() and abandon() from any thread; jobs run on the pool's threads.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace framebus {

class DiskPool {
 public:
  class Strand;
  // Shared: the pool keeps a strand alive while a job of it waits or runs, its owner while it
  // posts.
  using StrandPtr = std::shared_ptr<Strand>;

  explicit DiskPool(std::size_t thread_count);
  ~DiskPool();  // drops jobs that have not begun, waits for those that have
  DiskPool(const DiskPool&) = delete;
  DiskPool& operator=(const DiskPool&) = delete;

  StrandPtr make_strand();
  void post(const StrandPtr& strand, std::function<void()> job);
  // Drops the strand's jobs that have not begun; what they captured is destroyed on the caller's
  // thread.
  void abandon(const StrandPtr& strand);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable ready_changed_;
  std::deque<StrandPtr> ready_;  // strands with jobs, none of which runs
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace framebus
