// The last events of a core in a few words each, for a crash or a question. Fixed size; never
// allocates after construction. Reruns are made from (options, seed, events); this says what
// happened.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/core/event.h"
#include "libmsg/base/time.h"

namespace framebus::broker {

class EventRing {
 public:
  explicit EventRing(std::size_t capacity = 1024) : entries_(capacity) {}

  void note(TimePoint now, const Event& event, std::uint64_t lsn);

  // One line for each event, oldest first: time in seconds, what, session, first task, lsn before
  // it.
  std::string dump() const;

 private:
  struct Entry {
    TimePoint at{};
    std::uint64_t lsn = 0;
    SessionId session;
    TaskRef task;
    std::uint32_t items = 0;    // attempts, results or tasks in the message
    std::uint16_t kind = 0;     // index into Event
    std::uint16_t message = 0;  // number of a Received message
  };
  std::vector<Entry> entries_;
  std::uint64_t count_ = 0;
};

}  // namespace framebus::broker
