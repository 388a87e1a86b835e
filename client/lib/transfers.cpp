#include "client/lib/transfers.h"

#include <utility>

namespace framebus::client {
namespace {

tl::unexpected<Error> shut_down() {
  return fail(Code::shutdown, "the transfer was stopped because the client shuts down");
}

}  // namespace

Transfers::Transfers(std::shared_ptr<Context> context, unsigned threads, Duration patience)
    : context_(std::move(context)), patience_(patience) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Transfers::~Transfers() {
  stop();
}

void Transfers::set_endpoint(const std::string& url) {
  const std::lock_guard lock(mutex_);
  if (client_) {
    client_->set_endpoint(url);
  } else {
    client_ = make_blob_client(context_, url, patience_);
  }
  changed_.notify_all();
}

void Transfers::post(Job job, Duration patience) {
  {
    const std::lock_guard lock(mutex_);
    if (!cancelled_) {
      waiting_.emplace_back(std::move(job), patience);
      changed_.notify_all();
      return;
    }
  }
  job(shut_down());
}

Result<BlobClient*> Transfers::client_within(Duration patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return cancelled_ || client_; });
  if (cancelled_) return shut_down();
  if (!client_)
    return fail(Code::unavailable, "no broker was reached that could say where its files are");
  return client_.get();
}

void Transfers::run() {
  for (;;) {
    std::pair<Job, Duration> next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return cancelled_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    next.first(client_within(next.second));
  }
}

void Transfers::stop() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }
  const std::lock_guard lock(joining_);
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

}  // namespace framebus::client
