// The JobArchive of archive.h on SQLite: what its parts share. Private to this folder.
//
// archive_file.cpp opens and puts, archive_read.cpp loads, lists and looks blobs up,
// archive_removal.cpp takes away. Thread rule: that of JobArchive.
#pragma once

#include <filesystem>
#include <optional>

#include "broker/store/archive/archive.h"
#include "broker/store/archive/sqlite.h"
#include "libmsg/base/limits.h"

namespace framebus::broker {

inline constexpr std::size_t archive_piece_bytes_max = 1 * limits::GiB;

// The index after the last task of a piece.
std::uint32_t end_of(const JobImage& piece);

// For a person: which file, and what to do about it.
Error with_remedy(Error error, const std::filesystem::path& file);

class ArchiveFile final : public JobArchive {
 public:
  ArchiveFile(sqlite::Database database, const ArchiveRows& rows, std::filesystem::path file)
      : database_(std::move(database)), rows_(rows), file_(std::move(file)) {}

  Status put(const JobImage& piece) override;
  Result<std::vector<JobImage>> load(JobId job) override;
  Result<ArchivedPage> list(std::uint32_t offset, std::uint32_t limit,
                            std::int64_t now_ms) override;
  Result<std::vector<JobId>> remove_old(std::int64_t ended_before_ms, std::uint64_t bytes_max,
                                        std::size_t jobs_max,
                                        std::span<const JobId> except) override;
  Result<bool> clean() override;
  Result<std::vector<BlobHash>> unnamed(std::span<const BlobHash> blobs) override;
  Result<ArchiveStats> stats() override;
  Result<ArchiveHighest> highest() override;

 private:
  struct Incoming {
    std::int64_t version = 0;
    std::uint32_t next_task = 0;
    std::int64_t row_count = 0;
    std::uint32_t task_count = 0;
  };

  struct Added {
    std::int64_t rows = 0;            // of tasks
    std::int64_t tasks_left_out = 0;  // without a row
  };

  Result<Incoming> begin_version(const JobImage& first);
  Result<std::optional<Incoming>> find_incoming(JobId job);
  Result<bool> is_repeat(const JobImage& piece, BytesView image);
  Status add_piece(const Incoming& version, const JobImage& piece, BytesView image);
  Result<Added> add_rows(const Incoming& version, const JobImage& piece);
  Status note_record(std::uint64_t lsn);
  Status publish(const Incoming& version, JobId job);
  Result<std::vector<std::uint32_t>> first_tasks_of_steps(std::int64_t version);
  Result<std::int64_t> delete_rows(std::int64_t version);
  Result<std::uint64_t> live_bytes();
  Result<ArchiveHighest> read_highest();

  sqlite::Database database_;
  ArchiveRows rows_;
  std::filesystem::path file_;
};

}  // namespace framebus::broker
