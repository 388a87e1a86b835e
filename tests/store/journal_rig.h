// A journal over a FaultDisk with small segments, and a memory of what went in.
//
// Thread rule: one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/store/journal/journal.h"
#include "tests/store/example_records.h"
#include "tests/store/fault_disk.h"

namespace framebus::testing {

struct Stored {
  std::uint64_t lsn = 0;
  std::int64_t at_ns = 0;
  Record record;
  bool operator==(const Stored&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Stored& stored) {
  return out << stored.lsn << " of kind " << stored.record.index() + 1;
}

inline journal::JournalOptions small_journal() {
  journal::JournalOptions options;
  options.directory = "/data/journal";
  options.segment_bytes = 4'096;
  options.free_bytes_min = 0;
  options.compact_dead_bytes_min = 8'192;
  options.salt = 99;
  return options;
}

struct Rig {
  explicit Rig(FaultDisk& disk_given) : disk(disk_given) {
    (void)disk.make_directory("/data");
    (void)disk.sync_directory("/");
  }

  // Anew: recovery into `replayed`.
  Status open() {
    replayed.clear();
    journal = std::make_unique<journal::Journal>(disk, options);
    return journal->replay([&](std::uint64_t lsn, TimePoint at, const Record& record) {
      replayed.push_back({lsn, at.time_since_epoch().count(), record});
    });
  }
  Status append_records(const std::vector<Record>& records, std::int64_t at_ns) {
    at_ns = last_at_ns = std::max(last_at_ns, at_ns);
    const std::uint64_t first = journal->last_lsn() + 1;
    FRAMEBUS_TRY(journal->append(TimePoint(Duration(at_ns)), records));
    for (std::size_t i = 0; i < records.size(); ++i)
      appended.push_back({first + i, at_ns, records[i]});
    return {};
  }
  // `count` records in one batch.
  Status append(std::size_t count, std::int64_t at_ns) {
    std::vector<Record> records;
    for (std::size_t i = 0; i < count; ++i) {
      records.push_back(TaskStarted{{{1}, static_cast<std::uint32_t>(i)}, {1, ++token, {}}});
    }
    return append_records(records, at_ns);
  }
  // Everything that is due.
  void run_upkeep() {
    while (const auto job = journal->plan_upkeep()) {
      journal->finish_upkeep(journal::run_upkeep(disk, *job));
    }
  }
  std::string path_of(const std::string& name) const { return (options.directory / name).string(); }
  std::vector<std::string> files(const std::string& prefix) const {
    std::vector<std::string> found;
    for (const std::string& path : disk.paths()) {
      if (path.starts_with(path_of(prefix))) found.push_back(path);
    }
    return found;
  }
  std::size_t segment_count() const { return files("segment-").size(); }

  FaultDisk& disk;
  journal::JournalOptions options = small_journal();
  std::unique_ptr<journal::Journal> journal;
  std::vector<Stored> appended;
  std::vector<Stored> replayed;
  std::int64_t last_at_ns = 0;
  std::uint64_t token = 0;
};

}  // namespace framebus::testing
