// Measures the journal on the disk of a given folder: syncs a second, records a second through
// group commit, replay, compaction, and the checksum.
//
//   framebus-bench-journal DIR [RECORDS]      one line of JSON for each figure; DIR must exist
//
// Writes into DIR/bench-journal and removes it at the end. The records are what one small task
// brings: granted, started, ended with 100 bytes of result.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "broker/store/journal/crc32c.h"
#include "broker/store/journal/journal_store.h"

using namespace framebus;
using namespace framebus::broker;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void print(const char* name, double value, const char* unit) {
  std::printf("{\"bench\": \"journal\", \"name\": \"%s\", \"value\": %.4g, \"unit\": \"%s\"}\n",
              name, value, unit);
  std::fflush(stdout);
}

std::vector<Record> task_records(std::uint64_t number) {
  const TaskRef task{{1 + number / 1'000}, static_cast<std::uint32_t>(number % 1'000)};
  const Token token{1, number + 1, {}};
  TaskEnded ended;
  ended.task = task;
  ended.token = token;
  ended.row = 11;
  ended.state = TaskState::succeeded;
  ended.result = Bytes(100, static_cast<std::uint8_t>(number));
  return {TaskGranted{task, token, {}, "node1", false}, TaskStarted{task, token}, ended};
}

// Calls on the store wait here when its backlog is full.
struct Progress {
  std::mutex mutex;
  std::condition_variable changed;
  void notify() { changed.notify_all(); }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::milliseconds(1));
  }
};

int fail_with(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 1;
}

Status append_and_wait(Store& store, Progress& progress, std::uint64_t number) {
  for (std::vector<Record> records = task_records(number);;) {
    const Status appended = store.append(TimePoint(Duration(1)), std::move(records));
    if (appended || appended.error().code != Code::resource_exhausted) return appended;
    progress.wait();
  }
}

Status measure_one_by_one(Disk& disk, const std::filesystem::path& directory) {
  journal::JournalOptions options;
  options.directory = directory / "single";
  options.free_bytes_min = 0;
  journal::Journal journal(disk, options);
  FRAMEBUS_TRY(journal.replay({}));
  constexpr int count = 2'000;
  const auto begin = Clock::now();
  for (int i = 0; i < count; ++i) {
    FRAMEBUS_TRY(journal.append(TimePoint(Duration(1)), task_records(0)));
    FRAMEBUS_TRY(journal.sync());
  }
  print("append and sync one batch after the other", count / seconds_since(begin), "batches/s");
  return {};
}

Status measure_group_commit(Disk& disk, const std::filesystem::path& directory,
                            std::uint64_t records) {
  Progress progress;
  JournalStoreOptions options;
  options.journal.directory = directory / "journal";
  const auto store = make_journal_store(disk, options, [&] { progress.notify(); });
  FRAMEBUS_TRY(store->replay({}));
  const auto begin = Clock::now();
  for (std::uint64_t i = 0; i < records / 3; ++i) {
    FRAMEBUS_TRY(append_and_wait(*store, progress, i));
  }
  FRAMEBUS_TRY(store->sync());
  const double taken_s = seconds_since(begin);
  const StoreStats stats = store->stats();
  print("group commit, a batch of 3 records each", static_cast<double>(stats.records) / taken_s,
        "records/s");
  print("group commit", static_cast<double>(stats.bytes) / taken_s / 1e6, "MB/s");
  print("group commit: syncs", static_cast<double>(stats.syncs) / taken_s, "syncs/s");
  print("group commit: slowest sync", static_cast<double>(stats.sync_us_max) / 1e3, "ms");
  return {};
}

Status measure_replay(Disk& disk, const std::filesystem::path& directory) {
  journal::JournalOptions options;
  options.directory = directory / "journal";
  journal::Journal journal(disk, options);
  std::uint64_t count = 0;
  const auto begin = Clock::now();
  FRAMEBUS_TRY(journal.replay([&](std::uint64_t, TimePoint, const Record&) { ++count; }));
  const double taken_s = seconds_since(begin);
  print("replay: records", static_cast<double>(count), "records");
  print("replay: time", taken_s, "s");
  print("replay", static_cast<double>(journal.stats().disk_bytes) / taken_s / 1e6, "MB/s");
  FRAMEBUS_TRY(journal.request_compaction());
  const auto job = journal.plan_upkeep();
  const auto compaction_began = Clock::now();
  if (job) journal.finish_upkeep(run_upkeep(disk, *job));
  print("compaction that keeps everything", seconds_since(compaction_began), "s");
  return {};
}

void measure_checksum() {
  const Bytes bytes(64 * 1'024, 7);
  constexpr int rounds = 50'000;
  std::uint32_t crc = 0;
  auto begin = Clock::now();
  for (int i = 0; i < rounds; ++i) crc = journal::crc32c(bytes, crc);
  print("crc32c", static_cast<double>(bytes.size()) * rounds / seconds_since(begin) / 1e9, "GB/s");
  begin = Clock::now();
  for (int i = 0; i < rounds / 10; ++i) crc = journal::crc32c_by_table(bytes, crc);
  print("crc32c by table",
        static_cast<double>(bytes.size()) * rounds / 10 / seconds_since(begin) / 1e9, "GB/s");
  if (crc == 1) std::printf(" ");  // the sums are used
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "framebus-bench-journal DIR [RECORDS]\n");
    return 2;
  }
  const std::filesystem::path directory = std::filesystem::path(argv[1]) / "bench-journal";
  const std::uint64_t records = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
  std::error_code ignored;
  std::filesystem::create_directories(directory, ignored);
  const auto disk = make_posix_disk();
  measure_checksum();
  Status measured = measure_one_by_one(*disk, directory);
  if (measured) measured = measure_group_commit(*disk, directory, records);
  if (measured) measured = measure_replay(*disk, directory);
  std::filesystem::remove_all(directory, ignored);
  return measured ? 0 : fail_with(measured.error());
}
