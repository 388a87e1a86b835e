#include "client/lib/callback_queue.h"

#include <utility>

namespace framebus::client {

CallbackQueue::CallbackQueue() : shared_(std::make_shared<Shared>()), thread_(run, shared_) {
  thread_id_ = thread_.get_id();
}

CallbackQueue::~CallbackQueue() {
  finish();
  if (thread_.joinable()) thread_.detach();  // this is the thread itself: it ends on its own
}

void CallbackQueue::run(std::shared_ptr<Shared> shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->changed.wait(lock, [&] { return shared->is_finishing || !shared->waiting.empty(); });
    if (shared->waiting.empty()) {
      shared->has_ended = true;
      return;
    }
    std::function<void()> next = std::move(shared->waiting.front());
    shared->waiting.pop_front();
    lock.unlock();
    next();
    next = nullptr;  // what it captured is released without the lock too
    lock.lock();
  }
}

void CallbackQueue::post(std::function<void()> function) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->has_ended) {
      shared_->waiting.push_back(std::move(function));
      shared_->changed.notify_one();
      return;
    }
  }
  function();
}

void CallbackQueue::finish() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->is_finishing = true;
    shared_->changed.notify_one();
  }
  if (is_this_thread()) return;
  const std::lock_guard lock(joining_);
  if (thread_.joinable()) thread_.join();
}

bool CallbackQueue::is_this_thread() const {
  return std::this_thread::get_id() == thread_id_;
}

}  // namespace framebus::client
