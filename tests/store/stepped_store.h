// The broker's Store over its real journal, without a thread: work() does what the journal's
// writer thread does, in the same order, when the test says so.
//
// A disk that is full is as there: what finds no room waits and is tried again, nothing of it is
// durable meanwhile. Thread rule: one thread.
#pragma once

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "broker/store/journal/journal.h"
#include "broker/store/store.h"

namespace framebus::testing {

class SteppedStore final : public broker::Store {
 public:
  struct Options {
    broker::journal::JournalOptions journal;
    std::size_t batch_bytes_max = 4'096;
    std::size_t backlog_bytes_max = 256 * 1'024;
  };

  SteppedStore(Disk& disk, Options options)
      : disk_(disk), options_(std::move(options)), journal_(disk, options_.journal) {}

  Status replay(const broker::RecordSink& sink) override {
    FRAMEBUS_TRY(journal_.replay(sink));
    last_lsn_ = journal_.last_lsn();
    return {};
  }
  std::uint64_t last_lsn() const override { return last_lsn_; }
  Status append(TimePoint at, std::vector<broker::Record>&& records) override {
    FRAMEBUS_ASSIGN(
        std::vector<Batch> batches,
        broker::journal::make_batches(at, last_lsn_ + 1, records, options_.batch_bytes_max));
    std::size_t bytes = 0;
    for (const Batch& batch : batches) bytes += batch.body.size();
    if (backlog_bytes_ > 0 && backlog_bytes_ + bytes > options_.backlog_bytes_max)
      return fail(Code::resource_exhausted, "the backlog is full");
    last_lsn_ = batches.back().last_lsn();
    backlog_bytes_ += bytes;
    for (Batch& batch : batches) backlog_.push_back(std::move(batch));
    return {};
  }
  Result<std::uint64_t> durable() override {
    if (!failure_) return fail(failure_.error());
    return journal_.durable_lsn();
  }
  Status sync() override {
    work();
    return failure_;
  }
  broker::StoreStats stats() const override {
    broker::StoreStats stats = journal_.stats();
    stats.is_full = stats.is_full || is_without_room_;
    return stats;
  }

  bool has_work() const { return failure_.has_value() && last_lsn_ > journal_.durable_lsn(); }
  bool is_without_room() const { return is_without_room_; }
  std::uint64_t times_without_room() const { return times_without_room_; }
  // Writes and syncs all that has come together, or as much as there is room for.
  void work() {
    if (!failure_) return;
    const std::vector<Batch> batches(backlog_.begin(), backlog_.end());
    const Status written = journal_.write(batches);
    const bool had_room = !std::exchange(
        is_without_room_, !written && written.error().code == Code::resource_exhausted);
    times_without_room_ += had_room && is_without_room_ ? 1 : 0;
    forget_written();
    failure_ = written || is_without_room_ ? journal_.sync() : written;
  }
  // A seal is left out where there is no room for it.
  void seal() {
    if (!failure_) return;
    const Status sealed = journal_.seal();
    if (!sealed && sealed.error().code != Code::resource_exhausted) failure_ = sealed;
  }
  // The next piece of upkeep that is due, if one is.
  void upkeep() {
    if (!failure_) return;
    if (const auto job = journal_.plan_upkeep())
      journal_.finish_upkeep(broker::journal::run_upkeep(disk_, *job));
  }
  // The first so many of the batches that wait, as far as a process came that is killed now.
  void write_some(std::size_t count) {
    if (!failure_) return;
    const auto most = static_cast<std::ptrdiff_t>(std::min(count, backlog_.size()));
    (void)journal_.write(std::vector<Batch>(backlog_.begin(), backlog_.begin() + most));
  }
  std::size_t batches_waiting() const { return backlog_.size(); }
  broker::journal::Journal& journal() { return journal_; }

 private:
  using Batch = broker::journal::Batch;

  void forget_written() {
    while (!backlog_.empty() && backlog_.front().last_lsn() <= journal_.last_lsn()) {
      backlog_bytes_ -= backlog_.front().body.size();
      backlog_.pop_front();
    }
  }

  Disk& disk_;
  const Options options_;
  broker::journal::Journal journal_;
  Status failure_;
  std::deque<Batch> backlog_;
  std::size_t backlog_bytes_ = 0;
  std::uint64_t last_lsn_ = 0;
  bool is_without_room_ = false;
  std::uint64_t times_without_room_ = 0;
};

}  // namespace framebus::testing
