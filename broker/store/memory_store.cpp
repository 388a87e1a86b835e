// The store that keeps its records in memory, or only counts them: tests and --ephemeral.
#include <deque>

#include "broker/store/store.h"

namespace framebus::broker {
namespace {

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(Retain retain) : retain_(retain) {}

  Result<std::uint64_t> append(const std::vector<Record>& records) override {
    if (retain_ == Retain::all) records_.insert(records_.end(), records.begin(), records.end());
    stats_.records += records.size();
    stats_.bytes += records.size() * sizeof(Record);
    return stats_.records;
  }

  Result<std::uint64_t> sync() override {
    ++stats_.syncs;
    return stats_.records;
  }

  Status replay(const std::function<void(std::uint64_t, const Record&)>& sink) override {
    std::uint64_t lsn = 0;
    for (const Record& record : records_) sink(++lsn, record);
    return {};
  }

  StoreStats stats() const override { return stats_; }

 private:
  Retain retain_;
  std::deque<Record> records_;
  StoreStats stats_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(Retain retain) {
  return std::make_unique<MemoryStore>(retain);
}

}  // namespace framebus::broker
