// Durable before visible: holds what the core wants sent until the records it depends on are
// synced.
//
// The loop appends a batch, syncs, and releases what has become durable. A store whose sync takes
// time reports a smaller durable number and the rest waits for a later turn; nothing else changes.
// Thread rule: the broker loop's thread.
#pragma once

#include <deque>
#include <functional>

#include "broker/core/action.h"
#include "broker/store/store.h"

namespace framebus::broker {

class CommitPipeline {
 public:
  explicit CommitPipeline(Store& store);

  // Appends the batch's records in one write and takes over its other actions, in order. The error
  // is the store's: the broker must end, it can no longer keep its promises.
  Status append(TimePoint now, Actions&& actions);
  // Asks the store how far it is.
  Status sync();
  // Hands over every action that waits for nothing any more, in the order the core made them.
  void release(const std::function<void(Action&&)>& carry_out);
  std::size_t waiting_count() const { return waiting_.size(); }

 private:
  struct Waiting {
    std::uint64_t after_lsn;
    Action action;
  };

  Store& store_;
  std::uint64_t appended_lsn_ = 0;
  std::uint64_t durable_lsn_ = 0;
  std::deque<Waiting> waiting_;
};

}  // namespace framebus::broker
