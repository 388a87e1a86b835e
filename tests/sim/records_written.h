// Every record that the broker ever handed to its store, and which of them were said to be durable:
// the truth that recovery is held against.
//
// What is read back after a crash has to be a beginning of it that holds everything durable, each
// record as it was written; where compaction has left gaps, the state has to be the same without
// them. Thread rule: one thread.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "broker/core/core.h"
#include "broker/core/record.h"

namespace framebus::sim {

class RecordsWritten {
 public:
  void add(TimePoint at, const broker::Record& record) { all_.push_back({at, record}); }
  void set_durable(std::uint64_t lsn) { durable_ = std::max(durable_, lsn); }
  std::uint64_t count() const { return all_.size(); }
  std::uint64_t durable() const { return durable_; }
  const broker::Record& at(std::uint64_t lsn) const { return all_[lsn - 1].record; }

  // The process starts and reads what there is.
  void begin_reading() { read_up_to_ = 0, gaps_ = false; }
  // A record that was read back; the broken promise, or none.
  std::optional<std::string> compare(std::uint64_t lsn, TimePoint at, const broker::Record& record);
  // Recovery is over and has read up to `last`: what comes after it is lost, and must not count.
  std::optional<std::string> recovered(std::uint64_t last);
  bool has_gaps() const { return gaps_; }

  // The durable state that all of them give, as text (broker/core/durable_print.h).
  std::string state_of_replay(const broker::Options& options) const;

 private:
  struct Written {
    TimePoint at;
    broker::Record record;
  };
  std::deque<Written> all_;  // by lsn, from 1
  std::uint64_t durable_ = 0;
  std::uint64_t read_up_to_ = 0;
  bool gaps_ = false;
};

// The same of a broker that lives.
std::string durable_state(const broker::Core& core);

}  // namespace framebus::sim
