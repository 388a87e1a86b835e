// The journal behind its threads: group commit, its bound, its errors. On the real disk and on the
// one that fails; waits for conditions, never for time.
#include "broker/store/journal/journal_store.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "libmsg/base/limits.h"
#include "tests/store/journal_rig.h"

using namespace framebus;
using namespace framebus::testing;

namespace {

class Folder {
 public:
  Folder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "framebus-store-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

// Counts on_progress and waits for what it brings.
class StoreProgress {
 public:
  std::function<void()> callback() {
    return [this] {
      const std::lock_guard lock(mutex_);
      ++count_;
      changed_.notify_all();
    };
  }
  template <class Condition>
  bool wait_for(Condition&& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::unique_lock lock(mutex_);
    while (!condition()) {
      if (changed_.wait_until(lock, std::min(deadline, std::chrono::steady_clock::now() +
                                                           std::chrono::milliseconds(20))) ==
              std::cv_status::timeout &&
          std::chrono::steady_clock::now() >= deadline)
        return false;
    }
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t count_ = 0;
};

JournalStoreOptions options_in(const std::filesystem::path& directory) {
  JournalStoreOptions options;
  options.journal = small_journal();
  options.journal.directory = directory;
  options.journal.segment_bytes = 64 * 1'024;
  options.space_retry_interval = milliseconds(5);
  options.space_check_interval = milliseconds(20);
  return options;
}

std::vector<Record> some_records(std::uint64_t count) {
  std::vector<Record> records;
  for (std::uint64_t i = 0; i < count; ++i) records.push_back(TaskStarted{{{1}, 0}, {1, i, {}}});
  return records;
}

}  // namespace

TEST_CASE("journal store: what is said to be durable is there after the next start") {
  const Folder folder;
  const auto disk = make_posix_disk();
  std::vector<Record> all;
  RecordStream stream(17);
  std::uint64_t durable = 0;
  {
    StoreProgress progress;
    const auto store =
        make_journal_store(*disk, options_in(folder.path / "journal"), progress.callback());
    REQUIRE(store->replay([](std::uint64_t, TimePoint, const Record&) { FAIL("empty"); }));
    for (int i = 0; i < 2'000; ++i) {
      std::vector<Record> records = stream.next_batch(6);
      all.insert(all.end(), records.begin(), records.end());
      REQUIRE(store->append(TimePoint(Duration(i)), std::move(records)));
    }
    CHECK(store->last_lsn() == all.size());
    CHECK(progress.wait_for([&] { return store->durable().value() == all.size(); }));
    durable = store->durable().value();
    const StoreStats stats = store->stats();
    CHECK(stats.records == all.size());
    CHECK(stats.backlog_bytes == 0);
    CHECK(stats.syncs < 2'000 + 100);  // batches shared their syncs, or at worst had one each
    REQUIRE(store->sync());
  }
  const auto store = make_journal_store(*disk, options_in(folder.path / "journal"), {});
  std::uint64_t replayed = 0;
  std::uint64_t last = 0;
  REQUIRE(store->replay([&](std::uint64_t lsn, TimePoint, const Record& record) {
    if (!(record == all.at(lsn - 1)) || lsn <= last) FAIL("another record at " << lsn);
    last = lsn;
    ++replayed;
  }));
  CHECK(durable == all.size());
  CHECK(store->last_lsn() == all.size());
  CHECK(replayed > 0);
}

TEST_CASE("journal store: the backlog is bounded, a refused batch stays with the caller") {
  FaultDisk disk(1);
  REQUIRE(disk.make_directory("/data"));
  StoreProgress progress;
  const auto store = make_journal_store(disk, options_in("/data/journal"), progress.callback());
  REQUIRE(store->replay({}));
  REQUIRE(store->sync());
  disk.set_capacity(disk.used_bytes());  // nothing larger than what is reserved gets out
  Bytes large(limits::journal_backlog_bytes_max + 1'000);
  // Larger than the bound, but alone: let through.
  REQUIRE(store->append({}, {UploadPart{submit_id(1), 1, 0, {large}}}));
  std::vector<Record> more = some_records(3);
  const Status refused = store->append({}, std::move(more));
  REQUIRE(!refused);
  CHECK(refused.error().code == Code::resource_exhausted);
  CHECK(more.size() == 3);
  CHECK(store->last_lsn() == 1);
  // The disk is full: told by stats() and by sync(), no error of durable().
  CHECK(progress.wait_for([&] { return store->stats().is_full; }));
  const Status synced = store->sync();
  REQUIRE(!synced);
  CHECK(synced.error().code == Code::resource_exhausted);
  CHECK(store->durable().value() == 0);
  // Room again: it goes on by itself.
  disk.set_capacity(UINT64_MAX);
  CHECK(progress.wait_for([&] { return store->durable().value() == 1; }));
  REQUIRE(store->append({}, std::move(more)));
  REQUIRE(store->sync());
  CHECK(store->durable().value() == 4);
}

TEST_CASE("journal store: what is more than a batch may hold goes into several, in order") {
  FaultDisk disk(5);
  REQUIRE(disk.make_directory("/data"));
  JournalStoreOptions options = options_in("/data/journal");
  options.batch_bytes_max = 2'000;
  std::vector<Record> all = some_records(100);
  all.insert(all.begin() + 50, UploadOpened{submit_id(1), "ann", a_spec(1)});
  all.insert(all.begin() + 51, UploadPart{submit_id(1), 1, 0, {Bytes(5'000)}});
  {
    const auto store = make_journal_store(disk, options, {});
    REQUIRE(store->replay({}));
    std::vector<Record> records = all;
    REQUIRE(store->append({}, std::move(records)));
    CHECK(store->last_lsn() == all.size());
    REQUIRE(store->sync());
    CHECK(store->durable().value() == all.size());
    CHECK(store->stats().backlog_bytes == 0);
  }
  const auto facts = journal::read_journal(disk, "/data/journal", nullptr);
  REQUIRE(facts);
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;
  for (const auto& segment : facts->segments) {
    batches += segment.batches;
    bytes += segment.record_bytes;
  }
  CHECK(bytes > 4 * options.batch_bytes_max);
  CHECK(batches > 4);
  const auto store = make_journal_store(disk, options, {});
  std::vector<Record> replayed;
  REQUIRE(store->replay([&](std::uint64_t lsn, TimePoint, const Record& record) {
    CHECK(lsn == replayed.size() + 1);
    replayed.push_back(record);
  }));
  CHECK(replayed == all);
}

TEST_CASE("batches: none is larger than asked for but one of a single record") {
  std::vector<Record> records = some_records(40);
  records.insert(records.begin() + 20, UploadPart{submit_id(1), 1, 0, {Bytes(3'000)}});
  for (const std::size_t bytes_max : {1u, 300u, 1'000u, 100'000u}) {
    CAPTURE(bytes_max);
    const auto batches = journal::make_batches(TimePoint(Duration(7)), 11, records, bytes_max);
    REQUIRE(batches);
    std::uint64_t next_lsn = 11;
    std::size_t weights = 0;
    for (const journal::Batch& batch : *batches) {
      CHECK(batch.first_lsn == next_lsn);
      CHECK(batch.count > 0);
      CHECK(batch.at_ns == 7);
      CHECK((batch.body.size() <= bytes_max + 7 || batch.count == 1));
      CHECK(batch.body.size() % 8 == 0);
      CHECK(batch.weights.size() == batch.count);
      weights += batch.weights.size();
      next_lsn = batch.last_lsn() + 1;
    }
    CHECK(weights == records.size());
    CHECK((batches->size() == 1) == (bytes_max == 100'000));
    CHECK((batches->size() == records.size()) == (bytes_max == 1));
  }
}

TEST_CASE("journal store: a failed sync is the answer to everything from then on") {
  FaultDisk disk(2);
  REQUIRE(disk.make_directory("/data"));
  StoreProgress progress;
  const auto store = make_journal_store(disk, options_in("/data/journal"), progress.callback());
  REQUIRE(store->replay({}));
  REQUIRE(store->append({}, some_records(2)));
  REQUIRE(store->sync());
  // Upkeep syncs files, too: the one that must fail is the next record's.
  CHECK(progress.wait_for([&] { return store->stats().reserved_bytes > 2 * 64 * 1'024; }));
  disk.fail_sync(1);
  REQUIRE(store->append({}, some_records(2)));
  CHECK(progress.wait_for([&] { return !store->durable().has_value(); }));
  const Error error = store->durable().error();
  CHECK(error.message.find("can not be synced") != std::string::npos);
  const Status appended = store->append({}, some_records(1));
  REQUIRE(!appended);
  CHECK(appended.error() == error);
  const Status synced = store->sync();
  REQUIRE(!synced);
  CHECK(synced.error() == error);
}

TEST_CASE("journal store: an idle journal seals itself") {
  FaultDisk disk(3);
  REQUIRE(disk.make_directory("/data"));
  StoreProgress progress;
  const auto store = make_journal_store(disk, options_in("/data/journal"), progress.callback());
  REQUIRE(store->replay({}));
  REQUIRE(store->append({}, some_records(2)));
  const auto is_sealed = [&] {
    const auto facts = journal::read_journal(disk, "/data/journal", nullptr);
    return facts && facts->last_lsn() == 2 && facts->is_sealed && facts->durable_upto == 2;
  };
  CHECK(progress.wait_for(is_sealed));
}

TEST_CASE("journal store: compaction runs beside the commits and loses nothing that counts") {
  FaultDisk disk(4);
  REQUIRE(disk.make_directory("/data"));
  StoreProgress progress;
  const auto store = make_journal_store(disk, options_in("/data/journal"), progress.callback());
  REQUIRE(store->replay({}));
  std::uint64_t job = 0;
  const auto has_compacted = [&] { return store->stats().compactions >= 2; };
  while (job < 200'000 && !has_compacted()) {
    for (int i = 0; i < 50; ++i) {
      ++job;
      std::vector<Record> records{JobAccepted{{job}, submit_id(job), "ann", a_spec(job), false},
                                  JobForgotten{{job}, submit_id(job), Bytes(16, 1), 3, true}};
      while (!store->append({}, std::move(records))) progress.wait_for([&] { return true; });
    }
    REQUIRE(store->sync());
  }
  CHECK(has_compacted());
  REQUIRE(store->sync());
  const auto again = journal::read_journal(disk, "/data/journal", nullptr);
  REQUIRE(again);
  CHECK(!again->is_damaged);
  CHECK(again->last_lsn() == 2 * job);
}
