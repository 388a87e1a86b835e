// The events of a watch as a queue that a verb's own thread reads.
//
// Bounded: the watch's callback waits while the queue is full, its confirmation is then late, and
// the broker holds back. Thread rule: next() and the destructor on one thread.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "client/lib/primary.h"

namespace framebus::client {

class EventFeed {
 public:
  EventFeed(Primary& primary, WatchOptions options);
  ~EventFeed();
  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;

  // What has arrived, after waiting at most so long for something; empty: nothing.
  std::vector<Event> next(Duration at_most);
  // Why there will be no more events, once all of them have been read.
  std::optional<Error> end() const;

 private:
  struct Queue;
  std::shared_ptr<Queue>
      queue_;  // shared with the callbacks, which may run once more after unwatch()
  Primary& primary_;
  std::uint64_t watch_;
};

}  // namespace framebus::client
