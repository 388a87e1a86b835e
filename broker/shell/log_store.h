// The logs of attempts as plain files that a person can read with `less`:
//
//   DIR/<job>/<index>.<epoch>-<grant>.log            from byte 0 on, at most the head half
//   DIR/<job>/<index>.<epoch>-<grant>.parts/<offset>.log   what does not follow it: behind a gap,
//   or
//                                                    the tail half, in pieces of which old ones go
//   DIR/<job>/<index>.<epoch>-<grant>.parts/dropped  how far a log went whose end was dropped,
//                                                    because the disk's reserve is for results
//   DIR/<job>.<n>.gone                               being removed, a little at a time
//
// No fsync, no promise: a log that can not be written is dropped and counted, never the broker.
// What was dropped is a gap to every reader, never an end that looks like one. Names are made from
// numbers only. Thread rule: one thread (that of LogKeeper).
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include "broker/core/action.h"
#include "libmsg/base/limits.h"
#include "libmsg/base/result.h"
#include "libmsg/blob/posix_file.h"

namespace framebus::broker {

struct LogStoreOptions {
  std::filesystem::path directory;
  std::uint64_t bytes_max =
      20 * limits::GiB;  // all logs, in whole blocks; the oldest job's go first
  std::uint64_t attempt_bytes_max = limits::attempt_log_bytes_max;
  std::size_t open_files_max = 256;
  // Nothing is appended that would leave less on the disk: results and the journal need it more.
  std::uint64_t kept_free_bytes = 0;
  // Of the disk, now; none: not known, and nothing is dropped for it. Empty: the disk is asked.
  std::function<std::optional<std::uint64_t>()> free_bytes = {};
};

struct LogCounters {
  std::uint64_t appended_bytes = 0;
  std::uint64_t dropped_chunks = 0;             // disk full, queue full or any other error
  std::uint64_t dropped_for_reserve_bytes = 0;  // of those, what the disk's reserve did not allow
  std::uint64_t refused_for_queue = 0;          // chunks and reads: too much waited already
  std::uint64_t jobs_removed = 0;               // to keep the total bound
  std::uint64_t bytes = 0;                      // on disk now, in whole blocks
};

// One attempt's log.
struct LogName {
  TaskRef task;
  std::uint64_t epoch = 0;
  std::uint64_t grant = 0;
  auto operator<=>(const LogName&) const = default;
};

class LogStore {
 public:
  struct Piece {
    std::uint64_t offset = 0;  // of the first byte; larger than asked for when some were given up
    Bytes bytes;
    std::uint64_t size = 0;  // of the log so far, with what was given up or dropped
  };

  // Makes the directory when needed.
  static Result<LogStore> open(LogStoreOptions options);
  // Once, before the first append: how much is there already. A stat for each file; what can not be
  // read is not counted.
  void add_up();

  // Bytes before the end of what is there are taken for a repeat; an offset behind it leaves a gap.
  Status append(const LogName& name, std::uint64_t offset, BytesView bytes);
  // At most `bytes_max` from `offset`; nothing there is an empty piece.
  Result<Piece> read(const LogName& name, std::uint64_t offset, std::size_t bytes_max);
  // Out of sight at once; clean() frees the space.
  Status remove(JobId job);
  // Deletes a bounded number of files of removed jobs; true when there is more to do.
  bool clean();
  const LogCounters& counters() const { return counters_; }

 private:
  struct Segment {
    std::uint64_t begin = 0;
    std::uint64_t bytes = 0;
    std::uint64_t end() const { return begin + bytes; }
  };
  struct OpenLog {
    LogName name;
    std::vector<Segment> segments;  // ascending
    FileDescriptor file;            // of the last segment, when it is open for writing
    std::uint64_t dropped_end = 0;  // as far as dropped bytes went; 0: none were
    std::uint64_t size() const {
      return std::max(dropped_end, segments.empty() ? 0 : segments.back().end());
    }
  };
  using OpenLogs = std::list<OpenLog>;  // most recently used first

  explicit LogStore(LogStoreOptions options);
  OpenLog& find(const LogName& name);
  std::vector<Segment> segments_on_disk(const LogName& name) const;
  void forget(const LogName& name);
  std::filesystem::path job_path(JobId job) const;
  std::filesystem::path parts_path(const LogName& name) const;
  std::filesystem::path segment_path(const LogName& name, std::uint64_t begin) const;
  std::uint64_t half() const { return options_.attempt_bytes_max / 2; }
  std::uint64_t room_at(const OpenLog& log, std::uint64_t offset) const;
  Status append_some(OpenLog& log, std::uint64_t offset, BytesView bytes);
  Status begin_segment(OpenLog& log, std::uint64_t offset);
  void give_up_middle(OpenLog& log);
  void remove_segment(OpenLog& log, std::size_t index);
  Status make_room(JobId writing);
  Status keep_reserve(const LogName& name, std::uint64_t offset, BytesView bytes);
  void mark_dropped(OpenLog& log, std::uint64_t end);
  std::uint64_t dropped_end_on_disk(const LogName& name) const;
  void account(JobId job, std::uint64_t bytes_before, std::uint64_t bytes_after);

  LogStoreOptions options_;
  OpenLogs open_;
  std::map<LogName, OpenLogs::iterator> by_name_;
  std::map<JobId, std::uint64_t> bytes_of_job_;  // in whole blocks
  std::vector<std::filesystem::path> gone_;
  std::uint64_t next_gone_ = 1;
  LogCounters counters_;
};

}  // namespace framebus::broker
