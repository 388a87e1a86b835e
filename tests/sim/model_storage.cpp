// The fast storage: records in memory. A sync takes its time, a crash keeps a chance number of what
// was not synced, in order.
#include <algorithm>
#include <deque>

#include "tests/sim/storage.h"

namespace framebus::sim {
namespace {

using broker::Record;

class ModelStore final : public broker::Store {
 public:
  explicit ModelStore(std::size_t backlog_max) : backlog_max_(backlog_max) {}

  Status replay(const broker::RecordSink& sink) override {
    for (std::uint64_t lsn = 1; lsn <= log_.size(); ++lsn)
      sink(lsn, log_[lsn - 1].first, log_[lsn - 1].second);
    return {};
  }
  std::uint64_t last_lsn() const override { return log_.size(); }
  Status append(TimePoint at, std::vector<Record>&& records) override {
    if (log_.size() > durable_ && log_.size() - durable_ + records.size() > backlog_max_)
      return fail(Code::resource_exhausted, "the backlog is full");
    for (Record& record : records) log_.emplace_back(at, std::move(record));
    return {};
  }
  Result<std::uint64_t> durable() override {
    if (broken_) return fail(Code::internal, "fdatasync: Input/output error (simulated)");
    return durable_;
  }
  Status sync() override { return {}; }
  broker::StoreStats stats() const override { return {}; }

  bool has_work() const { return durable_ < log_.size() && !broken_; }
  void work() {
    broken_ = fails_;
    if (!broken_) durable_ = log_.size();
  }
  void fail_next_sync() { fails_ = true; }
  void open() {
    fails_ = broken_ = false;
    durable_ = log_.size();
  }
  // `lost`: of the durable ones, a planted bug.
  void crash(std::uint64_t kept, std::uint64_t lost) {
    log_.resize(durable_ + kept - std::min(durable_ + kept, lost));
  }
  std::uint64_t not_synced() const { return log_.size() - durable_; }
  void tear_last() {
    if (log_.empty()) return;
    // A text that was cut in two and read all the same.
    if (auto* ended = std::get_if<broker::TaskEnded>(&log_.back().second))
      ended->result.resize(ended->result.size() / 2);
    if (auto* granted = std::get_if<broker::TaskGranted>(&log_.back().second)) granted->token = {};
    if (auto* started = std::get_if<broker::TaskStarted>(&log_.back().second)) started->token = {};
  }

 private:
  const std::size_t backlog_max_;
  std::deque<std::pair<TimePoint, Record>> log_;
  std::uint64_t durable_ = 0;
  bool fails_ = false;
  bool broken_ = false;
};

class ModelStorage final : public Storage {
 public:
  ModelStorage(Bug bug, std::size_t backlog_max) : bug_(bug), store_(backlog_max) {}

  Result<Opened> open() override {
    store_.open();
    if (bug_ != Bug::same_epoch || epoch_ == 0) ++epoch_;
    return Opened{&store_, epoch_};
  }
  bool has_work() const override { return store_.has_work(); }
  void work() override { store_.work(); }
  void fail_next_sync() override { store_.fail_next_sync(); }
  void kill(Random& random) override { crash(random); }
  void lose_power(Random& random) override { crash(random); }

 private:
  void crash(Random& random) {
    store_.crash(random.below(store_.not_synced() + 1), bug_ == Bug::lost_durable_record ? 1 : 0);
    if (bug_ == Bug::torn_tail_trusted) store_.tear_last();
  }

  const Bug bug_;
  ModelStore store_;
  std::uint64_t epoch_ = 0;
};

}  // namespace

std::unique_ptr<Storage> make_model_storage(Bug bug, std::size_t backlog_max) {
  return std::make_unique<ModelStorage>(bug, backlog_max);
}

}  // namespace framebus::sim
