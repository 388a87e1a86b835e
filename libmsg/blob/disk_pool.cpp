// See disk_pool.h.
#include "libmsg/blob/disk_pool.h"

namespace framebus {

class DiskPool::Strand {
 public:
  std::deque<std::function<void()>> jobs;  // guarded by the pool's mutex, as is:
  bool is_scheduled = false;               // in ready_, or one of its jobs runs
};

DiskPool::DiskPool(std::size_t thread_count) {
  for (std::size_t i = 0; i < thread_count; ++i) threads_.emplace_back([this] { work(); });
}

DiskPool::~DiskPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

DiskPool::StrandPtr DiskPool::make_strand() {
  return std::make_shared<Strand>();
}

void DiskPool::post(const StrandPtr& strand, std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    strand->jobs.push_back(std::move(job));
    if (strand->is_scheduled) return;
    strand->is_scheduled = true;
    ready_.push_back(strand);
  }
  ready_changed_.notify_one();
}

void DiskPool::abandon(const StrandPtr& strand) {
  std::deque<std::function<void()>> dropped;  // destroyed after the lock is released
  const std::lock_guard lock(mutex_);
  dropped.swap(strand->jobs);
}

void DiskPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ready_changed_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
    if (stopping_) return;
    const StrandPtr strand = std::move(ready_.front());
    ready_.pop_front();
    if (!strand->jobs.empty()) {
      std::function<void()> job = std::move(strand->jobs.front());
      strand->jobs.pop_front();
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
    }
    if (strand->jobs.empty()) {
      strand->is_scheduled = false;
    } else {
      ready_.push_back(strand);
    }
  }
}

}  // namespace framebus
