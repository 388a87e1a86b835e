// SQLite's files on a Disk, so that an archive can be crashed as the journal is.
//
// What SQLite's own layer for Unix promises and nothing more: the name of a log is synced with its
// first sync, the name of the database never, overwritten bytes beside a torn write stay. One
// process and one connection at a time: locks are granted, the log's index lies in memory and is
// gone with its connection, as after a crash. Thread rule: one thread.
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <string>

#include "libmsg/disk/disk.h"
#include "tests/store/fault_disk.h"

namespace framebus::testing {

// What a program may get wrong; the crash tests must find each.
enum class SyncLapse : std::uint8_t {
  none,
  every_sync,  // as with PRAGMA synchronous = OFF
  log_sync,    // of the write-ahead log only: a commit is told too early, nothing is torn
};

class FaultVfs {
 public:
  // Registered with SQLite under name() as long as it lives; `disk` outlives it, and no connection
  // does.
  explicit FaultVfs(Disk& disk, SyncLapse lapse = SyncLapse::none);
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  const char* name() const { return name_.c_str(); }

  Status sync(DiskFile& file, bool is_log);
  Result<std::unique_ptr<DiskFile>> open(const char* path, int flags, bool& is_new);
  Disk& disk() { return disk_; }

 private:
  Disk& disk_;
  const SyncLapse lapse_;
  std::string name_;
  FaultDisk scratch_{1};  // files without a name: not durable anyway
  std::uint64_t next_scratch_ = 1;
  sqlite3_vfs vfs_{};
};

}  // namespace framebus::testing
