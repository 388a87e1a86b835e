// Writes a snapshot: records with gaps in their numbers, under a temporary name until it is whole.
//
// Nobody sees it before finish(), which syncs the file, gives it its name and syncs the directory.
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "broker/store/journal/batch_reader.h"
#include "broker/store/journal/upkeep.h"

namespace framebus::broker::journal {

class SnapshotWriter {
 public:
  // `upto_lsn`: what it stands for; `next_segment`, `chain`: what follows it.
  static Result<SnapshotWriter> create(Disk& disk, const std::filesystem::path& directory,
                                       std::uint64_t upto_lsn, std::uint64_t next_segment,
                                       std::uint64_t stamp);
  SnapshotWriter(SnapshotWriter&&) = default;
  ~SnapshotWriter();  // removes the temporary file unless finished

  // In the order of their lsns; `chain` of the journal is only known at the end.
  Status add(const RawRecord& record);
  Result<SealedFile> finish(std::uint64_t chain);

 private:
  SnapshotWriter(Disk& disk, std::filesystem::path directory, FileHeader header);
  std::filesystem::path temporary_path() const;
  // Ends the batch that is being filled.
  void end_batch();
  Status flush();

  Disk* disk_;
  std::filesystem::path directory_;
  FileHeader file_header_;
  std::unique_ptr<DiskFile> file_;
  std::uint64_t offset_ = file_header_bytes;  // of `out_`
  std::uint64_t unsynced_bytes_ = 0;
  Bytes out_;   // whole batches
  Bytes body_;  // of the batch that is being filled
  BatchHeader batch_;
  std::uint64_t previous_ = 0;
  std::int64_t last_at_ns_ = INT64_MIN;
};

}  // namespace framebus::broker::journal
