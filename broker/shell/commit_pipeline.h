// Durable before visible: holds what the core wants done until the records it depends on are
// synced.
//
// The loop appends a batch and goes on; the store writes and syncs meanwhile, poll() says how far
// it has got, and release() lets out what waits for nothing any more. There is no other way out, so
// a reply can not leave before its record. A batch that a full backlog turns away is kept and
// offered again; until it is taken the loop must not make another (is_backlogged()). Pure: no
// clock, no thread, no wait; the simulator uses it as it is. Thread rule: one thread.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "broker/core/action.h"
#include "broker/core/event.h"
#include "broker/store/store.h"

namespace framebus::broker {

struct CommitCounters {
  std::uint64_t batches = 0;      // of records, appended
  std::uint64_t turned_away = 0;  // batches that met a full backlog
  std::uint64_t taken = 0;        // actions that are not records
  std::uint64_t released = 0;
};

class CommitPipeline {
 public:
  // After the store's replay().
  explicit CommitPipeline(Store& store);

  // Appends the batch's records in one write and takes over its other actions, in order. `at`: the
  // time they were made. The error is the store's and final: the broker must end, it can no longer
  // keep its promises.
  Status append(TimePoint at, Actions&& actions);
  // Asks the store how far it is; an event for the core when that is further than before. Errors as
  // append()'s.
  Result<std::optional<Synced>> poll();
  // Waits for the store until everything is durable. For the end of the broker.
  Status finish();
  // Hands over every action that waits for nothing any more, in the order the core made them.
  void release(const std::function<void(Action&&)>& carry_out);

  bool is_backlogged() const { return !turned_away_.empty(); }
  std::size_t waiting_count() const { return waiting_.size(); }
  std::uint64_t durable_lsn() const { return durable_lsn_; }
  const CommitCounters& counters() const { return counters_; }

 private:
  struct Waiting {
    std::uint64_t after_lsn;
    Action action;
  };
  struct Batch {
    TimePoint at;
    std::uint64_t last_lsn;
    std::vector<Record> records;
  };

  Status offer(Batch& batch, bool& taken);
  Status offer_again();

  Store& store_;
  std::uint64_t made_lsn_;  // of the last record that came from the core
  std::uint64_t durable_lsn_;
  std::deque<Batch> turned_away_;
  std::deque<Waiting> waiting_;
  std::size_t known_to_wait_ = 0;  // leading elements that the last release() has looked at
  CommitCounters counters_;
};

}  // namespace framebus::broker
