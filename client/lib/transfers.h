// The threads that move blobs: BlobClient calls block, so they get threads of their own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libmsg/blob/blob_client.h"

namespace framebus::client {

class Transfers {
 public:
  // A transfer gets the client, or the reason why there is none (no broker in time, shutdown).
  using Job = std::function<void(Result<BlobClient*>)>;

  // `patience`: how long a transfer waits for a broker that does not answer.
  Transfers(std::shared_ptr<Context> context, unsigned threads, Duration patience);
  ~Transfers();  // stop()

  // Where the broker's blobs are; known from the first Welcome on.
  void set_endpoint(const std::string& url);

  // Runs `job` on one of the threads once the endpoint is known, at `patience` at the latest. After
  // stop(): on the calling thread, with Code::shutdown.
  void post(Job job, Duration patience);

  // Running transfers are cancelled, waiting ones end with Code::shutdown. Idempotent. Must not be
  // called from a transfer.
  void stop();

  const std::atomic<bool>* cancelled() const { return &cancelled_; }

 private:
  void run();
  Result<BlobClient*> client_within(Duration patience);

  std::shared_ptr<Context> context_;
  const Duration patience_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Job, Duration>> waiting_;
  std::unique_ptr<BlobClient> client_;
  std::mutex joining_;
  std::vector<std::thread> threads_;
};

}  // namespace framebus::client
