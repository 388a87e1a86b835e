// Where the broker's records go. Two kinds: memory (tests, --ephemeral) and, later, the journal.
// Thread rule: one thread appends; the implementation may sync on its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "broker/core/record.h"
#include "libmsg/base/result.h"

namespace framebus::broker {

struct StoreStats {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t syncs = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  // Appends in order; returns the lsn of the last one. Records are numbered densely from 1.
  virtual Result<std::uint64_t> append(const std::vector<Record>& records) = 0;
  // Makes everything appended so far durable; returns the durable lsn.
  virtual Result<std::uint64_t> sync() = 0;
  // Hands every record to `sink` in order.
  virtual Status replay(const std::function<void(std::uint64_t lsn, const Record&)>& sink) = 0;
  virtual StoreStats stats() const = 0;
};

// What a memory store does with records. `nothing` only numbers and counts them: for a broker that
// would never replay them and runs for months.
enum class Retain : std::uint8_t { all, nothing };

std::unique_ptr<Store> make_memory_store(Retain retain = Retain::all);

}  // namespace framebus::broker
