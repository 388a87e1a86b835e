// The broker's store, simulated: a sync takes its time, and a crash loses what is not synced.
//
// sync() says what is durable by now; the simulation decides when that grows. Thread rule: one
// thread.
#pragma once

#include <algorithm>
#include <vector>

#include "broker/store/store.h"

namespace framebus::sim {

class LateStore final : public broker::Store {
 public:
  Result<std::uint64_t> append(const std::vector<broker::Record>& records) override {
    log_.insert(log_.end(), records.begin(), records.end());
    return log_.size();
  }
  Result<std::uint64_t> sync() override { return durable_; }
  Status replay(
      const std::function<void(std::uint64_t lsn, const broker::Record&)>& sink) override {
    for (std::uint64_t lsn = 1; lsn <= log_.size(); ++lsn) sink(lsn, log_[lsn - 1]);
    return {};
  }
  broker::StoreStats stats() const override { return {log_.size(), 0, 0}; }

  std::uint64_t size() const { return log_.size(); }
  std::uint64_t durable() const { return durable_; }
  void make_durable(std::uint64_t lsn) { durable_ = std::max(durable_, lsn); }
  // The process dies; `lost` of the records that were synced go, too (a planted bug).
  void crash(std::uint64_t lost) {
    durable_ -= std::min(durable_, lost);
    log_.resize(durable_);
  }

 private:
  std::vector<broker::Record> log_;
  std::uint64_t durable_ = 0;
};

}  // namespace framebus::sim
