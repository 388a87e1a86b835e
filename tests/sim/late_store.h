// The broker's store, simulated: a sync takes its time, and a crash loses what is not synced.
//
// sync() says what is durable by now; the simulation decides when that grows. Thread rule: one
// thread.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "broker/store/store.h"

namespace framebus::sim {

class LateStore final : public broker::Store {
 public:
  Status replay(const broker::RecordSink& sink) override {
    for (std::uint64_t lsn = 1; lsn <= log_.size(); ++lsn)
      sink(lsn, log_[lsn - 1].first, log_[lsn - 1].second);
    return {};
  }
  std::uint64_t last_lsn() const override { return log_.size(); }
  Status append(TimePoint at, std::vector<broker::Record>&& records) override {
    for (broker::Record& record : records) log_.emplace_back(at, std::move(record));
    return {};
  }
  Result<std::uint64_t> durable() override { return durable_; }
  Status sync() override { return {}; }
  broker::StoreStats stats() const override { return {}; }

  std::uint64_t size() const { return log_.size(); }
  std::uint64_t durable_lsn() const { return durable_; }
  void make_durable(std::uint64_t lsn) { durable_ = std::max(durable_, lsn); }
  // The process dies; `lost` of the records that were synced go, too (a planted bug).
  void crash(std::uint64_t lost) {
    durable_ -= std::min(durable_, lost);
    log_.resize(durable_);
  }

 private:
  std::vector<std::pair<TimePoint, broker::Record>> log_;
  std::uint64_t durable_ = 0;
};

}  // namespace framebus::sim
