// See journal_store.h.
//
// One mutex guards what the caller and the two threads share (queue, numbers, stats); the Journal
// itself is touched by the commit thread alone once replay() is over.
#include "broker/store/journal/journal_store.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <thread>

#include "libmsg/base/check.h"
#include "libmsg/base/limits.h"

namespace framebus::broker {
namespace {

using Clock = std::chrono::steady_clock;
using journal::Batch;
using journal::Journal;
using journal::UpkeepJob;
using journal::UpkeepResult;

class JournalStore final : public Store {
 public:
  JournalStore(Disk& disk, JournalStoreOptions options, std::function<void()> on_progress)
      : disk_(disk),
        options_(std::move(options)),
        on_progress_(std::move(on_progress)),
        journal_(disk, options_.journal) {}

  ~JournalStore() override {
    stop_upkeep_ = true;
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    work_changed_.notify_all();
    upkeep_changed_.notify_all();
    if (committer_.joinable()) committer_.join();
    if (upkeeper_.joinable()) upkeeper_.join();
  }

  Status replay(const RecordSink& sink) override;
  std::uint64_t last_lsn() const override { return appended_lsn_; }
  Status append(TimePoint at, std::vector<Record>&& records) override;
  Result<std::uint64_t> durable() override;
  Status sync() override;
  StoreStats stats() const override;

 private:
  void commit_loop();
  void upkeep_loop();
  // Takes everything that waits; empty when nothing does.
  std::vector<Batch> take_waiting(std::unique_lock<std::mutex>& lock);
  void commit(std::vector<Batch> batches);
  Status write_out(std::vector<Batch>& batches);
  void seal_when_idle(Clock::time_point idle_since);
  void exchange_upkeep();
  void publish(Status status, Duration sync_time);

  Disk& disk_;
  JournalStoreOptions options_;
  std::function<void()> on_progress_;
  Journal journal_;  // replay(): the caller's thread; afterwards: the commit thread's

  // The caller's thread only.
  std::uint64_t appended_lsn_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable work_changed_;    // for the commit thread
  std::condition_variable commit_changed_;  // for sync()
  std::condition_variable upkeep_changed_;  // for the upkeep thread
  std::deque<Batch> waiting_;
  std::uint64_t backlog_bytes_ = 0;
  std::uint64_t durable_lsn_ = 0;
  Status failure_;
  bool is_sealed_ = true;
  bool seal_is_wanted_ = false;
  bool is_without_room_ = false;
  bool is_stopping_ = false;
  StoreStats stats_;
  std::optional<UpkeepJob> upkeep_job_;
  std::optional<UpkeepResult> upkeep_result_;
  std::atomic<bool> stop_upkeep_ = false;

  // The commit thread only.
  Clock::time_point next_space_check_{};

