// Finished jobs in one SQLite file, for years: whole, so that they can come back, and as tables
// that people read with the `sqlite3` shell (docs/OPERATING.md, "The archive").
//
// A job comes in pieces, each its own transaction; it is seen from its last piece on, and until
// then the version before it, if there is one. A job that was put is therefore there whole or not
// at all, whenever the process dies. Nothing here knows a clock. Decision:
// docs/decisions/0091-archive.md. Thread rule: one thread. The file may be read by other processes
// at any time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "broker/core/image.h"
#include "libmsg/base/result.h"
#include "libmsg/disk/disk.h"

namespace framebus::broker {

inline constexpr std::int64_t archive_schema_version = 2;

// What becomes a row of its own besides the compressed whole.
struct ArchiveRows {
  std::uint32_t whole_job_tasks_max = 10'000;  // up to here every task of a job
  std::uint32_t tasks_max = 100'000;           // of a larger job: those worth a look, at most
};

// How the file is reached: as programs do, or, so that its disk can crash, through SQLite's name of
// a VFS and the disk behind it.
struct ArchiveDoor {
  const char* vfs = nullptr;
  Disk* disk = nullptr;
};

struct ArchivedPage {
  std::vector<JobSummary> jobs;   // newest (largest id) first
  std::uint32_t total = 0;        // in the archive
  std::uint32_t next_offset = 0;  // 0: this was the last page
};

struct ArchiveStats {
  std::uint64_t jobs = 0;
  std::uint64_t bytes = 0;  // of the file, without what is free in it
};

// What the journal must not give again though it may have lost it.
struct ArchiveHighest {
  JobId job;                 // of all that are here or coming; none: it is empty
  std::uint64_t record = 0;  // that any job which ever came here knows of; 0: none came
};

class JobArchive {
 public:
  // Makes the file (mode 0600) when it is missing, and adds what the version before did not have.
  // failed_precondition: it was written by another version, or by another program. data_loss: it is
  // damaged, or no database. unavailable: another process has locked it (with a time to try again),
  // or its disk fails (without one). Whatever is refused stays as it is.
  static Result<std::unique_ptr<JobArchive>> open(const std::filesystem::path& file,
                                                  const ArchiveRows& rows = {},
                                                  const ArchiveDoor& door = {});
  // For reading only, also beside a running broker: nothing is made, added or taken over into the
  // file, whichever version it has. not_found: there is no file; else as open().
  static Result<std::unique_ptr<JobArchive>> open_to_read(const std::filesystem::path& file);
  virtual ~JobArchive() = default;

  // Durable when it returns. Pieces of a job in order, the first with first_task 0; the first one
  // begins anew whatever came before, and a repeat of the piece before is fine. Any error leaves
  // the archive as it was: after one, begin again with the first piece. failed_precondition: a
  // piece is missing in between. resource_exhausted: the disk is full. unavailable: locked.
  virtual Status put(const JobImage& piece) = 0;
  // All pieces, equal to what was put. not_found; data_loss.
  virtual Result<std::vector<JobImage>> load(JobId job) = 0;
  // `limit` 0: as many as fit one message. `now_ms`: for the age of each, ms since 1970.
  virtual Result<ArchivedPage> list(std::uint32_t offset, std::uint32_t limit,
                                    std::int64_t now_ms) = 0;
  // Takes out of sight jobs that ended before `ended_before_ms`, then, oldest first, as many as
  // `bytes_max` asks for; at most `jobs_max` at once, none of `except`. Returns their ids.
  virtual Result<std::vector<JobId>> remove_old(std::int64_t ended_before_ms,
                                                std::uint64_t bytes_max, std::size_t jobs_max,
                                                std::span<const JobId> except) = 0;
  // Deletes rows of what is out of sight, a bounded number; true when there is more to do.
  virtual Result<bool> clean() = 0;
  // Those of `blobs` that no job in the archive names (input or result), order kept.
  virtual Result<std::vector<BlobHash>> unnamed(std::span<const BlobHash> blobs) = 0;
  virtual Result<ArchiveStats> stats() = 0;
  virtual Result<ArchiveHighest> highest() = 0;
};

// Writes one job into a new archive at `file`, with a row for every task of it: what `sqlite3`
// shows of a job of a million tasks otherwise stays compressed. already_exists: `file` is there.
Status export_job(JobArchive& from, JobId job, const std::filesystem::path& file);

}  // namespace framebus::broker
