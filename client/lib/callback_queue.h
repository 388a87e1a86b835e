// One thread that runs functions in order: where users' callbacks run. Its lock is never held while
// one runs.
//
// Bounded by its users: requests outstanding are limited by the session, events by the watch
// window.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace framebus::client {

class CallbackQueue {
 public:
  CallbackQueue();
  ~CallbackQueue();  // finish()

  // After finish() the function runs on the calling thread at once: a callback is never dropped.
  void post(std::function<void()> function);

  // Runs what is queued, then ends the thread. From a callback: returns at once, the thread ends
  // after it.
  void finish();

  bool is_this_thread() const;

 private:
  struct Shared {  // shared: with the thread, which may outlive this object when a callback
                   // destroys it
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> waiting;
    bool is_finishing = false;
    bool has_ended = false;
  };
  static void run(std::shared_ptr<Shared> shared);

  std::shared_ptr<Shared> shared_;
  std::thread::id thread_id_;
  std::mutex joining_;
  std::thread thread_;
};

}  // namespace framebus::client