  std::thread committer_;
  std::thread upkeeper_;
};

Status JournalStore::replay(const RecordSink& sink) {
  FRAMEBUS_TRY(journal_.replay(sink));
  appended_lsn_ = journal_.last_lsn();
  durable_lsn_ = appended_lsn_;
  is_sealed_ = journal_.is_sealed();
  stats_ = journal_.stats();
  committer_ = std::thread([this] { commit_loop(); });
  upkeeper_ = std::thread([this] { upkeep_loop(); });
  return {};
}

Status JournalStore::append(TimePoint at, std::vector<Record>&& records) {
  FRAMEBUS_CHECK(committer_.joinable(), "a store is appended to before it was replayed");
  if (records.empty()) return {};
  FRAMEBUS_ASSIGN(
      std::vector<Batch> batches,
      journal::make_batches(at, appended_lsn_ + 1, records, options_.batch_bytes_max));
  std::uint64_t bytes = 0;
  for (const Batch& batch : batches) bytes += batch.body.size();
  {
    const std::lock_guard lock(mutex_);
    if (!failure_) return failure_;
    // What is larger than the bound itself gets its turn when nothing else waits.
    if (backlog_bytes_ > 0 && backlog_bytes_ + bytes > options_.backlog_bytes_max) {
      return fail(Code::resource_exhausted,
                  std::to_string(backlog_bytes_) + " bytes wait for the disk; at most " +
                      std::to_string(options_.backlog_bytes_max) + " may");
    }
    appended_lsn_ = batches.back().last_lsn();
    backlog_bytes_ += bytes;
    for (Batch& batch : batches) waiting_.push_back(std::move(batch));
  }
  records.clear();
  work_changed_.notify_one();
  return {};
}

Result<std::uint64_t> JournalStore::durable() {
  const std::lock_guard lock(mutex_);
  if (!failure_) return fail(failure_.error());
  return durable_lsn_;
}

Status JournalStore::sync() {
  if (!committer_.joinable()) return {};
  std::unique_lock lock(mutex_);
  seal_is_wanted_ = true;
  work_changed_.notify_one();
  commit_changed_.wait(lock, [&] {
    return !failure_ || is_without_room_ || (durable_lsn_ == appended_lsn_ && is_sealed_);
  });
  if (!failure_) return failure_;
  if (durable_lsn_ == appended_lsn_ && is_sealed_) return {};
  return fail(Code::resource_exhausted, "the journal's disk is full; " +
                                            std::to_string(appended_lsn_ - durable_lsn_) +
                                            " records wait for room");
}

StoreStats JournalStore::stats() const {
  const std::lock_guard lock(mutex_);
  StoreStats stats = stats_;
  stats.backlog_bytes = backlog_bytes_;
  stats.is_full = stats.is_full || is_without_room_;
  return stats;
}

std::vector<Batch> JournalStore::take_waiting(std::unique_lock<std::mutex>& lock) {
  const auto wait =
      std::min<Duration>(is_sealed_ ? options_.space_check_interval : options_.seal_after,
                         options_.space_check_interval);
  work_changed_.wait_for(lock, wait, [&] {
    return is_stopping_ || !waiting_.empty() || seal_is_wanted_ || upkeep_result_.has_value();
  });
  std::vector<Batch> batches(std::make_move_iterator(waiting_.begin()),
                             std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  return batches;
}

void JournalStore::commit_loop() {
  auto idle_since = Clock::now();
  for (;;) {
    std::vector<Batch> batches;
    bool is_last_round = false;
    bool seal_now = false;
    {
      std::unique_lock lock(mutex_);
      batches = take_waiting(lock);
      is_last_round = is_stopping_;
      seal_now = seal_is_wanted_ || is_stopping_;
      seal_is_wanted_ = false;
    }
    if (!batches.empty()) {
      commit(std::move(batches));
      idle_since = Clock::now();
    }
    seal_when_idle(seal_now ? Clock::time_point{} : idle_since);
    exchange_upkeep();
    if (is_last_round) return;
  }
}

// Writes all of it, or as much as there was room for; what is in is taken out of `batches`.
Status JournalStore::write_out(std::vector<Batch>& batches) {
  const Status written = journal_.write(batches);
  std::erase_if(batches,
                [&](const Batch& batch) { return batch.last_lsn() <= journal_.last_lsn(); });
  return written;
}

void JournalStore::commit(std::vector<Batch> batches) {
  while (!batches.empty()) {
    std::uint64_t bytes = 0;
    for (const Batch& batch : batches) bytes += batch.body.size();
    const Status written = write_out(batches);
    const bool is_final = !written && written.error().code != Code::resource_exhausted;
    const auto begin = Clock::now();
    const Status synced = is_final ? written : journal_.sync();
    const Duration sync_time = Clock::now() - begin;
    for (const Batch& batch : batches) bytes -= batch.body.size();
    {
      const std::lock_guard lock(mutex_);
      backlog_bytes_ -= bytes;
      is_without_room_ = !written && !is_final;
    }
    publish(synced, sync_time);
    if (!synced) return;
    if (batches.empty()) return;
    exchange_upkeep();
    std::unique_lock lock(mutex_);
    // No room: nothing of it was acknowledged, so it can wait until there is some.
    work_changed_.wait_for(lock, options_.space_retry_interval, [&] { return is_stopping_; });
    if (is_stopping_) return;
  }
}

void JournalStore::publish(Status status, Duration sync_time) {
  {
    const std::lock_guard lock(mutex_);
    const auto sync_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(sync_time).count());
    const std::uint64_t slowest = std::max(stats_.sync_us_max, sync_us);
    const std::uint64_t total = stats_.sync_us_total + sync_us;
    stats_ = journal_.stats();
    stats_.sync_us_max = slowest;
    stats_.sync_us_total = total;
    if (status) {
      durable_lsn_ = journal_.durable_lsn();
      is_sealed_ = journal_.is_sealed();
    } else if (failure_) {
      failure_ = status;
    }
  }
  commit_changed_.notify_all();
  if (on_progress_) on_progress_();
}

void JournalStore::seal_when_idle(Clock::time_point idle_since) {
  {
    const std::lock_guard lock(mutex_);
    if (is_sealed_ || !failure_) return;
  }
  if (Clock::now() - idle_since < options_.seal_after) return;
  const Status sealed = journal_.seal();
  const bool has_no_room = !sealed && sealed.error().code == Code::resource_exhausted;
  {
    const std::lock_guard lock(mutex_);
    // A seal only helps to tell damage from a torn tail: a journal without room goes without.
    is_sealed_ = static_cast<bool>(sealed) || has_no_room;
    if (!sealed && !has_no_room && failure_) failure_ = sealed;
  }
  commit_changed_.notify_all();
  if (!sealed && !has_no_room && on_progress_) on_progress_();
}

// Hands results of the upkeep thread to the journal, and the next job to that thread.
void JournalStore::exchange_upkeep() {
  std::optional<UpkeepResult> result;
  {
    const std::lock_guard lock(mutex_);
    result.swap(upkeep_result_);
  }
  if (result) journal_.finish_upkeep(*result);
  const auto now = Clock::now();
  if (now >= next_space_check_) {
    journal_.look_at_space();
    next_space_check_ = now + options_.space_check_interval;
  }
  std::optional<UpkeepJob> job = journal_.plan_upkeep();
  {
    const std::lock_guard lock(mutex_);
    const StoreStats before = stats_;
    stats_ = journal_.stats();
    stats_.sync_us_max = before.sync_us_max;
    stats_.sync_us_total = before.sync_us_total;
    if (!job) return;
    upkeep_job_ = std::move(job);
  }
  upkeep_changed_.notify_one();
}

void JournalStore::upkeep_loop() {
  for (;;) {
    std::optional<UpkeepJob> job;
    {
      std::unique_lock lock(mutex_);
      upkeep_changed_.wait(lock, [&] { return is_stopping_ || upkeep_job_.has_value(); });
      if (is_stopping_) return;
      job.swap(upkeep_job_);
    }
    UpkeepResult result = run_upkeep(disk_, *job, &stop_upkeep_);
    {
      const std::lock_guard lock(mutex_);
      upkeep_result_ = std::move(result);
    }
    work_changed_.notify_one();
  }
}

}  // namespace

std::unique_ptr<Store> make_journal_store(Disk& disk, JournalStoreOptions options,
                                          std::function<void()> on_progress) {
  if (options.journal.salt == 0) {
    std::random_device device;
    options.journal.salt = std::uint64_t{device()} << 32 | device() | 1;
  }
  return std::make_unique<JournalStore>(disk, std::move(options), std::move(on_progress));
}

}  // namespace framebus::broker
