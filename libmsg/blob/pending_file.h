// A blob's file before it has its name: DIR/tmp/PID-N, held while it is written.
//
// Holding it tells a file that somebody writes from one that a dead process left behind, so that
// leftovers are removed when a store is opened and nothing else is. Thread rule: one thread at a
// time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>

#include "libmsg/base/bytes.h"
#include "libmsg/base/ids.h"
#include "libmsg/base/result.h"
#include "libmsg/disk/disk.h"

namespace framebus {

// Where a blob of this name lies in a store: DIR/ab/abcdef...
std::filesystem::path blob_path(const std::filesystem::path& store_directory, const BlobHash& hash);

// What the users of one store must agree on: a name that was just given may not be durable yet, and
// none may be taken away while somebody is told that it is there. Thread rule: under the mutex.
struct BlobNames {
  std::mutex mutex;
  std::set<BlobHash> unsynced;  // named, and the directory is not synced
};

// What a store says of its disk: an I/O error may pass, so whoever asked should try again.
template <class Outcome>
Outcome may_pass(Outcome outcome) {
  if (!outcome && outcome.error().code == Code::internal) outcome.error().code = Code::unavailable;
  return outcome;
}

class PendingFile {
 public:
  // Shares the disk with the store, which may be gone before the file is.
  static Result<PendingFile> create(std::shared_ptr<Disk> disk,
                                    const std::filesystem::path& store_directory);
  ~PendingFile();  // removes the file unless it was published
  PendingFile(PendingFile&& other) noexcept = default;
  PendingFile& operator=(PendingFile&&) = delete;

  Status write(std::uint64_t offset, BytesView bytes);
  Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) const;
  // Syncs the file, gives it its name, syncs the directory. A blob of that name that exists already
  // is replaced: it has the same bytes.
  Status publish(const BlobHash& hash, BlobNames& names, bool sync);

 private:
  PendingFile(std::shared_ptr<Disk> disk, std::filesystem::path store_directory,
              std::filesystem::path path, std::unique_ptr<DiskFile> file);
  Status sync_names(const std::filesystem::path& target, bool is_new);

  std::shared_ptr<Disk> disk_;
  std::filesystem::path store_directory_;
  std::filesystem::path path_;
  std::unique_ptr<DiskFile> file_;  // none: published
  std::uint64_t unsent_begin_ = 0;  // writeback has been started for everything before
};

// Removes the files that dead processes left in DIR/tmp. Errors are not reported: they cost space
// only.
void remove_abandoned_files(Disk& disk, const std::filesystem::path& store_directory);

}  // namespace framebus
