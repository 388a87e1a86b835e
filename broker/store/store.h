// Where the broker's records go. Two kinds: the journal (default) and memory (tests, --ephemeral).
//
// Pipelined group commit: append() hands records over and returns at once, the store writes and
// syncs whatever has come together meanwhile, durable() says how far it is. Thread rule: all
// methods are called by one thread; the store may have its own, and `on_progress` (given when it is
// made) runs there whenever durable() has grown or failed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "broker/core/record.h"
#include "libmsg/base/result.h"
#include "libmsg/base/time.h"

namespace framebus::broker {

struct StoreStats {
  std::uint64_t records = 0;  // appended since the start
  std::uint64_t bytes = 0;    // written for them
  std::uint64_t syncs = 0;
  std::uint64_t sync_us_max = 0;  // the slowest sync since the start
  std::uint64_t sync_us_total = 0;
  std::uint64_t backlog_bytes = 0;  // appended and not yet durable
  std::uint64_t disk_bytes = 0;     // all files of the store
  std::uint64_t dead_bytes = 0;     // of them, what compaction would drop
  std::uint64_t compactions = 0;
  std::uint64_t failed_compactions = 0;
  std::uint64_t dropped_tail_records = 0;  // unsynced records that recovery cut off
  // The disk has less than it should: refuse new work (StorePressure{full}), go on recording
  // results into `reserved_bytes`, which are on the disk already.
  bool is_full = false;
  std::uint64_t free_bytes = 0;
  std::uint64_t reserved_bytes = 0;
};

// Where replay and the last append ended.
using RecordSink = std::function<void(std::uint64_t lsn, TimePoint at, const Record& record)>;

class Store {
 public:
  virtual ~Store() = default;
  // Every record that counts, in order: lsn ascending (compaction leaves gaps), `at` never
  // decreasing. Once, before the first append().
  virtual Status replay(const RecordSink& sink) = 0;
  // lsn of the last record, 0: none. After replay().
  virtual std::uint64_t last_lsn() const = 0;
  // Takes the records over; they get the numbers after last_lsn(). `at`: the broker's time. A crash
  // may keep the first of them and lose the others.
  // resource_exhausted: the backlog is full; `records` are as they were (the caller waits for
  // on_progress and tries again).
  virtual Status append(TimePoint at, std::vector<Record>&& records) = 0;
  // Everything up to this lsn survives a crash. An error is final: the process must end (exit 74).
  virtual Result<std::uint64_t> durable() = 0;
  // Waits until everything appended is durable, and seals it. For shutdown and tests.
  virtual Status sync() = 0;
  virtual StoreStats stats() const = 0;
};

// What a memory store does with records. `nothing` only numbers and counts them: for a broker that
// would never replay them and runs for months.
enum class Retain : std::uint8_t { all, nothing };

std::unique_ptr<Store> make_memory_store(Retain retain = Retain::all);

}  // namespace framebus::broker
