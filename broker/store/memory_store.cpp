// The store that keeps its records in memory, or only counts them: tests and --ephemeral.
//
// Everything is "durable" as soon as it is appended: there is nothing to wait for.
#include <deque>

#include "broker/store/store.h"

namespace framebus::broker {
namespace {

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(Retain retain) : retain_(retain) {}

  Status replay(const RecordSink& sink) override {
    std::uint64_t lsn = 0;
    for (const auto& [at, record] : records_) sink(++lsn, at, record);
    return {};
  }

  std::uint64_t last_lsn() const override { return stats_.records; }

  Status append(TimePoint at, std::vector<Record>&& records) override {
    stats_.records += records.size();
    stats_.bytes += records.size() * sizeof(Record);
    if (retain_ == Retain::nothing) return {};
    for (Record& record : records) records_.emplace_back(at, std::move(record));
    return {};
  }

  Result<std::uint64_t> durable() override { return stats_.records; }

  Status sync() override {
    ++stats_.syncs;
    return {};
  }

  StoreStats stats() const override { return stats_; }

 private:
  Retain retain_;
  std::deque<std::pair<TimePoint, Record>> records_;
  StoreStats stats_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(Retain retain) {
  return std::make_unique<MemoryStore>(retain);
}

}  // namespace framebus::broker
